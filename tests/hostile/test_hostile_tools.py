"""Tools that misbehave: the node fails with their name, and nobody else is harmed."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from swarm import Graph, Limits, Swarm, tool
from swarm.events import Event, NodeCancelled, NodeFailed, NodeFinished, NodeStarted, RunFailed
from swarm.messages import ToolSignature


class CannotSay(Exception):
    """An error that fails when it is shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


async def leaves() -> str:
    sys.exit(3)


def leaves_from_a_thread() -> str:
    sys.exit(3)


def interrupts_itself() -> str:
    raise KeyboardInterrupt


async def stops() -> str:
    raise StopAsyncIteration


def stops_from_a_thread() -> str:
    raise StopIteration


async def goes_too_deep() -> str:
    return await goes_too_deep()


async def cannot_say() -> str:
    raise CannotSay


async def talks_too_long() -> str:
    raise ValueError("x" * 10_000_000)


async def says_half_a_pair() -> str:
    raise ValueError("\ud800\0")


async def raises_many() -> str:
    raise ExceptionGroup("many", [ValueError("a"), TypeError("b")])


async def cancels_by_hand() -> str:
    raise asyncio.CancelledError


async def gives_not_a_number() -> float:
    return math.nan


async def gives_a_generator() -> object:
    return (number for number in range(3))


async def gives_an_object() -> object:
    return object()


async def gives_a_hundred_megabytes() -> str:
    return "x" * 100_000_000


async def gives_the_wrong_type() -> int:
    return "seven"  # type: ignore[return-value]


async def gives_a_circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


MISBEHAVING: list[Callable[[], Any]] = [
    leaves, leaves_from_a_thread, interrupts_itself, stops, stops_from_a_thread, goes_too_deep, cannot_say,
    talks_too_long, says_half_a_pair, raises_many, cancels_by_hand, gives_not_a_number, gives_a_generator,
    gives_an_object, gives_a_hundred_megabytes, gives_the_wrong_type, gives_a_circle,
]  # fmt: skip


def calling(function: Callable[..., Any], *, limits: Limits | None = None, **node: Any) -> Swarm:
    """Return a swarm that calls a tool made of the function."""
    graph = Graph("calling")
    graph.output(graph.tool("call", tool(function), **node))
    return Swarm(graph, limits=limits)


@pytest.mark.parametrize("function", MISBEHAVING, ids=lambda function: function.__name__)
async def test_a_tool_that_misbehaves_fails_its_node_and_is_no_bug_of_ours(
    function: Callable[[], Any],
) -> None:
    async with asyncio.timeout(5), calling(function) as swarm:
        result = await swarm.run()
    assert result.status == "failed"
    assert result.error is not None
    assert result.error_node == "call"
    assert result.error.code != "internal"
    assert len(str(result.error)) < 5_000


@pytest.mark.parametrize("function", MISBEHAVING, ids=lambda function: function.__name__)
async def test_a_graph_that_can_do_without_it_goes_on(function: Callable[[], Any]) -> None:
    graph = Graph("goes_on")
    call = graph.tool("call", tool(function), on_error="skip")
    graph.output(graph.reply("end", "{% if call %}there{% else %}not there{% endif %}", call=call.optional))
    async with asyncio.timeout(5), Swarm(graph) as swarm:
        assert (await swarm.run()).text == "not there"


async def cancels_its_own_task() -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.Event().wait()
    return "never"


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
async def test_a_tool_that_cancels_the_current_task_ends_its_run_and_not_its_caller(beside: bool) -> None:
    graph = Graph("suicide")
    call = graph.tool("call", tool(cancels_its_own_task))
    if beside:
        graph.reply("other", "hello")
    graph.output(call)
    async with asyncio.timeout(5), Swarm(graph) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert result.error.code == "cancelled"
    caller = asyncio.current_task()
    assert caller is not None
    assert caller.cancelling() == 0


class Stubborn:
    """A tool that takes no for no answer, until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.is_over = asyncio.Event()
        self.refused = 0

    async def work(self) -> str:
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                self.refused += 1
        self.is_over.set()
        return "at last"


async def test_the_deadline_of_a_run_holds_for_a_tool_that_will_not_be_cancelled() -> None:
    stubborn, told = Stubborn(), list[Event]()
    graph = Graph("stubborn")
    graph.output(graph.tool("call", tool(stubborn.work)))
    async with asyncio.timeout(10), Swarm(graph, limits=Limits(run_s=0.01), listeners=[told.append]) as swarm:
        result = await swarm.run()
        before = len(told)
        stubborn.let_go.set()
        await stubborn.is_over.wait()
        await asyncio.sleep(0)
    assert result.error is not None
    assert result.error.code == "deadline"
    assert stubborn.refused >= 1
    assert any("call did not stop" in note for note in result.notes)
    assert isinstance(told[-1], RunFailed)
    assert len(told) == before, "what was left behind is heard of no more"
    started = [event.node for event in told if isinstance(event, NodeStarted)]
    ended = [event.node for event in told if isinstance(event, NodeFinished | NodeFailed | NodeCancelled)]
    assert started == ended == ["call"]


async def test_a_caller_who_cancels_gets_away_from_a_tool_that_will_not_be_cancelled() -> None:
    stubborn = Stubborn()
    async with asyncio.timeout(10), calling(stubborn.work) as swarm:
        run = asyncio.ensure_future(swarm.run())
        while stubborn.refused == 0:
            await asyncio.sleep(0)
            run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        stubborn.let_go.set()
        await stubborn.is_over.wait()


async def test_a_timeout_of_a_node_holds_for_a_tool_that_will_not_be_cancelled() -> None:
    stubborn = Stubborn()
    async with asyncio.timeout(10), calling(stubborn.work, timeout=0.01) as swarm:
        result = await swarm.run()
        stubborn.let_go.set()
        await stubborn.is_over.wait()
    assert result.error is not None
    assert result.error.code == "timeout"


async def test_a_function_that_hangs_in_its_thread_is_left_behind_at_the_deadline() -> None:
    gate = threading.Event()

    def hangs() -> str:
        gate.wait(10)
        return "late"

    async with asyncio.timeout(5), calling(hangs, limits=Limits(run_s=0.05)) as swarm:
        result = await swarm.run()
    gate.set()
    assert result.error is not None
    assert result.error.code == "deadline"


async def test_a_tool_that_leaves_a_task_behind_does_not_keep_its_run() -> None:
    left: list[asyncio.Task[bool]] = []

    async def starts_something() -> str:
        left.append(asyncio.ensure_future(asyncio.Event().wait()))
        return "done"

    async with asyncio.timeout(5), calling(starts_something) as swarm:
        assert (await swarm.run()).output == "done"
    left[0].cancel()


class Foreign:
    """A tool that is no function of ours and keeps no promise."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def signature(self) -> ToolSignature:
        return ToolSignature(
            name="foreign", description="Anything.", parameters={"type": "object", "properties": {}}
        )

    async def call(self, arguments: Any, *, idempotency_key: str = "") -> Any:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.mark.parametrize("value", [math.nan, object(), b"x", ValueError("broken")], ids=repr)
async def test_a_tool_of_another_make_is_held_to_the_same(value: Any) -> None:
    graph = Graph("foreign")
    graph.output(graph.tool("call", "foreign"))
    async with asyncio.timeout(5), Swarm(graph, tools=[Foreign(value)]) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert "foreign" in str(result.error)
    assert result.error.code != "internal"
