"""Runs in an SQLite file: durable on one machine, owned by one process, with nothing to install.

Decision record 0009; `reliability.md` §3.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores._sqlite import reading
from swarm.stores._sqlite.connect import FileOptions, Warn
from swarm.stores._sqlite.reader import Reader, backup
from swarm.stores._sqlite.sweep import FORGET_AT_ONCE, VACUUM_PAGES
from swarm.stores._sqlite.writer import Change, Writer
from swarm.stores.base import (
    Answered,
    Claimed,
    NewRun,
    Question,
    Record,
    Retention,
    RunHead,
    SavedRun,
    StoreStats,
)
from swarm.stores.failpoint import FAILPOINT, reached
from swarm.stores.limits import StoreLimits

__all__ = ["SqliteStore"]

T = TypeVar("T")

FILE_BYTES = 8_000_000_000
KEEP = Retention()


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


class SqliteStore:
    """Keeps runs in a file: a `RunStore` for the processes of one machine, of which one writes.

    Nothing is opened before the first call. The file, its log and its lock are private (0600, a folder
    that is made 0700).

    Args:
        path: `<path>.lock` and SQLite's `<path>-wal` and `<path>-shm` are beside it.
        durability: `full`: what is acknowledged survives a power cut. `relaxed`: it survives the death
            of the process; a power cut may take the last records, never the order, never the file.
        limits: of one run.
        file_bytes: of the file; a twentieth of it is kept for the ends of runs.
        keep: which ended runs are kept; looked at when the first run begins, and every 1,000 runs.
            None: all, until `gc`.
        busy_s: how long to wait for a lock of another program before `busy`.
        read_only: takes no lock and writes nothing, so it works beside the owner; a file that is not
            there is like an empty one.
        warn: told, in one sentence, that a damaged file was set aside.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        durability: Literal["full", "relaxed"] = "full",
        limits: StoreLimits | None = None,
        file_bytes: int = FILE_BYTES,
        keep: Retention | None = KEEP,
        busy_s: float = 5.0,
        read_only: bool = False,
        warn: Warn = _warn,
    ) -> None:
        if durability not in ("full", "relaxed"):
            raise ValueError(f"durability is 'full' or 'relaxed', not {durability!r}")
        self._path = Path(path)
        options = FileOptions(full=durability == "full", busy_s=busy_s, file_bytes=file_bytes)
        self._writer = None if read_only else Writer(self._path, options, limits or StoreLimits(), keep, warn)
        self._reader = Reader(self._path, busy_s)
        self._is_open = read_only

    async def open(self) -> None:
        """Take the lock and open the file now, rather than at the first call; again is fine."""
        await self._write(lambda changes: None)

    async def put_graph(self, version: str, body: str) -> None:
        """Keep a compiled graph."""
        await self._write(lambda changes: changes.put_graph(version, body))

    async def graph(self, version: str) -> str:
        """Return the graph kept under `version`."""
        return await self._read(lambda file: reading.graph(file, version))

    async def create(self, run: NewRun) -> str:
        """Keep a new run, and return its id once it is durable."""
        return await self._write(lambda changes: changes.create(run), "create")

    async def claim(self, run_id: str) -> Claimed:
        """Make the run ours."""
        epoch = await self._write(lambda changes: changes.claim(run_id), "claim")
        return Claimed(epoch=epoch, run=await self.load(run_id))

    async def append(self, run_id: str, epoch: int, records: Sequence[Record]) -> None:
        """Add records, all or none; return when they are durable."""
        await self._write(lambda changes: changes.append(run_id, epoch, records))

    async def ask(self, run_id: str, epoch: int, question: Question, records: Sequence[Record]) -> None:
        """Add records, and open a question."""
        await self._write(lambda changes: changes.ask(run_id, epoch, question, records), "ask")

    async def answer(self, token: str, answer: str, at: float) -> Answered:
        """Answer a question; the first answer stands."""
        return await self._write(lambda changes: changes.answer(token, answer, at), "answer")

    async def end(self, run_id: str, epoch: int, status: str, records: Sequence[Record], at: float) -> None:
        """Add the last records, and set the state."""
        rules.check_end(status)
        await self._write(lambda changes: changes.end(run_id, epoch, status, records, at), "end", last=True)

    async def cancel(self, run_id: str, at: float) -> bool:
        """End an open run as `cancelled`, whoever owns it."""
        return await self._write(lambda changes: changes.cancel(run_id, at), "cancel", last=True)

    async def load(self, run_id: str) -> SavedRun:
        """Return a run as it is now."""
        return await self._read(lambda file: reading.load(file, run_id))

    async def question(self, token: str) -> Question:
        """Return a question, answered or not."""
        return await self._read(lambda file: reading.question(file, token))

    async def runs(
        self, *, status: Sequence[str] = (), limit: int = 1_000_000, prefix: str = "", key: str | None = None
    ) -> Sequence[RunHead]:
        """Return the heads of runs, the newest first; of one that is damaged the status is `corrupt`."""
        return await self._read(lambda file: reading.heads(file, status, limit, prefix, key))

    async def gc(self, keep: Retention, now: float) -> StoreStats:
        """Forget ended runs past their time, and what nobody refers to."""
        kept = await self._read(reading.kept)
        doomed = list(rules.expired_runs(kept, keep, now))
        gone: list[RunHead] = []
        for start in range(0, len(doomed), FORGET_AT_ONCE):
            some = doomed[start : start + FORGET_AT_ONCE]
            gone += await self._write(lambda changes, some=some: changes.forget(some))
        await self._write(lambda changes: changes.forget_unused())
        while await self._write(lambda changes: changes.shrink(VACUUM_PAGES)):
            pass
        return rules.stats_of(gone)

    async def stats(self) -> StoreStats:
        """Return what is kept."""
        return await self._read(reading.stats)

    async def check(self) -> list[str]:
        """Return what is damaged, in sentences; it reads everything that is kept."""
        return await self._read(reading.check)

    async def settings(self) -> dict[str, str | int]:
        """Return how SQLite was set up for writing: its pragmas by name, and its `version`."""
        return await self._write(lambda changes: changes.settings())

    async def backup(self, path: Path) -> None:
        """Write a consistent copy while runs go on; a file that is there already is not replaced."""
        await self._read(lambda file: backup(file, path))

    async def aclose(self) -> None:
        """Make all that was appended durable and let go; calling it twice is fine."""
        await self._reader.close()
        if self._writer is not None:
            await self._writer.close()

    async def _write(self, change: Change, point: str = "", *, last: bool = False) -> Any:
        if self._writer is None:
            hint = "open it without read_only"
            raise StoreError(
                "the runs were opened to be read only", where=str(self._path), hint=hint, code="read_only"
            )
        if FAILPOINT:
            reached(f"before_{point}")
        result = await self._writer.submit(change, last=last)
        self._is_open = True
        if FAILPOINT:
            reached(f"after_{point}")
        return result

    async def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        if not self._is_open:
            await self.open()
        return await self._reader.call(read)
