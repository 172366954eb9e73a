"""`swarm calibrate`: thresholds from outcomes, with a guarantee, or why there can be none."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console

if TYPE_CHECKING:
    from swarm._cli.calibrated import Calibrated
    from swarm._cli.calibrating import Evidence
    from swarm._cli.rewriting import Change
    from swarm.confidence.foresight import Foresight
    from swarm.confidence.resplit import ResplitReport

__all__ = ["calibrate"]

File = click.Path(path_type=Path, dir_okay=False)
MOST_FORESEEN = (
    50_000  # inputs that --foresight learns from: 22 s and 1.1 GB; 200,000 took 73 s and 2.7 GB (2026-11-22)
)
SOURCES = {"data": "--data", "outcomes": "--outcomes", "from_runs": "--from-runs"}


@click.command(short_help="Choose thresholds from outcomes, with a guarantee.")
@click.argument("subject", metavar="[EXPERT|GRAPH:EXPERT]", required=False)
@click.option("--data", type=File, metavar="FILE.jsonl", help="Ask every rung about these cases first.")
@click.option("--outcomes", type=File, metavar="FILE", help="Outcomes that were recorded.")
@click.option("--from-runs", is_flag=True, help="What was logged of runs (`learn: true`).")
@click.option(
    "--map", "maps", multiple=True, metavar="PART=COLUMN", help="With --data: where `input` or `expected` is."
)
@click.option(
    "--target-error", type=float, metavar="X", help="The largest share of wrong answers, such as 0.05."
)
@click.option(
    "--with-confidence", type=float, metavar="P", help="How surely it holds, such as 0.9; else on average."
)
@click.option("--loss", type=click.Choice(["wrong", "regret"]), default="wrong", show_default=True,
              help="What counts: any wrong answer, or one that the next rung would have got right.")  # fmt: skip
@click.option("--of", type=click.Choice(["accepted", "all"]), default="accepted", show_default=True,
              help="The share is one of the accepted answers, or of all rows.")  # fmt: skip
@click.option("--groups", is_flag=True, help="A threshold for each label that has outcomes enough.")
@click.option(
    "--foresight", is_flag=True, help="Learn from the inputs, too: which of them each model gets right."
)
@click.option(
    "--resplit",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Say how often the target is missed over N random splits.",
)
@click.option(
    "--write", is_flag=True, help="Save the policy beside the expert, and change its `confidence:`."
)
@click.option("--policy-out", type=File, metavar="FILE", help="Save the policy as JSON.")
@click.option("--report", type=File, metavar="FILE", help="Write a report, one HTML file.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def calibrate(subject: str | None, as_json: bool, **options: Any) -> None:
    """\b
    swarm calibrate support.swarm.yaml:triage --data cases.jsonl --target-error 0.05 --with-confidence 0.9

    Chooses from outcomes which models are asked and from when on they are believed, so that at most the
    target of the accepted answers is wrong: on average, or with the confidence asked for. Says how many
    would escalate and what that saves. Where the target cannot be promised it says so, and what would
    help; that is no error. Nothing is changed without --write.

    \b
    swarm eval support.swarm.yaml:triage --data cases.jsonl --record outcomes.jsonl
    swarm calibrate --outcomes outcomes.jsonl --target-error 0.05 --policy-out policy.json
    swarm calibrate support.swarm.yaml:triage --from-runs --target-error 0.05 --write
    """
    from swarm._cli.calibrated import Calibrated
    from swarm._cli.calibrating import fitted, gather, refuse_unfit
    from swarm._cli.outputs import check_outputs
    from swarm._eval.subject import file_of
    from swarm.confidence.tune import tune

    _refuse_misfits(subject, options)
    check_outputs(
        {"GRAPH": file_of(subject or ""), "--data": options["data"], "--outcomes": options["outcomes"]},
        {"--policy-out": options["policy_out"], "--report": options["report"]},
    )
    evidence = gather(subject, options)
    if options["write"]:
        refuse_unfit(evidence)
    foresight: Mapping[str, Foresight] = {}
    if options["foresight"]:
        evidence, foresight = _foreseen(evidence)
    tuned = tune(
        evidence.outcomes, target_error=options["target_error"], with_confidence=options["with_confidence"],
        loss=options["loss"], of=options["of"], groups=options["groups"], date=time.strftime("%Y-%m-%d"),
    )  # fmt: skip
    found = Calibrated(
        policy=replace(fitted(tuned.policy, evidence), foresight=foresight), tuned=tuned, evidence=evidence,
        change=_change(evidence, options), tested=_resplit(evidence, options) if options["resplit"] else None,
    )  # fmt: skip
    if as_json:
        console.data_json(found.to_json())
    else:
        found.show()
    _save(found, options)
    if options["report"] is not None:
        _report(found, subject, options)


def _refuse_misfits(subject: str | None, options: Mapping[str, Any]) -> None:
    """Refuse options that are missing, out of range, or mean nothing together."""
    given = [shown for name, shown in SOURCES.items() if options[name]]
    if len(given) != 1:
        what = f"{' and '.join(given)} do not go together" if given else "say where outcomes come from"
        raise click.UsageError(f"{what}\n  fix: one of --data FILE.jsonl, --outcomes FILE, --from-runs")
    if options["maps"] and not options["data"]:
        raise click.UsageError(
            "--map says where columns of --data are\n  fix: leave it out, or add --data FILE.jsonl"
        )
    if options["write"] and subject is None:
        raise click.UsageError(
            "--write saves the policy beside an expert, and none is named\n"
            "  fix: swarm calibrate GRAPH.swarm.yaml:EXPERT ..., or --policy-out FILE"
        )
    target, surely = options["target_error"], options["with_confidence"]
    if target is None or not 0 < target < 1:  # NaN is neither
        what = (
            "say how many may be wrong"
            if target is None
            else f"a target error of {target:g} {_impossible(target)}"
        )
        raise click.UsageError(f"{what}\n  fix: --target-error 0.05")
    if surely is not None and not 0.5 <= surely < 1:
        raise click.UsageError(
            f"a confidence of {surely:g} is not from 0.5 to below 1\n  fix: --with-confidence 0.9, or leave it out"
        )


def _impossible(target: float) -> str:
    if target == 0:
        return "cannot be shown by any number of outcomes"
    if target == 1:
        return "asks for nothing: every answer would be accepted"
    return "is no number" if math.isnan(target) else "is not between 0 and 1"


def _foreseen(evidence: Evidence) -> tuple[Evidence, Mapping[str, Foresight]]:
    """Return the outcomes with what their inputs foretell, and what foretells it."""
    from swarm._eval.cases import spread
    from swarm.confidence.foresight import with_foresight

    chosen = spread(evidence.outcomes, MOST_FORESEEN)
    left = len(evidence.outcomes) - len(chosen)
    outcomes, foresight = with_foresight(chosen)
    notes = (f"--foresight reads {MOST_FORESEEN:,} inputs at most: {left:,} outcomes were left out, evenly",)
    return replace(evidence, outcomes=outcomes, notes=evidence.notes + (notes if left else ())), foresight


def _resplit(evidence: Evidence, options: Mapping[str, Any]) -> ResplitReport:
    from swarm._cli.progress import Progress
    from swarm.confidence.resplit import resplit
    from swarm.confidence.tune import goal_of

    goal = goal_of(
        options["target_error"], options["with_confidence"], loss=options["loss"], of=options["of"]
    )
    with Progress(options["resplit"], what="splits") as progress:
        return resplit(
            evidence.outcomes, goal, options["resplit"], groups=options["groups"],
            progress=lambda _: progress.step(),
        )  # fmt: skip


def _change(evidence: Evidence, options: Mapping[str, Any]) -> Change | None:
    """Return what would change in the expert's YAML; None where no file is its own."""
    from swarm._cli.calibrating import expert_of, yaml_of
    from swarm._cli.rewriting import propose

    if evidence.subject is None:
        return None
    file, name = yaml_of(evidence.subject), expert_of(evidence.subject).name
    return None if file is None else propose(file, name, options["target_error"], options["with_confidence"])


