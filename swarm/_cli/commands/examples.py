"""`swarm examples`: new examples for an expert, from what its dearer rungs answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm._eval.fallbacks import Proposal

__all__ = ["examples"]


@click.command(short_help="Propose new examples, from what larger models answered.")
@click.argument("expert", metavar="EXPERT|GRAPH:EXPERT")
@click.option(
    "--from-runs", is_flag=True, help="Propose them from the runs that were logged (`learn: true`)."
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="The outcomes to read (.swarm/outcomes.jsonl).",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
@click.option("--write", is_flag=True, help="Append them to the expert's examples file.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def examples(expert: str, from_runs: bool, log: Path | None, limit: int, write: bool, as_json: bool) -> None:
    """\b
    swarm examples support.swarm.yaml:triage --from-runs

    Shows, as a diff of the expert's examples file, texts that its cheaper models were not sure of and what
    the larger one said of them. Larger models are wrong, too: read the diff before you use it. Nothing is
    changed without --write.
    """
    from swarm._app.learned import LEARNED
    from swarm._eval.fallbacks import examples_file, proposals, read_fallbacks
    from swarm._eval.subject import find_subject

    if not from_runs:
        raise click.UsageError("say where they come from\n  fix: swarm examples EXPERT --from-runs")
    subject = find_subject(expert)
    if subject.expert is None:
        raise click.UsageError(f"{expert!r} is a graph\n  fix: swarm examples {expert}:EXPERT --from-runs")
    logged = read_fallbacks(log or Path(LEARNED), subject.expert)
    found = proposals(logged.outcomes, subject.expert, limit=limit)
    file = examples_file(subject)
    if as_json:
        console.data_json(
            {
                "expert": subject.name,
                "file": None if file is None else str(file),
                "older": logged.older,
                "examples": [
                    one.to_json()
                    | {"instead_of": one.instead_of, "model": one.model, "probability": one.probability}
                    for one in found
                ],
            }
        )
    else:
        _show(found, file)
    if logged.older:
        console.say(
            f"{logged.older} older outcomes are of another prompt, labels or examples: left out", "dim"
        )
    if write and found:
        _write(found, file)
    elif found and not as_json:
        console.say("read them, then take them over: the same with --write", "dim")


def _show(found: Sequence[Proposal], file: Path | None) -> None:
    if not found:
        console.say("no new example: every escalated text is one already, or nothing escalated")
        return
    name = "examples.jsonl" if file is None else str(file)
    console.data(f"--- {name}\n+++ {name}", "bold")
    console.data(f"@@ {len(found)} new at the end @@", "cyan")
    for one in found:
        console.data("+" + _line(one), "green")
        sure = "" if one.probability is None else f", {one.probability:.2f}"
        was = f"; the first rung said {one.instead_of}" if one.instead_of != one.label else ""
        console.data(f" # {one.model}{sure}{was}", "dim")


def _write(found: Sequence[Proposal], file: Path | None) -> None:
    if file is None:
        raise click.UsageError(
            "this expert has no examples file of its own\n  fix: write `examples: examples.jsonl` under it"
        )
    ends = not file.is_file() or file.read_text(encoding="utf-8").endswith("\n")
    with file.open("a", encoding="utf-8") as lines:
        lines.write("" if ends else "\n")
        lines.writelines(_line(one) + "\n" for one in found)
    console.say(f"{len(found)} examples added to {file}; a calibration made before them is stale now")


def _line(one: Proposal) -> str:
    return json.dumps(one.to_json(), ensure_ascii=False)
