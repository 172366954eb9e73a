"""How much may be at work at once, whose turn it is, and what is refused rather than queued without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from crowd import Crowd

from swarm import Expert, Graph, LimitExceededError, Limits, ScriptedBackend, Swarm, tool
from swarm.messages import Completion, CompletionRequest, TextDelta, ToolCall
from swarm.spec.graph import GraphSpec


def pile(done: list[str]) -> Graph:
    """Return a graph that visits as often as its input says, all at once."""

    @tool(effect="pure")
    async def visit(name: str, item: int) -> int:
        """Write down whose visit it was."""
        await asyncio.sleep(0)
        done.append(name)
        return item

    graph = Graph("pile", input={"name": str, "items": "[integer]"})
    with graph.each("visits", graph.input.items, concurrency=1000) as body:
        body.tool("do", visit, name=graph.input.name, item=body.item)
    graph.output(body.node)
    return graph


async def test_a_run_with_much_to_do_does_not_hold_up_one_with_little() -> None:
    done: list[str] = []
    async with Swarm(pile(done), limits=Limits(concurrency=2)) as swarm:
        large = asyncio.ensure_future(swarm.run(name="large", items=list(range(300))))
        for _ in range(20):
            await asyncio.sleep(0)
        assert done
        await swarm.run(name="small", items=list(range(10)))
        before = done.count("large")
        await large
    assert before < 40, f"{before} visits of the large run came before the ten of the small one"


async def test_runs_that_wait_get_their_turns_in_equal_shares() -> None:
    done: list[str] = []
    async with Swarm(pile(done), limits=Limits(concurrency=3)) as swarm:
        await asyncio.gather(*(swarm.run(name=name, items=list(range(60))) for name in "abcd"))
    shares = [done[:120].count(name) for name in "abcd"]
    assert max(shares) <= 1.2 * min(shares), shares


async def test_within_a_run_the_node_with_the_longest_way_to_go_has_the_next_turn() -> None:
    order: list[str] = []

    @tool(effect="pure")
    async def step(name: str) -> str:
        """Write down when it ran."""
        order.append(name)
        await asyncio.sleep(0)
        return name

    graph = Graph("ways", input={})
    first = graph.tool("begin", step, name="begin")
    short = [graph.tool(f"short{i}", step, name=f"short{i}", after=first) for i in range(3)]
    long = graph.tool("long", step, name="long", after=first)
    longer = graph.tool("longer", step, name="longer", after=long)
    graph.output(graph.tool("end", step, name="end", after=[*short, longer]))
    async with Swarm(graph, limits=Limits(concurrency=1)) as swarm:
        await swarm.run()
    assert order.index("long") == 1, order


class Busy:
    """A backend that counts how many ask it at once."""

    name = "busy"

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    async def complete(self, request: CompletionRequest) -> Completion:
        """Go through the crowd."""
        await self._crowd.enter()
        return Completion(text="yes", model=request.model)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Give the answer in one piece."""
        yield await self.complete(request)

    async def aclose(self) -> None:
        """Do nothing."""


def asking(crowd: Crowd, *, models: dict[str, Any], limit: int = 64) -> Swarm:
    """Return a swarm whose one expert asks a model behind a crowd."""
    spec = GraphSpec.model_validate(
        {
            "name": "asks", "input": {"x": "string"}, "models": models,
            "experts": {"one": {"kind": "write", "input": {"x": "string"}, "prompt": "Say:\n{{ x }}", "cascade": ["small"]}},
            "nodes": {"a": {"expert": "one", "with": {"x": "input.x"}}},
            "output": "a",
        }
    )  # fmt: skip
    return Swarm(spec, backends={"busy": Busy(crowd)}, limits=Limits(model_calls=limit))


async def test_a_model_is_asked_at_most_so_often_at_once_in_all_runs() -> None:
    crowd = Crowd()
    async with asking(crowd, models={"small": {"model": "busy/m", "concurrency": 2}}) as swarm:
        results = await asyncio.gather(*(swarm.run(x=str(i)) for i in range(12)))
    assert {result.text for result in results} == {"yes"}
    assert (crowd.calls, crowd.most) == (12, 2)


