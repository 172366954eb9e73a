"""What the shape of a graph means: order, joins, branches, lists, rounds, and limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from swarm import Graph, SpecError, Swarm, first, tool
from swarm.spec.graph import GraphSpec
from swarm.tools.function import FunctionTool

Gate = Callable[[str], asyncio.Event]


@tool(effect="pure")
async def keep(x: object) -> object:
    """Return what is given."""
    return x


@tool(effect="pure")
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool(effect="pure")
async def join(parts: object) -> object:
    """Return what came in, as it came in."""
    return parts


def counted(results: list[object]) -> FunctionTool[..., Any]:
    """Return a tool that remembers what it was called with."""

    @tool(effect="pure", name="count")
    async def count(x: object) -> object:
        results.append(x)
        return x

    return count


async def output_of(graph: Graph, **given: object) -> object:
    async with Swarm(graph) as swarm:
        result = await swarm.run(**given)
    assert result.error is None, result.error
    return result.output


async def test_a_graph_of_one_node_returns_its_value() -> None:
    graph = Graph("one", input={"name": str})
    graph.output(graph.reply("hello", "Hello {{ input.name }}!"))
    assert await output_of(graph, name="Ada") == {"text": "Hello Ada!"}


async def test_a_chain_hands_each_value_on() -> None:
    graph = Graph("chain", input={"x": int})
    one = graph.tool("one", add, a=graph.input.x, b=1)
    two = graph.tool("two", add, a=one, b=10)
    graph.output(graph.tool("three", add, a=two, b=100))
    assert await output_of(graph, x=1000) == 1111


def test_a_graph_without_nodes_is_refused() -> None:
    with pytest.raises(SpecError, match="there is no node"):
        Swarm(Graph("empty"))


@pytest.mark.parametrize("value", [0, "", None, [], {}, False])
async def test_a_falsy_value_is_a_value(value: object) -> None:
    graph = Graph("falsy", input={"x": "any"})
    kept = graph.tool("kept", keep, x=graph.input.x)
    again = graph.tool("again", keep, x=kept)
    graph.output(again)
    async with Swarm(graph) as swarm:
        result = await swarm.run(x=value)
    assert result.status == "completed"
    assert result.output == value
    assert type(result.output) is type(value)
    assert result.path == ("kept", "again")


async def test_the_order_in_which_nodes_are_written_changes_nothing() -> None:
    nodes: dict[str, object] = {
        "top": {"tool": "keep", "with": {"x": "input.x"}},
        "left": {"tool": "keep", "with": {"x": "top"}},
        "right": {"tool": "keep", "with": {"x": "top"}},
        "end": {"tool": "join", "with": {"parts": ["left", "right"]}},
    }
    seen: set[str] = set()
    for order in permutations(nodes):
        spec = GraphSpec.model_validate(
            {
                "name": "g",
                "input": {"x": "any"},
                "nodes": {name: nodes[name] for name in order},
                "output": "end",
            }
        )
        async with Swarm(spec, tools=[keep, join]) as swarm:
            result = await swarm.run(x=7)
        seen.add(f"{result.status} {result.output} {sorted(result.path)}")
    assert seen == {"completed [7, 7] ['end', 'left', 'right', 'top']"}


async def test_a_join_runs_once_and_waits_for_the_longer_branch() -> None:
    calls: list[object] = []
    graph = Graph("diamond", input={"x": int})
    short = graph.tool("short", add, a=graph.input.x, b=1)
    long = graph.tool("long1", add, a=graph.input.x, b=1)
    for step in range(2, 6):
        long = graph.tool(f"long{step}", add, a=long, b=1)
    graph.output(graph.tool("end", counted(calls), x=[short, long]))
    assert await output_of(graph, x=0) == [1, 5]
    assert calls == [[1, 5]]


async def test_branches_that_do_not_need_each_other_run_at_the_same_time() -> None:
    here, there = asyncio.Event(), asyncio.Event()

    @tool(effect="pure")
    async def left() -> str:
        here.set()
        await there.wait()
        return "left"

    @tool(effect="pure")
    async def right() -> str:
        there.set()
        await here.wait()
        return "right"

    graph = Graph("both")
    graph.output(graph.tool("end", join, parts=[graph.tool("a", left), graph.tool("b", right)]))
    async with asyncio.timeout(5):
        assert await output_of(graph) == ["left", "right"]


@pytest.mark.parametrize(("flag", "expected"), [(True, ["yes", None]), (False, [None, "no"])])
async def test_a_branch_not_taken_does_not_hold_up_the_join(flag: bool, expected: list[object]) -> None:
    graph = Graph("branch", input={"flag": bool})
    top = graph.tool("top", keep, x=graph.input.flag)
    yes = graph.tool("yes", keep, x="yes", when=top == True)  # noqa: E712
    no = graph.tool("no", keep, x="no", when=top == False)  # noqa: E712
    graph.output(graph.tool("end", join, parts=[yes.optional, no.optional]))
    assert await output_of(graph, flag=flag) == expected


async def test_what_follows_a_skipped_node_is_skipped_and_says_why() -> None:
    graph = Graph("skips", input={"flag": bool})
    one = graph.tool("one", keep, x=1, when=graph.input.flag)
    graph.tool("two", keep, x=one, when=one == 1)
    graph.output(graph.reply("end", "done"))
    async with Swarm(graph) as swarm:
        result = await swarm.run(flag=False)
    assert (result["one"].status, result["two"].status) == ("skipped", "skipped")
    assert "input.flag" in result["one"].reason
    assert "'one' has no value" in result["two"].reason
    assert result.path == ("end",)


async def test_the_first_output_that_ran_is_the_answer() -> None:
    graph = Graph("choice", input={"n": int})
    small = graph.reply("small", "small", when=graph.input.n < 10)
    medium = graph.reply("medium", "medium", when=graph.input.n < 100)
    graph.output(small, medium, graph.reply("large", "large"))
    async with Swarm(graph) as swarm:
        assert [(await swarm.run(n=n)).text for n in (5, 50, 500)] == ["small", "medium", "large"]


async def test_a_run_in_which_no_output_ran_fails_and_names_what_it_waited_for() -> None:
    graph = Graph("choice", input={"n": int})
    graph.output(
        graph.reply("small", "small", when=graph.input.n < 10),
        graph.reply("large", "large", when=graph.input.n > 100),
    )
    async with Swarm(graph) as swarm:
        result = await swarm.run(n=50)
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.code == "no_output"
    assert "small" in str(result.error)
    assert "large" in str(result.error)


async def test_each_keeps_the_order_of_the_items_whatever_ends_first() -> None:
    done = {item: asyncio.Event() for item in range(4)}

    @tool(effect="pure")
    async def backwards(item: int) -> int:
        if item < 3:
            await done[item + 1].wait()
        done[item].set()
        return item * 10

    graph = Graph("map", input={"items": "[integer]"})
    with graph.each("tens", graph.input.items, as_="n") as body:
        body.tool("do", backwards, item=body.item)
    graph.output(body.node)
    async with asyncio.timeout(5):
        assert await output_of(graph, items=[0, 1, 2, 3]) == [0, 10, 20, 30]


async def test_each_over_nothing_is_an_empty_list() -> None:
    graph = Graph("map", input={"items": "[integer]"})
    with graph.each("kept", graph.input.items) as body:
        body.tool("do", keep, x=body.item)
    graph.output(graph.tool("end", join, parts=body.node))
    assert await output_of(graph, items=[]) == []


@pytest.mark.parametrize("value", [7, "text", {"a": 1}])
async def test_each_over_something_that_is_no_list_says_what_it_is(value: object) -> None:
    graph = Graph("map", input={"items": "any"})
    with graph.each("kept", graph.input.items) as body:
        body.tool("do", keep, x=body.item)
    graph.output(body.node)
    async with Swarm(graph) as swarm:
        result = await swarm.run(items=value)
    assert (result.status, result.error_node) == ("failed", "kept")
    assert "goes over a list" in str(result.error)


async def test_items_whose_body_is_skipped_are_left_out() -> None:
    graph = Graph("filter", input={"items": "[integer]"})
    with graph.each("large", graph.input.items, as_="n") as body:
        body.tool("do", keep, x=body.item, when=body.item > 2)
    graph.output(body.node)
    assert await output_of(graph, items=[1, 5, 2, 7]) == [5, 7]


async def test_lists_of_lists_keep_their_groups() -> None:
    graph = Graph("nested", input={"rows": "[[integer]]"})
    with graph.each("table", graph.input.rows, as_="row") as outer:
        with outer.each("cells", outer.item, as_="cell") as inner:
            inner.tool("do", add, a=inner.item, b=1)
        outer.output(inner.node)
    graph.output(outer.node)
    assert await output_of(graph, rows=[[1, 2], [], [30]]) == [[2, 3], [], [31]]


async def test_lists_one_after_the_other_do_not_mix() -> None:
    graph = Graph("sequence", input={"items": "[integer]"})
    with graph.each("more", graph.input.items) as first_body:
        first_body.tool("do", add, a=first_body.item, b=1)
    with graph.each("most", first_body.node) as second_body:
        second_body.tool("do", add, a=second_body.item, b=10)
    graph.output(graph.tool("end", join, parts=[first_body.node, second_body.node]))
    assert await output_of(graph, items=[1, 2]) == [[2, 3], [12, 13]]


def counting_to(graph: Graph, name: str, goal: int, most: int = 10) -> Any:
    with graph.repeat(name, {"n": 0}, max=most) as body:
        more = body.tool("more", add, a=body.loop.n, b=1)
        body.next(n=more)
        body.until(more == goal)
    return body.node


async def test_a_loop_ends_when_its_condition_holds() -> None:
    graph = Graph("loop")
    graph.output(counting_to(graph, "three", 3))
    assert await output_of(graph) == {"n": 3, "rounds": 3, "reached": True}


async def test_two_loops_of_different_length_both_end() -> None:
    graph = Graph("loops")
    short, long = counting_to(graph, "short", 2), counting_to(graph, "long", 7)
    graph.output(graph.tool("end", join, parts=[short.n, long.n]))
    assert await output_of(graph) == [2, 7]


async def test_a_loop_that_never_gets_there_ends_at_its_bound_and_says_so() -> None:
    graph = Graph("loop")
    graph.output(counting_to(graph, "never", 100, most=4))
    assert await output_of(graph) == {"n": 4, "rounds": 4, "reached": False}


async def test_a_join_in_a_loop_sees_this_rounds_values_once_a_round() -> None:
    calls: list[object] = []
    graph = Graph("loop")
    with graph.repeat("rounds", {"n": 0, "last": None}, max=4) as body:
        even = body.tool("even", keep, x="even", when=body.loop.n.in_([0, 2]))
        odd = body.tool("odd", keep, x="odd", when=body.loop.n.in_([1, 3]))
        joined = body.tool("joined", counted(calls), x=[even.optional, odd.optional])
        more = body.tool("more", add, a=body.loop.n, b=1, after=joined)
        body.next(n=more, last=first(odd.optional, even.optional))
    graph.output(body.node)
    output = await output_of(graph)
    assert calls == [["even", None], [None, "odd"], ["even", None], [None, "odd"]]
    assert output == {"n": 4, "last": "odd", "rounds": 4, "reached": False}


async def test_what_one_branch_does_to_a_value_no_other_branch_sees() -> None:
    @tool(effect="pure")
    async def spoil(items: list[int]) -> list[int]:
        items.append(99)
        return items

    graph = Graph("copies", input={"items": "[integer]"})
    spoilt = graph.tool("spoilt", spoil, items=graph.input.items)
    graph.output(graph.tool("end", join, parts=[graph.input.items, spoilt], after=spoilt))
    given = [1, 2]
    assert await output_of(graph, items=given) == [[1, 2], [1, 2, 99]]
    assert given == [1, 2]


async def test_what_a_caller_does_to_a_result_the_next_run_does_not_see() -> None:
    graph = Graph("constant")
    graph.output(graph.tool("list", keep, params={"x": [1, 2]}))
    async with Swarm(graph) as swarm:
        one = await swarm.run()
        one.output.append(3)
        two = await swarm.run()
    assert two.output == [1, 2]
