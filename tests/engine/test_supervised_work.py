"""Work in a task of its own, under a deadline."""

import asyncio

from swarm._engine.supervise import Deadlines, Ending, Supervised


async def test_work_gives_what_it_returns() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 42

    assert await Supervised(work(), Deadlines(60)).result() == 42


async def test_work_that_is_cancelled_before_its_first_step_says_so() -> None:
    async def work() -> int:
        return 42

    supervised = Supervised(work(), Deadlines(60))
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    assert await supervised.result() is Ending.CANCELLED_ITSELF


async def test_work_that_is_stopped_from_outside_ends() -> None:
    supervised = Supervised(asyncio.Event().wait(), Deadlines(60))
    asyncio.get_running_loop().call_soon(supervised.stop)
    assert await supervised.result() is Ending.STOPPED
    assert not supervised.is_left_behind


async def test_work_beyond_its_deadline_ends() -> None:
    assert await Supervised(asyncio.Event().wait(), Deadlines(0)).result() is Ending.DEADLINE
