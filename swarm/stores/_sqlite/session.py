"""The file while one process has it open to write: transactions, and what becomes of one that fails.

All of it runs on the writer's thread.
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from swarm.errors import StoreError, describe
from swarm.stores._sqlite.changes import Changes
from swarm.stores._sqlite.connect import FileOptions, Warn, open_writer, refuse_other
from swarm.stores._sqlite.faults import as_ours
from swarm.stores._sqlite.lock import FileLock
from swarm.stores._sqlite.sweep import Sweep
from swarm.stores.base import Retention
from swarm.stores.failpoint import FAILPOINT, reached
from swarm.stores.limits import StoreLimits

__all__ = ["Change", "Session"]

RESERVE = 20  # one page in so many is kept for the ends of runs,
MIN_RESERVE = 8  # and never fewer

Change = Callable[[Changes], Any]


class Session:
    """Holds the lock and the connection from when it is made until `close`. Raises `StoreError`."""

    def __init__(
        self, path: Path, options: FileOptions, limits: StoreLimits, keep: Retention | None, warn: Warn
    ) -> None:
        self._path, self._options, self._warn = path, options, warn
        refuse_other(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = FileLock(path)
        except OSError as error:
            raise as_ours(error, path) from error
        try:
            self._file = open_writer(path, options, warn, is_known=self._lock.is_known)
        except BaseException as error:
            self._lock.release(opened=False)
            if isinstance(error, OSError):
                raise as_ours(error, path) from error
            raise
        self._changes = Changes(self._file, limits)
        self._sweep = Sweep(keep)
        self._allow(reserve=False)
        self.is_dirty = True  # the log may hold commits that are not in the file

    def commit(self, changes: Sequence[Change], last: Sequence[bool]) -> list[Any]:
        """Make changes, and return the result of each, or the exception that is its result.

        Args:
            last: of each, whether it may use the reserve, for a run ends with it.
        """
        try:
            return self._together(changes)
        except Exception as error:
            fault = as_ours(error, self._path)
        code = fault.code if isinstance(fault, StoreError) else ""
        if code == "storage_full":
            ends = zip(changes, last, strict=True)
            return [self._from_reserve(change) if is_last else copy.copy(fault) for change, is_last in ends]
        if code == "busy" or len(changes) == 1:
            return [copy.copy(fault) for _ in changes]
        alone = zip(changes, last, strict=True)  # one of them is at fault, the others are not
        return [self.commit([change], [is_last])[0] for change, is_last in alone]

    def tidy(self) -> bool:
        """Look for runs that need not be kept, when it is time to, or delete some; return whether there are more."""
        if not self._sweep.is_due(self._changes):
            return False
        try:
            self._together([self._sweep.step])
        except Exception as error:  # nobody waits for it, and the thread must live
            self._warn(f"old runs were not deleted: {describe(as_ours(error, self._path))}")
            return False
        return self._sweep.is_due(self._changes)

    def fold(self) -> None:
        """Fold the log into the file, and cut it off, unless a reader needs it: then the next time."""
        self.is_dirty = False
        with suppress(sqlite3.Error):  # the log stays as it is: nothing is lost, and the next commit says why
            self._file.execute("PRAGMA busy_timeout = 0")
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._file.execute(f"PRAGMA busy_timeout = {int(self._options.busy_s * 1000)}")

    def close(self) -> None:
        """Fold the log, and let go of the file."""
        self.fold()
        self._file.close()
        self._lock.release()

    def _together(self, changes: Sequence[Change]) -> list[Any]:
        """Make changes in one transaction; a refusal, which comes before anything is written, is a result."""
        file = self._file
        file.execute("BEGIN IMMEDIATE")
        try:
            results = [_made(change, self._changes) for change in changes]
            if FAILPOINT:
                reached("before_commit")
            file.execute("COMMIT")
        except BaseException:
            self._changes.rolled_back()
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise
        self._changes.trim()
        self.is_dirty = True
        if FAILPOINT:
            reached("after_commit")
        return results

    def _from_reserve(self, change: Change) -> Any:
        """Let a run end although there is no room: its failure must be told."""
        self._allow(reserve=True)
        try:
            return self._together([change])[0]
        except Exception as error:
            return as_ours(error, self._path)
        finally:
            self._allow(reserve=False)

    def _allow(self, *, reserve: bool) -> None:
        pages = self._options.pages
        if not reserve:
            pages -= max(pages // RESERVE, MIN_RESERVE)
        self._file.execute(f"PRAGMA max_page_count = {pages}")


def _made(change: Change, changes: Changes) -> Any:
    try:
        return change(changes)
    except StoreError as refused:
        return refused
