"""`swarm runs`: what was run before, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swarm._cli.lazy import LazyGroup

if TYPE_CHECKING:
    from swarm._cli.kept import Found

__all__ = ["find_run", "runs"]

HOME = "swarm._cli.commands"
VERBS = {
    "ls": ("runs_read:ls", "List the newest runs."),
    "show": ("runs_read:show", "Show what happened in a run."),
    "resume": ("runs_go_on:resume", "Go on with a run: answer it, or pick it up where it was cut off."),
    "cancel": ("runs_go_on:cancel", "Give a run up, for good."),
    "fork": ("runs_go_on:fork", "Begin a new run out of an old one."),
    "replay": ("runs_replay:replay", "Run again offline, from the recorded answers of the models."),
    "export": ("runs_replay:export", "Write a run to a file that travels."),
    "backup": ("runs_upkeep:backup", "Copy the store while runs go on."),
    "gc": ("runs_upkeep:gc", "Forget runs that ended."),
}


@click.group(
    cls=LazyGroup,
    lazy={name: (f"{HOME}.{where}", text) for name, (where, text) in VERBS.items()},
    short_help="List runs, show them, go on with them.",
    invoke_without_command=True,
    subcommand_metavar="[ls|show|resume|...] ...",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def runs(ctx: click.Context, as_json: bool) -> None:
    """\b
    swarm runs resume latest

    Runs of `run`, `chat` and `demo` are kept in .swarm/runs.db (setting `store`): what is in there survives a
    crash, and goes on where it was. Of those that ended the newest 200 stay (setting `keep_runs`). Where ID
    is asked for, the beginning of one will do, or `latest`.
    """
    if ctx.invoked_subcommand is None:
        from swarm._cli.commands.runs_read import ls

        ctx.invoke(ls, as_json=as_json)


def find_run(wanted: str, store: str | None = None) -> Found:
    """Return the run that an id, the beginning of one, or `latest` means.

    Args:
        store: where runs are kept, as `--store` says it; None: as the settings do.

    Raises:
        StoreError: none, or more than one.
    """
    import asyncio

    from swarm._cli.kept import Kept
    from swarm._cli.settings import load_settings

    async def find() -> Found:
        async with Kept(load_settings(store=store)) as kept:
            return await kept.find(wanted)

    return asyncio.run(find())
