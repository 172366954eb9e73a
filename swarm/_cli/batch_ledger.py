"""The output file of a batch is its ledger: a row is done when its line is there, whole.

Lines are only ever added, and are on the disk at most a second later. After the death of the process
the last line may be cut short: it is taken away, and its row done again. After a power loss the rows of
the last second may be missing, and are done again, too. One process at a time writes to a file.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import click

from swarm._cli.batch_rows import RowSet
from swarm.errors import InputError, StoreError

try:
    import fcntl
except ImportError:  # pragma: no cover - a system without it: two processes are not kept apart there
    fcntl = None

__all__ = ["Ledger", "is_regular"]

SYNC_EVERY_S = 1.0
BUFFER = 1 << 18
OURS = re.compile(rb'\s*\{"(row|run)": ')  # how the line of a result begins
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode


class Ledger:
    """The output file, ours alone until it is closed; use it in a `with`.

    Attributes:
        done: the rows whose lines are there.

    Raises:
        UsageError: it cannot be opened. StoreError: another process writes to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = RowSet()
        self._file = _open_alone(path)
        self._failure: OSError | None = None
        self._dirty = False
        self._closing = threading.Event()
        self._syncer = threading.Thread(target=self._keep_synced, name="batch-sync", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing in the file."""
        return os.fstat(self._file.fileno()).st_size == 0

    def clear(self) -> None:
        """Begin anew.

        Raises:
            InputError: the file holds something else than results of a batch.
        """
        with self.path.open("rb") as file:
            first = file.read(64)
        if first and not OURS.match(first):
            raise InputError(
                "this file holds something else than results of a batch", where=str(self.path),
                hint="write to another file", code="usage",
            )  # fmt: skip
        self._file.truncate(0)

    def read(self, tell: Callable[[Mapping[str, Any]], object], *, ordered: bool, at_most: int) -> None:
        """Take in what is there, line by line; a last line that was cut short is taken away.

        Args:
            tell: is given every result. ordered: rows have to be in order. at_most: the largest row.

        Raises:
            InputError: a line is damaged; names it.
        """
        whole = 0
        with self.path.open("rb", buffering=BUFFER) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                try:
                    table = _result_of(line)
                    row = _row_of(table, at_most)
                    if ordered and row < self.done.last:
                        raise ValueError(f"row {row} comes after row {self.done.last}")
                    if not self.done.add(row):
                        raise ValueError(f"row {row} is there twice")
                    tell(table)
                except (ValueError, KeyError, TypeError, AttributeError) as error:  # of any shape: not ours
                    raise self._damaged(number, str(error)) from error
        self._file.truncate(whole)

    def append(self, result: Mapping[str, Any]) -> None:
        """Add the line of a row.

        Raises:
            StoreError: it, or one before, cannot be written.
        """
        if self._failure is not None:
            raise self._unwritable(self._failure)
        line = (_ENCODE(result) + "\n").encode("utf-8", "backslashreplace")
        try:
            self._file.write(line)
        except OSError as error:
            self._failure = error
            raise self._unwritable(error) from error
        self._dirty = True
        if self._syncer.ident is None:
            self._syncer.start()

    def sync(self) -> None:
        """Return when all that was added is durable.

        Raises:
            StoreError: something of it could not be written.
        """
        self._sync()
        if self._failure is not None:
            raise self._unwritable(self._failure)

    def close(self) -> None:
        """Make everything durable and let go of the file; calling it twice is fine.

        Raises:
            StoreError: something of it could not be written.
        """
        if self._file.closed:
            return
        self._closing.set()
        if self._syncer.ident is not None:
            self._syncer.join()
        try:
            self.sync()
        finally:
            with suppress(OSError):  # what waits in the buffer cannot be written: `sync` has said so
                self._file.close()

    def _keep_synced(self) -> None:
        while not self._closing.wait(SYNC_EVERY_S):
            self._sync()

    def _sync(self) -> None:
        """Bring what was added to the disk; a failure is kept for those who add more."""
        if not self._dirty or self._failure is not None:
            return
        self._dirty = False  # before: what is added meanwhile is for the next time
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._failure = error

    def _damaged(self, number: int, why: str) -> InputError:
        return InputError(
            f"this line is no result of this batch: {why}", where=f"{self.path}:{number}", code="usage",
            hint=f"delete line {number} and all after it: their rows are run again with --resume",
        )  # fmt: skip

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"the results cannot be written: {error.strerror or error}", where=str(self.path),
            hint="make room, and give the same command again with --resume", code="unwritable",
        )  # fmt: skip


def is_regular(path: Path) -> bool:
    """Return whether a path is a file that can be read again, or could be one: no device and no pipe."""
    return path.is_file() or not path.exists()


def _open_alone(path: Path) -> BinaryIO:
    """Open a file to add to, locked: the lock goes with the process, however it ends."""
    try:
        file = path.open("ab", buffering=BUFFER)
    except OSError as error:
        raise click.UsageError(f"--out {str(path)!r} cannot be written: {error.strerror}") from error
    if fcntl is not None:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise _unlockable(path, error) from error
    return file


def _unlockable(path: Path, error: OSError) -> StoreError:
    if isinstance(error, BlockingIOError):
        what, hint = "another process writes to this file", "wait for it to end, or write to another file"
    else:
        what, hint = f"this file cannot be locked: {error.strerror}", "write to a disk of this machine"
    return StoreError(what, where=str(path), code="owned", hint=hint)


def _result_of(line: bytes) -> dict[str, Any]:
    try:
        table = json.loads(line)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(table, dict) or not {"row", "run", "status", "nodes", "usage"} <= table.keys():
        raise ValueError("not the result of a row")
    return cast("dict[str, Any]", table)


def _row_of(table: Mapping[str, Any], at_most: int) -> int:
    row = table["row"]
    if type(row) is not int or not 1 <= row <= at_most:
        raise ValueError(f"{row!r} is no line of the input")
    return row
