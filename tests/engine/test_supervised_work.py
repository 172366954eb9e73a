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


async def test_works_of_one_limit_each_end_at_their_own_deadline() -> None:
    deadlines = Deadlines(0)
    works = [Supervised(asyncio.Event().wait(), deadlines) for _ in range(3)]
    assert [await work.result() for work in works] == [Ending.DEADLINE] * 3


async def test_work_that_is_done_leaves_the_deadline_of_the_next_alone() -> None:
    deadlines = Deadlines(0.001)
    assert await Supervised(asyncio.sleep(0, 1), deadlines).result() == 1
    assert await Supervised(asyncio.Event().wait(), deadlines).result() is Ending.DEADLINE


async def test_paused_work_has_no_deadline_until_it_goes_on() -> None:
    deadlines = Deadlines(0.001)
    paused, other = (Supervised(asyncio.Event().wait(), deadlines) for _ in range(2))
    paused.pause()
    assert await other.result() is Ending.DEADLINE
    assert not paused.is_over, "its time does not run while it is paused"
    paused.go_on()
    assert await paused.result() is Ending.DEADLINE


async def test_going_on_with_work_that_was_not_paused_changes_nothing() -> None:
    gate = asyncio.Event()
    work = Supervised(gate.wait(), Deadlines(60))
    work.go_on()
    asyncio.get_running_loop().call_soon(gate.set)
    assert await work.result() is True


async def test_closing_leaves_no_timer_behind() -> None:
    deadlines = Deadlines(60)
    assert await Supervised(asyncio.sleep(0, 1), deadlines).result() == 1
    deadlines.close()
    again = Supervised(asyncio.sleep(0, 2), deadlines)
    assert await again.result() == 2, "closed, it can still be used"
    deadlines.close()
