"""`swarm runs replay` and `swarm runs export`: a run executed again offline, and a run as a file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm._app.replaying import Replayed
    from swarm._cli.replays import Replays
    from swarm._engine.differences import Difference
    from swarm.stores.recording import Recording

__all__ = ["export", "replay"]

FILE = click.Path(path_type=Path, dir_okay=False)
SHOWN = 20  # runs, of those that go another way
CHARS = 60  # of a value


@click.command(short_help="Run again offline, from the recorded answers of the models.")
@click.argument("run_id", metavar="ID|FILE", required=False)
@click.option("--check", is_flag=True, help="Exit with 1 if the path or an output is another.")
@click.option("--graph", type=FILE, metavar="FILE", help="The graph; by default the file it was run from.")
@click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a field of the graph for this."
)
@click.option("--all", "every", is_flag=True, help="Replay every run of the graph that ended.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
@click.pass_context
def replay(
    ctx: click.Context,
    run_id: str | None,
    check: bool,
    graph: Path | None,
    overrides: tuple[str, ...],
    every: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """\b
    swarm runs replay latest --check

    Executes a recorded run again with today's graph, prompts and thresholds. Models, tools, people and the
    router say what they said then: no server is asked, no tool is called, nothing is written; `tools.py` is
    not even imported. It prints what is different, and where. FILE is one of `swarm runs export`.

    \b
    swarm runs replay --all --graph support.swarm.yaml --set experts.triage.confidence.at_least=0.9
    """
    from swarm._cli.settings import load_settings

    if every == (run_id is not None):
        raise click.UsageError("say which run, or --all\n  fix: swarm runs replay latest")
    if every and graph is None:
        raise click.UsageError("--all needs the graph\n  fix: swarm runs replay --all --graph FILE")
    settings = load_settings(store=store)
    if graph is not None and every:
        from swarm._cli.replays import replay_all

        found = asyncio.run(replay_all(settings, graph, overrides))
        _show_all(found, graph, as_json=as_json)
        is_same = not found.different and not found.failed
    else:
        from swarm._cli.replays import replay_one

        one = asyncio.run(replay_one(settings, run_id or "", graph, overrides))
        _show_one(one, as_json=as_json)
        is_same = one.same
    if check and not is_same:
        from swarm._cli.exits import FAILED

        ctx.exit(FAILED)


@click.command(short_help="Write a run to a file that travels.")
@click.argument("run_id", metavar="ID")
@click.option("-o", "--out", type=FILE, metavar="FILE", help="Where to; by default standard output.")
@store_option
def export(run_id: str, out: Path | None, store: str | None) -> None:
    """\b
    swarm runs export latest -o run.json

    Writes a run, with all that its models, tools and people said, as one JSON file that only you may read.
    `swarm runs replay run.json` executes it again. What it was given and what it answered is in there.
    """
    from swarm._cli.replays import recording_in
    from swarm._cli.settings import load_settings
    from swarm.stores.recording import dump_recording, write_recording

    recording: Recording = asyncio.run(recording_in(load_settings(store=store), run_id))
    if out is None:
        console.data(dump_recording(recording), end="")
        return
    write_recording(out, recording)
    console.say(f"wrote {out}: run {recording.saved.head.id}, {len(recording.saved.records):,} records")


def _show_one(replayed: Replayed, *, as_json: bool) -> None:
    if as_json:
        console.data_json(replayed.to_json())
        return
    path = ", ".join(replayed.result.path) or "no node ran"
    said = "takes the same path" if replayed.same else "goes another way"
    console.data(
        f"run {replayed.recorded.id} {said}: {path}", "green" if replayed.same else "red"
    )  # fmt: skip
    if replayed.differences:
        console.data("")
        _show_table(replayed.differences)


def _show_table(found: Sequence[Difference]) -> None:
    from swarm._cli.grid import Cell, Grid

    rows = [
        [Cell(one.what, "yellow"), Cell(one.where, "bold"), Cell(_short(one.recorded)), Cell(_short(one.now))]
        for one in found
    ]
    console.show(Grid(rows=rows, head=("what", "where", "recorded", "now"), wide=3), sys.stdout)


def _show_all(found: Replays, graph: Path, *, as_json: bool) -> None:
    from swarm._cli.grid import Cell, Grid

    if as_json:
        console.data_json(found.to_json())
        return
    rows = [
        [Cell(run, "bold"), Cell(f"{one.what} of {one.where}"), Cell(_short(one.recorded)), Cell(_short(one.now))]
        for run, (one, *_) in list(found.different.items())[:SHOWN]
    ]  # fmt: skip
    rows += [[Cell(run, "bold"), Cell("cannot be replayed", "red"), Cell(""), Cell(what)]
             for run, what in list(found.failed.items())[:SHOWN]]  # fmt: skip
    if rows:
        console.show(Grid(rows=rows, head=("run", "first difference", "recorded", "now"), wide=3), sys.stdout)
        console.data("")
    left = max(0, len(found.different) - SHOWN) + max(0, len(found.failed) - SHOWN)
    if left:
        console.data(f"and {left:,} more: --json\n", "dim")
    console.data(
        f"{found.count:,} runs of {graph}: {found.same:,} take the same path, {len(found.different):,} go another"
        f" way, {len(found.failed):,} cannot be replayed"
    )


def _short(value: object) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return console.one_line(text, CHARS)
