"""Where runs are kept: the store that the settings name, opened to write or to read, and who owns it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from swarm._cli import console
from swarm._cli.settings import Settings
from swarm.errors import StoreError
from swarm.stores.base import Retention, RunStore

__all__ = ["file_of", "open_to_read", "open_to_write", "owner_of", "place_of"]

ADDRESSES = ("postgresql://", "postgres://")
VARIABLE = "env:"


def file_of(settings: Settings) -> Path | None:
    """Return the file of runs; None where they are in a database."""
    is_database = settings.store.startswith((*ADDRESSES, VARIABLE))
    return None if is_database else Path(settings.store)


def place_of(settings: Settings) -> str:
    """Return where runs are kept, for people: an address without who logs in there, and how."""
    if not settings.store.startswith(ADDRESSES):
        return settings.store
    parts = urlsplit(settings.store)
    return f"postgresql://{parts.hostname or ''}{parts.path}"


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
    from swarm.stores.sqlite import SqliteStore

    keep = Retention(runs=settings.keep_runs) if sweep else None
    store = SqliteStore(path, keep=keep, warn=console.warn)
    try:
        await store.open()
    except BaseException:
        await store.aclose()
        raise
    return store


def open_to_read(settings: Settings) -> RunStore:
    """Return the store to read from, beside whoever owns it; one that is not there is like an empty one."""
    path = file_of(settings)
    if path is None:
        return _database(settings)
    from swarm.stores.sqlite import SqliteStore

    return SqliteStore(path, read_only=True)


def owner_of(path: Path) -> str:
    """Return the id of the process that has a file of runs open, "" where none has."""
    lock = Path(f"{path}.lock")
    if not lock.exists():
        return ""
    from swarm.stores._sqlite.lock import FileLock

    try:
        FileLock(path).release()
    except StoreError:
        return lock.read_text(encoding="ascii", errors="replace").strip() or "(unknown)"
    except OSError:
        return ""  # who may not open the lock cannot know
    return ""


def _database(settings: Settings) -> RunStore:
    from swarm.stores.postgres import PostgresStore

    return PostgresStore(settings.store)
