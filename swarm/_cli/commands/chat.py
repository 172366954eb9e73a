"""`swarm chat`: talk to a graph, a turn at a time."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from swarm._cli.conversation import Conversation
    from swarm._cli.session import Session

__all__ = ["chat"]

HELP = "/why  what happened in the last turn    /reset  forget the conversation    /quit  leave (or Ctrl-D)"


@click.command(short_help="Talk to a graph.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Another input, the same in every turn."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a field of the graph first."
)
@store_option
@click.option("--no-save", is_flag=True, help="Do not keep the runs: then they cannot be resumed.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a turn after so long.")
@click.pass_context
def chat(
    ctx: click.Context,
    graph: Path,
    inputs: tuple[str, ...],
    overrides: tuple[str, ...],
    store: str | None,
    no_save: bool,
    timeout: float | None,
) -> None:
    """\b
    swarm chat support.swarm.yaml

    Every line is a message to GRAPH, given as its first input. An input of type `messages` gets the
    conversation so far. When the graph has to ask a person, it asks here. Lines may come from a pipe, too.

    \b
    /why     what happened in the last turn
    /reset   forget the conversation
    /quit    leave (or Ctrl-D)
    """
    from swarm._cli.conversation import Conversation
    from swarm._cli.session import Session
    from swarm._cli.settings import load_settings

    settings = load_settings(timeout=timeout, store=store)
    save = False if no_save else None
    with Session(graph, settings, overrides=overrides, verbose=ctx.obj.verbose, save=save) as session:
        conversation = Conversation(session, inputs)
        session.announce()
        if console.is_interactive():
            console.say(f"{session.swarm.name}: {HELP}", "dim")
        ctx.exit(_talk(session, conversation))


def _talk(session: Session, conversation: Conversation) -> int:
    """Answer lines until there are no more; return the exit code of the last turn."""
    from swarm._cli.exits import OK

    code = OK
    while True:
        try:
            line = _read()
        except EOFError:
            return OK if console.is_interactive() else code
        match line.strip():
            case "":
                continue
            case "/quit" | "/exit" | "/q":
                return OK
            case "/why":
                conversation.why()
            case "/reset":
                conversation.reset()
                console.say("the conversation is forgotten", "dim")
            case command if command.startswith("/") and " " not in command:
                console.say(HELP, "dim")
            case _:
                code = _turn(session, conversation, line)


def _turn(session: Session, conversation: Conversation, line: str) -> int:
    """Answer one message; Ctrl-C stops the answer, not the conversation, when a person is there."""
    from swarm._cli.exits import INTERRUPTED
    from swarm._cli.reporting import how_to_answer, open_questions

    try:
        code = conversation.turn(line)
        if session.open_run and (saved := session.saved(session.open_run)) is not None:
            for said in how_to_answer(open_questions(saved), session.settings):
                console.say(said)
        return code
    except KeyboardInterrupt:
        if not console.is_interactive():
            raise
        session.give_up()
        console.say("\n(stopped)", "dim")
        return INTERRUPTED


def _read() -> str:
    """Return the next message; on a terminal with line editing and a history."""
    if not (console.is_interactive() and sys.stdout.isatty()):
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")
    with suppress(ImportError):  # not there on every system; then there is no line editing
        import_module("readline")
    try:
        return input("\n> ")
    except EOFError:
        console.say()
        raise
