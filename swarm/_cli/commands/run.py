"""`swarm run`: a graph on one input, or on every line of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console
from swarm._cli.main import Common
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from swarm._cli.recording import Recorder
    from swarm._cli.session import Session
    from swarm._engine.result import RunResult

__all__ = ["run"]


@click.command(short_help="Run a graph once, or on every line of a file.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input; NAME=@FILE reads a file."
)
@click.option(
    "--input-file", default="", metavar="FILE", help="A JSON object of inputs; - is standard input."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a field of the graph for this run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
@click.option("--events", is_flag=True, help="Print what happens as JSON lines, as it happens.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End the run after so long (exit code 124).")
@store_option
@click.option("--no-save", is_flag=True, help="Do not keep the run: then it cannot be resumed.")
@click.option("--batch", metavar="FILE.jsonl", help="Run on every line of a file; - is standard input.")
@click.option(
    "--map", "maps", multiple=True, metavar="INPUT=COLUMN", help="Batch: where an input comes from."
)
@click.option("--expect", metavar="NODE.FIELD=COLUMN", help="Batch: what is right, for the accuracy.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Batch: where results go (stdout).",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append what every model answered and what was measured of it, for `swarm calibrate --outcomes`.",
)
@click.option("--concurrency", type=int, metavar="N", help="Batch: rows at once (8).")
@click.option("--unordered", is_flag=True, help="Batch: write results as they come, not in order.")
@click.option("--resume", is_flag=True, help="Batch: go on after the rows that --out has.")
@click.pass_context
def run(ctx: click.Context, graph: Path, **options: Any) -> None:
    """swarm run support.swarm.yaml --input message="where is my parcel? order 1042"

    Runs GRAPH. The answer goes to standard output, what happened to standard error. A value is text for
    a `string` input and JSON for any other; NAME=@FILE reads it from a file.

    \b
    swarm run G --input message=hi --json            everything, as one JSON document
    swarm run G --input message=hi --events          JSON lines as they happen
    swarm run G --set models.small=ollama/llama3.2:3b --input message=hi
    swarm run G --batch in.jsonl --map message=text --expect triage.label=label --out out.jsonl

    swarm run G --batch in.jsonl --expect triage.label=label --record outcomes.jsonl

    A batch writes one result a line, in the order of the input, each in the shape of --json with the number
    of its line (`row`); failed rows too. Without --map a column goes to the input of its name. Its runs
    are not kept with the others. Cut off, by Ctrl-C or worse, it goes on with the same command and --resume.

    A run is kept as it goes: after Ctrl-C or a crash `swarm runs resume ID` goes on where it was. Without a
    terminal a run that has to ask a person ends paused (exit code 5), and is answered in the same way.
    """
    from swarm._app.learned import LEARNED
    from swarm._cli.outputs import check_outputs
    from swarm._cli.settings import load_settings

    common: Common = ctx.obj
    settings = load_settings(
        timeout=options["timeout"], concurrency=options["concurrency"], store=options["store"]
    )
    batch = options["batch"]
    _refuse_misfits(options, batch=batch is not None)
    out = None if options["out"] == Path("-") else options["out"]
    check_outputs(
        {
            "GRAPH": graph,
            "`learn: true`": Path(LEARNED),
            "--batch": None if batch in (None, "-") else Path(batch),
        },
        {"--out": out, "--record": options["record"]},
    )
    if batch is not None:
        from swarm._cli.batch import run_batch

        ctx.exit(run_batch(graph, batch, settings, options, verbose=common.verbose))
    from swarm._cli.inputs import read_inputs
    from swarm._cli.recording import Recorder
    from swarm._cli.session import Session

    recorder = None if options["record"] is None else Recorder(options["record"])
    session = Session(
        graph, settings, overrides=options["overrides"], verbose=common.verbose,
        save=False if options["no_save"] else None, recorders=[] if recorder is None else [recorder],
    )  # fmt: skip
    given = read_inputs(
        options["inputs"], options["input_file"], session.plan.inputs, graph=session.plan.name
    )
    with session:
        ctx.exit(_once(session, given, options, recorder))


def _refuse_misfits(options: dict[str, Any], *, batch: bool) -> None:
    """Refuse options that have no meaning together."""
    if batch:
        wrong = [name for name in ("inputs", "input_file", "events") if options[name]]
        shown = {"inputs": "--input", "input_file": "--input-file", "events": "--events"}
    else:
        names = ("maps", "expect", "out", "concurrency", "unordered", "resume")
        wrong = [name for name in names if options[name]]
        shown = {name: f"--{name}" for name in names} | {"maps": "--map"}
    if wrong:
        hint = "leave it out" if batch else "add --batch FILE.jsonl"
        raise click.UsageError(
            f"{shown[wrong[0]]} does not go {'with' if batch else 'without'} --batch\n  fix: {hint}"
        )
    if options["events"] and options["as_json"]:
        raise click.UsageError("--events and --json both want standard output\n  fix: choose one")


def _tell_cut_off(session: Session) -> None:
    """Mention the runs that were cut off before, and how to go on with them."""
    from swarm._cli.keeping import typed
    from swarm._cli.kept import cut_off

    found = session.loop.run(cut_off(session.store, session.settings))
    if len(found) == 1:
        console.say(f"a run was cut off: {session.to_go_on(found[0].id)}", "dim")
    elif found:
        command = typed("swarm runs ls --status unfinished", session.settings)
        console.say(f"{len(found)} runs were cut off: {command}", "dim")


def _once(session: Session, given: dict[str, Any], options: dict[str, Any], recorder: Recorder | None) -> int:
    from swarm._cli.exits import exit_code_of
    from swarm._cli.reporting import answered, report

    if not options["as_json"]:
        _tell_cut_off(session)
    session.announce()
    if options["events"]:
        result = session.loop.run(_print_events(session, given))
    else:
        result = answered(session, session.run(given))
        report(session, result, as_json=options["as_json"])
    if recorder is not None:
        recorder.settle(result.id)
        console.say(recorder.said, "dim")
    return exit_code_of(result)


async def _print_events(session: Session, given: dict[str, Any]) -> RunResult:
    """Print each event as it happens; a reader that goes away ends the run."""
    from swarm._app.stream import EventQueue
    from swarm.events import to_json

    queue = EventQueue()
    running = asyncio.ensure_future(session.run_input(given, listeners=[queue], streams=True))
    running.add_done_callback(lambda _: queue.close())
    try:
        async for event in queue:
            console.data_line(to_json(event))
        return await running
    finally:
        running.cancel()
        await asyncio.wait({running})
