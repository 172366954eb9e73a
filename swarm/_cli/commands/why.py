"""`swarm why`: how sure a run's experts were, and why they asked whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swarm._cli import console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm._cli.reasons import Reasons

__all__ = ["why"]


@click.command(short_help="Explain a run: how sure it was, and why it asked whom.")
@click.argument("run_id", metavar="RUN", default="last")
@click.argument("node", metavar="[NODE]", default="")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def why(run_id: str, node: str, as_json: bool) -> None:
    """\b
    swarm why last triage

    Tells of every expert in a run, or of one NODE: what was measured of each answer, the probability read
    from it, the threshold and where that came from, whom it asked next and what that cost. RUN is an id of
    `swarm runs ls`, the beginning of one, or `last`.
    """
    from swarm._cli.commands.runs import find_run
    from swarm._cli.reasons import reasons_of
    from swarm._cli.settings import RUNS
    from swarm.stores.files import FileRunLog

    run = find_run(FileRunLog(RUNS, warn=console.warn), "latest" if run_id == "last" else run_id)
    found = _chosen(reasons_of(run.events), node, run.id)
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
