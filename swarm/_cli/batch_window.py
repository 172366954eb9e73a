"""Many rows at once: so many at work, and their results in the order of the rows or as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from swarm.errors import InternalError

__all__ = ["run_rows"]

R = TypeVar("R")
T = TypeVar("T")

WINDOW = 8  # results that may wait for a slow row before them, for each row at work


async def run_rows(
    rows: Iterator[R],
    work: Callable[[R], Awaitable[T]],
    settle: Callable[[R, T], None],
    *,
    at_once: int,
    ordered: bool,
) -> None:
    """Do the work of every row, and settle each with what came of it.

    Rows are taken only as they are begun, so any number of them takes the same memory. What `work`,
    `settle` or `rows` raises ends it, and so does cancelling: what is at work then is cancelled.

    Args:
        at_once: how many are at work. ordered: settle in the order of the rows; a slow one holds
            back the results after it, and after eight times `at_once` of them also the work.
    """
    window = at_once * (WINDOW if ordered else 1)
    news = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []
    finished: dict[int, tuple[R, T]] = {}  # by place among the rows that were begun
    begun = settled = 0

    async def one(place: int, row: R) -> None:
        finished[place] = (row, await work(row))

    def ended(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if task.cancelled():
            failures.append(InternalError("a row was cancelled, and nobody cancelled the batch"))
        elif (error := task.exception()) is not None:
            failures.append(error)
        news.set()

    try:
        is_more = True
        while is_more or tasks:
            while is_more and len(tasks) < at_once and begun - settled < window:
                row = next(rows, None)
                if row is None:
                    is_more = False
                    break
                task = asyncio.create_task(one(begun, row))
                begun += 1
                tasks.add(task)
                task.add_done_callback(ended)
            if tasks:
                await news.wait()
                news.clear()
            if failures:
                raise failures[0]
            while finished and (not ordered or settled in finished):
                settle(*finished.pop(settled if ordered else next(iter(finished))))
                settled += 1
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
