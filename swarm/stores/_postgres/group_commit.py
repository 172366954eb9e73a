"""Commit together what comes while a commit is under way: one wait for the disk serves many runs."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

from swarm.errors import StoreError

__all__ = ["GroupCommit"]

T = TypeVar("T")
R = TypeVar("R")

BATCH = 1_000  # items: past some hundreds a batch is no cheaper for each of them
BATCH_BYTES = 16_000_000
WAITING_BYTES = 256_000_000  # what waits is in memory


class GroupCommit(Generic[T, R]):
    """Hands over items in the order in which they came, as many at once as there are.

    A batch is never delayed to grow: it is what came during the one before. A task exists only
    while something waits.

    Args:
        commit: makes a batch durable; returns for each item its result or the error that refuses
            it alone. An error it raises refuses the whole batch; what `is_of_all` says of that one
            decides whether the others of the batch may still pass.
        size: bytes of an item.
        is_of_all: whether an error would meet every other item as well.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], Awaitable[Sequence[R | StoreError]]],
        *,
        size: Callable[[T], int],
        is_of_all: Callable[[StoreError], bool],
    ) -> None:
        self._commit, self._size, self._is_of_all = commit, size, is_of_all
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    async def add(self, item: T) -> R:
        """Return the item's result once it is durable; an item is handed over even if its caller left.

        Raises:
            StoreError: what refuses the item; `busy` when too much waits already.
        """
        size = self._size(item)
        if self._waiting and self._bytes + size > WAITING_BYTES:
            raise StoreError("too much waits to be written", code="busy", hint="start fewer runs at once")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._bytes += size
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="group commit")
        return await future

    async def drain(self) -> None:
        """Return when nothing waits any more."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next()
            error = await self._settle(batch)
            if error is not None and self._is_of_all(error):
                _tell(self._waiting, error)
                self._waiting.clear()
                self._bytes = 0

    def _next(self) -> list[tuple[T, asyncio.Future[R]]]:
        """Take the next batch out of what waits."""
        batch = [self._waiting.popleft()]
        size = self._size(batch[0][0])
        while self._waiting and len(batch) < BATCH and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += self._size(batch[-1][0])
        self._bytes -= size
        return batch

    async def _settle(self, batch: list[tuple[T, asyncio.Future[R]]]) -> StoreError | None:
        """Commit a batch and tell those who wait; return the error that refused all of it."""
        try:
            outcomes = await self._commit([item for item, _ in batch])
        except StoreError as error:
            if len(batch) == 1 or self._is_of_all(error):
                _tell(batch, error)
                return error
            for one in batch:  # one of them is bad: the others must not suffer for it
                await self._settle([one])
            return None
        except Exception as error:  # our bug: it belongs to those who wait, and nobody may wait for ever
            _tell(batch, error)
            return None
        except asyncio.CancelledError as error:  # the end of the event loop
            _tell([*batch, *self._waiting], error)
            self._waiting.clear()
            raise
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():  # its caller was cancelled meanwhile
                continue
            if isinstance(outcome, StoreError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        return None


def _tell(batch: Iterable[tuple[T, asyncio.Future[R]]], error: BaseException) -> None:
    """Fail those who wait, each with an error of its own: a shared one would collect their tracebacks."""
    for _, future in batch:
        if not future.done():
            own = copy.copy(error)
            own.__cause__ = error.__cause__
            future.set_exception(own)
