"""A recorded run executed again offline: the same path, or where it parts."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from swarm import Expert, Graph, InputError, Limits, ScriptedBackend, StoreError, Swarm, tool
from swarm._app.replaying import ReplayDiffersError, Replayed
from swarm.backends.scripted import Held
from swarm.messages import Completion, ToolCall
from swarm.stores.memory import MemoryStore
from swarm.stores.recording import (
    Recording,
    dump_recording,
    load_recording,
    read_recording,
    write_recording,
)
from swarm.testing import FakeModel, OllamaServer

UNSURE: Any = {"label": {"refund": 0.6, "other": 0.4}}
SURE: Any = {"label": {"refund": 0.9, "other": 0.1}}


class Backends(dict[str, Any]):
    """Scripted models by backend."""

    def __init__(self, **replies: Any) -> None:
        super().__init__(scripted=ScriptedBackend(replies))


async def record(
    graph: Graph, backends: Any = None, *, tools: Any = (), answer: Any = None, **given: Any
) -> Recording:
    """Run a graph once and return its recording, as a file would hold it."""
    async with Swarm(graph, store=MemoryStore(), backends=backends, tools=tools) as swarm:
        result = await swarm.run(**given)
        if answer is not None:
            result = await swarm.resume(result, **answer)
        return load_recording(dump_recording(await swarm.runs.export(result.id)))


async def again(graph: Graph, recording: Recording, *, tools: Any = ()) -> Replayed:
    """Execute a recording again with a graph that reaches no model."""
    async with Swarm(graph, tools=tools) as swarm:
        return await swarm.runs.replay(recording)


def found(replayed: Replayed, what: str) -> list[tuple[str, Any, Any]]:
    """Return the differences of one sort: where, recorded, now."""
    return [(one.where, one.recorded, one.now) for one in replayed.differences if one.what == what]


def desk(
    *, at_least: float = 0.5, prompt: str = "Which is it? {{ text }}", more: tuple[str, ...] = ()
) -> Graph:
    """Return a graph that classifies a message, with a small and a large model, and answers."""
    triage = Expert(
        kind="classify", description="Sorts.", labels={"refund": "Money back", "other": "Anything else"},
        cascade=["scripted/small", *more, "scripted/large"], confidence={"at_least": at_least}, prompt=prompt,
    )  # fmt: skip
    graph = Graph("desk", input={"message": str})
    sorted_ = graph.expert("triage", triage, text=graph.input.message)
    graph.reply("answer", "About {{ triage.label }}.", when=sorted_.confident)
    graph.reply("person", "A person will look at it.", when=~sorted_.confident)
    graph.output(graph["answer"], graph["person"])
    return graph


async def test_a_run_replayed_with_the_same_graph_takes_the_same_path() -> None:
    backends = Backends(small=UNSURE, large=SURE)
    recording = await record(desk(at_least=0.8), backends, message="money back!")
    replayed = await again(desk(at_least=0.8), recording)
    assert replayed.differences == ()
    assert replayed.same_path
    replayed.check()
    assert replayed.result.path == replayed.recorded.path == ("triage", "answer")
    assert replayed.result["triage"].model == "scripted/large"
    assert len(backends["scripted"].requests) == 2


async def test_a_stricter_threshold_asks_a_model_that_was_not_asked_and_the_replay_says_who() -> None:
    recording = await record(desk(at_least=0.5), Backends(small=UNSURE), message="hm")
    replayed = await again(desk(at_least=0.8), recording)
    assert replayed.result.error is not None
    assert replayed.result.error.code == "not_recorded"
    assert "node 'triage' asks scripted/large" in str(replayed.result.error)
    assert found(replayed, "not recorded") == [("triage", None, "asks scripted/large")]
    assert not replayed.same_path
    with pytest.raises(AssertionError, match="not recorded of triage"):
        replayed.check()


async def test_a_looser_threshold_shows_who_answers_now() -> None:
    recording = await record(desk(at_least=0.8), Backends(small=UNSURE, large=SURE), message="hm")
    replayed = await again(desk(at_least=0.5), recording)
    assert found(replayed, "model") == [
        ("triage", "scripted/large (rung 1, escalated)", "scripted/small (rung 0)")
    ]
    assert ("triage.confidence", 0.9, 0.6) in found(replayed, "confidence")
    assert not replayed.same


async def test_a_threshold_nobody_reaches_changes_the_path_and_the_output() -> None:
    recording = await record(desk(at_least=0.8), Backends(small=UNSURE, large=SURE), message="hm")
    replayed = await again(desk(at_least=0.95), recording)
    assert found(replayed, "path") == [("person", "skipped", "done"), ("answer", "done", "skipped")]
    assert found(replayed, "output") == [("the run.text", "About refund.", "A person will look at it.")]
    with pytest.raises(ReplayDiffersError) as said:
        replayed.check()
    assert "path of answer: recorded done, now skipped" in str(said.value)


async def test_a_changed_prompt_keeps_the_path_as_the_models_said_what_they_said() -> None:
    recording = await record(desk(), Backends(small=SURE), message="hm")
    replayed = await again(desk(prompt="Sort this: {{ text }}"), recording)
    assert replayed.differences == ()


async def test_a_rung_added_at_the_end_of_a_cascade_that_failed_is_not_in_the_record() -> None:
    recording = await record(desk(), Backends(), message="hm")
    assert recording.saved.head.status == "failed"
    assert (await again(desk(), recording)).differences == ()
    replayed = await again(desk(more=("scripted/middle",)), recording)
    assert found(replayed, "not recorded") == [("triage", None, "asks scripted/middle")]


def shop(calls: list[Any], *, prefix: str = "", effect: Any = "pure", on_error: str = "fail") -> Graph:
    """Return a graph with a tool that notes its calls and fails on 'boom'."""

    @tool(effect=effect)
    async def find_order(number: str) -> dict[str, str]:
        """Find an order."""
        calls.append(number)
        if number.endswith("boom"):
            raise ValueError("no such order")
        return {"state": f"{number} is on its way"}

    graph = Graph("shop", input={"number": str})
    number: Any = graph.input.number
    if prefix:
        number = graph.reply("prefixed", prefix + "{{ input.number }}").text
    order = graph.tool("order", find_order, number=number, on_error=on_error)
    graph.reply("answer", "It says: {{ order.state }}", when=order.state != "")
    graph.reply("sorry", "Nothing found.")
    graph.output(graph["answer"], graph["sorry"])
    return graph


@pytest.mark.parametrize("effect", ["pure", "idempotent", "unsafe"])
async def test_no_tool_is_called_its_result_comes_from_the_record(effect: str) -> None:
    calls = list[Any]()
    recording = await record(shop(calls, effect=effect), number="1042")
    calls.clear()
    replayed = await again(shop(calls, effect=effect), recording)
    assert (replayed.differences, calls) == ((), [])
    assert replayed.result.text == "It says: 1042 is on its way"


@pytest.mark.parametrize("effect", ["pure", "unsafe"])
async def test_arguments_that_a_tool_would_be_given_now_are_compared_with_those_it_was_given(
    effect: str,
) -> None:
    calls = list[Any]()
    recording = await record(shop(calls, prefix="A-", effect=effect), number="1042")
    replayed = await again(shop(calls, prefix="B-", effect=effect), recording)
    assert found(replayed, "arguments") == [("order", {"number": "A-1042"}, {"number": "B-1042"})]
    assert not replayed.same


async def test_a_failure_of_a_tool_is_replayed_handled_or_not() -> None:
    for on_error in ("fail", "skip"):
        recording = await record(shop([], on_error=on_error), number="boom")
        replayed = await again(shop([], on_error=on_error), recording)
        assert replayed.differences == ()
        assert replayed.result.status == ("failed" if on_error == "fail" else "completed")
        assert replayed.result["order"].status == "failed"


async def test_a_failure_that_is_handled_now_shows_as_another_end() -> None:
    recording = await record(shop([]), number="boom")
    replayed = await again(shop([], on_error="skip"), recording)
    assert ("the run", "failed", "completed") in found(replayed, "status")
    assert not replayed.same


async def test_a_tool_that_was_not_called_then_is_not_in_the_record() -> None:
    def graph(*, asks: bool) -> Graph:
        @tool(effect="pure")
        async def look(x: int) -> int:
            """Look."""
            return x

        made = Graph("looking", input={"x": int})
        node = made.tool(
            "seen", look, x=made.input.x, when=made.input.x > (0 if asks else 5), on_error="skip"
        )
        made.reply("said", "{{ seen }}", seen=node.optional)
        made.output(made["said"])
        return made

    recording = await record(graph(asks=False), x=1)
    replayed = await again(graph(asks=True), recording)
    assert found(replayed, "not recorded") == [("seen", None, "asks tool 'look'")], "on_error hid it"


def lookup_into(calls: list[str]) -> Any:
    @tool
    async def lookup(word: str) -> str:
        """Look a word up."""
        calls.append(word)
        return f"{word}: a thing"

    return lookup


def helper() -> Graph:
    """Return a graph with an expert that may call one tool, once."""
    graph = Graph("helper", input={"question": str})
    expert = Expert(
        use="writer", cascade=["scripted/clever"], tools=["lookup"], approve="never", max_tool_calls=1
    )
    graph.output(graph.expert("answer", expert, question=graph.input.question))
    return graph


def calling(word: str) -> Completion:
    call = ToolCall(id="1", name="lookup", arguments={"word": word})
    return Completion(text="", model="clever", tool_calls=(call,))


async def test_an_expert_that_calls_tools_is_replayed_without_calling_them() -> None:
    calls = list[str]()
    tools, clever = [lookup_into(calls)], [calling("swarm"), "It is a thing."]
    recording = await record(helper(), Backends(clever=clever), tools=tools, question="A swarm?")
    assert calls == ["swarm"]
    replayed = await again(helper(), recording, tools=tools)
    assert (replayed.differences, calls) == ((), ["swarm"])
    assert replayed.result.text == "It is a thing."


async def test_an_expert_that_was_stopped_for_too_many_tool_calls_is_stopped_again() -> None:
    calls = list[str]()
    tools, clever = [lookup_into(calls)], [calling("a"), calling("b")]
    recording = await record(helper(), Backends(clever=clever), tools=tools, question="A swarm?")
    assert (recording.saved.head.status, calls) == ("failed", ["a"])
    replayed = await again(helper(), recording, tools=tools)
    assert (replayed.differences, calls) == ((), ["a"])
    assert replayed.result.error is not None
    assert replayed.result.error.code == "limit"


async def test_what_a_person_answered_is_answered_again_and_a_new_question_is_not_in_the_record() -> None:
    def refund(*, asks_twice: bool = False) -> Graph:
        graph = Graph("refund", input={"amount": int})
        asked = graph.ask("approve", "Refund {{ input.amount }}?", answer={"approved": bool})
        if asks_twice:
            graph.ask("sure", "Sure?", when=asked.approved)
        graph.reply("yes", "done", when=asked.approved)
        graph.reply("no", "left", when=~asked.approved)
        graph.output(graph["yes"], graph["no"])
        return graph

    recording = await record(refund(), answer={"approved": True}, amount=5)
    replayed = await again(refund(), recording)
    assert (replayed.differences, replayed.result.text) == ((), "done")
    replayed = await again(refund(asks_twice=True), recording)
    assert found(replayed, "not recorded") == [("sure", None, "asks a person 'Sure?'")]


def notes(*, at_least: float = 0.5) -> Graph:
    """Return a graph that classifies each text, in twos, and grows a text in rounds."""

    @tool(effect="pure")
    async def longer(text: str) -> str:
        """Add a mark."""
        return f"{text}!"

    graph = Graph("notes", input={"texts": [str]})
    sorter = Expert(
        kind="classify", description="Sorts.", labels={"refund": "Money back", "other": "Anything else"},
        cascade=["scripted/small"], confidence={"at_least": at_least},
    )  # fmt: skip
    with graph.each("sorted", graph.input.texts, as_="one", concurrency=2) as body:
        verdict = body.expert("verdict", sorter, text=body.item)
        body.reply("said", "{{ verdict.label }}", when=verdict.confident)
        body.reply("unsure", "?", when=~verdict.confident)
        body.output(body["said"], body["unsure"])
    with graph.repeat("louder", {"text": "hey"}, max=3) as loop:
        mark = loop.tool("mark", longer, text=loop.loop.text)
        loop.next(text=mark)
    graph.reply("all", "{{ sorted.text }} {{ louder.text }}")
    graph.output(graph["all"])
    return graph


async def test_bodies_are_replayed_visit_by_visit_and_a_difference_names_the_visit() -> None:
    replies = [SURE, UNSURE, {"label": {"refund": 0.2, "other": 0.8}}]
    recording = await record(notes(), Backends(small=replies), texts=["a", "b", "c"])
    replayed = await again(notes(), recording)
    assert replayed.differences == ()
    assert replayed.result.text.endswith("hey!!!")
    replayed = await again(notes(at_least=0.7), recording)
    assert sorted(found(replayed, "path")) == [
        ("sorted[1]/said", "done", "skipped"),
        ("sorted[1]/unsure", "skipped", "done"),
    ]
    assert ("sorted[1].text", "refund", "?") in found(replayed, "output")


def routed(*more: str) -> Graph:
    graph = Graph("routed", input={"task": str})
    experts = [
        Expert(name=name, use=use, cascade=[f"scripted/{name}"])
        for name, use in (("shortener", "summarizer"), ("programmer", "coder"))
        if name in more
    ]
    graph.output(graph.route("chosen", experts, task=graph.input.task))
    return graph


async def test_the_router_chooses_as_it_did() -> None:
    both = routed("shortener", "programmer")
    task = "Write a Python function that sorts a list."
    recording = await record(
        both, Backends(shortener="Short.", programmer="```python\nsorted(x)\n```"), task=task
    )
    replayed = await again(both, recording)
    assert replayed.differences == ()
    assert replayed.result.output["expert"] == "programmer"
    replayed = await again(routed("shortener"), recording)
    assert ("chosen", "programmer", None) not in found(replayed, "model")
    assert ("chosen.expert", "programmer", None) in found(replayed, "output")


def race(gate: asyncio.Event, *, on_error: str = "fail", timeout: float | None = None) -> Graph:
    """Return a graph in which one node fails while another waits for a model that does not answer."""

    @tool(effect="pure")
    async def fail(x: int) -> int:
        """Fail when the other is at work."""
        await gate.wait()
        raise ValueError("no")

    graph = Graph("race", input={"x": int})
    slow = graph.expert(
        "slow", Expert(use="writer", cascade=["scripted/slow"]), question="go on", timeout=timeout,
        on_error="skip",
    )  # fmt: skip
    first = graph.tool("first", fail, x=graph.input.x, on_error=on_error)
    graph.reply("end", "{{ a }}{{ b }}", a=slow.optional.text, b=first.optional)
    graph.output(graph["end"])
    return graph


async def test_what_was_at_work_when_the_run_failed_is_at_work_when_it_fails_again() -> None:
    gate = asyncio.Event()

    def never(request: Any) -> Any:
        gate.set()
        return Held(until=asyncio.Event(), then="too late")

    recording = await record(race(gate), Backends(slow=never), x=1)
    replayed = await again(race(gate), recording)
    assert replayed.differences == ()
    assert replayed.result.error_node == "first"
    handled = await again(race(gate, on_error="skip"), recording)
    assert found(handled, "not recorded") == [("slow", None, "asks scripted/slow")]


async def test_a_node_whose_time_was_over_has_no_time_again_without_waiting() -> None:
    gate = asyncio.Event()
    gate.set()
    held = Held(until=asyncio.Event(), then="too late")
    recording = await record(race(gate, on_error="skip", timeout=0.05), Backends(slow=held), x=1)
    assert recording.saved.head.status == "completed"
    replayed = await again(race(gate, on_error="skip", timeout=3600), recording)
    assert replayed.differences == ()
    assert replayed.result["slow"].status == "failed"


async def test_a_run_whose_deadline_was_over_ends_so_again() -> None:
    gate = asyncio.Event()
    held = Held(until=asyncio.Event(), then="too late")
    async with Swarm(
        race(gate), store=MemoryStore(), backends=Backends(slow=held), limits=Limits(run_s=0.05)
    ) as swarm:
        result = await swarm.run(x=1)
        recording = await swarm.runs.export(result.id)
    replayed = await again(race(gate), recording)
    assert replayed.differences == ()
    assert replayed.result.error is not None
    assert replayed.result.error.code == "deadline"


async def test_a_question_that_nobody_answered_in_time_is_not_answered_again() -> None:
    graph = Graph("waiting", input={"x": int})
    asked = graph.ask("approve", "Well?", answer={"approved": bool}, timeout=0.05, on_error="skip")
    graph.reply("end", "{{ yes }}", yes=asked.optional.approved)
    graph.output(graph["end"])
    async with Swarm(graph, store=MemoryStore()) as swarm:
        paused = await swarm.run(x=1)
        result = await swarm.runs.go_on(paused.id)
        while result.status == "paused":
            result = await swarm.runs.go_on(paused.id)
        recording = await swarm.runs.export(paused.id)
    replayed = await again(graph, recording)
    assert replayed.differences == ()
    assert replayed.result["approve"].status == "failed"


async def test_a_run_that_never_ended_cannot_be_replayed() -> None:
    graph = Graph("waiting", input={"x": int})
    graph.ask("approve", "Well?")
    graph.output(graph["approve"])
    async with Swarm(graph, store=MemoryStore()) as swarm:
        paused = await swarm.run(x=1)
        with pytest.raises(StoreError, match="has not ended \\(paused\\)") as said:
            await swarm.runs.replay(paused.id)
        assert said.value.code == "not_ended"
        await swarm.cancel(paused)
        with pytest.raises(StoreError, match="was cancelled"):
            await swarm.runs.replay(paused.id)


async def test_a_run_is_replayed_only_by_a_graph_of_its_name_that_takes_its_input() -> None:
    recording = await record(desk(), Backends(small=SURE), message="hm")
    with pytest.raises(StoreError, match="a run of graph 'desk', not of 'shop'"):
        await again(shop([]), recording)
    other = Graph("desk", input={"message": str, "order": int})
    other.output(other.reply("said", "{{ input.message }} {{ input.order }}"))
    with pytest.raises(InputError, match="order: missing"):
        await again(other, recording)


async def test_a_resumed_run_is_replayed_as_it_ended() -> None:
    store, works = MemoryStore(), list[bool]()

    @tool(effect="pure")
    async def second(label: str) -> str:
        """Fail the first time."""
        works.append(True)
        if len(works) == 1:
            raise ValueError("no network")
        return label

    graph = Graph("fragile", input={"message": str})
    sorter = Expert(
        kind="classify", description="Sorts.", labels={"refund": "", "other": ""}, cascade=["scripted/small"]
    )
    first = graph.expert("first", sorter, text=graph.input.message)
    graph.output(graph.tool("second", second, label=first.label))
    async with Swarm(graph, store=store, backends=Backends(small=[SURE])) as swarm:
        failed = await swarm.run(message="hm")
        result = await swarm.resume(failed.id)
        assert (failed.status, result.status) == ("failed", "completed")
        replayed = await swarm.runs.replay(failed.id)
    assert replayed.differences == ()
    assert replayed.result.output == "refund"


async def test_a_run_recorded_against_a_server_is_replayed_after_the_server_is_gone() -> None:
    def graph(url: str) -> Graph:
        made = Graph(
            "hello", input={"message": str}, models={"small": {"model": "ollama/qwen3:4b", "url": url}}
        )
        expert = Expert(use="writer", cascade=["small"], confidence={"from": "logprob", "at_least": 0.5})
        made.output(made.expert("answer", expert, question=made.input.message))
        return made

    async with OllamaServer({"qwen3:4b": FakeModel(reply="Good morning to you.")}) as server:
        recording = await record(graph(server.url), message="hello")
    replayed = await again(graph(server.url), recording)
    assert replayed.differences == ()
    assert replayed.result.text == "Good morning to you."
    assert replayed.result.confidence is not None


async def test_a_recording_is_a_private_readable_file_without_tokens(tmp_path: Path) -> None:
    graph = Graph("refund", input={"amount": int})
    asked = graph.ask("approve", "Refund?", answer={"approved": bool})
    graph.output(graph.reply("said", "{{ approve.approved }}", when=asked.approved))
    async with Swarm(graph, store=MemoryStore()) as swarm:
        paused = await swarm.run(amount=5)
        assert paused.ask is not None
        await swarm.resume(paused, approved=True)
        recording = await swarm.runs.export(paused.id)
    file = tmp_path / "run.json"
    write_recording(file, recording)
    text = file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert '"swarm_recording": 1' in text
    questions = text[text.index('"questions"') :]
    assert paused.ask.token not in questions
    assert (await again(graph, read_recording(file))).differences == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"swarm_recording": 1', '"swarm_recording": 2', "no recording of version 1"),
        ('"status": "completed"', '"status": 7', "status is int"),
        ('"kind": "end"', '"kind": "end", "more": 1', "unknown field 'more'"),
        ('"latency_ms"', '"latency"', "has no field 'latency_ms'"),
        ('"type": "node.started"', '"type": "node.begun"', "unknown event type"),
        ('"created":', '"created": NaN, "x":', "NaN is no number"),
        ("{", "", "no recording of a run"),
    ],
)
async def test_a_file_that_is_no_recording_says_where_it_is_wrong(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = dump_recording(await record(desk(), Backends(small=SURE), message="hm"))
    assert old in text
    file = tmp_path / "run.json"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StoreError, match=re.escape(said)):
        read_recording(file)
