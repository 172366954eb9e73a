"""The one thread that writes: it takes what waits, commits it together, and tells whoever waits.

Records become durable in the order in which they were handed over: the queue is the order. While a
commit waits for the disk the next ones gather, so a batch grows with the load and costs nobody a wait.
"""

from __future__ import annotations

import asyncio
import copy
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores._sqlite.changes import Changes
from swarm.stores._sqlite.connect import FileOptions, Warn, open_writer
from swarm.stores._sqlite.faults import translated
from swarm.stores._sqlite.lock import FileLock
from swarm.stores._sqlite.sweep import Sweep
from swarm.stores.base import Retention
from swarm.stores.failpoint import FAILPOINT, reached
from swarm.stores.limits import StoreLimits

__all__ = ["Change", "Writer"]

MAX_BATCH = 512  # requests a commit
IDLE_S = 2.0  # without a request, after which the log is folded into the file
RESERVE = 20  # one page in so many is kept for the ends of runs

Change = Callable[[Changes], Any]


class Waiter(NamedTuple):
    """Somebody who waits on an event loop."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Request(NamedTuple):
    """A change, and who waits for it; `last`: it may use the reserve, for a run ends with it."""

    change: Change
    last: bool
    waiter: Waiter


@dataclass(slots=True)
class Session:
    """The file while it is open."""

    lock: FileLock
    file: sqlite3.Connection
    changes: Changes


class Writer:
    """Owns the file of runs, on a thread of its own, from the first change until `close`.

    A file that cannot be opened fails the change that asked for it; the next one tries again.

    Args:
        keep: what need not be kept is deleted now and then; None: all is kept.
        warn: told what nobody waits for: that a damaged file was set aside, that a deletion failed.
    """

    def __init__(
        self, path: Path, options: FileOptions, limits: StoreLimits, keep: Retention | None, warn: Warn
    ) -> None:
        self._path, self._options, self._limits, self._warn = path, options, limits, warn
        self._sweep = Sweep(keep)
        self._queue: SimpleQueue[Request | None] = SimpleQueue()  # None: there is nothing after it
        self._guard = threading.Lock()  # of the four below: a store may serve several event loops
        self._thread: threading.Thread | None = None
        self._closed = False
        self._gone = False
        self._leaving: list[Waiter] = []  # who waits for the end of the thread
        self._session: Session | None = None
        self._dirty = False  # the log holds commits that are not in the file

    async def submit(self, change: Change, *, last: bool = False) -> Any:
        """Make a change, and return what it returns once it is durable. Raises `StoreError`."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._guard:
            if self._closed:
                raise rules.closed()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="swarm-runs", daemon=True)
                self._thread.start()
            self._queue.put(Request(change, last, Waiter(loop, future)))
        return await future

    async def close(self) -> None:
        """Make all that was handed over durable, and let go of the file; again is fine."""
        loop = asyncio.get_running_loop()
        waiter = Waiter(loop, loop.create_future())
        with self._guard:
            first, self._closed = not self._closed, True
            if self._thread is None or self._gone:
                return
            self._leaving.append(waiter)
            if first:
                self._queue.put(None)
        await waiter.future
        self._thread.join()

    # What follows runs on the thread.

    def _run(self) -> None:
        go_on = True
        while go_on:
            batch, go_on = self._next()
            if batch:
                self._serve(batch)
            elif not self._sweep.is_due:
                self._fold()
            if self._session is not None:
                self._tidy(self._session)
        self._let_go()

    def _next(self) -> tuple[list[Request], bool]:
        """Wait for requests, and return what is there and whether there will be more.

        It returns none when nobody asked for a while, and there is something to tidy up.
        """
        patience_s = 0.0 if self._sweep.is_due else IDLE_S if self._dirty else None
        batch: list[Request] = []
        try:
            request = self._queue.get(timeout=patience_s)
            while request is not None:
                batch.append(request)
                if len(batch) == MAX_BATCH:
                    return batch, True
                request = self._queue.get_nowait()
        except Empty:
            return batch, True
        return batch, False

    def _serve(self, batch: Sequence[Request]) -> None:
        try:
            session = self._session = self._session or self._open()
            results = self._commit(session, batch)
            session.changes.trim()
        except Exception as error:  # the thread must live: whoever waits is told
            fault = self._fault(error)
            results = [copy.copy(fault) for _ in batch]
        if FAILPOINT:
            reached("after_commit")
        _deliver([request.waiter for request in batch], results)

    def _open(self) -> Session:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(self._path)
        try:
            file = open_writer(self._path, self._options, self._warn)
        except BaseException:
            lock.release()
            raise
        self._allow(file, reserve=False)
        return Session(lock, file, Changes(file, self._limits))

    def _commit(self, session: Session, batch: Sequence[Request]) -> list[Any]:
        """Return the result of each request, or the exception that is its result."""
        try:
            return self._together(session, [request.change for request in batch])
        except Exception as error:
            fault = self._fault(error)
        code = fault.code if isinstance(fault, StoreError) else ""
        if code == "storage_full":
            return [self._from_reserve(session, one) if one.last else copy.copy(fault) for one in batch]
        if code == "busy" or len(batch) == 1:
            return [copy.copy(fault) for _ in batch]
        return [self._commit(session, [one])[0] for one in batch]  # one is at fault: the others are not

    def _together(self, session: Session, changes: Sequence[Change]) -> list[Any]:
        """Make changes in one transaction; a refusal, which comes before anything is written, is a result."""
        file = session.file
        file.execute("BEGIN IMMEDIATE")
        try:
            results = [_made(change, session.changes) for change in changes]
            if FAILPOINT:
                reached("before_commit")
            file.execute("COMMIT")
        except BaseException:
            session.changes.rolled_back()
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise
        self._dirty = True
        return results

    def _from_reserve(self, session: Session, request: Request) -> Any:
        """Let a run end although there is no room: its failure must be told."""
        self._allow(session.file, reserve=True)
        try:
            return self._together(session, [request.change])[0]
        except Exception as error:
            return self._fault(error)
        finally:
            self._allow(session.file, reserve=False)

    def _allow(self, file: sqlite3.Connection, *, reserve: bool) -> None:
        pages = self._options.pages if reserve else self._options.pages - self._options.pages // RESERVE
        file.execute(f"PRAGMA max_page_count = {pages}")

    def _tidy(self, session: Session) -> None:
        """Delete the next few runs that need not be kept, and look for more when it is time to."""
        try:
            if self._sweep.is_due:
                self._together(session, [self._sweep.sweep])
            else:
                self._sweep.look(session.file, session.changes)
        except sqlite3.Error as error:
            self._warn(f"old runs were not deleted: {translated(error, str(self._path)).what}")

    def _fold(self) -> None:
        """Fold the log into the file, and cut it off, unless a reader needs it: then the next time."""
        self._dirty = False
        if self._session is None:
            return
        file = self._session.file
        with suppress(sqlite3.Error):  # the log stays as it is: nothing is lost, and the next commit says why
            file.execute("PRAGMA busy_timeout = 0")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        file.execute(f"PRAGMA busy_timeout = {int(self._options.busy_s * 1000)}")

    def _let_go(self) -> None:
        if self._session is not None:
            self._fold()
            self._session.file.close()
            self._session.lock.release()
            self._session = None
        with self._guard:
            self._gone = True
            leaving = self._leaving
        _deliver(leaving, [None] * len(leaving))

    def _fault(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.Error):
            return translated(error, str(self._path))
        if isinstance(error, UnicodeEncodeError):
            return StoreError(f"a name is not text: {error.reason}", where=str(self._path), code="invalid")
        if isinstance(error, OSError):
            what = f"the file of runs cannot be opened: {error.strerror or error}"
            return StoreError(what, where=str(self._path), hint="check the folder and who may write it")
        return error


def _made(change: Change, changes: Changes) -> Any:
    try:
        return change(changes)
    except StoreError as refused:
        return refused


def _deliver(waiters: Sequence[Waiter], results: Sequence[Any]) -> None:
    """Tell everybody who waits, each event loop once."""
    told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for waiter, result in zip(waiters, results, strict=True):
        told.setdefault(waiter.loop, []).append((waiter.future, result))
    for loop, settled in told.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in settled:
        if future.done():
            continue  # whoever waited was cancelled; what was written stays
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
