"""The command line: the help of every command, and the exit codes."""

from __future__ import annotations

from typing import Any

import click

from generator.markdown import block, code, table
from swarm._cli import exits
from swarm._cli.main import cli

__all__ = ["commands", "exit_codes"]

SETTINGS: dict[str, Any] = {**cli.context_settings, "terminal_width": 100}
MEANING = {
    "OK": "it worked",
    "FAILED": "the run, or some rows of a batch, failed",
    "USAGE": "wrong options or input, or an invalid file",
    "MISSING": "a backend or a model is missing",
    "REFUSED": "moderation refused the message",
    "PAUSED": "the run waits for a person",
    "DEADLINE": "the deadline passed",
    "INTERRUPTED": "Ctrl-C",
    "BROKEN_PIPE": "whoever read the output went away",
}


def commands() -> str:
    """Return the help of `swarm` and of every command."""
    with click.Context(cli, info_name="swarm", **SETTINGS) as top:
        parts = [block(cli.get_help(top))]
        for name in cli.list_commands(top):
            command = cli.get_command(top, name)
            assert command is not None, name
            parts += _help(name, command, top)
    return "\n\n".join(parts)


def _help(name: str, command: click.Command, above: click.Context) -> list[str]:
    with click.Context(command, info_name=name, parent=above, **SETTINGS) as context:
        parts = [f"## {context.command_path}", block(command.get_help(context))]
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None, inner
                parts += [part.replace("## ", "### ", 1) for part in _help(inner, found, context)]
    return parts


def exit_codes() -> str:
    """Return the table of exit codes."""
    found = [(name, value) for name, value in vars(exits).items() if name in MEANING]
    return table(("code", "meaning"), [(code(value), MEANING[name]) for name, value in found])
