"""`swarm why`: how sure a run's experts were, and why they asked whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from swarm._cli.reasons import Reasons
    from swarm._eval.report import Report

__all__ = ["why"]

File = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Explain a run: how sure it was, and why it asked whom.")
@click.argument("run_id", metavar="RUN", default="last")
@click.argument("node", metavar="[NODE]", default="")
@click.option("--report", type=File, metavar="FILE", help="Write a report, one HTML file.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def why(run_id: str, node: str, report: Path | None, store: str | None, as_json: bool) -> None:
    """\b
    swarm why last triage

    Tells of every expert in a run, or of one NODE: what was measured of each answer, the probability read
    from it, the threshold and where that came from, whom it asked next and what that cost. RUN is an id of
    `swarm runs ls`, the beginning of one, or `last`.
    """
    from swarm._cli.commands.runs import find_run
    from swarm._cli.reasons import reasons_of
    from swarm._cli.reports import save_report

    run = find_run("latest" if run_id == "last" else run_id, store).run
    found = _chosen(reasons_of(run.events), node, run.id)
    if report is not None:
        save_report(report, lambda made: _report(run.id, found, node, made))
    if as_json:
        console.data_json(
            {"run": run.id, "nodes": [one.to_json() for one in found], "damaged": list(run.damaged)}
        )
        return
    for place, one in enumerate(found):
        console.data(f"{chr(10) if place else ''}{one.headline()}", "bold")
        for sentence in one.sentences():
            console.data(f"  {console.wrap(sentence, '    ')}")
    if not found:
        console.say(f"no expert was asked in run {run.id}\n  see what it did: swarm runs show {run.id}")
    for damage in run.damaged:
        console.warn(damage)


def _report(run_id: str, found: Sequence[Reasons], node: str, made: str) -> Report:
    from swarm._eval.report.model import Figure, Report

    asked = [one for reasons in found for one in reasons.asked]
    further = [one for reasons in found for one in reasons.further]
    figures = [
        Figure(name="answers asked for", value=f"{len(asked)}", meaning="of models, in all"),
        Figure(name="of larger models", value=f"{len(further)}", meaning="because the first would not do"),
        Figure(name="tokens", value=f"{sum(one.tokens for one in asked):,}", meaning="read and written"),
        Figure(
            name="time", value=f"{sum(one.latency_ms for one in asked):,.0f} ms", meaning="of all answers"
        ),
    ]
    return Report(
        title=f"Why: run {run_id}", command=" ".join(["swarm why", run_id, *([node] if node else [])]),
        made=made, figures=figures,
        sections=[(one.headline(), list(one.sentences())) for one in found],
    )  # fmt: skip


def _chosen(found: Mapping[str, Reasons], node: str, run_id: str) -> list[Reasons]:
    """Return all of them, or those of a node and of what is inside it.

    Raises:
        InputError: the run asked nobody at that node.
    """
    if not node:
        return list(found.values())
    chosen = [one for path, one in found.items() if path == node or path.startswith((f"{node}/", f"{node}["))]
    if not chosen:
        from swarm.errors import InputError
        from swarm.spec.findings import did_you_mean

        hint = did_you_mean(node, found) if found else f"swarm runs show {run_id}"
        raise InputError(f"no expert was asked at {node!r}", where=f"run {run_id}", hint=hint, code="usage")
    return chosen
