"""Where runs are kept: the store that the settings name, opened to write or to read, and who owns it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from swarm._cli import console
from swarm._cli.settings import Settings
from swarm.errors import StoreError, SwarmError
from swarm.stores.base import Retention, RunStore

__all__ = [
    "advice_names_the_store",
    "file_of",
    "open_to_read",
    "open_to_write",
    "owner_of",
    "place_of",
    "typed",
]

ADDRESSES = ("postgresql://", "postgres://")
VARIABLE = "env:"
ENDS_WITH_COMMAND = re.compile(r"(?:^|: )swarm runs( [^\s,;()]+)+$")


def file_of(settings: Settings) -> Path | None:
    """Return the file of runs; None where they are in a database."""
    is_database = settings.store.startswith((*ADDRESSES, VARIABLE))
    return None if is_database else Path(settings.store)


def place_of(settings: Settings) -> str:
    """Return where runs are kept, for people: an address without who logs in there, and how."""
    if not settings.store.startswith(ADDRESSES):
        return settings.store
    parts = urlsplit(settings.store)
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


def typed(command: str, settings: Settings) -> str:
    """Return what a person types, with `--store` if this command was given it, so that it means the same runs."""
    is_given = "store" in settings.given
    return f"{command} --store {shlex.quote(place_of(settings))}" if is_given else command


@contextmanager
def advice_names_the_store(settings: Settings) -> Generator[None]:
    """Have the advice of errors that pass, where it ends with a command about runs, name the store as `typed` does."""
    try:
        yield
    except SwarmError as error:
        if ENDS_WITH_COMMAND.search(error.hint) and " --store " not in error.hint:
            error.hint = typed(error.hint, settings)
        raise


async def open_to_write(settings: Settings, *, sweep: bool = True) -> RunStore:
    """Return the store, ours to write to until it is closed.

    Args:
        sweep: forget runs that need not be kept any more, on the way.

    Raises:
        StoreError: it cannot be opened; `owned`: another process has it open.
    """
    path = file_of(settings)
    if path is None:
        return _database(settings)
    keep = Retention(runs=settings.keep_runs) if sweep else None
    try:
        return await _opened(path, keep)
    except StoreError as error:
        if error.code != "owned" or owner_of(path):
            raise
    return await _opened(path, keep)  # somebody only looked, at that moment


def open_to_read(settings: Settings) -> RunStore:
    """Return the store to read from, beside whoever owns it; one that is not there is like an empty one."""
    path = file_of(settings)
    if path is None:
        return _database(settings)
    from swarm.stores.sqlite import SqliteStore

    return SqliteStore(path, read_only=True)


def owner_of(path: Path) -> str:
    """Return the id of the process that has a file of runs open, "" where none has."""
    from swarm.stores._sqlite.lock import holder_of

    try:
        return holder_of(path)
    except OSError:
        return ""  # who may not open the lock cannot know


async def _opened(path: Path, keep: Retention | None) -> RunStore:
    from swarm.stores.sqlite import SqliteStore

    store = SqliteStore(path, keep=keep, warn=console.warn)
    try:
        await store.open()
    except BaseException:
        await store.aclose()
        raise
    return store


def _database(settings: Settings) -> RunStore:
    from swarm.stores.postgres import PostgresStore

    return PostgresStore(settings.store)
