"""What is promised of runs in a store: nobody is asked twice, nothing is said that is not so, events are whole."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from math import log
from typing import Any

import pytest

from swarm import Expert, Graph, InputError, Limits, ScriptedBackend, Swarm, tool
from swarm.events import (
    Event,
    ModelFinished,
    ModelRequested,
    NodeCancelled,
    NodeFailed,
    NodeFinished,
    NodeStarted,
    RunPausedEvent,
    RunResumed,
    ToolCalled,
    ToolFinished,
)
from swarm.messages import Completion, CompletionRequest, TextDelta, TokenLogprob, ToolCall, Usage
from swarm.stores.base import INTENT
from swarm.stores.history import recorded_run
from swarm.stores.log import summarize
from swarm.stores.memory import MemoryStore


class Killed(BaseException):
    """Stands for the death of the process: nothing of ours may catch it."""


class Dying:
    """A scripted backend whose process dies when `model` is asked for the n-th time."""

    name = "scripted"

    def __init__(self, script: dict[str, Any], model: str = "", nth: int = 1) -> None:
        self.asked: list[str] = []
        self._inner, self._model, self._nth = ScriptedBackend(script), model, nth

    async def complete(self, request: CompletionRequest) -> Completion:
        """Answer, or die."""
        self.asked.append(request.model)
        if request.model == self._model and self.asked.count(self._model) == self._nth:
            raise Killed
        return await self._inner.complete(request)

    def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Refuse: nobody streams here."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close what it wraps."""
        await self._inner.aclose()


def said(text: str, probability: float, tokens: int = 1) -> Completion:
    """Return an answer whose tokens had this probability."""
    usage = Usage(input_tokens=10, output_tokens=tokens, model_calls=1)
    logprobs = (TokenLogprob(token=text, logprob=log(probability)),)
    return Completion(text=text, model="", logprobs=logprobs, usage=usage)


def writer(name: str, *models: str) -> Expert:
    table = {
        "name": name,
        "kind": "write",
        "description": f"Answers questions about {name}.",
        "input": {"question": "string"},
        "prompt": "Question:\n{{ question }}",
        "cascade": [f"scripted/{model}" for model in models],
        "confidence": {"at_least": 0.7},
    }
    return Expert.model_validate(table)


async def killed(graph: Graph, store: MemoryStore, backend: Dying, **given: Any) -> str:
    """Run until the process dies; return the run's id."""
    with pytest.raises(Killed):
        await Swarm(graph, store=store, backends={"scripted": backend}).run(**given)
    (head,) = await store.runs()
    return head.id


async def test_a_rung_that_answered_is_not_asked_again_after_the_next_one_was_cut_off() -> None:
    graph, store = Graph("ask", input={"question": str}), MemoryStore()
    graph.output(graph.expert("answer", writer("shop", "small", "large"), question=graph.input.question))
    run_id = await killed(graph, store, Dying({"small": said("A", 0.3, tokens=5)}, "large"), question="?")
    second = Dying({"large": said("B", 0.9, tokens=7)})
    async with Swarm(graph, store=store, backends={"scripted": second}) as swarm:
        result = await swarm.resume(run_id)
    assert (result.text, second.asked) == ("B", ["large"])
    assert result.usage == Usage(input_tokens=20, output_tokens=12, model_calls=2)


async def test_what_the_router_chose_stands_when_the_expert_was_cut_off() -> None:
    graph, store = Graph("desk", input={"question": str}), MemoryStore()
    choices = [writer("parcels", "one"), writer("refunds", "two")]
    graph.output(graph.route("helper", choices, task=graph.input.question))
    script = {"one": said("parcel", 0.9), "two": said("refund", 0.9)}
    async with Swarm(graph, backends={"scripted": (probe := Dying(script))}) as swarm:
        chosen = (await swarm.run(question="where is my parcel?")).output["expert"]
    before = Counter(probe.asked)
    answers = "one" if chosen == "parcels" else "two"
    dying = Dying(script, answers, nth=before[answers])
    run_id = await killed(graph, store, dying, question="where is my parcel?")
    assert dying.asked == probe.asked, "it died where the chosen expert is asked"
    last = Dying(script)
    async with Swarm(graph, store=store, backends={"scripted": last}) as swarm:
        result = await swarm.resume(run_id)
    assert (result.output["expert"], last.asked) == (chosen, [answers])


