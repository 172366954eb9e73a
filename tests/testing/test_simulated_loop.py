"""A simulated loop: virtual time, an order drawn from the seed, and what of asyncio's order it keeps."""

from __future__ import annotations

import asyncio
import threading

import pytest

from swarm.testing.simulation import Deadlock, SimulatedLoop, Stopped, simulate


async def three_at_once() -> list[int]:
    """Return who goes on first, turn by turn."""
    seen: list[int] = []

    async def walk(who: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(who)

    async with asyncio.TaskGroup() as group:
        for who in range(3):
            group.create_task(walk(who))
    return seen


def test_a_seed_gives_the_same_run_again_and_other_seeds_give_others() -> None:
    assert simulate(7, three_at_once) == simulate(7, three_at_once)
    assert len({tuple(simulate(seed, three_at_once).value) for seed in range(20)}) > 5
    assert len({simulate(seed, three_at_once).trace for seed in range(20)}) > 5


def test_waiting_takes_no_time_and_moves_the_clock() -> None:
    async def wait() -> float:
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time() - begun

    assert simulate(1, wait).value == 86_400


def test_timers_run_out_in_the_order_of_their_times() -> None:
    async def wait() -> list[float]:
        seen: list[float] = []

        async def until(seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append(seconds)

        await asyncio.gather(*(until(seconds) for seconds in (3.0, 1.0, 2.0)))
        return seen

    assert all(simulate(seed, wait).value == [1.0, 2.0, 3.0] for seed in range(10))


def test_callbacks_of_one_future_and_those_given_by_hand_keep_their_order() -> None:
    async def tell() -> tuple[list[int], list[int]]:
        loop = asyncio.get_running_loop()
        told, called = list[int](), list[int]()
        future: asyncio.Future[None] = loop.create_future()
        for number in range(5):
            future.add_done_callback(lambda _, number=number: told.append(number))
            loop.call_soon(called.append, number)
        future.set_result(None)
        await asyncio.sleep(1)
        return told, called

    for seed in range(10):
        assert simulate(seed, tell).value == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])


async def finish_or_time_out() -> str:
    """Return who wins: work of 0.1 s, or a limit of 0.15 s, beside others that keep the loop busy."""

    async def busy() -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(busy())
        try:
            async with asyncio.timeout(0.15):
                await asyncio.sleep(0.1)
                await busy()
                return "finished"
        except TimeoutError:
            return "timed out"


def test_on_a_slow_machine_a_timeout_runs_out_although_the_work_is_ready() -> None:
    assert {simulate(seed, finish_or_time_out).value for seed in range(20)} == {"finished"}
    slow = {simulate(seed, finish_or_time_out, slow=0.3).value for seed in range(20)}
    assert "timed out" in slow


def test_a_deadlock_ends_at_once_and_names_who_waits() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="never"):
        simulate(1, never)


def test_a_task_that_outlives_the_main_one_is_found() -> None:
    async def leave() -> set[asyncio.Task[None]]:
        return {asyncio.ensure_future(asyncio.sleep(1))}

    with pytest.raises(AssertionError, match="outlived"):
        simulate(1, leave)


def test_an_error_that_nobody_takes_is_found() -> None:
    def broken() -> None:
        raise ValueError("nobody sees this")

    async def schedule() -> None:
        asyncio.get_running_loop().call_soon(broken)
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match="nobody sees this"):
        simulate(1, schedule)


def test_code_that_spins_is_stopped() -> None:
    async def spin() -> None:
        for _ in range(10**9):
            await asyncio.sleep(0)

    loop = SimulatedLoop(1, max_steps=100)
    with pytest.raises(AssertionError, match="something spins"):
        loop.run_until_complete(spin())
    loop.cancel_all(max_steps=1_000)
    loop.close()


def test_a_loop_can_be_stopped_at_any_step_as_a_crash_would() -> None:
    reached: list[int] = []

    async def count() -> None:
        for number in range(10):
            reached.append(number)
            await asyncio.sleep(1)

    loop = SimulatedLoop(1, stop_at=5)
    with pytest.raises(Stopped):
        loop.run_until_complete(count())
    assert (loop.steps, len(reached) < 10) == (5, True)
    loop.close()


def test_there_is_no_other_thread_in_a_simulation() -> None:
    async def call_from_a_thread() -> list[str]:
        loop, said = asyncio.get_running_loop(), list[str]()

        def work() -> None:
            try:
                loop.call_soon_threadsafe(said.append, "called")
            except RuntimeError as error:
                said.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return said

    assert simulate(1, call_from_a_thread).value == ["a simulated loop has one thread"]
