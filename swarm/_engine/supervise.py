"""Work in a task of its own, under a deadline that holds even for code that will not be cancelled.

`asyncio.timeout` waits for as long as the cancelled code takes to stop: a tool that catches
`CancelledError` and goes on would hold its caller for ever. Here the caller gets its turn back
`GRACE_S` after the cancellation, whatever the work does; what does not stop is left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from swarm._engine.patience import outlast

__all__ = ["GRACE_S", "Deadlines", "Ending", "Supervised"]

GRACE_S = 2.0  # one second more than a cancelled tool gets (nodes/tool.py)

T = TypeVar("T")


class Ending(Enum):
    """Why a work was ended before it was done."""

    DEADLINE = auto()
    STOPPED = auto()
    CANCELLED_ITSELF = auto()


class Deadlines:
    """The deadlines of many works under one timer of the event loop.

    All works have the same time, so they fall due in the order in which they began: a dict keeps that
    order, and gives up a work that is done at once. A timer of its own for each work would cost 2.5 us
    and stay in the loop's heap long after the work is done.

    Args:
        limit_s: what each work may take. All are works of one event loop.
    """

    __slots__ = ("_due", "_loop", "_timer", "limit_s")

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._due: dict[Supervised[Any], float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, work: Supervised[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Wake the work's caller `limit_s` from now."""
        self._due[work] = due = loop.time() + self.limit_s
        if self._timer is None:
            self._loop = loop
            self._timer = loop.call_at(due, self._ring)

    def remove(self, work: Supervised[Any]) -> float | None:
        """Forget a work; return when it would have been due, None when it is not known."""
        return self._due.pop(work, None)

    def close(self) -> None:
        """Stop the timer; nobody is at work any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        assert self._loop is not None
        self._timer = None
        now = self._loop.time()
        late: list[Supervised[Any]] = []
        for work, due in self._due.items():
            if due > now:
                self._timer = self._loop.call_at(due, self._ring)
                break
            late.append(work)
        for work in late:
            del self._due[work]
            work.wake()


class Supervised(Generic[T]):
    """A coroutine at work in a task; made inside a running loop, awaited once with `result()`.

    A work may call `begun()` as its first act and then has to call `wake()` as its last: the callback
    of a task that does this for it costs 2 us and another round of the loop.

    Args:
        deadlines: of its kind; `pause` and `go_on` hold the clock and start it again.
    """

    __slots__ = ("_deadlines", "_ending", "_left_s", "_loop", "_stopped", "_task", "_timer", "_turn")

    def __init__(self, work: Coroutine[Any, Any, T], deadlines: Deadlines) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._turn: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(work)
        self._task.add_done_callback(self._over)
        self._deadlines = deadlines
        deadlines.add(self, loop)
        self._timer: asyncio.TimerHandle | None = None  # of a work that was paused before
        self._left_s: float | None = None  # while it is paused
        self._stopped = self._ending = False

    @property
    def is_left_behind(self) -> bool:
        """Return whether the work goes on although it was cancelled."""
        return not self._task.done()

    @property
    def is_over(self) -> bool:
        """Return whether the work is done, or is being ended."""
        return self._turn.done()

    async def result(self) -> T | Ending:
        """Return what the work returns, or why it was ended.

        Raises:
            CancelledError: the caller was cancelled; the work is, too.
            BaseException: what the work raised.
        """
        try:
            await self._turn
        except asyncio.CancelledError:
            await self._end()
            raise
        finally:
            if self._deadlines.remove(self) is None:
                self.pause()
        if not self._task.done():
            await self._end()
            return Ending.STOPPED if self._stopped else Ending.DEADLINE
        return Ending.CANCELLED_ITSELF if self._task.cancelled() else self._task.result()

    def stop(self) -> None:
        """End the work from outside."""
        self._stopped = True
        self.wake()

    async def ended(self) -> None:
        """Wait for the work to end, at most for `GRACE_S`."""
        await asyncio.wait({self._task}, timeout=GRACE_S)

    def pause(self) -> None:
        """Hold the clock."""
        due = self._deadlines.remove(self)
        if self._timer is not None:
            due = self._timer.when()
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._left_s = due - self._loop.time()

    def go_on(self) -> None:
        """Start the clock again with what was left."""
        if self._left_s is not None and not self.is_over:
            self._timer = self._loop.call_later(max(0.0, self._left_s), self.wake)
            self._left_s = None

    def begun(self) -> None:
        """Say that the work calls `wake` itself; one that is cancelled before its first step cannot."""
        self._task.remove_done_callback(self._over)

    def wake(self) -> None:
        """Give the caller its turn: the work is done, or its time is up."""
        if not self._turn.done():
            self._turn.set_result(None)

    def _over(self, _: asyncio.Task[T]) -> None:
        self.wake()

    async def _end(self) -> None:
        if not self._ending:  # its `cancelling()` may count what a group or a deadline inside takes back
            self._ending = True
            self._task.cancel()
            self._task.add_done_callback(_retrieve)
        await outlast(self._task, GRACE_S)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Take what a cancelled work raised: it no longer counts, and nobody else will ask."""
    if not task.cancelled():
        task.exception()
