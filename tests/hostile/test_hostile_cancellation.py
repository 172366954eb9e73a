"""Runs that are cancelled, closed, paused and resumed at the worst moment: nothing is left at work."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections import Counter
from contextlib import aclosing
from typing import Any

import pytest

from swarm import Expert, Graph, InputError, Limits, ScriptedBackend, Swarm, tool
from swarm.backends.scripted import Held
from swarm.errors import SwarmError
from swarm.events import (
    Event,
    NodeCancelled,
    NodeFailed,
    NodeFinished,
    NodeStarted,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunStarted,
)


class Turnstile:
    """A tool that takes a few turns of the loop and counts who is inside."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    async def visit(self, x: int) -> int:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            for _ in range(x % 5 + 1):
                await asyncio.sleep(0)
        finally:
            self.inside -= 1
        return x


def crowded(turnstile: Turnstile) -> Graph:
    """Return a graph with two branches, one with a body, and an end."""
    graph = Graph("crowded", input={"x": "integer", "xs": "[integer]"})
    visit = tool(turnstile.visit)
    one = graph.tool("one", visit, x=graph.input.x)
    with graph.each("all", graph.input.xs, concurrency=2) as body:
        body.tool("do", visit, x=body.item)
    graph.output(graph.tool("end", visit, x=one, after=body.node))
    return graph


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


async def test_a_thousand_runs_cancelled_at_random_leave_nothing_behind() -> None:
    turnstile, told, rng = Turnstile(), list[Event](), random.Random(7)
    before = others()
    async with asyncio.timeout(20):
        async with Swarm(crowded(turnstile), limits=Limits(concurrency=50), listeners=[told.append]) as swarm:
            runs = [asyncio.ensure_future(swarm.run(x=number, xs=[1, 2, 3])) for number in range(1_000)]
            while not all(run.done() for run in runs):
                rng.choice(runs).cancel()
                await asyncio.sleep(0)
            results = await asyncio.gather(*runs, return_exceptions=True)
            again = await asyncio.gather(*(swarm.run(x=number, xs=[1, 2, 3]) for number in range(100)))
    assert {type(result).__name__ for result in results} == {"RunResult", "CancelledError"}
    assert all(result.status == "completed" for result in again)
    assert turnstile.inside == 0
    assert 40 <= turnstile.most <= 50, "slots are given back, each once"
    assert others() == before
    starts = Counter(event.run for event in told if isinstance(event, RunStarted))
    ends = Counter(event.run for event in told if isinstance(event, RunFinished | RunFailed | RunCancelled))
    assert starts == ends
    nodes = Counter((event.run, event.node) for event in told if isinstance(event, NodeStarted))
    done = Counter(
        (event.run, event.node)
        for event in told
        if isinstance(event, NodeFinished | NodeFailed | NodeCancelled)
    )
    assert nodes == done


def writing() -> Graph:
    """Return a graph of one model that writes."""
    expert = Expert(kind="write", description="Writes.", input={"text": "string"}, prompt="Q:\n{{ text }}", cascade=["scripted/m"])  # fmt: skip
    graph = Graph("writing")
    graph.output(graph.expert("answer", expert, text="hello"))
    return graph


@pytest.mark.parametrize("how", ["closed", "dropped"])
async def test_a_stream_that_nobody_reads_on_cancels_its_run(how: str) -> None:
    backend = ScriptedBackend({"m": Held(until=asyncio.Event(), then="never")})
    is_over = asyncio.Event()

    def listen(event: Event) -> None:
        if isinstance(event, RunCancelled):
            is_over.set()

    before = others()
    async with (
        asyncio.timeout(5),
        Swarm(writing(), backends={"scripted": backend}, listeners=[listen]) as swarm,
    ):
        stream = swarm.stream()
        await anext(stream)
        if how == "closed":
            await stream.aclose()
        else:
            del stream
            gc.collect()
        await is_over.wait()
        await asyncio.wait({*others(), asyncio.ensure_future(asyncio.sleep(0))} - before)
    assert others() == before


