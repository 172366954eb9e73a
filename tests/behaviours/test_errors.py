"""What happens when something fails, hangs or is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from swarm import Graph, Limits, NodeError, ScriptedBackend, SpecError, Swarm, tool
from swarm.backends.scripted import Held
from swarm.events import (
    Event,
    ModelRequested,
    NodeCancelled,
    NodeFailed,
    RunCancelled,
    ToolCalled,
    ToolFinished,
)
from swarm.messages import ToolSignature
from swarm.spec.expert import Expert
from swarm.tools.function import FunctionTool


@tool(effect="pure")
async def broken() -> str:
    """Raise."""
    raise KeyError("order 1042")


@tool(effect="pure")
async def keep(x: object) -> object:
    """Return what is given."""
    return x


class Flaky:
    """Fails a number of times, then works."""

    def __init__(self, failures: int) -> None:
        self.failures, self.calls = failures, 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError("the line is down")
        return self.calls


class Slow:
    """Waits for ever; remembers that it was started and that it was cancelled."""

    def __init__(self) -> None:
        self.started, self.cancelled = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> str:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "never"


def as_tool(name: str, call: Flaky | Slow) -> FunctionTool[[], Any]:
    @tool(effect="pure", name=name)
    async def work() -> object:
        """Do what the test says."""
        return await call()

    return work


async def others() -> set[asyncio.Task[object]]:
    """Return the tasks that are still there beside the test's own."""
    await asyncio.sleep(0)
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def test_a_failing_node_fails_the_run_and_is_named_with_what_it_raised() -> None:
    graph = Graph("fails")
    graph.output(graph.tool("order", broken))
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.status, result.error_node) == ("failed", "order")
    assert "KeyError" in str(result.error)
    assert "1042" in str(result.error)
    assert result["order"].status == "failed"


async def test_a_failing_node_cancels_the_nodes_beside_it_and_starts_no_more() -> None:
    slow = Slow()

    @tool(effect="pure")
    async def fails_when_the_other_runs() -> str:
        await slow.started.wait()
        raise ValueError("no")

    graph = Graph("siblings")
    waiting = graph.tool("waiting", as_tool("wait", slow))
    fails = graph.tool("fails", fails_when_the_other_runs)
    graph.output(graph.tool("end", keep, x=[waiting, fails]))
    events: list[Event] = []
    async with asyncio.timeout(5), Swarm(graph, listeners=[events.append]) as swarm:
        result = await swarm.run()
    assert (result.status, result.error_node) == ("failed", "fails")
    assert slow.cancelled.is_set()
    assert [event.node for event in events if isinstance(event, NodeCancelled)] == ["waiting"]
    assert result["end"].status == "skipped"


async def test_on_error_skip_goes_on_without_the_node_and_keeps_its_error() -> None:
    graph = Graph("goes_on")
    order = graph.tool("order", broken, on_error="skip")
    graph.output(graph.tool("end", keep, x=[order.optional, "rest"]))
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.status, result.output) == ("completed", [None, "rest"])
    assert result["order"].status == "failed"
    assert "KeyError" in str(result["order"].error)


async def test_a_failed_guard_lets_nobody_pass() -> None:
    @tool(effect="pure")
    async def allowed() -> bool:
        raise RuntimeError("cannot tell")

    graph = Graph("guarded")
    guard = graph.tool("guard", allowed, on_error="skip")
    inside = graph.reply("inside", "welcome", when=guard)
    outside = graph.reply("outside", "closed")
    graph.output(inside, outside)
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.text, result["inside"].status) == ("closed", "skipped")


async def test_a_retry_repeats_only_after_the_errors_it_lists() -> None:
    listed, unlisted = Flaky(1), Flaky(1)
    for flaky, on, status in ((listed, ["error"], "completed"), (unlisted, ["timeout"], "failed")):
        graph = Graph("retry")
        graph.output(graph.tool("call", as_tool("call", flaky), retry={"attempts": 3, "on": on}))
        async with Swarm(graph) as swarm:
            assert (await swarm.run()).status == status
    assert (listed.calls, unlisted.calls) == (2, 1)


async def test_a_retry_stops_after_its_attempts_and_each_is_told() -> None:
    flaky = Flaky(10)
    graph = Graph("retry")
    graph.output(graph.tool("call", as_tool("call", flaky), retry={"attempts": 2, "on": ["error"]}))
    events: list[Event] = []
    async with Swarm(graph, listeners=[events.append]) as swarm:
        result = await swarm.run()
    assert result.status == "failed"
    assert "the line is down" in str(result.error)
    assert flaky.calls == 2
    assert [event.attempt for event in events if isinstance(event, ToolCalled)] == [1, 2]


