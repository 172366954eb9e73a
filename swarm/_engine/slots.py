"""How many may be at work at once: a semaphore that is fair between runs and costs nothing while there is room.

`asyncio.Semaphore` takes 0.7 us of each node even when nobody waits, a twentieth of what a node costs; and it
serves in the order of asking, so that one run with a thousand nodes would hold up all others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count

__all__ = ["Slots"]

_Turn = tuple[float, int, asyncio.Future[None]]


class Slots:
    """Slots to work in. Runs that wait get the next one in turn; within a run the most urgent node does.

    Take one with `if slots.free: slots.free -= 1` and otherwise `await slots.wait(...)`; give it back
    with `release()`.

    Attributes:
        free: slots that nobody holds; 0 while anyone waits. waiting: how many wait.
    """

    __slots__ = ("_asked", "_queues", "_turns", "free", "waiting")

    def __init__(self, free: int) -> None:
        self.free = free
        self.waiting = 0
        self._asked: Iterator[int] = count()
        self._queues: dict[str, list[_Turn]] = {}  # by run, those who wait: a heap
        self._turns: deque[str] = deque()  # the runs that have a queue, whose turn is next first

    async def wait(self, run: str, urgency: float = 0) -> None:
        """Wait for a slot and take it; one who is cancelled holds none.

        Args:
            urgency: higher goes first among the nodes of one run; ties in the order of asking.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues.get(run)
        if queue is None:
            queue = self._queues[run] = []
            self._turns.append(run)
        heappush(queue, (-urgency, next(self._asked), turn))
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given a slot in the same turn of the loop
                self.release()
            raise
        finally:
            self.waiting -= 1

    async def take(self, run: str, urgency: float = 0) -> None:
        """Take a slot, at once or when one is given back."""
        if self.free:
            self.free -= 1
        else:
            await self.wait(run, urgency)

    @asynccontextmanager
    async def held(self, run: str, urgency: float = 0) -> AsyncGenerator[None]:
        """Hold a slot; for paths on which a microsecond does not count."""
        await self.take(run, urgency)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Give a slot back, to the next in line if there is one."""
        while self._turns:
            run = self._turns.popleft()
            queue = self._queues[run]
            turn = heappop(queue)[2]
            if queue:
                self._turns.append(run)
            else:
                del self._queues[run]
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
