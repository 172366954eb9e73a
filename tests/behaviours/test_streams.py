"""The stream of events: complete, in order, and never in the way of a run."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import Any

import pytest

from swarm import Expert, Graph, ScriptedBackend, Swarm, tool
from swarm.errors import BackendUnavailable
from swarm.events import (
    Event,
    ModelFinished,
    ModelRequested,
    ModelToken,
    NodeCancelled,
    NodeFailed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunStarted,
    ToolCalled,
    ToolFinished,
)

ENDS = {
    RunStarted: (RunFinished, RunFailed, RunCancelled),
    NodeStarted: (NodeFinished, NodeFailed, NodeCancelled),
    ModelRequested: (ModelFinished,),
    ToolCalled: (ToolFinished,),
}
WRITER = Expert(
    kind="write",
    description="Writes.",
    input={"question": "string"},
    prompt="Q:\n{{ question }}",
    cascade=["scripted/away", "scripted/small"],
)


@tool(effect="pure")
async def keep(x: object) -> object:
    """Return what is given."""
    return x


@tool(effect="pure")
async def broken(x: object) -> object:
    """Raise."""
    raise ValueError("broken")


@tool(effect="pure")
async def forever() -> str:
    """Never return."""
    await asyncio.Event().wait()
    return "never"


def everything() -> Graph:
    """Return a graph in which nodes finish, fail, are skipped, ask models and run bodies."""
    graph = Graph("everything", input={"items": "[integer]", "question": str})
    with graph.each("all", graph.input.items, concurrency=3) as body:
        body.tool("do", keep, x=body.item)
    graph.tool("bad", broken, x=1, on_error="skip")
    skipped = graph.tool("skipped", keep, x=1, when=graph.input.question == "never")
    answer = graph.expert("answer", WRITER, question=graph.input.question)
    graph.output(graph.tool("end", keep, x=[body.node, answer.text, skipped.optional]))
    return graph


def backend() -> ScriptedBackend:
    return ScriptedBackend({"away": BackendUnavailable("nothing answers"), "small": "one two three"})


def opened_and_closed(events: list[Event]) -> dict[str, tuple[int, int]]:
    """Return for each kind of start how many there were, and how many ends."""
    return {
        start.type: (
            sum(isinstance(event, start) for event in events),
            sum(isinstance(event, ends) for event in events),
        )
        for start, ends in ENDS.items()
    }


async def test_everything_that_starts_ends_exactly_once() -> None:
    events: list[Event] = []
    async with Swarm(everything(), backends={"scripted": backend()}, listeners=[events.append]) as swarm:
        result = await swarm.run(items=[1, 2, 3, 4], question="?")
    assert result.status == "completed"
    assert result.output == [[1, 2, 3, 4], "one two three", None]
    counts = opened_and_closed(events)
    assert all(opened == closed > 0 for opened, closed in counts.values()), counts
    started = Counter(event.node for event in events if isinstance(event, NodeStarted))
    ended = Counter(event.node for event in events if isinstance(event, NodeFinished | NodeFailed))
    assert started == ended
    assert max(started.values()) == 1
    assert [event.node for event in events if isinstance(event, NodeSkipped)] == ["skipped"]


@pytest.mark.parametrize("ending", ["fails", "is cancelled"])
async def test_everything_that_starts_ends_once_when_the_run_does_not(ending: str) -> None:
    events: list[Event] = []
    running = asyncio.Event()

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, ToolCalled) and event.node == "all[1]/waits":
            running.set()

    graph = Graph("stops", input={"items": "[integer]"})
    with graph.each("all", graph.input.items, concurrency=2) as body:
        body.tool("waits", forever)
    graph.tool("waiting", forever)
    if ending == "fails":
        graph.tool("bad", broken, x=1)
    graph.output(body.node)
    async with asyncio.timeout(5), Swarm(graph, listeners=[listen]) as swarm:
        task = asyncio.ensure_future(swarm.run(items=[1, 2, 3]))
        await running.wait()
        if ending == "is cancelled":
            task.cancel()
        await asyncio.wait({task})
    counts = opened_and_closed(events)
    assert all(opened == closed for opened, closed in counts.values()), counts
    assert isinstance(events[-1], RunFailed if ending == "fails" else RunCancelled)


async def test_a_nodes_events_come_in_order_and_name_its_place() -> None:
    events: list[Event] = []
    async with Swarm(everything(), backends={"scripted": backend()}, listeners=[events.append]) as swarm:
        await swarm.run(items=[7, 8], question="?")
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    by_node: dict[str, list[str]] = {}
    for event in events:
        by_node.setdefault(getattr(event, "node", ""), []).append(event.type)
    assert by_node["all[1]/do"] == ["node.started", "tool.called", "tool.finished", "node.finished"]
    assert by_node["answer"] == [
        "node.started",
        "model.requested",
        "model.finished",
        "expert.escalated",
        "model.requested",
        "model.finished",
        "confidence.scored",
        "node.finished",
    ]
    assert [event.at for event in events] == sorted(event.at for event in events)


async def test_a_stream_yields_the_text_as_it_is_written_and_ends_with_the_run() -> None:
    async with Swarm(everything(), backends={"scripted": backend()}) as swarm:
        events = [event async for event in swarm.stream(items=[], question="?")]
    pieces = [event.text for event in events if isinstance(event, ModelToken)]
    assert "".join(pieces) == "one two three"
    assert len(pieces) == 3
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)


async def test_a_stream_of_a_failed_run_ends_with_its_failure_and_raises_nothing() -> None:
    graph = Graph("fails")
    graph.output(graph.tool("bad", broken, x=1))
    async with Swarm(graph) as swarm:
        events = [event async for event in swarm.stream()]
    assert isinstance(events[-1], RunFailed)
    assert events[-1].node == "bad"


async def test_a_reader_who_does_not_read_holds_nothing_up() -> None:
    done = asyncio.Event()

    @tool(effect="pure")
    async def last(x: object) -> object:
        done.set()
        return x

    graph = Graph("slow reader", input={"items": "[integer]"})
    with graph.each("all", graph.input.items) as body:
        body.tool("do", keep, x=body.item)
    graph.output(graph.tool("end", last, x=body.node))
    async with (
        asyncio.timeout(10),
        Swarm(graph) as swarm,
        aclosing(swarm.stream(items=list(range(500)))) as stream,
    ):
        first = await anext(stream)
        await done.wait()  # the run goes to its end while nobody reads
        rest = [event async for event in stream]
    assert isinstance(first, RunStarted)
    assert isinstance(rest[-1], RunFinished)


async def test_closing_a_stream_cancels_its_run_and_leaves_no_task() -> None:
    told: list[Event] = []
    graph = Graph("closed")
    graph.output(graph.tool("wait", forever))
    async with asyncio.timeout(5), Swarm(graph, listeners=[told.append]) as swarm:
        async with aclosing(swarm.stream()) as stream:
            async for event in stream:
                if isinstance(event, ToolCalled):
                    break
        await asyncio.sleep(0)
        assert {task for task in asyncio.all_tasks() if task is not asyncio.current_task()} == set()
    assert isinstance(told[-1], RunCancelled)


async def test_two_streams_at_once_do_not_mix() -> None:
    graph = Graph("two", input={"x": int})
    graph.output(graph.tool("end", keep, x=graph.input.x))

    async def read(swarm: Swarm, x: int) -> list[Event]:
        return [event async for event in swarm.stream(x=x)]

    async with Swarm(graph) as swarm:
        runs = await asyncio.gather(*(read(swarm, x) for x in range(10)))
    for x, events in enumerate(runs):
        assert len({event.run for event in events}) == 1
        outputs: list[Any] = [event.output for event in events if isinstance(event, RunFinished)]
        assert outputs == [x]