def _save(found: Calibrated, options: Mapping[str, Any]) -> None:
    """Write what was asked to be written, and say where."""
    from swarm._cli.policies import write_policy

    saved: list[Path] = [] if options["policy_out"] is None else [options["policy_out"]]
    if options["write"] and found.artefact is not None:
        saved.append(found.artefact)
    for path in saved:
        write_policy(path, found.policy)
        console.say(f"policy: {path}", "dim")
    if not options["write"]:
        return
    if found.change is None:
        console.say(
            "  a graph in this folder that says `expert: NAME` or `use: NAME` without changes reads it", "dim"
        )
    elif found.change.diff:
        found.change.make()
        console.say(f"changed: {found.change.file}", "dim")


def _report(found: Calibrated, subject: str | None, options: Mapping[str, Any]) -> None:
    from swarm._cli.reports import save_report
    from swarm._eval.replay import summarize
    from swarm._eval.report.of_replay import report_of
    from swarm._eval.walk import walk

    outcomes = found.evidence.outcomes
    way = walk(outcomes, found.policy)
    figures = summarize(way)
    noted = replace(figures, notes=(*found.notes, *figures.notes))
    title = f"{found.policy.expert or found.evidence.source}: calibrated on {len(outcomes):,} outcomes"
    command = _command(subject, options)
    save_report(
        options["report"],
        lambda made: report_of(outcomes, found.policy, way, noted, title=title, command=command, made=made),
    )


def _command(subject: str | None, options: Mapping[str, Any]) -> str:
    """Return the command that was typed, but for what only saves."""
    words = ["swarm", "calibrate", *([] if subject is None else [subject])]
    for name in ("data", "outcomes", "target_error", "with_confidence", "resplit", "report"):
        words += [] if options[name] is None else [f"--{name.replace('_', '-')}", str(options[name])]
    words += [word for one in options["maps"] for word in ("--map", one)]
    words += [
        f"--{name.replace('_', '-')}"
        for name in ("from_runs", "groups", "foresight", "write")
        if options[name]
    ]
    for name, usual in (("loss", "wrong"), ("of", "accepted")):
        words += [] if options[name] == usual else [f"--{name}", options[name]]
    return shlex.join(words)