async def test_every_attempt_at_one_call_has_the_same_key_and_two_calls_have_two() -> None:
    keys: list[str] = []

    @tool(effect="idempotent")
    async def book(item: int, idempotency_key: str) -> int:
        keys.append(idempotency_key)
        if len(keys) < 3:
            raise ConnectionError("down")
        return item

    graph = Graph("keys", input={"items": "[integer]"})
    with graph.each("all", graph.input.items, concurrency=1) as body:
        body.tool("do", book, item=body.item, retry={"attempts": 3, "on": ["error"]})
    graph.output(body.node)
    async with Swarm(graph) as swarm:
        assert (await swarm.run(items=[1, 2])).output == [1, 2]
    assert keys[0] == keys[1] == keys[2] != keys[3]


async def test_a_tool_that_takes_too_long_is_stopped_and_the_node_fails() -> None:
    slow = Slow()
    graph = Graph("slow")
    graph.output(graph.tool("wait", as_tool("wait", slow), timeout=0.01))
    async with asyncio.timeout(5), Swarm(graph) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert (result.error.code, result.error_node) == ("timeout", "wait")
    assert slow.cancelled.is_set()


async def test_a_tool_that_swallows_its_cancellation_still_times_out_and_its_value_is_dropped() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "too late"
        return "never"

    graph = Graph("stubborn")
    late = graph.tool("late", tool(effect="pure", name="late")(stubborn), timeout=0.01, on_error="skip")
    graph.output(graph.tool("end", keep, x=late.optional))
    async with asyncio.timeout(5), Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.status, result.output) == ("completed", None)
    assert await others() == set()


async def test_a_model_that_takes_too_long_fails_its_node() -> None:
    backend = ScriptedBackend({"slow": Held(until=asyncio.Event(), then="never")})
    graph = Graph("slow", input={"text": str})
    graph.output(graph.expert("answer", writer("scripted/slow"), question=graph.input.text, timeout=0.01))
    async with asyncio.timeout(5), Swarm(graph, backends={"scripted": backend}) as swarm:
        result = await swarm.run(text="hello")
    assert result.error is not None
    assert result.error.code == "timeout"
    assert len(backend.cancelled) == 1


async def test_a_run_that_takes_too_long_ends_at_its_deadline() -> None:
    slow = Slow()
    graph = Graph("slow")
    graph.output(graph.tool("wait", as_tool("wait", slow)))
    async with asyncio.timeout(5), Swarm(graph, limits=Limits(run_s=0.01)) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert (result.status, result.error.code) == ("failed", "deadline")
    assert slow.cancelled.is_set()


def test_a_timeout_on_a_tool_that_cannot_be_stopped_is_refused() -> None:
    @tool(effect="pure")
    def blocking() -> str:
        return "done"

    graph = Graph("sync")
    graph.output(graph.tool("call", blocking, timeout=1.0))
    with pytest.raises(SpecError, match="SW025"):
        Swarm(graph)


def test_a_retry_of_an_unsafe_tool_is_refused() -> None:
    @tool
    async def pay() -> str:
        return "paid"

    graph = Graph("unsafe")
    graph.output(graph.tool("call", pay, retry={"attempts": 2, "on": ["error"]}))
    with pytest.raises(SpecError, match="SW024"):
        Swarm(graph)


async def test_a_handler_runs_after_the_last_attempt_and_sees_what_went_wrong() -> None:
    flaky = Flaky(10)
    graph = Graph("handled")
    call = graph.tool(
        "call", as_tool("call", flaky), retry={"attempts": 2, "on": ["error"]}, on_error="sorry"
    )
    sorry = graph.reply("sorry", f"Sorry: {graph.error.message} [{graph.error.code}]")
    graph.output(call, sorry)
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert result.status == "completed"
    assert "the line is down" in result.text
    assert result.text.endswith("[error]")
    assert flaky.calls == 2


async def test_a_handler_runs_only_after_a_failure() -> None:
    graph = Graph("handled")
    call = graph.tool("call", keep, x=1, on_error="sorry")
    sorry = graph.reply("sorry", f"Sorry: {graph.error.message}")
    graph.output(call, sorry)
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.output, result["sorry"].status) == (1, "skipped")


async def test_what_depends_on_a_handled_failure_is_skipped_and_the_handler_may_lead_elsewhere() -> None:
    graph = Graph("handled")
    call = graph.tool("call", broken, on_error="sorry")
    used = graph.tool("used", keep, x=call, when=call != "")
    sorry = graph.reply("sorry", f"Sorry: {graph.error.code}")
    elsewhere = graph.tool("elsewhere", keep, x=sorry.text, when=sorry.text != "")
    graph.output(used, elsewhere)
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.output, result.path) == ("Sorry: error", ("sorry", "elsewhere"))
    assert result["used"].status == "skipped"


async def test_a_handler_that_fails_itself_fails_the_run() -> None:
    graph = Graph("handled")
    call = graph.tool("call", broken, on_error="rescue")
    rescue = graph.tool("rescue", as_tool("rescue", Flaky(1)))
    graph.output(call, rescue)
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.status, result.error_node) == ("failed", "rescue")
    assert "the line is down" in str(result.error)


