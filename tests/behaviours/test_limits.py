"""How much may run, and how much at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from crowd import Crowd

from swarm import Graph, Limits, SpecError, Swarm, tool
from swarm.tools.function import FunctionTool


@tool(effect="pure")
async def keep(x: object) -> object:
    """Return what is given."""
    return x


def visit_counted(crowd: Crowd) -> FunctionTool[..., Any]:
    """Return a tool that goes through the crowd."""

    @tool(effect="pure", name="visit")
    async def visit(item: int) -> int:
        await crowd.enter()
        return item

    return visit


@pytest.mark.parametrize("limit", [1, 3])
async def test_each_never_runs_more_items_at_once_than_allowed_and_runs_all(limit: int) -> None:
    crowd = Crowd()

    graph = Graph("crowd", input={"items": "[integer]"})
    with graph.each("visits", graph.input.items, concurrency=limit) as body:
        body.tool("do", visit_counted(crowd), item=body.item)
    graph.output(body.node)
    async with Swarm(graph) as swarm:
        assert (await swarm.run(items=list(range(20)))).output == list(range(20))
    assert (crowd.calls, crowd.most) == (20, limit)


async def test_a_swarm_never_has_more_nodes_at_work_than_its_limit_in_all_runs_together() -> None:
    crowd = Crowd()

    graph = Graph("crowd", input={"items": "[integer]"})
    with graph.each("visits", graph.input.items, concurrency=50) as body:
        body.tool("do", visit_counted(crowd), item=body.item)
    graph.output(body.node)
    async with Swarm(graph, limits=Limits(concurrency=4)) as swarm:
        results = await asyncio.gather(*(swarm.run(items=list(range(10))) for _ in range(3)))
    assert [result.output for result in results] == [list(range(10))] * 3
    assert (crowd.calls, crowd.most) == (30, 4)


def test_a_concurrency_below_one_is_refused() -> None:
    graph = Graph("crowd", input={"items": "[integer]"})
    with (
        pytest.raises(SpecError, match="concurrency"),
        graph.each("visits", graph.input.items, concurrency=0) as body,
    ):
        body.tool("do", keep, x=body.item)


async def test_more_items_than_allowed_fail_before_the_first_runs() -> None:
    crowd = Crowd()
    graph = Graph("map", input={"items": "[integer]"})
    with graph.each("kept", graph.input.items, max=3) as body:
        body.tool("do", visit_counted(crowd), item=body.item)
    graph.output(body.node)
    async with Swarm(graph) as swarm:
        result = await swarm.run(items=[1, 2, 3, 4])
    assert result.error is not None
    assert (result.error.code, result.error_node) == ("limit", "kept")
    assert "max" in result.error.hint
    assert crowd.calls == 0


async def test_a_run_that_starts_too_many_nodes_fails_with_the_limit_and_how_to_raise_it() -> None:
    graph = Graph("many", input={"items": "[integer]"})
    with graph.each("all", graph.input.items) as body:
        body.tool("do", keep, x=body.item)
    graph.output(body.node)
    async with Swarm(graph, limits=Limits(nodes=20)) as swarm:
        result = await swarm.run(items=list(range(30)))
    assert result.error is not None
    assert result.error.code == "limit"
    assert "20 nodes" in result.error.what
    assert "Limits(nodes=...)" in result.error.hint