async def test_a_model_that_says_nothing_of_it_has_the_limit_of_the_swarm() -> None:
    crowd = Crowd()
    async with asking(crowd, models={"small": "busy/m"}, limit=3) as swarm:
        await asyncio.gather(*(swarm.run(x=str(i)) for i in range(12)))
    assert crowd.most == 3


async def test_a_node_is_at_work_at_most_so_often_at_once_in_all_runs() -> None:
    crowd = Crowd()

    @tool(effect="pure")
    async def visit(x: int) -> int:
        """Go through the crowd."""
        await crowd.enter()
        return x

    graph = Graph("narrow", input={"x": int})
    graph.output(graph.tool("a", visit, x=graph.input.x, concurrency=2))
    async with Swarm(graph) as swarm:
        await asyncio.gather(*(swarm.run(x=i) for i in range(10)))
        assert "concurrency: 2" in graph.to_yaml()
    assert (crowd.calls, crowd.most) == (10, 2)


async def test_those_who_wait_for_a_narrow_node_keep_no_slot_from_others() -> None:
    gate = asyncio.Event()

    @tool(effect="pure")
    async def wait(x: int) -> int:
        """Wait for the gate."""
        await gate.wait()
        return x

    @tool(effect="pure")
    async def open_gate(x: int) -> int:
        """Open it."""
        gate.set()
        return x

    graph = Graph("narrow", input={"x": int})
    narrow = graph.tool("narrow", wait, x=graph.input.x, concurrency=1, when=graph.input.x < 5)
    wide = graph.tool("wide", open_gate, x=graph.input.x, when=graph.input.x >= 5)
    graph.output(narrow, wide)
    async with Swarm(graph, limits=Limits(concurrency=2)) as swarm:
        first = [asyncio.ensure_future(swarm.run(x=i)) for i in range(4)]
        assert (await swarm.run(x=5)).output == 5
        assert [result.output for result in await asyncio.gather(*first)] == [0, 1, 2, 3]


