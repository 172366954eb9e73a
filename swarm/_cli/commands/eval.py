"""`swarm eval`: how good an expert or a graph is on cases whose answers are known."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console
from swarm._cli.grid import Cell, Grid

if TYPE_CHECKING:
    from swarm._cli.measuring import Measured
    from swarm._cli.settings import Settings
    from swarm._eval.bars import Bar
    from swarm._eval.prepare import Prepared, Request

__all__ = ["eval"]

SHOWN = 5  # of a list of labels or cases; --json has more
LIKELY = 0.05  # from this p on, flips are called chance
File = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Measure an expert or a graph on cases.")
@click.argument("subject", metavar="EXPERT|GRAPH[:EXPERT]")
@click.option("--data", type=File, metavar="FILE.jsonl", help="The cases (the expert's own `evals`).")
@click.option("--train", type=File, metavar="FILE.jsonl", help="Teach the expert these rows first.")
@click.option(
    "--per-label", type=click.IntRange(1), metavar="K", help="Teach K rows of each label, at random."
)
@click.option("--seed", type=int, default=0, metavar="N", help="With --per-label: which rows are drawn.")
@click.option(
    "--folds", type=click.IntRange(2, 100), metavar="K", help="Teach with the cases, K parts in turn."
)
@click.option("--oos", metavar="LABEL", help="The label of texts that fit none of the labels.")
@click.option("--rung", type=click.IntRange(0), metavar="N", help="Ask this rung alone; 0 is the cheapest.")
@click.option("--map", "maps", multiple=True, metavar="PART=COLUMN", help="Where `input` or `expected` is.")
@click.option(
    "--input", "constants", multiple=True, metavar="NAME=VALUE", help="An input that all cases share."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="So many cases, taken evenly.")
@click.option("--compare", type=click.Choice(["last"]), help="Say which cases changed since the last time.")
@click.option("--record", type=File, metavar="FILE", help="Ask every rung, and append the outcomes.")
@click.option("--fail-under", "bars", multiple=True, metavar="[FIGURE=]X", help="Exit with 1 below this.")
@click.option("--report", type=File, metavar="FILE", help="Write a report, one HTML file.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def eval(ctx: click.Context, subject: str, **options: Any) -> None:
    """swarm eval intent --train train.jsonl --data test.jsonl

    Asks EXPERT, or an expert of a graph (support.swarm.yaml:triage), or a whole GRAPH, about every case of
    the data and says how right and how sure it was, with 95 % intervals. A case is a line
    {"text": "...", "label": "..."} or, the same, {"input": ..., "expected": ...}; --map input=source
    --map expected=summary where the columns are called something else.

    \b
    swarm eval intent --train train.jsonl --data test.jsonl --oos out_of_scope --rung 0 --json
    swarm eval moderator --data cases.jsonl --folds 5
    swarm eval support.swarm.yaml:triage --data cases.jsonl --record outcomes.jsonl
    swarm eval intent --train mine.jsonl --data test.jsonl --compare last --fail-under 0.9

    Without --rung the cascade is climbed as in a run. Exit code 1: a figure is under its bar, or cases failed.
    """
    from swarm._cli.outputs import check_outputs
    from swarm._cli.settings import load_settings, use_ollama_of
    from swarm._eval.bars import parse_bars
    from swarm._eval.prepare import prepare
    from swarm._eval.subject import file_of

    check_outputs(
        {"GRAPH": file_of(subject), "--data": options["data"], "--train": options["train"]},
        {"--record": options["record"], "--report": options["report"]},
    )
    settings = load_settings()
    use_ollama_of(settings)
    bars = parse_bars(options["bars"])
    prepared = prepare(_request(subject, options, settings))
    ctx.exit(_measure(prepared, options, bars))


def _request(subject: str, options: Mapping[str, Any], settings: Settings) -> Request:
    from swarm._eval.cases import parse_columns
    from swarm._eval.evaluate import How
    from swarm._eval.prepare import Request

    return Request(
        word=subject, data=options["data"], train=options["train"], oos=options["oos"],
        per_label=options["per_label"], seed=options["seed"],
        folds=options["folds"] or 0, limit=options["limit"], columns=parse_columns(options["maps"], options["constants"]),
        how=How(
            rung=options["rung"], every_rung=options["record"] is not None, concurrency=settings.concurrency
        ),
    )  # fmt: skip


def _measure(prepared: Prepared, options: Mapping[str, Any], bars: Sequence[Bar]) -> int:
    """Evaluate, print, and return the exit code."""
    from swarm._cli.exits import FAILED, OK
    from swarm._cli.measuring import Measuring
    from swarm._eval.bars import missed
    from swarm._eval.compare import flips

    work = Measuring(prepared, options["record"])
    for doubt in prepared.warnings:
        console.warn(doubt)
    measured = work.run()
    changes = None
    if options["compare"] and work.before is not None:
        changes = flips(work.before.verdicts, measured.verdicts)
    not_asked = list(measured.sheet.ready.missing)
    figures = {**_about(prepared), "not_asked": not_asked, **measured.figures, "flips": changes}
    if options["as_json"]:
        console.data_json(figures)
    else:
        _print(prepared, figures, options)
    if options["compare"] and work.before is None:
        console.say("nothing to compare with yet: these are the first results on these cases", "dim")
    if options["report"] is not None:
        _save(prepared, measured, options["report"])
    under = missed(bars, measured.figures)
    for sentence in under:
        console.complain(f"under the bar: {sentence}")
    return FAILED if under or measured.figures["failed"] else OK


def _about(prepared: Prepared) -> dict[str, Any]:
    request, expert = prepared.request, prepared.expert
    return {
        "subject": prepared.subject.name,
        "kind": prepared.subject.kind,
        "data": str(prepared.data),
        "train": None if request.train is None else str(request.train),
        "taught": prepared.lessons,
        "rung": request.how.rung,
        "models": [] if expert is None else [str(model) for model in expert.cascade],
        "unknown_labels": dict(prepared.unknown),
        "warnings": list(prepared.warnings),
    }


def _print(prepared: Prepared, figures: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    from swarm._eval.headlines import headlines

    rows = [
        [Cell(one.name), Cell(one.value, "bold"), Cell(one.interval), Cell(one.meaning, "dim")]
        for one in headlines(figures, prepared.subject.kind)
    ]
    console.data(_title(prepared, figures["n"]), "bold")
    console.show(Grid(rows=rows, right=frozenset({1}), wide=3), sys.stdout)
    if len(figures["rungs"]) > 1:
        console.data("")
        console.show(_rungs(figures["rungs"]), sys.stdout)
    if figures["confusion"]:
        console.data("\nmost often mistaken:")
        console.show(_mistaken(figures["confusion"][:SHOWN]), sys.stdout)
    if figures["flips"] is not None:
        console.data("\n" + _flips(figures["flips"]))
    console.say("\n" + _next(prepared, options), "dim")


def _title(prepared: Prepared, n: int) -> str:
    request = prepared.request
    parts = [prepared.subject.name]
    if prepared.expert is not None:
        cascade, rung = prepared.expert.cascade, request.how.rung
        parts.append(" → ".join(map(str, cascade)) if rung is None else f"{cascade[rung]} alone")
    parts.append(f"{n:,} cases of {prepared.data.name}")
    if request.folds:
        parts.append(f"{request.folds} folds")
    elif prepared.lessons:
        parts.append(f"taught {prepared.lessons:,} rows")
    return " · ".join(parts)


def _rungs(rungs: Sequence[Mapping[str, Any]]) -> Grid:
    from swarm._eval.words import percent

    rows = [
        [
            Cell(one["model"], "cyan"),
            Cell(percent(one["answered"])),
            Cell("" if one["accuracy"] is None else percent(one["accuracy"])),
        ]
        for one in rungs
    ]
    return Grid(rows=rows, head=("answered by", "share", "right"), right=frozenset({1, 2}))


def _mistaken(pairs: Sequence[Mapping[str, Any]]) -> Grid:
    rows = [
        [
            Cell(f"{one['n']:,}"),
            Cell(console.one_line(str(one["expected"]))),
            Cell(f"answered {console.one_line(str(one['answered']))}"),
        ]
        for one in pairs
    ]
    return Grid(rows=rows, right=frozenset({0}))


def _flips(changes: Mapping[str, Any]) -> str:
    """Return which cases changed since the last evaluation, in words."""
    fixed, broken = changes["n_fixed"], changes["n_broken"]
    if changes["p"] is None:
        return f"since the last time: the same {changes['compared']:,} cases are right and wrong"
    named = [f"{word}: {', '.join(changes[word][:SHOWN])}" for word in ("fixed", "broken") if changes[word]]
    doubt = "could well be chance" if changes["p"] > LIKELY else "hardly chance"
    head = f"since the last time: {fixed:,} fixed, {broken:,} broken ({doubt}: p = {changes['p']:.2g})"
    return "\n  ".join([head, *named])


def _next(prepared: Prepared, options: Mapping[str, Any]) -> str:
    """Return the next thing to type."""
    if options["record"] is not None:
        return f"next: swarm calibrate --outcomes {options['record']} --target-error 0.05"
    if prepared.expert is None:
        names = ", ".join(prepared.subject.graph.catalogue.experts) if prepared.subject.graph else ""
        return f"next: an expert of it alone: swarm eval {prepared.subject.file}:EXPERT ({names})"
    return "next: see each rung, and calibrate: add --record outcomes.jsonl"


def _save(prepared: Prepared, measured: Measured, path: Path) -> None:
    from swarm._cli.reports import save_report
    from swarm._eval.headlines import report_of

    request = prepared.request
    given = {
        "--data": request.data, "--train": request.train, "--folds": request.folds or None, "--oos": request.oos,
        "--rung": request.how.rung, "--limit": request.limit, "--report": path,
    }  # fmt: skip
    words = ["swarm", "eval", request.word]
    for name, value in given.items():
        words += [] if value is None else [name, str(value)]
    save_report(
        path,
        lambda made: report_of(
            measured.sheet, measured.figures, title=_title(prepared, measured.figures["n"]),
            command=shlex.join(words), made=made, notes=tuple(prepared.warnings),
        ),
    )  # fmt: skip
