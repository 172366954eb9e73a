"""The `swarm` command: what is common to all sub-commands, and what becomes of an error."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import click

from swarm._cli import console
from swarm._cli.exits import BROKEN_PIPE, FAILED, INTERRUPTED, exit_code
from swarm._cli.lazy import LazyGroup
from swarm.errors import InternalError, SpecError, SwarmError

__all__ = ["Common", "Front", "cli", "run"]

GRACE_S = 0.2
HOME = "swarm._cli.commands"
COMMANDS = {
    "demo": "Watch a support chatbot work; needs no model server.",
    "init": "Write a new project to change.",
    "check": "Find everything wrong with graphs and experts.",
    "run": "Run a graph once, or on every line of a file.",
    "runs": "List and show runs of before.",
    "why": "Explain a run: how sure it was, and why it asked whom.",
    "chat": "Talk to a graph.",
    "ask": "Let the router choose an expert and answer.",
    "graph": "Draw a graph.",
    "experts": "List the experts, or show one.",
    "schema": "Write the JSON Schemas that editors complete YAML with.",
    "eval": "Measure an expert or a graph on cases.",
    "calibrate": "Choose thresholds from outcomes, with a guarantee.",
    "replay": "See what a policy would have done on outcomes.",
    "examples": "Propose new examples, from what larger models answered.",
    "doctor": "See what is installed, running and missing.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What all sub-commands are told. `verbose`: how often `-v` was given."""

    verbose: int = 0
    traceback: bool = False


class Front(LazyGroup):
    """The group that turns what goes wrong into one message and one exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command; end with the exit code that its errors mean."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except click.exceptions.Exit:
            sys.stdout.flush()
            raise
        except (click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            console.say("\ninterrupted", "dim")
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _mute(sys.stdout)
            ctx.exit(BROKEN_PIPE)
        except Exception as error:
            ctx.exit(_report(error, wants_traceback=_wants_traceback(ctx)))
        return result


def _wants_traceback(ctx: click.Context) -> bool:
    return bool(ctx.params.get("traceback")) or os.environ.get("SWARM_TRACEBACK", "") not in ("", "0")


def _report(error: Exception, *, wants_traceback: bool) -> int:
    """Say what went wrong; return the exit code."""
    if wants_traceback:
        console.say("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, SpecError):
        console.say(str(error))
        return exit_code(error)
    if isinstance(error, SwarmError) and not isinstance(error, InternalError):
        console.complain(f"error: {error}")
        return exit_code(error)
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        console.complain(f"error: {place}{error.strerror}")
        if not error.filename:
            _mute(sys.stdout)  # standard output is full or gone: what waits in it cannot be written
        return FAILED
    what = error.what if isinstance(error, InternalError) else f"{type(error).__name__}: {error}"
    more = "" if wants_traceback else "; see where it happened: SWARM_TRACEBACK=1"
    console.complain(f"internal error: {what}\n  this is our bug: please report it{more}")
    return FAILED


def _mute(stream: Any) -> None:
    """Send what is still to be written nowhere, so that closing the stream raises nothing."""
    with suppress(OSError, ValueError):  # a stream without a file behind it has nothing to mute
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        console.data(f"swarm {version('swarm-slm')}")
        ctx.exit()


@click.group(
    cls=Front,
    lazy={name: (f"{HOME}.{name}:{name}", text) for name, text in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 failed, 2 usage or invalid file, 3 backend or model missing, 4 refused,"
    " 5 paused, 124 deadline, 130 interrupted.",
)
@click.option("-v", "--verbose", count=True, help="Say what happens, as log lines; -vv says more.")
@click.option("--traceback", is_flag=True, help="Show where an error happened. Also SWARM_TRACEBACK=1.")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show it."
)
@click.pass_context
def cli(ctx: click.Context, verbose: int, traceback: bool) -> None:
    """swarm demo

    Many small language models as one dependable system. Start with `swarm demo`, then `swarm init my_bot`.
    """
    ctx.obj = Common(verbose=verbose, traceback=traceback)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code.

    Args:
        arguments: None for those of the process: then the process ends here if a tool's thread
            hangs, since the interpreter would wait for it for ever.
    """
    console.prepare()
    try:
        cli.main(args=None if arguments is None else list(arguments), prog_name="swarm")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    if arguments is None:
        if _has_left_work_behind():
            _end_now(code)
        _leave_hanging_threads(code)
    return code


def _has_left_work_behind() -> bool:
    """Return whether a tool is still at work that would not be cancelled."""
    loop = sys.modules.get("swarm._cli.loop")  # not there: no graph was run
    return loop is not None and loop.Loop.left_behind


def _end_now(code: int) -> None:
    with suppress(OSError):  # what cannot be written now can never be
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _leave_hanging_threads(code: int) -> None:
    """End the process if a thread would hold it up; those about to end get a moment."""
    deadline = time.monotonic() + GRACE_S
    for thread in threading.enumerate():
        if thread is threading.main_thread() or thread.daemon:
            continue
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            _end_now(code)
