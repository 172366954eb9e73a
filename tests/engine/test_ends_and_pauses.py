"""Ends and pauses in the moments where two things happen at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from swarm import Graph, RunPaused, Swarm, tool
from swarm.events import Event, NodeFailed, NodeStarted, RunCancelled, ToolCalled, ToolFinished
from swarm.spec.graph import GraphSpec
from swarm.testing.simulation import simulate

SEEDS = range(5)


@tool(effect="pure")
async def broken() -> int:
    """Fail."""
    raise ValueError("broken")


@tool(effect="pure")
async def late() -> int:
    """Fail with another code."""
    raise TimeoutError("late")


@tool(effect="pure")
async def soon(x: object) -> object:
    """Return what is given, after a moment."""
    await asyncio.sleep(0.1)
    return x


@pytest.mark.parametrize("seed", SEEDS)
def test_two_nodes_that_fail_in_one_turn_both_end(seed: int) -> None:
    events: list[Event] = []
    graph = Graph("both")
    graph.output(graph.tool("a", broken), graph.tool("b", broken))

    async def main() -> str:
        async with Swarm(graph, listeners=[events.append]) as swarm:
            return (await swarm.run()).status

    assert simulate(seed, main).value == "failed"
    started = Counter(event.node for event in events if isinstance(event, NodeStarted))
    assert started == Counter(event.node for event in events if isinstance(event, NodeFailed))


async def test_an_item_whose_inner_graph_has_no_output_fails_and_is_not_left_out() -> None:
    inner = Graph("inner", input={"x": int})
    inner.output(inner.reply("positive", "{{ input.x }}", when=inner.input.x > 0))
    outer = Graph("outer", input={"items": "[integer]"})
    with outer.each("all", outer.input.items) as body:
        body.graph("sub", inner, x=body.item)
    outer.output(body.node)
    async with Swarm(outer) as swarm:
        result = await swarm.run(items=[1, 0, 2])
    assert result.error is not None
    assert (result.status, result.error.code, result.error_node) == ("failed", "no_output", "all")


async def test_which_failure_a_shared_handler_sees_does_not_hang_on_the_order_written() -> None:
    nodes: dict[str, Any] = {
        "a": {"tool": "late", "on_error": "sorry"},
        "b": {"tool": "broken", "on_error": "sorry"},
        "sorry": {"reply": "{{ error.code }}"},
    }
    seen: set[str] = set()
    for order in (("a", "b", "sorry"), ("b", "a", "sorry"), ("sorry", "b", "a")):
        spec = GraphSpec.model_validate(
            {"name": "g", "nodes": {name: nodes[name] for name in order}, "output": "sorry"}
        )
        async with Swarm(spec, tools=[broken, late]) as swarm:
            seen.add((await swarm.run()).text)
    assert len(seen) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_is_not_paused_while_a_list_that_is_done_can_go_on(seed: int) -> None:
    graph = Graph("pauses", input={"items": "[integer]"})
    asked = graph.ask("asked", "Sure?")
    with graph.each("all", graph.input.items, concurrency=2) as body:
        body.tool("do", soon, x=body.item)
    end = graph.tool("end", soon, x=body.node)
    graph.output(graph.reply("out", f"{asked.text} {end}"))

    async def main() -> None:
        async with Swarm(graph) as swarm:
            paused = await swarm.run(items=[1, 2])
            assert isinstance(paused, RunPaused)
            assert paused["end"].status == "done", "it was called paused although `end` could still run"

    simulate(seed, main)


@pytest.mark.parametrize("turns", range(12))
async def test_a_run_cancelled_in_any_turn_round_its_pause_is_over(turns: int) -> None:
    events: list[Event] = []
    graph = Graph("asks")
    graph.output(graph.ask("asked", "Sure?"))
    async with Swarm(graph, listeners=[events.append]) as swarm:
        run = asyncio.ensure_future(swarm.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        run.cancel()
        await asyncio.wait({run})
        if not run.cancelled():
            await swarm.cancel(run.result())
        assert not events or isinstance(events[-1], RunCancelled), events[-1]


@pytest.mark.parametrize("cancelled_s", [0.5, 1.05])
def test_a_run_cancelled_while_a_late_tool_cleans_up_waits_for_it(cancelled_s: float) -> None:
    events: list[Event] = []

    @tool(effect="pure")
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.2)

    graph = Graph("late")
    graph.output(graph.tool("call", stubborn, timeout=1.0))

    async def main() -> None:
        async with Swarm(graph, listeners=[events.append]) as swarm:
            run = asyncio.ensure_future(swarm.run())
            await asyncio.wait({run}, timeout=cancelled_s)
            run.cancel()
            await asyncio.wait({run})
            assert asyncio.all_tasks() == {asyncio.current_task()}, "its tool is still at work"

    simulate(1, main)
    calls = [event for event in events if isinstance(event, ToolCalled | ToolFinished)]
    assert [type(event) for event in calls] == [ToolCalled, ToolFinished]
