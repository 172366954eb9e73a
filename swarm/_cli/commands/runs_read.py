"""`swarm runs ls` and `swarm runs show`: what was run before."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.grid import Cell, Grid
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swarm._cli.kept import Found
    from swarm._cli.settings import Settings
    from swarm.stores.log import RunSummary

__all__ = ["ls", "show"]

LIST = 20  # as many as a terminal shows without scrolling
STATUSES = ("unfinished", "running", "paused", "completed", "refused", "failed", "cancelled")


@click.command(short_help="List the newest runs.")
@click.option("-n", "--limit", default=LIST, show_default=True, help="How many.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those: `unfinished` were cut off.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def ls(limit: int = LIST, status: str | None = None, store: str | None = None, as_json: bool = False) -> None:
    """\b
    swarm runs ls --status unfinished

    Lists the newest runs, and what they answered, what they ask, or why they failed.
    """
    from swarm._cli.kept import Kept
    from swarm._cli.settings import load_settings

    async def read() -> Sequence[RunSummary]:
        async with Kept(load_settings(store=store)) as kept:
            return await kept.lines(limit, status or "")

    found = asyncio.run(read())
    if as_json:
        console.data_json([_as_json(one) for one in found])
    elif found:
        console.show(_grid(found), sys.stdout)
    elif status:
        console.say(f"no run here is {status}")
    else:
        console.say("no runs are kept here yet\n  next: swarm demo")


@click.command(short_help="Show what happened in a run.")
@click.argument("run_id", metavar="ID")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print its events as JSON.")
def show(run_id: str, store: str | None, as_json: bool) -> None:
    """\b
    swarm runs show latest

    Shows what happened in a run, and what to type to go on with it.
    """
    from swarm._cli.kept import find_run
    from swarm._cli.settings import load_settings
    from swarm._cli.tree import show_tree, summary_line

    found = find_run(run_id, store)
    if as_json:
        console.data_json(_document(found))
        return
    story = found.story
    console.data(summary_line(story))
    for name, value in story.input.items():
        if value is not None:
            console.data(f"  {name}: {console.one_line(str(value), 100)}")
    show_tree(story, reasons=True, stream=sys.stdout)
    if story.text and story.status != "paused":
        console.data(f"\n{story.text}")
    for line in _what_next(found, load_settings(store=store)):
        console.data(line)
    for damage in found.run.damaged:
        console.warn(damage)


def _what_next(found: Found, settings: Settings) -> Iterator[str]:
    """Yield where the run comes from, and what can be done with it now."""
    from swarm._cli.keeping import typed
    from swarm._cli.reporting import how_to_answer, open_questions

    if found.saved is None:
        return
    head = found.saved.head
    if head.forked_from:
        yield f"\nforked from run {head.forked_from}"
    if head.status == "paused":
        yield ""
        yield from how_to_answer(open_questions(found.saved), settings)
    elif found.line.status == "unfinished":
        yield f"\nit was cut off; it goes on where it was: {typed(f'swarm runs resume {head.id}', settings)}"
    elif head.status == "failed":
        yield f"\nit goes on at what failed: {typed(f'swarm runs resume {head.id}', settings)}"


def _as_json(one: RunSummary) -> dict[str, object]:
    return {
        "run": one.id,
        "graph": one.graph,
        "status": one.status,
        "at": one.at,
        "latency_ms": one.latency_ms,
        "text": one.text,
    }


def _document(found: Found) -> dict[str, object]:
    from swarm.events import to_json

    saved = found.saved
    return {
        **_as_json(found.line),
        "forked_from": (saved.head.forked_from or None) if saved is not None else None,
        "resumable": saved is not None and saved.head.status in ("running", "paused", "failed"),
        "damaged": list(found.run.damaged),
        "events": [to_json(event) for event in found.run.events],
    }


def _when(at: float) -> str:
    import time

    try:
        return time.strftime("%d %b %H:%M", time.localtime(at)) if at else ""
    except (OverflowError, ValueError, OSError):
        return "?"  # somebody else wrote it: no calendar has that day


def _grid(found: Sequence[RunSummary]) -> Grid:
    styles = {"failed": "red", "corrupt": "red", "completed": "green"}
    rows = [
        [
            Cell(one.id, "bold"),
            Cell(_when(one.at), "dim"),
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
