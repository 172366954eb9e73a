"""D20 to D25 of the behaviours that graph engines are judged by: crashes, questions, forks, changes, growth."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from swarm import Expert, Graph, ScriptedBackend, StoreError, Swarm, tool
from swarm.messages import Completion, ToolCall
from swarm.stores.base import DONE
from swarm.stores.memory import MemoryStore


class Killed(BaseException):
    """Stands for the death of the process."""


def fan_out(world: Counter[str], dies_in: list[str]) -> Graph:
    """Return eight nodes side by side and a join."""

    @tool(effect="pure")
    async def work(name: str) -> str:
        """Count itself; die where it is told to, after the others."""
        world[name] += 1
        if name in dies_in:
            for _ in range(50):
                await asyncio.sleep(0)
            raise Killed
        return name

    @tool(effect="pure")
    async def join(names: list[str]) -> str:
        """Put the names together."""
        world["join"] += 1
        return " ".join(names)

    graph = Graph("fan", input={})
    parts = [graph.tool(f"n{number}", work, name=f"n{number}") for number in range(8)]
    graph.output(graph.tool("all", join, names=parts))
    return graph


async def test_d20_siblings_that_finished_in_the_broken_step_are_not_run_again() -> None:
    store, world, dies_in = MemoryStore(), Counter[str](), ["n3"]
    with pytest.raises(Killed):
        await Swarm(fan_out(world, dies_in), store=store).run()
    (head,) = await store.runs()
    dies_in.clear()
    async with Swarm(fan_out(world, dies_in), store=store) as swarm:
        result = await swarm.resume(head.id)
    assert result.text == "n0 n1 n2 n3 n4 n5 n6 n7"
    assert world.pop("n3") == 2
    assert set(world.values()) == {1}, world


def two_questions(done: list[str]) -> Graph:
    """Return two questions side by side, each with a branch of its own, beside work that asks nobody."""

    @tool(effect="pure")
    async def work(name: str) -> str:
        """Write down that it ran."""
        done.append(name)
        return name

    graph = Graph("two", input={})
    for name in ("left", "right"):
        asked = graph.ask(f"ask_{name}", f"Go {name}?", answer={"go": bool})
        graph.tool(f"go_{name}", work, name=name, when=asked.go)
    graph.tool("meanwhile", work, name="meanwhile")
    graph.output(left=graph["go_left"].optional, right=graph["go_right"].optional)
    return graph


async def test_d21_a_question_lets_other_branches_finish_and_parallel_questions_are_answered_apart() -> None:
    store, done = MemoryStore(), list[str]()
    async with Swarm(two_questions(done), store=store) as swarm:
        paused = await swarm.run()
    assert done == ["meanwhile"]
    waiting = {one.place: one.token for one in (await store.load(paused.id)).questions}
    assert set(waiting) == {"ask_left", "ask_right"}
    async with Swarm(two_questions(done), store=store) as swarm:
        again = await swarm.resume(waiting["ask_right"], go=False)
        assert again.status == "paused"
        assert again.ask is not None
        assert again.ask.token == waiting["ask_left"]
        result = await swarm.resume(again, go=True)
    assert result.output == {"left": "left", "right": None}
    assert done == ["meanwhile", "left"]


async def test_d21_two_questions_of_one_node_are_asked_in_order_each_once() -> None:
    store, paid = MemoryStore(), list[int]()

    @tool
    async def pay(amount: int) -> str:
        """Move money."""
        paid.append(amount)
        return f"paid {amount}"

    def turn(amount: int) -> Completion:
        call = ToolCall(id=f"c{amount}", name="pay", arguments={"amount": amount})
        return Completion(text="", model="clerk", tool_calls=(call,), finish="tool_calls")

    def swarm_of(turns: list[Any]) -> Swarm:
        graph = Graph("clerk", input={"task": str})
        clerk = Expert(
            kind="write",
            input={"task": str},
            prompt="Do this:\n{{ task }}",
            cascade=["scripted/clerk"],
            tools=["pay"],
        )
        graph.output(graph.expert("answer", clerk, task=graph.input.task))
        return Swarm(
            graph, store=store, tools=[pay], backends={"scripted": ScriptedBackend({"clerk": turns})}
        )

    async with swarm_of([turn(1), turn(2)]) as swarm:
        first = await swarm.run(task="pay twice")
        assert first.ask is not None
        assert "pay(amount=1)" in first.ask.text
        second = await swarm.resume(first, approved=True)
        assert second.ask is not None
        assert "pay(amount=2)" in second.ask.text
    async with swarm_of(["all paid"]) as swarm:
        result = await swarm.resume(second.ask.token, approved=True)
    assert (result.text, paid) == ("all paid", [1, 2])


async def test_d22_resuming_a_run_that_ended_does_nothing_and_gives_its_result() -> None:
    store, world = MemoryStore(), Counter[str]()
    async with Swarm(fan_out(world, []), store=store) as swarm:
        result = await swarm.run()
        before = await store.load(result.id)
        again = await swarm.resume(result.id)
    assert again.to_json() == result.to_json()
    assert await store.load(result.id) == before
    assert set(world.values()) == {1}


def nested(answer: str, *, limit: str | None = None) -> Graph:
    """Return a graph that runs another one, then stops to ask."""
    inner = Graph("inner", input={"x": int})
    inner.output(inner.reply("said", f"{answer} {{{{ input.x }}}}"))
    given: dict[str, Any] = {"x": int} if limit is None else {"x": int, "limit": int | None}
    outer = Graph("outer", input=given)
    outer.graph("part", inner, x=outer.input.x)
    asked = outer.ask("sure", "{{ part.text }}?", answer={"yes": bool})
    outer.output(outer.reply("end", "ended", when=asked.yes))
    return outer


async def test_d23_a_changed_inner_graph_is_refused_and_the_node_is_named() -> None:
    store = MemoryStore()
    async with Swarm(nested("x is"), store=store) as swarm:
        paused = await swarm.run(x=3)
    async with Swarm(nested("the x is"), store=store) as swarm:
        with pytest.raises(StoreError, match="node 'part'") as refused:
            await swarm.resume(paused, yes=True)
        assert refused.value.code == "graph_changed"
    async with Swarm(nested("x is"), store=store) as swarm:
        assert (await swarm.resume(paused, yes=True)).text == "ended", "the refused answer was kept"


async def test_d23_a_graph_with_a_new_optional_input_goes_on_with_old_runs() -> None:
    store = MemoryStore()
    async with Swarm(nested("x is"), store=store) as swarm:
        paused = await swarm.run(x=3)
    async with Swarm(nested("x is", limit="new"), store=store) as swarm:
        assert (await swarm.resume(paused, yes=True)).text == "ended"


async def test_d24_what_is_stored_grows_with_the_steps_not_with_their_square() -> None:
    @tool(effect="pure")
    async def message(number: int) -> str:
        """Return a message of 2 KB."""
        return str(number % 10) * 2_000

    async def stored(steps: int) -> int:
        store = MemoryStore()
        graph = Graph("talk", input={})
        said: list[Any] = []
        for number in range(steps):
            said.append(graph.tool(f"n{number}", message, number=number, after=said[-1:]))
        graph.output(said[-1])
        async with Swarm(graph, store=store) as swarm:
            await swarm.run()
        return sum(len(body) for kind, _, _, body in (await _records(store)) if kind == DONE)

    ten, forty = await stored(10), await stored(40)
    assert forty < 4.2 * ten, f"{ten} bytes in 10 steps, {forty} in 40"


async def _records(store: MemoryStore) -> Any:
    (head,) = await store.runs()
    return (await store.load(head.id)).records


async def test_d25_each_step_is_durable_before_the_next_begins() -> None:
    store = MemoryStore()
    seen: list[set[str]] = []

    @tool(effect="pure")
    async def look(x: int) -> int:
        """Note which results are recorded now."""
        seen.append({place for kind, place, _, _ in await _records(store) if kind == DONE})
        return x

    graph = Graph("chain", input={"x": int})
    last: Any = graph.input.x
    for name in ("a", "b", "c"):
        last = graph.tool(name, look, x=last)
    graph.output(last)
    async with Swarm(graph, store=store) as swarm:
        await swarm.run(x=1)
    assert seen == [set(), {"a"}, {"a", "b"}]


async def test_d25_one_run_has_one_owner_the_one_before_can_write_nothing_more() -> None:
    store = MemoryStore()
    async with Swarm(nested("x is"), store=store) as old:
        paused = await old.run(x=3)
        async with Swarm(nested("x is"), store=store) as new:
            taken = await new.resume(paused.id)
            assert taken.ask == paused.ask
            stale = await old.resume(paused, yes=True)
        assert stale.error is not None
        assert stale.error.code == "stale_epoch"
    assert json.loads((await store.load(paused.id)).questions[0].answer or "null") == {"yes": True}
