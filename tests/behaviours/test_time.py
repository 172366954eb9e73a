"""What takes time, on a virtual clock: tries that wait, tries that are late, runs that are cancelled meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from swarm import Graph, Limits, RunResult, Swarm, tool
from swarm.events import Event, NodeCancelled, NodeFailed, NodeStarted, RunCancelled
from swarm.testing.simulation import simulate
from swarm.tools.function import FunctionTool

TRIES = {"attempts": 4, "on": ["error", "timeout"]}


def now() -> float:
    """Return virtual seconds."""
    return asyncio.get_running_loop().time()


def always_down(called_s: list[float]) -> FunctionTool[[], Any]:
    """Return a tool that notes when it was called, and fails."""

    @tool(effect="pure")
    async def call() -> str:
        called_s.append(now())
        raise ConnectionError("the line is down")

    return call


@tool(effect="pure")
async def forever() -> str:
    """Never return."""
    return await asyncio.Event().wait() and ""


def test_each_try_waits_twice_as_long_as_the_one_before() -> None:
    called_s: list[float] = []
    graph = Graph("tries")
    graph.output(graph.tool("call", always_down(called_s), retry=TRIES))

    async def main() -> RunResult:
        async with Swarm(graph) as swarm:
            return await swarm.run()

    assert simulate(1, main).value.status == "failed"
    assert called_s == pytest.approx([0.0, 0.1, 0.3, 0.7])


def test_tries_end_with_the_time_of_the_run() -> None:
    called_s: list[float] = []
    graph = Graph("tries")
    graph.output(graph.tool("call", always_down(called_s), retry=TRIES))

    async def main() -> RunResult:
        async with Swarm(graph, limits=Limits(run_s=0.2)) as swarm:
            return await swarm.run()

    result = simulate(1, main).value
    assert result.error is not None
    assert (result.error.code, len(called_s)) == ("deadline", 2)


@pytest.mark.parametrize("seed", range(5))
def test_tries_at_the_same_time_do_not_collide(seed: int) -> None:
    tries = Counter[str]()

    @tool(effect="idempotent")
    async def book(item: int, idempotency_key: str) -> int:
        tries[idempotency_key] += 1
        await asyncio.sleep(0.1)
        if tries[idempotency_key] < 3:
            raise ConnectionError("down")
        return item * 10

    graph = Graph("bookings", input={"items": "[integer]"})
    with graph.each("all", graph.input.items, concurrency=3) as body:
        body.tool("do", book, item=body.item, retry=TRIES)
    graph.output(body.node)

    async def main() -> RunResult:
        async with Swarm(graph) as swarm:
            return await swarm.run(items=[1, 2, 3])

    assert simulate(seed, main).value.output == [10, 20, 30]
    assert sorted(tries.values()) == [3, 3, 3], "each item has its own key and its own three tries"


def test_what_a_late_try_returns_after_all_does_not_count() -> None:
    tries: list[float] = []

    @tool(effect="pure")
    async def call() -> str:
        tries.append(now())
        if len(tries) > 1:
            return "in time"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)
        return "too late"

    graph = Graph("late")
    graph.output(graph.tool("call", call, retry=TRIES, timeout=1.0))

    async def main() -> RunResult:
        async with Swarm(graph) as swarm:
            return await swarm.run()

    assert simulate(1, main).value.output == "in time"
    assert tries == pytest.approx([0.0, 1.6]), "after the timeout, the end of the first try, and the wait"


@pytest.mark.parametrize("seed", range(5))
def test_a_cancelled_run_is_no_failure_that_a_handler_takes_over(seed: int) -> None:
    events: list[Event] = []
    graph = Graph("handled")
    call = graph.tool("call", forever, on_error="sorry")
    graph.output(call, graph.reply("sorry", f"Sorry: {graph.error.message}"))

    async def main() -> None:
        async with Swarm(graph, listeners=[events.append]) as swarm:
            run = asyncio.ensure_future(swarm.run())
            await asyncio.sleep(1)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run

    simulate(seed, main)
    assert [event.node for event in events if isinstance(event, NodeStarted)] == ["call"]
    assert not [event for event in events if isinstance(event, NodeFailed)]
    assert isinstance(events[-1], RunCancelled)


@pytest.mark.parametrize("seed", range(5))
def test_cancelling_a_run_reaches_the_nodes_of_an_inner_graph(seed: int) -> None:
    events: list[Event] = []
    inner = Graph("inner")
    inner.tool("one", forever)
    inner.output(inner.tool("two", forever))
    outer = Graph("outer")
    outer.output(outer.graph("sub", inner))

    async def main() -> None:
        async with Swarm(outer, listeners=[events.append]) as swarm:
            run = asyncio.ensure_future(swarm.run())
            await asyncio.sleep(1)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run

    simulate(seed, main)  # it also says if a task outlives the run
    cancelled = [event.node for event in events if isinstance(event, NodeCancelled)]
    assert sorted(cancelled) == ["sub", "sub/one", "sub/two"]
    assert cancelled[-1] == "sub", "what is inside ends first"
