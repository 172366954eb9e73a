"""Readers of streams who are slow, who leave, and who leave without ending the run."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm import Expert, Graph, Limits, ScriptedBackend, Swarm, tool
from swarm._app.stream import JOIN_BEYOND, EventQueue
from swarm.backends.ollama import OllamaBackend
from swarm.backends.scripted import Held
from swarm.events import (
    Event,
    ModelRequested,
    ModelToken,
    NodeEvent,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    NoteAdded,
    RunCancelled,
    RunFinished,
    RunPausedEvent,
)
from swarm.testing import FakeModel, Fault, OllamaServer

WORDS = "".join(f" w{number}" for number in range(5_000)).strip()


def started(node: str) -> Event:
    return NodeStarted(run="r", at=1.0, node=node, kind="expert")


def finished(node: str) -> Event:
    return NodeFinished(run="r", at=1.0, node=node, value=None, latency_ms=1.0)


def wrote(node: str, text: str) -> Event:
    return ModelToken(run="r", at=1.0, node=node, text=text)


def asked(node: str, attempt: int) -> Event:
    return ModelRequested(run="r", at=1.0, node=node, model="m", rung=0, attempt=attempt)


def read_now(queue: EventQueue) -> list[Event]:
    return [queue.take() for _ in range(len(queue))]


def writer(model: str) -> Expert:
    return Expert(
        kind="write",
        description="Writes.",
        input={"text": "string"},
        prompt="Q:\n{{ text }}",
        cascade=[model],
    )


def writing(model: str = "scripted/m", *, writers: int = 1) -> Graph:
    """Return a graph of experts that write side by side."""
    graph = Graph("writing")
    for number in range(writers):
        graph.expert(f"answer_{number}", writer(model), text="hello")
    graph.output(graph.reply("end", "{{ answer_0.text }}"))
    return graph


class Ends:
    """A listener that can be waited on for the end of a run."""

    def __init__(self) -> None:
        self.event: Event | None = None
        self._came = asyncio.Event()

    def hear(self, event: Event) -> None:
        if isinstance(event, RunFinished | RunCancelled):
            self.event = event
            self._came.set()

    async def come(self) -> Event | None:
        await self._came.wait()
        return self.event


async def test_text_that_waits_is_joined_and_none_of_it_is_lost() -> None:
    ends = Ends()
    backends = {"scripted": ScriptedBackend({"m": WORDS})}
    async with (
        asyncio.timeout(10),
        Swarm(writing(writers=3), backends=backends, listeners=[ends.hear]) as swarm,
        aclosing(swarm.stream()) as stream,
    ):
        events = [await anext(stream)]
        await ends.come()  # the run goes to its end while nobody reads
        events += [event async for event in stream]
    text: Counter[str] = Counter()
    for event in events:
        if isinstance(event, ModelToken):
            text[event.node] += len(event.text)
    assert text == {f"answer_{number}": len(WORDS) for number in range(3)}
    assert len(events) < JOIN_BEYOND + 50, "15,000 pieces waited, and were joined"
    assert isinstance(events[-1], RunFinished)


def test_text_is_not_joined_across_what_withdraws_it() -> None:
    queue = EventQueue(join_beyond=0)
    for event in [wrote("a", "bad"), wrote("b", "1"), asked("a", 2), wrote("a", "go"), wrote("b", "2"), wrote("a", "od")]:  # fmt: skip
        queue.put(event)
    assert read_now(queue) == [wrote("a", "bad"), wrote("b", "12"), asked("a", 2), wrote("a", "good")]


def test_text_that_comes_after_a_joined_piece_was_read_is_a_piece_of_its_own() -> None:
    queue = EventQueue(join_beyond=1)
    for text in "abc":
        queue.put(wrote("n", text))
    assert read_now(queue) == [wrote("n", "a"), wrote("n", "bc")]
    queue.put(wrote("n", "d"))
    assert read_now(queue) == [wrote("n", "d")]


def test_text_is_joined_without_an_event_to_the_piece_that_waits_last_and_to_no_other() -> None:
    queue = EventQueue(join_beyond=1)
    queue.put(wrote("n", "a"))
    assert not queue.join("n", "b"), "a reader this close gets each piece by itself"
    queue.put(wrote("n", "b"))
    assert queue.join("n", "c")
    assert not queue.join("other", "c")
    queue.put(asked("n", 2))
    assert not queue.join("n", "d"), "what withdraws the text came in between"
    assert read_now(queue) == [wrote("n", "a"), wrote("n", "bc"), asked("n", 2)]


def told_whole(events: list[Event]) -> bool:
    """Return whether each node that begins ends, and nothing is told of one outside that."""
    nodes: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event, NodeEvent) and not isinstance(event, NodeSkipped):
            nodes.setdefault(event.node, []).append(event)
    return all(
        isinstance(own[0], NodeStarted) and isinstance(own[-1], NodeFinished) for own in nodes.values()
    )


def test_nodes_that_begin_while_too_much_waits_are_left_out_whole_and_a_note_says_so() -> None:
    queue = EventQueue(join_beyond=5, leave_out_beyond=20)
    put = list[Event]([started("open"), *(wrote("open", "x") for _ in range(100))])
    put += [event for number in range(1_000) for event in (started(f"n{number}"), finished(f"n{number}"))]
    put.append(NodeSkipped(run="r", at=1.0, node="skipped", reason="?"))
    put += [finished("open"), RunFinished(run="r", at=2.0, status="completed", output=1, text="1", confidence=None, usage={}, latency_ms=1.0)]  # fmt: skip
    most = 0
    for event in put:
        queue.put(event)
        most = max(most, len(queue))
    assert most <= 20 + 4, "the node at work, the note and the end come to what may wait"
    events = read_now(queue)
    assert told_whole(events)
    assert [event.code for event in events if isinstance(event, NoteAdded)] == ["lagging"]
    assert isinstance(events[-1], RunFinished)


async def test_a_reader_who_catches_up_is_told_of_nodes_again() -> None:
    queue = EventQueue(leave_out_beyond=2)
    for name in "abc":
        queue.put(started(name))
    read_now(queue)
    for name in "cd":
        queue.put(started(name) if name == "d" else finished(name))
    queue.close()
    assert [event async for event in queue] == [started("d")], "of `c` nothing is told, its end neither"
    queue.put(started("c"))
    assert read_now(queue) == [started("c")]


def test_what_a_person_is_asked_is_never_left_out() -> None:
    queue = EventQueue(leave_out_beyond=0)
    question = RunPausedEvent(run="r", at=1.0, node="ask", text="Sure?", answer={}, token="t")
    queue.put(started("ask"))
    queue.put(question)
    assert read_now(queue)[-1] == question


Step = tuple[str, str]
STEPS = st.lists(st.tuples(st.sampled_from(["start", "write", "ask", "end", "read"]), st.sampled_from("abc")))


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(0, 4), st.integers(0, 9))
def test_whatever_the_reader_does_each_node_keeps_its_order(
    steps: list[Step], join_beyond: int, leave_out_beyond: int
) -> None:
    queue = EventQueue(join_beyond=join_beyond, leave_out_beyond=leave_out_beyond)
    visits, at_work = Counter[str](), dict[str, str]()
    put, got = list[Event](), list[Event]()
    for number, (what, node) in enumerate(steps):
        if what == "read":
            got += [queue.take()] if len(queue) else []
            continue
        if what == "start" and node not in at_work:
            visits[node] += 1
            at_work[node] = f"{node}[{visits[node]}]"  # a path is one visit's own
            event = started(at_work[node])
        elif node not in at_work or what == "start":
            continue
        elif what == "end":
            event = finished(at_work.pop(node))
        else:
            place = at_work[node]
            event = wrote(place, f"{number} ") if what == "write" else asked(place, number)
        put.append(event)
        queue.put(event)
    got += read_now(queue)
    told = {event.node for event in got if isinstance(event, NodeStarted)}
    for place in {event.node for event in put if isinstance(event, NodeEvent)}:
        wanted = [event for event in put if isinstance(event, NodeEvent) and event.node == place]
        seen = [event for event in got if isinstance(event, NodeEvent) and event.node == place]
        assert joined(seen) == (joined(wanted) if place in told else [])


def joined(events: list[Any]) -> list[Any]:
    """Return events with neighbouring pieces of text as one."""
    found: list[Any] = []
    for is_text, run in groupby(events, key=lambda event: isinstance(event, ModelToken)):
        own = list(run)
        found += ["".join(event.text for event in own)] if is_text else own
    return found


# --- a reader who leaves


def waiting() -> tuple[Graph, asyncio.Event]:
    """Return a graph that waits for an event, and the event."""
    go = asyncio.Event()

    async def wait() -> str:
        await go.wait()
        return "done"

    graph = Graph("waiting")
    graph.output(graph.tool("wait", tool(wait)))
    return graph, go


async def leave(stream: AsyncGenerator[Event, None], at: type[Event] = NodeStarted) -> None:
    """Read until such an event, and close the stream."""
    async with aclosing(stream):
        async for event in stream:
            if isinstance(event, at):
                return
    raise AssertionError(f"the stream ended without {at.type}")


async def test_a_run_whose_reader_detaches_goes_on_to_its_end() -> None:
    graph, go = waiting()
    ends = Ends()
    async with asyncio.timeout(5), Swarm(graph, listeners=[ends.hear]) as swarm:
        await leave(swarm.stream_input({}, detach=True))
        gc.collect()  # nobody but the swarm holds the run
        go.set()
        assert isinstance(await ends.come(), RunFinished)


async def test_a_detached_run_ends_with_its_swarm() -> None:
    graph, _ = waiting()
    ends = Ends()
    before = asyncio.all_tasks()
    async with asyncio.timeout(5), Swarm(graph, listeners=[ends.hear]) as swarm:
        await leave(swarm.stream_input({}, detach=True))
    assert isinstance(ends.event, RunCancelled)
    assert asyncio.all_tasks() == before


async def test_a_run_whose_reader_leaves_is_cancelled_unless_it_detaches() -> None:
    graph, _ = waiting()
    ends = Ends()
    async with asyncio.timeout(5), Swarm(graph, listeners=[ends.hear]) as swarm:
        await leave(swarm.stream_input({}))
        assert isinstance(ends.event, RunCancelled)


async def test_no_text_of_a_detached_run_is_kept() -> None:
    go, kept = asyncio.Event(), list[Event]()
    ends = Ends()

    def look(event: Event) -> None:
        if isinstance(event, NodeFinished) and event.node == "answer_0":
            own = (one for one in gc.get_objects() if isinstance(one, ModelToken) and one.run == "detached")
            kept.extend(own)

    backends = {"scripted": ScriptedBackend({"m": Held(until=go, then=WORDS)})}
    async with asyncio.timeout(10), Swarm(writing(), backends=backends, listeners=[ends.hear, look]) as swarm:
        await leave(swarm.stream_input({}, run_id="detached", detach=True), ModelRequested)
        go.set()
        assert isinstance(await ends.come(), RunFinished)
    assert kept == []


def test_nothing_is_kept_for_a_reader_who_left() -> None:
    queue = EventQueue(join_beyond=1)
    for event in [started("a"), wrote("a", "1"), wrote("a", "2")]:
        queue.put(event)
    queue.forget()
    for event in [wrote("a", "3"), finished("a"), started("b")]:
        queue.put(event)
    assert len(queue) == 0


async def test_inputs_may_be_called_as_options_of_a_stream_are() -> None:
    graph = Graph("named", input={"detach": str, "given": str, "run_id": str})
    graph.output(graph.reply("end", "{{ input.detach }}{{ input.given }}{{ input.run_id }}"))
    heard: list[Event] = []
    given = {"detach": "a", "given": "b", "run_id": "c"}
    async with Swarm(graph) as swarm:
        plain = [event async for event in swarm.stream(**given)]
        mapped = [
            event async for event in swarm.stream_input(given, run_id="my-run", listeners=[heard.append])
        ]
    assert [event.text for event in (plain[-1], mapped[-1]) if isinstance(event, RunFinished)] == [
        "abc",
        "abc",
    ]
    assert {event.run for event in mapped} == {"my-run"}
    assert heard == mapped


async def test_a_stream_of_a_run_that_asks_a_person_ends_with_the_question() -> None:
    graph = Graph("asking")
    graph.output(graph.ask("sure", "Sure?", answer={"ok": "boolean"}))
    async with asyncio.timeout(5), Swarm(graph) as swarm:
        events = [event async for event in swarm.stream()]
    assert isinstance(events[-1], RunPausedEvent)


# --- nothing leaks


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in /proc")
async def test_a_thousand_cancelled_streams_leave_no_task_thread_socket_or_slot() -> None:
    slots, rounds = 8, 50
    tasks, threads, files = asyncio.all_tasks(), threading.active_count(), open_files()
    async with asyncio.timeout(60), OllamaServer({"m": FakeModel(reply="one two three")}) as server:
        backend = OllamaBackend(server.url)
        async with Swarm(
            writing("ollama/m"), backends={"ollama": backend}, limits=Limits(concurrency=slots)
        ) as swarm:
            server.fail_always(Fault.stall(after=1), path="/api/chat")
            for _ in range(rounds):
                leaving = [NodeStarted, ModelToken] * 10  # before they have a slot, and with a connection
                await asyncio.gather(*(leave(swarm.stream(), at) for at in leaving))
            await server.until(lambda server: server.open_connections == 0)
            assert len(server.cancelled) >= 10 * rounds
            server.heal()
            results = await asyncio.gather(*(swarm.run() for _ in range(slots)))
        await backend.aclose()
    assert {result.text for result in results} == {"one two three"}
    assert asyncio.all_tasks() == tasks
    assert threading.active_count() == threads
    assert open_files() == files


async def test_a_slot_of_a_cancelled_stream_is_free_for_the_next() -> None:
    held = Held(until=asyncio.Event(), then="never")
    backend = ScriptedBackend({"m": [*([held] * 50), "at last"]})
    async with (
        asyncio.timeout(10),
        Swarm(writing(), backends={"scripted": backend}, limits=Limits(concurrency=1)) as swarm,
    ):
        for _ in range(50):
            await leave(swarm.stream(), ModelRequested)
        assert (await swarm.run()).text == "at last"


async def test_closing_a_stream_closes_the_models_connection_within_a_second() -> None:
    async with OllamaServer({"m": FakeModel(reply="one two three")}) as server:
        backend = OllamaBackend(server.url)
        server.fail_next(Fault.stall(after=1), path="/api/chat")
        async with Swarm(writing("ollama/m"), backends={"ollama": backend}) as swarm:
            await leave(swarm.stream(), ModelToken)
            await server.until(lambda server: server.open_connections == 0, patience_s=1.0)
        await backend.aclose()
        assert len(server.cancelled) == 1
