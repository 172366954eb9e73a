"""Cancelling a run at each of its steps: nothing is left behind, and a durable run still comes to its end."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.faults.finding import Finding
from benchmarks.faults.scenes import checked, expected, given, is_approved
from swarm import Limits, RunResult, ScriptedBackend, Swarm, tool
from swarm.stores.base import RunStore
from swarm.stores.memory import MemoryStore
from swarm.stores.sqlite import SqliteStore
from swarm.tools.function import FunctionTool

__all__ = ["cancelled_everywhere"]

GRAPHS = ("chain", "fan", "loop", "ask", "short", "fallback", "expert")
SLOTS = (2, 1, 8)  # nodes at work at once: with few of them runs also wait for their turn
PATIENCE_S = 5.0  # for what takes milliseconds


class _Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that says when it has taken a step; of its last one, once its task knows."""

    def __init__(self, work: Coroutine[Any, Any, Any], tick: Callable[[], None]) -> None:
        self._work, self._tick = work, tick

    def send(self, value: Any) -> Any:
        return self._step(lambda: self._work.send(value))

    def throw(self, *error: Any) -> Any:
        return self._step(lambda: self._work.throw(*error))

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()

    def _step(self, take: Callable[[], Any]) -> Any:
        try:
            awaited = take()
        except BaseException:  # it is over: a cancellation from outside can only come after that
            asyncio.get_running_loop().call_soon(self._tick)
            raise
        self._tick()
        return awaited