async def test_a_handled_failure_is_told_as_handled() -> None:
    graph = Graph("handled")
    graph.tool("call", broken, on_error="skip")
    graph.output(graph.reply("end", "done"))
    events: list[Event] = []
    async with Swarm(graph, listeners=[events.append]) as swarm:
        await swarm.run()
    assert [event.handled for event in events if isinstance(event, NodeFailed)] == [True]


async def test_cancelling_a_run_cancels_what_it_runs_inside_bodies_too_and_leaves_no_task() -> None:
    slow, deep = Slow(), Slow()
    graph = Graph("cancel")
    graph.tool("slow", as_tool("slow", slow))
    with graph.each("all", graph.tool("items", keep, params={"x": [1, 2]}), concurrency=2) as body:
        body.tool("do", as_tool("deep", deep))
    graph.output(body.node)
    events: list[Event] = []
    async with asyncio.timeout(5), Swarm(graph, listeners=[events.append]) as swarm:
        task = asyncio.ensure_future(swarm.run())
        await slow.started.wait()
        await deep.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert slow.cancelled.is_set()
    assert deep.cancelled.is_set()
    assert [type(event) for event in events][-1] is RunCancelled
    assert await others() == set()


async def test_cancelling_a_run_closes_its_model_call() -> None:
    backend = ScriptedBackend({"slow": Held(until=asyncio.Event(), then="never")})
    graph = Graph("cancel", input={"text": str})
    graph.output(graph.expert("answer", writer("scripted/slow"), question=graph.input.text))
    asked = asyncio.Event()

    def listen(event: Event) -> None:
        if isinstance(event, ModelRequested):
            asked.set()

    async with (
        asyncio.timeout(5),
        Swarm(graph, backends={"scripted": backend}, listeners=[listen]) as swarm,
    ):
        task = asyncio.ensure_future(swarm.run(text="hello"))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(backend.cancelled) == 1
    assert await others() == set()


async def test_a_tool_that_cancels_itself_fails_its_node_and_not_the_program() -> None:
    @tool(effect="pure")
    async def gives_up() -> str:
        raise asyncio.CancelledError

    graph = Graph("inner")
    call = graph.tool("call", gives_up, on_error="skip")
    graph.output(graph.tool("end", keep, x=call.optional))
    async with asyncio.timeout(5), Swarm(graph) as swarm:
        result = await swarm.run()
    assert (result.status, result.output) == ("completed", None)


async def test_a_bug_of_a_tool_is_told_apart_from_a_wrong_value() -> None:
    graph = Graph("null", input={"text": "string?"})
    graph.output(graph.expert("answer", writer("scripted/none"), question=graph.input.text))
    async with Swarm(graph, backends={"scripted": ScriptedBackend({})}) as swarm:
        result = await swarm.run(text=None)
    assert isinstance(result.error, NodeError)
    assert "question" in str(result.error)


def writer(model: str) -> Expert:
    return Expert(
        kind="write",
        description="Writes.",
        input={"question": "string"},
        prompt="Q:\n{{ question }}",
        cascade=[model],
    )


async def test_a_run_cancelled_while_it_waits_for_its_turn_takes_no_turn_away() -> None:
    gate, inside = asyncio.Event(), asyncio.Event()

    @tool(effect="pure")
    async def work() -> str:
        inside.set()
        await gate.wait()
        return "done"

    graph = Graph("turns")
    graph.output(graph.tool("work", work))
    async with asyncio.timeout(5), Swarm(graph, limits=Limits(concurrency=1)) as swarm:
        runs = [asyncio.ensure_future(swarm.run()) for _ in range(3)]
        await inside.wait()
        runs[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await runs[1]
        gate.set()
        assert [(await run).output for run in (runs[0], runs[2])] == ["done", "done"]


class Chair:
    """A tool that keeps to the seam's form and not to its errors."""

    signature = ToolSignature(name="chair", description="", parameters={"type": "object"}, effect="pure")

    async def call(self, arguments: Mapping[str, Any], *, idempotency_key: str = "") -> Any:
        raise ValueError("it has three legs")


async def test_a_failed_node_says_how_long_it_took_and_its_tool_what_it_raised() -> None:
    events: list[Event] = []
    graph = Graph("room", tools=[Chair()])
    graph.output(graph.tool("sit", "chair"))
    async with Swarm(graph, listeners=[events.append]) as swarm:
        result = await swarm.run()
    (failed,) = [event for event in events if isinstance(event, NodeFailed)]
    (finished,) = [event for event in events if isinstance(event, ToolFinished)]
    assert "ValueError: it has three legs" in (finished.error or "")
    assert failed.latency_ms > 0
    assert result["sit"].latency_ms == failed.latency_ms
