"""What SQLite says went wrong, in our words."""

from __future__ import annotations

import sqlite3

from swarm.errors import StoreError

__all__ = ["corrupt", "is_damage", "translated"]

MASK = 0xFF  # the rest of a code says which kind of the same trouble
WORDS = {
    sqlite3.SQLITE_BUSY: ("busy", "another program has the file locked", "close it there, and try again"),
    sqlite3.SQLITE_LOCKED: ("busy", "another program has the file locked", "close it there, and try again"),
    sqlite3.SQLITE_FULL: (
        "storage_full",
        "there is no room left for runs",
        "swarm runs gc, or free some disk",
    ),
    sqlite3.SQLITE_IOERR: ("storage_full", "the disk cannot be written or read", "free some disk, check it"),
    sqlite3.SQLITE_CORRUPT: ("corrupt", "the file is damaged", "swarm doctor"),
    sqlite3.SQLITE_NOTADB: ("corrupt", "the file holds no runs: it is damaged, or no store", "swarm doctor"),
    sqlite3.SQLITE_READONLY: ("read_only", "the file may not be written", "check who may write it"),
    sqlite3.SQLITE_CANTOPEN: ("store", "the file cannot be opened", "check the folder and who may write it"),
}
OTHER = ("store", "the file cannot be used", "swarm doctor")


def translated(error: sqlite3.Error, where: str) -> StoreError:
    """Return a library's error as ours."""
    code, what, hint = WORDS.get(_code(error), OTHER)
    return StoreError(f"{what} ({error})", where=where, hint=hint, code=code)


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file itself is what is wrong."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def corrupt(what: str) -> StoreError:
    """Return the error of something that is not as it was written."""
    return StoreError(what, code="corrupt", hint="swarm doctor")


def _code(error: sqlite3.Error) -> int:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & MASK
    if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such "):
        return sqlite3.SQLITE_CORRUPT  # of a table or column that every file has: its schema is damaged
    return code