def two_unsafe_calls(calls: list[int], die: Callable[[int], bool] = lambda _: False) -> Graph:
    @tool
    async def send(x: int) -> int:
        """Do something that nobody can take back."""
        calls.append(x)
        if die(x):
            raise Killed
        return x + 1

    graph = Graph("pair", input={"x": int})
    graph.output(graph.tool("two", send, x=graph.tool("one", send, x=graph.input.x)))
    return graph


async def test_a_call_that_the_limit_forbids_is_not_taken_for_one_that_may_have_happened() -> None:
    store, calls = MemoryStore(), list[int]()
    async with Swarm(two_unsafe_calls(calls), store=store, limits=Limits(tool_calls=1)) as swarm:
        failed = await swarm.run(x=1)
    assert failed.error is not None
    assert failed.error.code == "limit"
    intents = [one.place for one in (await store.load(failed.id)).records if one.kind == INTENT]
    assert intents == ["one"]
    async with Swarm(two_unsafe_calls(calls), store=store) as swarm:
        result = await swarm.resume(failed.id)
    assert (result.status, calls) == ("completed", [1, 2])


def starts_and_ends(events: tuple[Event, ...]) -> Counter[tuple[str, str]]:
    """Return, by node and sort, how many more began than ended."""
    open_now = Counter[tuple[str, str]]()
    for event in events:
        match event:
            case NodeStarted():
                open_now[event.node, "node"] += 1
            case ToolCalled():
                open_now[event.node, "tool"] += 1
            case ModelRequested():
                open_now[event.node, "model"] += 1
            case NodeFinished() | NodeFailed() | NodeCancelled():
                open_now[event.node, "node"] -= 1
            case ToolFinished():
                open_now[event.node, "tool"] -= 1
            case ModelFinished():
                open_now[event.node, "model"] -= 1
            case _:
                continue
        assert min(open_now.values()) >= 0, f"{event} ends what had not begun"
        assert max(open_now.values()) <= 1, f"{event} begins what is at work"
    return +open_now


async def test_a_run_killed_and_gone_on_with_shows_one_end_for_every_start_and_every_question() -> None:
    store, calls = MemoryStore(), list[int]()
    with pytest.raises(Killed):
        await Swarm(two_unsafe_calls(calls, lambda x: x == 2), store=store).run(x=1)
    (head,) = await store.runs()
    async with Swarm(two_unsafe_calls(calls), store=store) as swarm:
        paused = await swarm.resume(head.id)
    assert paused.ask is not None
    async with Swarm(two_unsafe_calls(calls), store=store) as swarm:
        assert (await swarm.resume(paused.ask.token, action="retry")).status == "completed"
    events = recorded_run(await store.load(head.id)).events
    assert not starts_and_ends(events)
    talk = [event for event in events if isinstance(event, RunPausedEvent | RunResumed)]
    assert [event.type for event in talk] == ["run.paused", "run.resumed"]
    assert talk[0].node == talk[1].node == "two"


async def test_what_a_model_was_asked_when_it_was_cut_off_has_an_end_too() -> None:
    graph, store = Graph("ask", input={"question": str}), MemoryStore()
    graph.output(graph.expert("answer", writer("shop", "small", "large"), question=graph.input.question))
    run_id = await killed(graph, store, Dying({"small": said("A", 0.3)}, "large"), question="?")
    async with Swarm(graph, store=store, backends={"scripted": Dying({"large": said("B", 0.9)})}) as swarm:
        await swarm.resume(run_id)
    assert not starts_and_ends(recorded_run(await store.load(run_id)).events)


