"""`swarm runs backup` and `swarm runs gc`: the upkeep of the store."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from swarm._cli.settings import Settings
    from swarm.stores.base import Retention, StoreStats

__all__ = ["backup", "gc"]

DAY_S = 86_400.0


@click.command(short_help="Copy the store while runs go on.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_option
def backup(file: Path, store: str | None) -> None:
    """\b
    swarm runs backup monday.db

    Writes a consistent copy of the store to a new FILE, also while runs go on. Look into it, or go on from it,
    with `--store FILE`.
    """
    from swarm._cli.keeping import open_to_read
    from swarm._cli.progress import working
    from swarm._cli.settings import load_settings

    async def copy() -> StoreStats:
        opened = open_to_read(load_settings(store=store))
        try:
            await opened.backup(file)
            return await opened.stats()
        finally:
            await opened.aclose()

    with working(f"copying the runs to {file}"):
        copied = asyncio.run(copy())
    console.say(f"wrote {file}: {_runs(copied.runs)}")


@click.command(short_help="Forget runs that ended.")
@click.option(
    "--finished-days", type=click.FloatRange(min=0), metavar="DAYS", help="Keep good ends so long (7)."
)
@click.option(
    "--failed-days", type=click.FloatRange(min=0), metavar="DAYS", help="Keep failed runs so long (30)."
)
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest so many (keep_runs).")
@click.option("--dry-run", is_flag=True, help="Say what would go, and forget nothing.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print what went as JSON.")
def gc(
    finished_days: float | None,
    failed_days: float | None,
    keep: int | None,
    dry_run: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """\b
    swarm runs gc --finished-days 1

    Forgets runs that ended and are past their time. Those that can go on are never forgotten.
    """
    from swarm._cli.progress import working
    from swarm._cli.settings import load_settings
    from swarm.stores.base import Retention

    settings, default = load_settings(store=store), Retention()
    retention = Retention(
        finished_s=default.finished_s if finished_days is None else finished_days * DAY_S,
        failed_s=default.failed_s if failed_days is None else failed_days * DAY_S,
        runs=settings.keep_runs if keep is None else keep,
    )
    with working("looking at the runs" if dry_run else "forgetting runs"):
        gone = asyncio.run(_would_go(settings, retention) if dry_run else _forget(settings, retention))
    if as_json:
        console.data_json({"runs": gone.runs, "bytes": gone.bytes, "by_status": gone.by_status})
        return
    said = "would be forgotten" if dry_run else "forgotten"
    console.say(f"{_runs(gone.runs)} {said}, {gone.bytes:,} bytes of what they did")


async def _forget(settings: Settings, keep: Retention) -> StoreStats:
    from swarm._cli.keeping import open_to_write

    opened = await open_to_write(settings, sweep=False)  # else it might go, uncounted, as the file is opened
    try:
        return await opened.gc(keep, time.time())
    finally:
        await opened.aclose()


async def _would_go(settings: Settings, keep: Retention) -> StoreStats:
    from swarm._cli.keeping import open_to_read
    from swarm.stores import _rules as rules

    opened = open_to_read(settings)
    try:
        heads = {head.id: head for head in await opened.runs()}
    finally:
        await opened.aclose()
    kept = [rules.Kept(head.id, head.status, head.updated, head.bytes) for head in heads.values()]
    return rules.stats_of([heads[run_id] for run_id in rules.expired_runs(kept, keep, time.time())])


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"
