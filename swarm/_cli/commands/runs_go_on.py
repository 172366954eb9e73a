"""`swarm runs resume`, `cancel` and `fork`: what becomes of a run that has not ended, or a new one out of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from swarm._cli.resuming import Desk
    from swarm._cli.settings import Settings
    from swarm._engine.result import RunResult
    from swarm.errors import StoreError, SwarmError

__all__ = ["cancel", "fork", "resume"]

graph_option = click.option(
    "--graph",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The graph, if its file is elsewhere now.",
)
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="As the run began: a field of the graph."
)
timeout_option = click.option("--timeout", type=float, metavar="SECONDS", help="End it after so long.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")


@click.command(short_help="Go on with a run: answer it, or pick it up where it was cut off.")
@click.argument("run_id", metavar="ID", default="")
@click.option("--all", "all_", is_flag=True, help="Go on with every run that was cut off.")
@click.option("--answer", "answers", multiple=True, metavar="NAME=VALUE", help="Answer what the run asks.")
@graph_option
@set_option
@timeout_option
@store_option
@json_option
@click.pass_context
def resume(ctx: click.Context, run_id: str, **options: Any) -> None:
    """\b
    swarm runs resume latest --answer approved=true

    Goes on with a run that was cut off, failed, or waits for a person; what was done is not done again. Prints
    what `swarm run` prints, and ends with the same exit codes. A tool that is not safe to repeat and was cut
    off is not called by itself: the run asks whether to `retry` it or to `skip` it. On a terminal what the run
    asks is asked here. Instead of ID the token of a question can be given.

    \b
    swarm runs resume 2026            the only run whose id begins so
    swarm runs resume --all           all that were cut off, one line for each

    A graph that changed where the run has been is refused (exit code 2), with what changed.
    """
    if bool(run_id) == options["all_"]:
        raise click.UsageError("give one run, or --all\n  fix: swarm runs resume ID")
    if options["all_"] and options["answers"]:
        raise click.UsageError("--answer is for one run\n  fix: swarm runs resume ID --answer NAME=VALUE")
    desk = _desk(ctx, options)
    if options["all_"]:
        ctx.exit(_resume_all(desk, as_json=options["as_json"]))
    with desk:
        saved = desk.find(run_id)
        with desk.session(saved.head.source, saved.head.id) as session:
            from swarm._cli.exits import exit_code_of
            from swarm._cli.reporting import answered, report

            if saved.head.status in ("completed", "refused", "cancelled"):
                console.say(f"this run has ended: it is {saved.head.status}", "dim")
            result = answered(session, desk.resume(session, run_id, saved, options["answers"]))
            report(session, result, as_json=options["as_json"])
            ctx.exit(exit_code_of(result))


@click.command(short_help="Begin a new run out of an old one.")
@click.argument("run_id", metavar="ID")
@click.option("--from", "nodes", multiple=True, metavar="NODE", help="Run this node anew, and what follows.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input that is different.")
@graph_option
@set_option
@timeout_option
@store_option
@json_option
@click.pass_context
def fork(ctx: click.Context, run_id: str, nodes: tuple[str, ...], **options: Any) -> None:
    """\b
    swarm runs fork latest --from answer

    Begins a new run that takes over what an old one came to, but for the nodes given and all that follow
    from them. Without --from it is the nodes that refer to an --input. The old run stays as it is.
    """
    from swarm._cli.exits import exit_code_of
    from swarm._cli.reporting import answered, report

    if not nodes and not options["inputs"]:
        raise click.UsageError("what is to be different?\n  fix: --from NODE, or --input NAME=VALUE")
    with _desk(ctx, options) as desk:
        saved = desk.find(run_id)
        with desk.session(saved.head.source, saved.head.id) as session:
            result = answered(session, desk.fork(session, saved, nodes, options["inputs"]))
            console.say(f"forked from run {saved.head.id}", "dim")
            report(session, result, as_json=options["as_json"])
            ctx.exit(exit_code_of(result))


@click.command(short_help="Give a run up, for good.")
@click.argument("run_id", metavar="ID")
@store_option
def cancel(run_id: str, store: str | None) -> None:
    """\b
    swarm runs cancel latest

    Gives up a run that was cut off or waits for a person: nothing of it begins any more. One that is at work
    in another process is stopped there first.
    """
    from swarm._cli.resuming import Desk
    from swarm._cli.settings import load_settings
    from swarm.errors import StoreError

    settings = load_settings(store=store)
    try:
        with Desk(settings) as desk:
            head = desk.find(run_id).head
            was_open = desk.loop.run(desk.store.cancel(head.id, time.time()))
    except StoreError as error:
        if error.code != "owned":
            raise
        raise _at_work(error, run_id, settings) from error
    console.say(
        f"run {head.id} is cancelled" if was_open else f"run {head.id} had ended: it is {head.status}"
    )


def _at_work(error: StoreError, run_id: str, settings: Settings) -> StoreError:
    from swarm._cli.keeping import file_of, owner_of, typed
    from swarm.errors import StoreError

    path = file_of(settings)
    owner = owner_of(path) if path is not None else ""
    command = typed(f"swarm runs cancel {run_id}", settings)
    hint = f"stop it: kill {owner} (or Ctrl-C there), then: {command}"
    return StoreError(
        f"process {owner} is at work with these runs", where=error.where, code=error.code, hint=hint
    )


def _refuse_shared(settings: Settings) -> None:
    """Refuse to go on with all runs of a database: some may be at work in other processes.

    Raises:
        SwarmError: code `usage`.
    """
    from swarm._cli.keeping import file_of, place_of, typed
    from swarm.errors import SwarmError

    if file_of(settings) is None:
        raise SwarmError(
            "--all would take over runs that are at work in other processes: a database does not tell",
            where=place_of(settings), code="usage",
            hint=f"name those that were cut off, one by one: {typed('swarm runs resume ID', settings)}"
            f" (they are in: {typed('swarm runs ls --status running', settings)})",
        )  # fmt: skip


def _desk(ctx: click.Context, options: dict[str, Any]) -> Desk:
    from swarm._cli.resuming import Desk
    from swarm._cli.settings import load_settings

    settings = load_settings(timeout=options["timeout"], store=options["store"])
    return Desk(settings, graph=options["graph"], overrides=options["overrides"], verbose=ctx.obj.verbose)


def _resume_all(desk: Desk, *, as_json: bool) -> int:
    """Go on with all; print one line for each; return the exit code of the first that did not end well.

    Raises:
        SwarmError: code `usage`: the store is one that several processes share.
    """
    from swarm._cli.exits import OK, exit_code, exit_code_of
    from swarm._cli.keeping import typed
    from swarm._cli.progress import Progress
    from swarm.errors import SwarmError

    _refuse_shared(desk.settings)
    ended: list[str] = []
    bad: list[int] = []  # exit codes of those that did not end well

    def settle(run_id: str, came: RunResult | SwarmError) -> None:
        ended.append(run_id)
        code = exit_code(came) if isinstance(came, SwarmError) else exit_code_of(came)
        bad.extend([code] if code != OK else [])
        with progress.aside():
            _print_end(run_id, came, as_json=as_json)
        progress.step(failed=len(bad))

    with desk, console.tools_talk_to_stderr():
        heads = desk.cut_off()
        with Progress(len(heads), what="runs", lines=False) as progress:
            try:
                desk.resume_all(heads, settle)
            except KeyboardInterrupt:
                progress.close()
                console.say(f"\n{len(ended)} of {len(heads)} runs ended or wait for a person; go on with the others: "
                            f"{typed('swarm runs resume --all', desk.settings)}")  # fmt: skip
                raise
    console.say(f"{len(heads)} run{'' if len(heads) == 1 else 's'} had been cut off", "dim")
    return bad[0] if bad else OK


def _print_end(run_id: str, came: RunResult | SwarmError, *, as_json: bool) -> None:
    from swarm.errors import SwarmError

    if isinstance(came, SwarmError):
        console.complain(f"error: run {run_id}: {came}")
    elif as_json:
        console.data_line(came.to_json())
    else:
        error = "" if came.error is None else came.error.what
        console.data(f"{run_id}  {came.status}  {console.one_line(error or came.text, 100)}")
