"""What comes while a commit is under way is committed together, in order, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from swarm.errors import StoreError
from swarm.stores._postgres.group_commit import GroupCommit


class Disk:
    """Commits when it is told to; numbers below zero are refused, with the batch they are in."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.fault: Exception | None = None

    async def commit(self, batch: Sequence[int]) -> list[int | StoreError]:
        await self.open.wait()
        if self.fault:
            raise self.fault
        if any(number < 0 for number in batch):
            raise StoreError("below zero", code="bad")
        self.batches.append(list(batch))
        return [number * 10 if number else StoreError("zero", code="zero") for number in batch]


def group(disk: Disk, *, size: int = 1) -> GroupCommit[int, int]:
    return GroupCommit(disk.commit, size=lambda _: size, is_of_all=lambda error: error.code == "away")


async def begin(commits: GroupCommit[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(commits.add(number)) for number in numbers]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the first batch is on its way
    return tasks


async def codes(tasks: Sequence[asyncio.Task[int]]) -> list[int | str]:
    """Return what became of each: its result, or the code of what refused it."""
    await asyncio.wait(tasks)
    errors = [task.exception() for task in tasks]
    return [
        getattr(error, "code", "") if error else task.result()
        for task, error in zip(tasks, errors, strict=True)
    ]


async def test_what_comes_during_a_commit_is_committed_at_once_in_its_order() -> None:
    disk = Disk()
    commits = group(disk)
    first = await begin(commits, 1)
    later = await begin(commits, 2, 3, 4)
    disk.open.set()
    assert await codes([*first, *later]) == [10, 20, 30, 40]
    assert disk.batches == [[1], [2, 3, 4]]


async def test_one_refused_by_name_or_by_the_failure_of_its_batch_is_refused_alone() -> None:
    disk = Disk()
    commits = group(disk)
    tasks = await begin(commits, 1, 0, -1, 2)
    disk.open.set()
    assert await codes(tasks) == [10, "zero", "bad", 20]
    assert [number for batch in disk.batches for number in batch] == [1, 0, 2]


async def test_what_would_meet_everybody_is_told_to_everybody_who_waits() -> None:
    disk = Disk()
    commits = group(disk)
    tasks = [*await begin(commits, 1), *await begin(commits, 2, 3)]
    disk.fault = StoreError("it is away", code="away")
    disk.open.set()
    assert await codes(tasks) == ["away"] * 3
    disk.fault = None
    assert await commits.add(4) == 40


async def test_a_fault_of_the_program_reaches_all_who_wait() -> None:
    disk = Disk()
    commits = group(disk)
    tasks = [*await begin(commits, 1), *await begin(commits, 2, 3)]
    disk.fault = ZeroDivisionError("a bug")
    disk.open.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ended] == [ZeroDivisionError] * 3


async def test_too_much_that_waits_is_refused() -> None:
    disk = Disk()
    commits = group(disk, size=100_000_000)
    tasks = await begin(commits, 1)
    tasks += await begin(commits, 2, 3)
    with pytest.raises(StoreError) as caught:
        await commits.add(4)
    assert caught.value.code == "busy"
    disk.open.set()
    assert await codes(tasks) == [10, 20, 30]
    assert await commits.add(5) == 50


async def test_no_task_is_left_when_nothing_waits() -> None:
    disk = Disk()
    commits = group(disk)
    disk.open.set()
    before = asyncio.all_tasks()
    await commits.add(1)
    await commits.drain()
    assert asyncio.all_tasks() == before
