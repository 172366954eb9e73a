"""The thread that reads a file of runs, on a connection of its own, beside the writer or without one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores._sqlite.connect import create_private, open_reader
from swarm.stores._sqlite.faults import as_ours, corrupt, translated

__all__ = ["Reader", "backup"]

T = TypeVar("T")


class Reader:
    """Calls functions with a connection that only reads, one at a time.

    A file that is not there is like an empty one, until it is there.
    """

    def __init__(self, path: Path, busy_s: float) -> None:
        self._path, self._busy_s = path, busy_s
        self._thread = ThreadPoolExecutor(1, "swarm-runs-reader")
        self._file: sqlite3.Connection | None = None
        self._closed = False

    async def call(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `read` returns. Raises `StoreError`."""
        if self._closed:
            raise rules.closed()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, read)

    async def close(self) -> None:
        """Let go of the file; again is fine."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown()

    def _call(self, read: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._file is None and self._path.exists() and self._path.stat().st_size:
                self._file = open_reader(self._path, self._busy_s)
            if self._file is not None:
                return read(self._file)
            with closing(open_reader(self._path, self._busy_s)) as nothing:
                return read(nothing)
        except sqlite3.Error as error:
            raise translated(error, str(self._path)) from error
        except UnicodeDecodeError as error:  # what SQLite says of a damaged schema quotes it
            raise corrupt("the file is damaged: its schema cannot be read") from error
        except UnicodeEncodeError as error:  # of what was asked for
            raise as_ours(error, self._path) from error

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()


def backup(file: sqlite3.Connection, path: Path) -> None:
    """Copy everything to a new file, as it is at one moment.

    Raises:
        StoreError: there is a file of that name, or it cannot be written.
    """
    try:
        create_private(path)
    except (OSError, ValueError) as error:  # ValueError: the name is none
        what = f"the copy cannot be written: {getattr(error, 'strerror', None) or error}"
        raise StoreError(what, where=str(path), hint="name a file that is not there") from error
    try:
        with closing(sqlite3.connect(path)) as copy:
            file.backup(copy)
    except BaseException:
        path.unlink()
        raise