async def test_an_answer_is_told_once_however_often_the_run_goes_on() -> None:
    graph, store, calls = Graph("clerk", input={"task": str}), MemoryStore(), list[int]()

    @tool
    async def pay(amount: int) -> str:
        """Move money; the process dies the first time."""
        calls.append(amount)
        raise Killed

    table = {"kind": "write", "input": {"task": "string"}, "prompt": "Do:\n{{ task }}", "tools": ["pay"]}
    clerk = Expert.model_validate({**table, "cascade": ["scripted/clerk"]})
    graph.output(graph.expert("answer", clerk, task=graph.input.task))
    call = ToolCall(id="1", name="pay", arguments={"amount": 7})
    turn = Completion(text="", model="clerk", tool_calls=(call,), finish="tool_calls")

    def swarm_of(*turns: Any) -> Swarm:
        backends = {"scripted": ScriptedBackend({"clerk": list(turns)})}
        return Swarm(graph, store=store, tools=[pay], backends=backends)

    asked = await (swarm := swarm_of(turn)).run(task="pay")
    with pytest.raises(Killed):
        await swarm.resume(asked, approved=True)
    async with swarm_of("not paid") as swarm:
        doubt = await swarm.resume(asked.id)
        assert doubt.ask is not None
        result = await swarm.resume(doubt, action="skip")
    assert (result.text, calls) == ("not paid", [7])
    events = recorded_run(await store.load(asked.id)).events
    answers = [event.answer for event in events if isinstance(event, RunResumed)]
    assert answers == [{"approved": True}, {"action": "skip"}]


async def test_a_run_with_two_questions_is_paused_until_both_are_answered() -> None:
    graph, heard = Graph("two", input={}), list[Event]()
    for name in ("left", "right"):
        graph.ask(name, f"Go {name}?", answer={"go": bool})
    graph.output(graph.reply("end", "{{ left.go }} {{ right.go }}"))
    async with Swarm(graph, listeners=[heard.append]) as swarm:
        paused = await swarm.run()
        for _ in range(3):
            await asyncio.sleep(0)
        tokens = {event.node: event.token for event in heard if isinstance(event, RunPausedEvent)}
        await swarm.resume(tokens["left"], go=True)
        line = summarize(paused.id, heard)
        assert (line.status, line.text) == ("paused", "Go right?")
        assert (await swarm.resume(tokens["right"], go=False)).text == "true false"
    assert summarize(paused.id, heard).status == "completed"


def endless(was_stopped: list[bool], begun: asyncio.Event) -> Graph:
    @tool(effect="pure")
    async def wait() -> str:
        """Never return."""
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_stopped.append(True)
            raise
        return ""

    graph = Graph("endless", input={})
    graph.output(graph.tool("wait", wait))
    return graph


@pytest.mark.parametrize("is_kept", [True, False], ids=["in a store", "in the process"])
async def test_cancelling_a_run_by_its_id_stops_what_it_is_at_and_says_so(is_kept: bool) -> None:
    was_stopped, begun, heard = list[bool](), asyncio.Event(), list[Event]()
    store = MemoryStore() if is_kept else None
    async with Swarm(endless(was_stopped, begun), store=store, listeners=[heard.append]) as swarm:
        run = asyncio.create_task(swarm.run_input({}, run_id="r"))
        await begun.wait()
        await swarm.cancel("r")
        assert was_stopped
        assert (await run).status == "cancelled"
    assert heard[-1].type == "run.cancelled"
    assert not starts_and_ends(tuple(heard))


async def test_a_run_that_another_process_cancelled_is_cancelled_here_too() -> None:
    store, calls, heard = MemoryStore(), list[int](), list[Event]()

    @tool(effect="pure")
    async def step(x: int) -> int:
        """Have the run cancelled from elsewhere, meanwhile."""
        calls.append(x)
        await store.cancel("r", 1.0)
        return x

    graph = Graph("steps", input={"x": int})
    graph.output(graph.tool("two", step, x=graph.tool("one", step, x=graph.input.x)))
    async with Swarm(graph, store=store, listeners=[heard.append]) as swarm:
        result = await swarm.run_input({"x": 1}, run_id="r")
    assert (result.status, calls, heard[-1].type) == ("cancelled", [1], "run.cancelled")


async def test_a_fork_from_inside_a_body_says_which_node_runs_anew() -> None:
    graph, store = Graph("list", input={"numbers": [int]}), MemoryStore()
    body = Graph("body", input={"n": int})
    body.output(body.reply("said", "{{ input.n }}"))
    graph.output(graph.graph("inner", body, n=1))
    async with Swarm(graph, store=store) as swarm:
        old = await swarm.run(numbers=[1])
        with pytest.raises(InputError, match="runs anew with all of it: inner"):
            await swarm.runs.fork(old.id, at=["inner/said"])
