"""Runs in a store: what was done is not done again, whoever goes on with them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from swarm import AnsweredError, Graph, InputError, StoreError, Swarm, SwarmError, tool
from swarm.events import Event, NodeStarted
from swarm.stores.base import DONE, INTENT, Record
from swarm.stores.memory import MemoryStore


class Killed(BaseException):
    """Stands for the death of the process: nothing of ours may catch it."""


class Ledger:
    """Counts what tools did in the world."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.dies_in = ""

    def does(self, what: str) -> None:
        self.done.append(what)
        if what == self.dies_in:
            raise Killed


def chain(world: Ledger, effect: Any = "pure", *, slower: str = "") -> Graph:
    """Return first -> second -> third; each adds one. The node `slower` gets more time."""

    def step(name: str) -> Any:
        @tool(name=name, effect=effect)
        async def add(x: int) -> int:
            """Add one."""
            world.does(name)
            return x + 1

        return add

    graph = Graph("chain", input={"x": int})
    one = graph.tool("one", step("first"), timeout=60.0 if slower == "one" else None, x=graph.input.x)
    two = graph.tool("two", step("second"), timeout=60.0 if slower == "two" else None, x=one)
    three = graph.tool("three", step("third"), timeout=60.0 if slower == "three" else None, x=two)
    graph.output(three)
    return graph


def approval() -> Graph:
    graph = Graph("refund", input={"amount": int})
    asked = graph.ask("approve", "Refund {{ input.amount }}?", answer={"approved": bool})
    graph.reply("yes", "done", when=asked.approved)
    graph.reply("no", "left", when=~asked.approved)
    graph.output(graph["yes"], graph["no"])
    return graph


async def cut_off(graph: Graph, store: MemoryStore, **given: Any) -> str:
    """Run until the process dies; return the run's id."""
    with pytest.raises(Killed):
        await Swarm(graph, store=store).run(**given)
    (head,) = await store.runs()
    assert head.status == "running"
    return head.id


async def test_a_run_that_was_cut_off_goes_on_where_it_was() -> None:
    store, world = MemoryStore(), Ledger()
    world.dies_in = "third"
    run_id = await cut_off(chain(world), store, x=1)
    world.dies_in = ""
    async with Swarm(chain(world), store=store) as swarm:
        result = await swarm.resume(run_id)
    assert (result.status, result.output, result.id) == ("completed", 4, run_id)
    assert world.done == ["first", "second", "third", "third"], "what was recorded ran again"
    assert list(result.path) == ["one", "two", "three"]


async def test_a_run_of_the_same_key_is_never_made_twice() -> None:
    store, world = MemoryStore(), Ledger()
    async with Swarm(chain(world), store=store) as swarm:
        first = await swarm.run_input({"x": 1}, key="order-1042")
        again = await swarm.run_input({"x": 1}, key="order-1042")
    assert again.id == first.id
    assert again.to_json() == first.to_json()
    assert len(world.done) == 3


async def test_a_key_that_was_used_for_another_input_is_refused() -> None:
    store, world = MemoryStore(), Ledger()
    async with Swarm(chain(world), store=store) as swarm:
        first = await swarm.run_input({"x": 1}, key="order-1042")
        with pytest.raises(InputError, match="another input") as refused:
            await swarm.run_input({"x": 2}, key="order-1042")
    assert refused.value.where == first.id
    assert len(world.done) == 3


async def test_an_unsafe_tool_is_never_repeated_by_itself_a_person_decides() -> None:
    store, world = MemoryStore(), Ledger()
    world.dies_in = "second"
    run_id = await cut_off(chain(world, "unsafe"), store, x=1)
    world.dies_in = ""
    async with Swarm(chain(world, "unsafe"), store=store) as swarm:
        paused = await swarm.resume(run_id)
        assert paused.status == "paused"
        assert paused.ask is not None
        assert "second(x=2)" in paused.ask.text
        assert world.done == ["first", "second"]
        result = await swarm.resume(paused, action="retry")
    assert (result.status, result.output) == ("completed", 4)
    assert world.done == ["first", "second", "second", "third"]


