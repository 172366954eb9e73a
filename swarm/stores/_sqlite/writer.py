"""The one thread that writes: it takes what waits, commits it together, and tells whoever waits.

Records become durable in the order in which they were handed over: the queue is the order. While a
commit waits for the disk the next ones gather, so a batch grows with the load and costs nobody a wait.
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from swarm.stores import _rules as rules
from swarm.stores._sqlite.session import Change, Session

__all__ = ["Writer"]

MAX_BATCH = 512  # requests a commit
IDLE_S = 2.0  # without a request, after which the log is folded into the file


class Request(NamedTuple):
    """A change, and who waits for it; `last`: it may use the reserve, for a run ends with it."""

    change: Change
    last: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Writer:
    """Makes changes on a thread of its own, from the first one until `close`.

    Args:
        open_session: opens the file; when it fails so does the change that asked, and the next tries again.
    """

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open_session = open_session
        self._queue: SimpleQueue[Request | None] = SimpleQueue()  # None: there is nothing after it
        self._guard = threading.Lock()  # of the four below: a store may serve several event loops
        self._thread: threading.Thread | None = None
        self._closed = False
        self._gone = False
        self._leaving: list[Request] = []  # who waits for the end of the thread
        self._session: Session | None = None

    async def submit(self, change: Change, *, last: bool = False) -> Any:
        """Make a change, and return what it returns once it is durable. Raises `StoreError`."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._guard:
            if self._thread is None or self._closed:
                self._start()
            self._queue.put(Request(change, last, loop, future))
        return await future

    async def close(self) -> None:
        """Make all that was handed over durable, and let go of the file; again is fine."""
        loop = asyncio.get_running_loop()
        gone = loop.create_future()
        with self._guard:
            first, self._closed = not self._closed, True
            if self._thread is None or self._gone:
                return
            self._leaving.append(Request(_nothing, False, loop, gone))
            if first:
                self._queue.put(None)
        await gone
        self._thread.join()

    def _start(self) -> None:
        if self._closed:
            raise rules.closed()
        self._thread = threading.Thread(target=self._run, name="swarm-runs", daemon=True)
        self._thread.start()

    # What follows runs on the thread.

    def _run(self) -> None:
        try:
            self._work()
        finally:  # even if it fails in a way that nobody thought of: nobody waits for ever
            with self._guard:
                self._closed = self._gone = True
            left = [request for request in self._rest() if request is not None]
            _deliver(left, [rules.closed() for _ in left])
            _deliver(self._leaving, [None] * len(self._leaving))

    def _work(self) -> None:
        go_on, more = True, False
        while go_on:
            batch, go_on = self._next(tidying=more)
            if batch:
                _deliver(batch, self._serve(batch))
            elif self._session is not None and not more:
                self._session.fold()
            more = self._session is not None and self._session.tidy()
        if self._session is not None:
            self._session.close()

    def _rest(self) -> Iterator[Request | None]:
        while not self._queue.empty():
            yield self._queue.get()

    def _next(self, *, tidying: bool) -> tuple[list[Request], bool]:
        """Wait for requests, and return what is there and whether there will be more.

        It returns none when nobody asked for a while, and there is something to do meanwhile.
        """
        is_dirty = self._session is not None and self._session.is_dirty
        patience_s = 0.0 if tidying else IDLE_S if is_dirty else None
        batch: list[Request] = []
        try:
            request = self._queue.get(timeout=patience_s)
            while request is not None:
                batch.append(request)
                if len(batch) == MAX_BATCH or self._queue.empty():
                    return batch, True
                request = self._queue.get()
        except Empty:
            return batch, True
        return batch, False

    def _serve(self, batch: Sequence[Request]) -> list[Any]:
        try:
            if self._session is None:
                self._session = self._open_session()
            return self._session.commit([one.change for one in batch], [one.last for one in batch])
        except Exception as error:  # the thread must live: whoever waits is told
            return [copy.copy(error) for _ in batch]


def _nothing(changes: object) -> None:
    """Change nothing."""


def _deliver(batch: Sequence[Request], results: Sequence[Any]) -> None:
    """Tell everybody who waits, each event loop once."""
    told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for request, result in zip(batch, results, strict=True):
        told.setdefault(request.loop, []).append((request.future, result))
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
