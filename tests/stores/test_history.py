"""A run in a store as what happened in it: nothing that its records say is missing from the events."""

from __future__ import annotations

from typing import Any

import pytest

from swarm import Graph, Swarm, tool
from swarm.events import Event, ModelToken, NodeFinished, RunPausedEvent, RunResumed, to_json
from swarm.stores.base import EVENTS, NewRun, Record
from swarm.stores.history import recorded_run, summary_of
from swarm.stores.log import summarize
from swarm.stores.memory import MemoryStore


@tool(effect="pure")
async def double(x: int) -> int:
    """Double a number."""
    if x == 13:
        raise ValueError("unlucky")
    return 2 * x


def numbers() -> Graph:
    graph = Graph("numbers", input={"x": int})
    one = graph.tool("one", double, x=graph.input.x)
    two = graph.tool("two", double, x=one)
    graph.tool("never", double, x=two, when=two < 0)
    graph.output(two)
    return graph


def question() -> Graph:
    graph = Graph("refund", input={"amount": int})
    asked = graph.ask("approve", "Refund {{ input.amount }}?", answer={"approved": bool})
    graph.output(graph.reply("said", "{{ approve.approved }}", after=[asked]))
    return graph


def told(events: Any) -> list[Any]:
    """Return events without their times: those of records are taken when they are written."""
    return [
        {key: value for key, value in to_json(event).items() if key not in ("at", "latency_ms", "usage")}
        for event in events
    ]


@pytest.mark.parametrize("x", [3, 13])
async def test_what_is_read_back_is_what_was_heard(x: int) -> None:
    store, heard = MemoryStore(), list[Event]()
    async with Swarm(numbers(), store=store, listeners=[heard.append]) as swarm:
        result = await swarm.run(x=x)
    saved = await store.load(result.id)
    kept = [event for event in heard if not isinstance(event, ModelToken)]
    key = repr
    assert sorted(told(recorded_run(saved).events), key=key) == sorted(told(kept), key=key)
    assert told(recorded_run(saved).events)[0] == told(kept)[0]
    assert told(recorded_run(saved).events)[-1] == told(kept)[-1]
    line, other = summary_of(saved), summarize(result.id, heard)
    assert (line.status, line.text, line.graph) == (other.status, other.text, other.graph)


async def test_a_run_that_was_cut_off_is_unfinished_and_shows_what_was_done() -> None:
    store = MemoryStore()
    async with Swarm(numbers(), store=store) as swarm:
        result = await swarm.run(x=3)
    done = (await store.load(result.id)).records[:2]
    await store.create(NewRun(id="cut", graph="numbers", version="v", input='{"x": 3}', at=1.0, records=done))
    saved = await store.load("cut")
    assert summary_of(saved).status == "unfinished"
    events = recorded_run(saved).events
    assert [event.node for event in events if isinstance(event, NodeFinished)] == ["one"]


async def test_a_question_and_its_answer_are_told_even_if_nobody_wrote_the_event() -> None:
    store = MemoryStore()
    async with Swarm(question(), store=store) as swarm:
        paused = await swarm.run(amount=5)
    saved = await store.load(paused.id)
    (asked,) = [event for event in recorded_run(saved).events if isinstance(event, RunPausedEvent)]
    assert paused.ask is not None
    assert (asked.text, asked.token) == ("Refund 5?", paused.ask.token)
    assert (summary_of(saved).status, summary_of(saved).text) == ("paused", "Refund 5?")
    async with Swarm(question(), store=store) as swarm:
        await swarm.resume(paused, approved=True)
    events = recorded_run(await store.load(paused.id)).events
    (answer,) = [event for event in events if isinstance(event, RunResumed)]
    assert answer.answer == {"approved": True}
    assert not [event for event in events if isinstance(event, RunPausedEvent) and event.at < answer.at][1:]


async def test_a_cancelled_run_ends_cancelled() -> None:
    store = MemoryStore()
    async with Swarm(question(), store=store) as swarm:
        paused = await swarm.run(amount=5)
        await swarm.cancel(paused)
    saved = await store.load(paused.id)
    assert recorded_run(saved).events[-1].type == "run.cancelled"
    assert summary_of(saved).status == "cancelled"


async def test_an_event_of_a_later_version_is_told_as_damage_and_the_rest_is_there() -> None:
    store = MemoryStore()
    strange = Record(EVENTS, "", "", '[{"type": "no.such", "run": "r", "at": 1.0}]')
    await store.create(NewRun(id="r", graph="g", version="v", input="{}", at=1.0, records=(strange,)))
    run = recorded_run(await store.load("r"))
    assert len(run.events) == 1
    assert "record 0: not an event" in run.damaged[0]
