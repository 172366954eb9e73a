"""`swarm runs`: what was run before, from the run log in `.swarm/runs`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.grid import Cell, Grid

if TYPE_CHECKING:
    from swarm.stores.log import RecordedRun, RunLog, RunSummary

__all__ = ["runs"]

LIST = 20  # as many as a terminal shows without scrolling


@click.group(
    short_help="List and show runs of before.",
    invoke_without_command=True,
    subcommand_metavar="[ls|show] ...",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def runs(ctx: click.Context, as_json: bool) -> None:
    """\b
    swarm runs show latest

    Runs of `run`, `chat` and `demo` are kept in .swarm/runs, the newest 200 (setting `keep_runs`).
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(ls, as_json=as_json)


@runs.command()
@click.option("-n", "--limit", default=LIST, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def ls(limit: int = LIST, as_json: bool = False) -> None:
    """\b
    swarm runs ls

    Lists the newest runs.
    """
    found = list(_log().runs())[: max(0, limit)]
    if as_json:
        console.data_json([_as_json(one) for one in found])
    elif found:
        console.show(_grid(found), sys.stdout)
    else:
        console.say("no runs are kept here yet\n  next: swarm demo")


@runs.command()
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print its events as JSON.")
def show(run_id: str, as_json: bool) -> None:
    """\b
    swarm runs show latest

    Shows what happened in a run: an id of `swarm runs ls`, the beginning of one, or `latest`.
    """
    from swarm._cli.story import tell
    from swarm._cli.tree import show_tree, summary_line

    run = find_run(_log(), run_id)
    if as_json:
        console.data_json(_document(run))
        return
    story = tell(run.events)
    console.data(summary_line(story))
    for name, value in story.input.items():
        if value is not None:
            console.data(f"  {name}: {console.one_line(str(value), 100)}")
    show_tree(story, reasons=True, stream=sys.stdout)
    if story.text:
        console.data(f"\n{story.text}")
    for damage in run.damaged:
        console.warn(damage)


def find_run(log: RunLog, wanted: str) -> RecordedRun:
    """Return the run that an id, the beginning of one, or `latest` means.

    Raises:
        StoreError: none, or more than one.
    """
    from swarm.errors import StoreError

    ids = [one.id for one in log.runs()]
    if wanted == "latest":
        if not ids:
            raise StoreError("no runs are kept here yet", hint="swarm demo")
        return log.read(ids[0])
    matching = [one for one in ids if one.startswith(wanted)]
    if len(matching) > 1 and wanted not in matching:
        shown = ", ".join(matching[:3])
        raise StoreError(f"{len(matching)} runs begin with {wanted!r}", hint=f"write more of it: {shown}")
    return log.read(matching[0] if len(matching) == 1 else wanted)


def _log() -> RunLog:
    from swarm._cli.settings import RUNS
    from swarm.stores.files import FileRunLog

    return FileRunLog(RUNS, warn=console.warn)


def _as_json(one: RunSummary) -> dict[str, object]:
    return {
        "run": one.id,
        "graph": one.graph,
        "status": one.status,
        "at": one.at,
        "latency_ms": one.latency_ms,
        "text": one.text,
    }


def _document(run: RecordedRun) -> dict[str, object]:
    from swarm.events import to_json
    from swarm.stores.log import summarize

    events = [to_json(event) for event in run.events]
    return {**_as_json(summarize(run.id, run.events)), "damaged": list(run.damaged), "events": events}


def _grid(found: list[RunSummary]) -> Grid:
    import time

    styles = {"failed": "red", "completed": "green"}
    rows = [
        [
            Cell(one.id, "bold"),
            Cell(time.strftime("%d %b %H:%M", time.localtime(one.at)) if one.at else "", "dim"),
            Cell(one.graph),
            Cell(one.status, styles.get(one.status, "yellow")),
            Cell("" if one.latency_ms is None else f"{one.latency_ms:,.0f} ms", "dim"),
            Cell(console.one_line(one.text, 70)),
        ]
        for one in found
    ]
    return Grid(
        rows=rows, head=("run", "when", "graph", "status", "took", "answer"), right=frozenset({4}), wide=5
    )