async def test_more_runs_than_may_be_open_are_refused_with_a_typed_error() -> None:
    gate = asyncio.Event()

    @tool(effect="pure")
    async def wait() -> int:
        """Wait for the gate."""
        await gate.wait()
        return 1

    graph = Graph("waits", input={})
    graph.output(graph.tool("a", wait))
    async with Swarm(graph, limits=Limits(runs=2)) as swarm:
        two = [asyncio.ensure_future(swarm.run()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(LimitExceededError, match="2 runs are open") as refused:
            await swarm.run()
        assert refused.value.code == "overloaded"
        gate.set()
        await asyncio.gather(*two)
        assert (await swarm.run()).output == 1, "the refusal is over with the rush"


async def test_a_run_is_refused_while_too_many_nodes_wait_for_their_turn() -> None:
    gate = asyncio.Event()

    @tool(effect="pure")
    async def wait(item: int) -> int:
        """Wait for the gate."""
        await gate.wait()
        return item

    graph = Graph("waits", input={"items": "[integer]"})
    with graph.each("all", graph.input.items, concurrency=100) as body:
        body.tool("do", wait, item=body.item)
    graph.output(body.node)
    async with Swarm(graph, limits=Limits(concurrency=1, waiting=5)) as swarm:
        first = asyncio.ensure_future(swarm.run(items=list(range(10))))
        for _ in range(20):
            await asyncio.sleep(0)
        with pytest.raises(LimitExceededError, match="9 nodes wait"):
            await swarm.run(items=[1])
        gate.set()
        assert (await first).output == list(range(10))


async def limited(graph: Graph, limits: Limits, **given: Any) -> str:
    async with Swarm(graph, limits=limits) as swarm:
        result = await swarm.run(**given)
    assert isinstance(result.error, LimitExceededError), result
    assert "Limits(" in result.error.hint
    return result.error.what


async def test_visits_items_and_bytes_of_a_run_have_limits_that_say_how_to_raise_them() -> None:
    items = {"name": "n", "items": list(range(10))}
    assert "more than 4" in await limited(pile([]), Limits(fan_out=4), **items)
    assert "ran more than 4 times" in await limited(pile([]), Limits(visits=4), **items)

    @tool(effect="pure")
    async def text(x: int) -> str:
        """Return a kilobyte."""
        return "a" * 1000

    graph = Graph("texts", input={"x": int})
    last: Any = graph.input.x
    for name in ("a", "b", "c"):
        last = graph.tool(name, text, x=graph.input.x, after=[] if name == "a" else last)
    graph.output(last)
    assert "2,500 bytes together" in await limited(graph, Limits(run_bytes=2_500), x=1)


@pytest.mark.parametrize("narrow", [None, 1])
async def test_nodes_that_wait_for_a_persons_word_keep_no_place_from_others(narrow: int | None) -> None:
    paid: list[int] = []

    @tool
    async def pay(amount: int) -> str:
        """Move money."""
        paid.append(amount)
        return f"paid {amount}"

    def turns() -> list[Any]:
        call = ToolCall(id="c", name="pay", arguments={"amount": 1})
        return [Completion(text="", model="m", tool_calls=(call,), finish="tool_calls"), "done"]

    graph = Graph("pays", input={"x": int})
    parts = [
        graph.expert(
            f"n{number}",
            Expert(kind="write", input={"task": str}, prompt="Do this:\n{{ task }}", cascade=[f"scripted/m{number}"], tools=["pay"]),
            task="pay", concurrency=narrow,
        )
        for number in range(3)
    ]  # fmt: skip
    end = graph.tool("end", pay, amount=7)
    graph.output(
        graph.reply(
            "said", " ".join(f"{{{{ {part}.text }}}}" for part in ("n0", "n1", "n2")), after=[*parts, end]
        )
    )
    models = {f"m{number}": turns() for number in range(3)}
    backends = {"scripted": ScriptedBackend(models)}
    async with Swarm(graph, tools=[pay], backends=backends, limits=Limits(concurrency=1)) as swarm:
        result = await asyncio.wait_for(swarm.run(x=1), 5)
        for _ in range(3):
            assert result.ask is not None, result
            result = await asyncio.wait_for(swarm.resume(result, approved=True), 5)
        assert (result.text, sorted(paid)) == ("done done done", [1, 1, 1, 7])
        assert (await asyncio.wait_for(swarm.run(x=2), 5)).status == "failed", "its script is used up"


async def test_a_run_cancelled_while_a_person_thinks_gives_back_no_slot_it_does_not_hold() -> None:
    @tool
    async def pay(amount: int) -> str:
        """Move money."""
        return "paid"

    call = ToolCall(id="c", name="pay", arguments={"amount": 1})
    asks = Completion(text="", model="m", tool_calls=(call,), finish="tool_calls")
    graph = Graph("pays", input={"items": "[integer]"})
    clerk = Expert(
        kind="write",
        input={"task": str},
        prompt="Do this:\n{{ task }}",
        cascade=["scripted/m"],
        tools=["pay"],
    )
    asked = graph.expert("asked", clerk, task="pay")
    crowd = Crowd()

    @tool(effect="pure")
    async def visit(item: int) -> int:
        """Go through the crowd."""
        await crowd.enter()
        return item

    with graph.each("visits", graph.input.items, concurrency=50, after=asked) as body:
        body.tool("do", visit, item=body.item)
    graph.output(body.node)
    backends = {"scripted": ScriptedBackend({"m": [asks, asks, "done"]})}
    async with Swarm(graph, tools=[pay], backends=backends, limits=Limits(concurrency=2)) as swarm:
        first = await swarm.run(items=[1])
        await swarm.cancel(first)
        paused = await swarm.run(items=list(range(20)))
        result = await swarm.resume(paused, approved=True)
    assert len(result.output) == 20
    assert crowd.most == 2