async def test_a_person_may_leave_the_call_out() -> None:
    store, world = MemoryStore(), Ledger()
    world.dies_in = "third"
    run_id = await cut_off(chain(world, "unsafe"), store, x=1)
    async with Swarm(chain(world, "unsafe"), store=store) as swarm:
        paused = await swarm.resume(run_id)
        result = await swarm.resume(paused, action="skip")
    assert result.error is not None
    assert result.error.code == "no_output"
    assert result["three"].status == "skipped"
    assert world.done == ["first", "second", "third"]


async def test_a_question_survives_a_restart_with_its_token() -> None:
    store = MemoryStore()
    async with Swarm(approval(), store=store) as swarm:
        paused = await swarm.run(amount=5)
    assert paused.ask is not None
    async with Swarm(approval(), store=store) as swarm:
        again = await swarm.resume(paused.id)
        assert again.ask == paused.ask
    async with Swarm(approval(), store=store) as swarm:
        result = await swarm.resume(paused.ask.token, approved=True)
    assert (result.status, result.text) == ("completed", "done")


async def test_a_run_that_is_picked_up_before_any_other_goes_on_as_itself() -> None:
    store = MemoryStore()
    async with Swarm(approval(), store=store) as swarm:
        await swarm.run(amount=5)
    async with Swarm(approval(), store=store) as swarm:
        (paused,) = await swarm.runs.recover()
        epoch = (await store.load(paused.id)).head.epoch
        result = await swarm.resume(paused, approved=True)
    assert result.text == "done"
    assert (await store.load(paused.id)).head.epoch == epoch, "it was claimed a second time"


async def test_closing_a_swarm_ends_the_runs_that_it_only_picked_up() -> None:
    store = MemoryStore()
    async with Swarm(approval(), store=store) as swarm:
        await swarm.run(amount=5)
    async with Swarm(approval(), store=store) as swarm:
        (paused,) = await swarm.runs.recover()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(SwarmError, match="closed"):
        await swarm.runs.resume(paused.id)


async def test_answering_twice_gives_the_first_answer() -> None:
    store = MemoryStore()
    async with Swarm(approval(), store=store) as swarm:
        paused = await swarm.run(amount=5)
        assert paused.ask is not None
        await swarm.resume(paused, approved=True)
        with pytest.raises(AnsweredError, match="approved=true") as said:
            await swarm.resume(paused.ask.token, approved=False)
        assert said.value.answer == {"approved": True}
        assert (await swarm.resume(paused.id)).text == "done"


async def test_an_answer_that_does_not_fit_is_refused_and_the_question_stays_open() -> None:
    store = MemoryStore()
    async with Swarm(approval(), store=store) as swarm:
        paused = await swarm.run(amount=5)
    async with Swarm(approval(), store=store) as swarm:
        with pytest.raises(InputError, match="approved"):
            await swarm.resume(paused, approved="perhaps")
        assert (await swarm.resume(paused, approved=False)).text == "left"


async def test_a_cancelled_run_begins_nothing_more() -> None:
    store, world = MemoryStore(), Ledger()
    world.dies_in = "second"
    run_id = await cut_off(chain(world), store, x=1)
    async with Swarm(chain(world), store=store) as swarm:
        await swarm.cancel(run_id)
        assert (await swarm.resume(run_id)).status == "cancelled"
        assert await swarm.runs.recover() == []
    assert world.done == ["first", "second"]


async def test_what_a_stale_owner_appends_is_refused_and_its_run_ends_there() -> None:
    store, world = MemoryStore(), Ledger()
    graph = Graph("slow", input={"x": int})
    gate, reached = asyncio.Event(), asyncio.Event()

    @tool(effect="pure")
    async def wait(x: int) -> int:
        """Wait for the gate."""
        reached.set()
        await gate.wait()
        return x

    @tool(effect="pure")
    async def after(x: int) -> int:
        """Go on."""
        world.does("after")
        return x

    last = graph.tool("last", after, x=graph.tool("begin", wait, x=graph.input.x))
    graph.output(last)
    async with Swarm(graph, store=store) as swarm:
        task = asyncio.ensure_future(swarm.run(x=1))
        await reached.wait()
        (head,) = await store.runs()
        await store.claim(head.id)
        gate.set()
        result = await task
    assert result.error is not None
    assert result.error.code == "stale_epoch"
    assert world.done == [], "a node began on a result that was not recorded"
    assert (await store.load(head.id)).head.status == "running"