async def test_a_stream_of_a_wrong_input_raises_and_leaves_nothing_unheard() -> None:
    async with Swarm(writing(), backends={"scripted": ScriptedBackend({"m": "x"})}) as swarm:
        stream = swarm.stream(unknown=1)
        with pytest.raises(InputError):
            await anext(stream)
        closed_at_once = swarm.stream(unknown=1)
        await closed_at_once.aclose()


def asking() -> Graph:
    """Return a graph that asks a person twice."""
    graph = Graph("asking")
    one = graph.ask("one", "One?", answer={"ok": "boolean"})
    two = graph.ask("two", "Two?", answer={"count": "integer"}, after=one)
    graph.output(graph.reply("end", "{{ ok }} {{ count }}", ok=one.ok, count=two.count))
    return graph


async def test_a_question_is_answered_once_by_whoever_comes_first() -> None:
    async with asyncio.timeout(5), Swarm(asking()) as swarm:
        paused = await swarm.run()
        first, second = await asyncio.gather(
            swarm.resume(paused, ok=True), swarm.resume(paused, ok=False), return_exceptions=True
        )
        assert isinstance(second, InputError)
        assert not isinstance(first, BaseException)
        assert (await swarm.resume(first, count=2)).text == "true 2"
        with pytest.raises(InputError, match="no run waits"):
            await swarm.resume(first, count=2)
        with pytest.raises(InputError, match="no run waits"):
            await swarm.resume("no such token", ok=True)


@pytest.mark.parametrize(
    "answer",
    [{}, {"ok": None}, {"ok": "yes"}, {"ok": 1}, {"ok": True, "more": 1}, {"ok": float("nan")}, {"ok": object()}],
    ids=repr,
)  # fmt: skip
async def test_a_wrong_answer_is_refused_and_the_question_stays_open(answer: dict[str, Any]) -> None:
    async with asyncio.timeout(5), Swarm(asking()) as swarm:
        paused = await swarm.run()
        with pytest.raises(InputError):
            await swarm.resume(paused, **answer)
        assert (await swarm.resume(paused, ok=True)).status == "paused"


async def test_an_answer_that_is_no_plain_data_is_refused() -> None:
    graph = Graph("anything")
    graph.output(graph.ask("one", "One?", answer={"x": "any"}))
    async with asyncio.timeout(5), Swarm(graph) as swarm:
        paused = await swarm.run()
        for value in (float("nan"), object(), b"bytes"):
            with pytest.raises(InputError, match="plain data"):
                await swarm.resume(paused, x=value)
        assert (await swarm.resume(paused, x=[1])).output == {"x": [1]}


async def test_a_caller_who_is_cancelled_while_resuming_ends_the_run() -> None:
    told: list[Event] = []
    graph = Graph("hangs")
    one = graph.ask("one", "One?", answer={"ok": "boolean"})
    gate = asyncio.Event()

    async def hang() -> str:
        gate.set()
        await asyncio.Event().wait()
        return "never"

    graph.output(graph.tool("two", tool(hang), after=one))
    async with asyncio.timeout(5), Swarm(graph, listeners=[told.append]) as swarm:
        paused = await swarm.run()
        resuming = asyncio.ensure_future(swarm.resume(paused, ok=True))
        await gate.wait()
        resuming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await resuming
        assert isinstance(told[-1], RunCancelled)


async def test_closing_a_swarm_ends_its_paused_runs() -> None:
    told: list[Event] = []
    before = others()
    async with asyncio.timeout(5):
        async with Swarm(asking(), listeners=[told.append]) as swarm:
            paused = await swarm.run()
        assert isinstance(told[-1], RunCancelled)
        assert others() == before
        with pytest.raises(SwarmError):
            await swarm.resume(paused, ok=True)


