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

__all__ = ["GRACE_S", "Ending", "Supervised"]

GRACE_S = 2.0  # one second more than a cancelled tool gets (nodes/tool.py)

T = TypeVar("T")


class Ending(Enum):
    """Why a work was ended before it was done."""

    DEADLINE = auto()
    STOPPED = auto()
    CANCELLED_ITSELF = auto()


class Supervised(Generic[T]):
    """A coroutine at work in a task; made inside a running loop, awaited once with `result()`.

    Args:
        limit_s: its deadline, from now; `pause` and `go_on` hold the clock and start it again.
    """

    __slots__ = ("_left_s", "_loop", "_stopped", "_task", "_timer", "_turn", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], limit_s: float) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._turn: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._at_work(work))
        self._task.add_done_callback(self._over)
        self._work = work
        self._timer: asyncio.TimerHandle | None = loop.call_later(limit_s, self._wake)
        self._left_s = limit_s
        self._stopped = False

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
            self.pause()
        if not self._task.done():
            await self._end()
            return Ending.STOPPED if self._stopped else Ending.DEADLINE
        return Ending.CANCELLED_ITSELF if self._task.cancelled() else self._task.result()

    def stop(self) -> None:
        """End the work from outside."""
        self._stopped = True
        self._wake()

    async def ended(self) -> None:
        """Wait for the work to end, at most for `GRACE_S`."""
        await asyncio.wait({self._task}, timeout=GRACE_S)

    def pause(self) -> None:
        """Hold the clock."""
        if self._timer is not None:
            self._left_s = self._timer.when() - self._loop.time()
            self._timer.cancel()
            self._timer = None

    def go_on(self) -> None:
        """Start the clock again with what was left."""
        if self._timer is None and not self.is_over:
            self._timer = self._loop.call_later(max(0.0, self._left_s), self._wake)

    async def _at_work(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, and wake the caller a turn of the loop earlier than the task's callbacks would."""
        try:
            return await work
        finally:
            self._wake()

    def _over(self, _: asyncio.Task[T]) -> None:
        self._work.close()  # one that was cancelled before its first step has not begun
        self._wake()

    def _wake(self) -> None:
        if not self._turn.done():
            self._turn.set_result(None)

    async def _end(self) -> None:
        self._task.cancel()
        self._task.add_done_callback(_retrieve)
        await asyncio.wait({self._task}, timeout=GRACE_S)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Take what a cancelled work raised: it no longer counts, and nobody else will ask."""
    if not task.cancelled():
        task.exception()