class _Trap:
    """Cancels a task after the n-th step of anything; 0: never."""

    def __init__(self) -> None:
        self.steps, self.at = 0, 0
        self.task: asyncio.Task[Any] | None = None

    def tick(self) -> None:
        """Count a step."""
        self.steps += 1
        if self.steps == self.at and self.task is not None:
            self.task.cancel()

    def factory(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task whose steps are counted."""
        return asyncio.Task(_Stepped(work, self.tick), loop=loop, **options)


class _Calm:
    """Tools as those of the graphs, without files.

    Attributes:
        inside: calls that began and have not ended. wanted: none ends before so many have been inside at once.
    """

    def __init__(self) -> None:
        self.inside = self.wanted = 0
        self._full = asyncio.Event()

    async def _wait(self) -> None:
        self.inside += 1
        if self.inside >= self.wanted:
            self._full.set()
        try:
            await self._full.wait()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        finally:
            self.inside -= 1

    def wait_for(self, wanted: int) -> None:
        """Let no call end before so many are inside at once."""
        self.wanted = wanted
        self._full.clear()

    def tools(self) -> list[FunctionTool[..., Any]]:
        """Return them."""
        wait = self._wait

        @tool(effect="pure")
        async def look(run: str, node: str, x: int, visit: int = 0) -> int:
            """Compute."""
            await wait()
            return 3 * x + 1

        @tool(effect="pure")
        async def total(run: str, node: str, parts: list[int]) -> int:
            """Add up."""
            await wait()
            return sum(parts)

        @tool(effect="pure")
        async def breaks(run: str, node: str, x: int) -> int:
            """Fail."""
            await wait()
            raise ValueError("it is broken")

        @tool(effect="idempotent")
        async def put(run: str, node: str, x: int, idempotency_key: str, visit: int = 0) -> int:
            """Write down."""
            await wait()
            return 3 * x + 1

        @tool(effect="unsafe")
        async def pay(run: str, node: str, x: int, visit: int = 0) -> int:
            """Pay."""
            await wait()
            return x

        return [look, total, breaks, put, pay]


def cancelled_everywhere(
    *, graphs: Sequence[str] = GRAPHS, slots: Sequence[int] = SLOTS
) -> dict[str, Finding]:
    """Cancel the runs of each graph at every step, with and without a store; a row for each store.

    Args:
        slots: how many nodes may be at work at once, one after the other.
    """
    rows: dict[str, Finding] = {}
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        for kind, store in _stores(Path(name)).items():
            tried, broken = 0, list[str]()
            for number in slots:
                for graph in graphs:
                    count, wrong = asyncio.run(_at_every_step(graph, number, store))
                    tried += count
                    broken += [f"{graph} with {number} slots, {one}" for one in wrong]
            rows[f"cancelled at every step, {kind}"] = Finding(
                tried=tried,
                broken=tuple(broken),
                note=f"{len(graphs)} graphs, {' and '.join(map(str, slots))} slots",
            )
    return rows


def _stores(folder: Path) -> dict[str, Callable[[], AbstractAsyncContextManager[RunStore | None]]]:
    @asynccontextmanager
    async def nothing() -> AsyncGenerator[None]:
        yield None

    @asynccontextmanager
    async def memory() -> AsyncGenerator[RunStore]:
        yield MemoryStore()

    @asynccontextmanager
    async def sqlite() -> AsyncGenerator[RunStore]:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            store = SqliteStore(Path(name) / "runs.db", durability="relaxed")
            yield store
            await store.aclose()

    return {"no store": nothing, "in memory": memory, "SQLite": sqlite}


async def _at_every_step(
    graph: str, slots: int, opened: Callable[[], AbstractAsyncContextManager[RunStore | None]]
) -> tuple[int, list[str]]:
    """Cancel the graph's run at step 1, 2, 3 ... until it ends first; return how often, and what is wrong."""
    trap, calm, wrong = _Trap(), _Calm(), list[str]()
    asyncio.get_running_loop().set_task_factory(trap.factory)
    before = _held()
    number, ended = 0, False
    async with opened() as store:
        limits = Limits(concurrency=slots, runs=1, model_calls=1, run_s=60.0)
        replies: dict[str, Any] = {
            "small": {"label": {"refund": 0.55, "other": 0.45}}, "large": {"label": {"refund": 0.95, "other": 0.05}},
        }  # fmt: skip
        async with Swarm(
            checked(graph), tools=calm.tools(), backends={"scripted": ScriptedBackend(replies)}, limits=limits,
            store=store,
        ) as swarm:  # fmt: skip
            while not ended:
                number += 1
                name = f"{graph}-{number}"
                ended, found = await _cancelled(
                    swarm, trap, calm, graph, name, number, durable=store is not None
                )
                wrong += [f"at step {number}: {one}" for one in found]
            if wrong:
                return number, wrong
            if graph == "fan":  # its eight nodes fill all slots that were not lost
                calm.wait_for(slots)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    wrong += await _whole(swarm, graph, f"{graph}-{number + 1}")
            except TimeoutError:
                wrong.append(f"there are no {slots} slots any more")
    for what, count in _held().items():
        if count > before[what]:
            wrong.append(f"{count - before[what]} more {what} than before")
    return number, wrong


async def _cancelled(
    swarm: Swarm, trap: _Trap, calm: _Calm, graph: str, name: str, at: int, *, durable: bool
) -> tuple[bool, list[str]]:
    """Run once and cancel at a step; return whether the run ended before that, and what is wrong."""
    key = name if durable else None
    trap.steps, trap.at = 0, at
    task = trap.task = asyncio.create_task(swarm.run_input(given(name), key=key))
    await asyncio.wait({task}, timeout=PATIENCE_S)
    reached, trap.at, trap.task = trap.steps >= at, 0, None
    wrong: list[str] = []
    if not task.done():
        return True, ["it hangs"]
    if not task.cancelled():
        result = await _answered(swarm, task.result(), name)
        wrong += _misfits(result, graph, name)
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        wrong.append(f"{len(left)} tasks are left: {[one.get_coro() for one in left]}")
    if calm.inside:
        wrong.append(f"{calm.inside} tools are at work")
    if durable:
        try:
            async with asyncio.timeout(PATIENCE_S):
                for left_over in await swarm.runs.recover():
                    await _answered(swarm, left_over, name)
                wrong += await _whole(swarm, graph, name, key=key)
        except TimeoutError:
            return True, [*wrong, "its recovery hangs"]
    return not reached, wrong


async def _whole(swarm: Swarm, graph: str, name: str, *, key: str | None = None) -> list[str]:
    """Run to the end, and return what is wrong."""
    return _misfits(await _answered(swarm, await swarm.run_input(given(name), key=key), name), graph, name)


async def _answered(swarm: Swarm, result: RunResult, name: str) -> RunResult:
    while result.status == "paused" and result.ask is not None:
        is_again = "action" in result.ask.answer
        answer: dict[str, Any] = {"action": "retry"} if is_again else {"approved": is_approved(name)}
        result = await swarm.resume(result, **answer)
    return result


def _misfits(result: RunResult, graph: str, name: str) -> list[str]:
    wanted = expected(graph, name, frozenset())
    if (result.status, result.output) == ("completed", wanted):
        return []
    return [f"it is {result.status} with {result.output}, {result.error}, not {wanted}"]


def _held() -> dict[str, int]:
    return {"files": len(os.listdir("/proc/self/fd")), "threads": threading.active_count()}