@pytest.mark.parametrize("graph", [writing(), asking()], ids=["plain", "may ask"])
async def test_closing_a_swarm_ends_runs_at_work_and_who_waits_for_them_is_told(graph: Graph) -> None:
    gate, told = asyncio.Event(), list[Event]()

    async def hang() -> str:
        gate.set()
        await asyncio.Event().wait()
        return "never"

    if graph.name == "asking":
        graph = asking()
    graph.tool("hang", tool(hang))
    backend = ScriptedBackend({"m": Held(until=asyncio.Event(), then="never")})
    async with asyncio.timeout(5):
        swarm = Swarm(graph, backends={"scripted": backend}, listeners=[told.append])
        run = asyncio.ensure_future(swarm.run())
        await gate.wait()
        await swarm.aclose()
        result = await run
    assert result.status == "cancelled"
    assert result.error is not None
    assert "closed" in result.error.what
    assert isinstance(told[-1], RunCancelled)


async def test_a_run_begun_while_the_swarm_is_closed_ends_too() -> None:
    backend = ScriptedBackend({"m": Held(until=asyncio.Event(), then="never")})
    async with asyncio.timeout(5):
        swarm = Swarm(writing(), backends={"scripted": backend})
        run = asyncio.ensure_future(swarm.run())
        closing = asyncio.ensure_future(swarm.aclose())
        assert (await run).status == "cancelled"
        await closing


async def test_a_closed_swarm_runs_nothing_and_says_so() -> None:
    async with Swarm(writing(), backends={"scripted": ScriptedBackend({"m": "x"})}) as swarm:
        pass
    await swarm.aclose()
    with pytest.raises(SwarmError, match="this swarm is closed\n  fix: "):
        await swarm.run()


def test_one_swarm_serves_one_event_loop_after_another() -> None:
    swarm = Swarm(
        writing(), backends={"scripted": ScriptedBackend({"m": "hello"})}, limits=Limits(concurrency=1)
    )
    for _ in range(3):
        assert asyncio.run(swarm.run()).text == "hello"


def test_a_run_that_paused_in_a_loop_that_is_gone_waits_no_more() -> None:
    swarm = Swarm(asking())
    paused = asyncio.run(swarm.run())

    async def resume() -> None:
        await swarm.resume(paused, ok=True)

    with pytest.raises(InputError, match="no run waits"):
        asyncio.run(resume())
    asyncio.run(swarm.aclose())


def test_two_event_loops_at_once_are_refused_before_they_can_mix() -> None:
    entered, leave = threading.Event(), threading.Event()
    results: list[Any] = []

    def waits() -> str:
        entered.set()
        leave.wait(5)
        return "done"

    graph = Graph("waits")
    graph.output(graph.tool("call", tool(waits)))
    swarm = Swarm(graph)
    thread = threading.Thread(target=lambda: results.append(asyncio.run(swarm.run())))
    thread.start()
    assert entered.wait(5)
    with pytest.raises(SwarmError, match="in another event loop\n  fix: make one Swarm"):
        asyncio.run(swarm.run())
    leave.set()
    thread.join(5)
    assert results[0].output == "done"


async def test_a_listener_that_raises_fails_nothing_and_is_named() -> None:
    heard: list[Event] = []

    def bad_listener(event: Event) -> None:
        if isinstance(event, NodeStarted):
            raise RuntimeError("disk full")

    async with Swarm(
        writing(),
        backends={"scripted": ScriptedBackend({"m": "hello"})},
        listeners=[bad_listener, heard.append],
    ) as swarm:
        result = await swarm.run()
    assert result.text == "hello"
    assert ["bad_listener" in note and "disk full" in note for note in result.notes] == [True]
    assert isinstance(heard[0], RunStarted)
    assert isinstance(heard[-1], RunFinished)


async def test_a_tool_that_closes_its_own_swarm_does_not_hang() -> None:
    swarms: list[Swarm] = []

    async def close() -> str:
        await swarms[0].aclose()
        return "closed"

    graph = Graph("closes")
    graph.output(graph.tool("call", tool(close)))
    swarms.append(Swarm(graph))
    async with asyncio.timeout(10):
        result = await swarms[0].run()
    assert result.status == "cancelled"


async def test_reading_a_stream_to_its_end_ends_with_the_end_of_the_run() -> None:
    backends = {"scripted": ScriptedBackend({"m": "hello"})}
    async with Swarm(writing(), backends=backends) as swarm, aclosing(swarm.stream()) as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], RunFinished)