async def test_a_changed_graph_is_refused_with_what_changed_unless_only_unreached_nodes_did() -> None:
    store, world = MemoryStore(), Ledger()
    world.dies_in = "second"
    run_id = await cut_off(chain(world), store, x=1)
    world.dies_in = ""
    async with Swarm(chain(world, slower="one"), store=store) as swarm:
        with pytest.raises(StoreError, match="node 'one': its timeout changed") as refused:
            await swarm.resume(run_id)
        assert refused.value.code == "graph_changed"
    async with Swarm(chain(world, slower="three"), store=store) as swarm:
        assert (await swarm.resume(run_id)).output == 4


async def test_a_failed_run_is_resumed_at_the_node_that_failed() -> None:
    store, done = MemoryStore(), list[str]()
    works = False

    @tool(effect="pure")
    async def first(x: int) -> int:
        """Pass on."""
        done.append("first")
        return x

    @tool(effect="pure")
    async def second(x: int) -> int:
        """Fail at first."""
        if not works:
            raise ValueError("no network")
        return x

    graph = Graph("fragile", input={"x": int})
    graph.output(graph.tool("b", second, x=graph.tool("a", first, x=graph.input.x)))
    async with Swarm(graph, store=store) as swarm:
        failed = await swarm.run(x=7)
        assert failed.status == "failed"
        works = True
        result = await swarm.resume(failed.id)
    assert (result.status, result.output, done) == ("completed", 7, ["first"])


async def test_a_fork_runs_anew_only_what_the_change_reaches_and_leaves_the_old_run_as_it_was() -> None:
    store, world = MemoryStore(), Ledger()
    async with Swarm(chain(world), store=store) as swarm:
        old = await swarm.run(x=1)
        before = await store.load(old.id)
        world.done.clear()
        forked = await swarm.runs.fork(old.id, at=["three"])
        assert world.done == ["third"]
        other = await swarm.runs.fork(old.id, changed={"x": 10})
    assert (forked.output, other.output) == (4, 13)
    assert await store.load(old.id) == before
    assert len({old.id, forked.id, other.id}) == 3


async def test_only_what_was_not_done_is_told_again_to_those_who_listen() -> None:
    store, world = MemoryStore(), Ledger()
    world.dies_in = "third"
    run_id = await cut_off(chain(world), store, x=1)
    world.dies_in = ""
    told: list[Event] = []
    async with Swarm(chain(world), store=store, listeners=[told.append]) as swarm:
        await swarm.resume(run_id)
    assert [event.node for event in told if isinstance(event, NodeStarted)] == ["three"]


async def test_what_an_unsafe_call_is_about_to_do_is_durable_before_it_is_made() -> None:
    store = MemoryStore()
    seen: list[tuple[Record, ...]] = []
    graph = Graph("pay", input={"amount": int})

    @tool
    async def pay(amount: int) -> str:
        """Move money."""
        (head,) = await store.runs()
        seen.append((await store.load(head.id)).records)
        return "paid"

    graph.output(graph.tool("payment", pay, amount=graph.input.amount))
    async with Swarm(graph, store=store) as swarm:
        await swarm.run(amount=5)
    assert [record.kind for record in seen[0]][-1] == INTENT
    assert not [record for record in seen[0] if record.kind == DONE]


async def test_a_key_without_a_store_is_refused() -> None:
    async with Swarm(chain(Ledger())) as swarm:
        with pytest.raises(SwarmError, match="store"):
            await swarm.run_input({"x": 1}, key="a")
