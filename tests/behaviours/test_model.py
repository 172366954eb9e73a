"""A cascade at work: who is asked, what is asked again, what counts, and how it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from swarm import BackendError, Expert, Graph, ScriptedBackend, Swarm, tool
from swarm.backends.scripted import Held
from swarm.errors import BackendUnavailable, ModelMissing
from swarm.events import Event, ExpertEscalated, ModelFinished, ModelRequested, ModelToken, ToolRefused
from swarm.messages import Completion, CompletionRequest, TokenLogprob, ToolCall, Usage

REFUSED = BackendUnavailable("nothing answers at 127.0.0.1:11434")


def writer(*models: str, **more: object) -> Expert:
    table = {
        "kind": "write",
        "description": "Writes.",
        "input": {"question": "string"},
        "prompt": "Question:\n{{ question }}",
        "cascade": [f"scripted/{model}" for model in models],
    }
    return Expert.model_validate({**table, **more})


def extractor(*models: str) -> Expert:
    return writer(*models, kind="extract", output={"city": "string", "tags": "[string]"})


def said(text: str, probability: float, tokens: int = 3) -> Completion:
    """Return an answer in which every token had this probability."""
    from math import log

    logprobs = (TokenLogprob(token=text, logprob=log(probability)),)
    return Completion(
        text=text,
        model="",
        logprobs=logprobs,
        usage=Usage(input_tokens=10, output_tokens=tokens, model_calls=1),
    )


def asking(expert: Expert) -> Graph:
    graph = Graph("ask", input={"question": str})
    graph.output(graph.expert("answer", expert, question=graph.input.question))
    return graph


def texts(backend: ScriptedBackend) -> list[str]:
    return [
        "\n".join(m.content for m in r.messages) for r in backend.requests if isinstance(r, CompletionRequest)
    ]


def models(events: Sequence[Event]) -> list[str]:
    return [event.model for event in events if isinstance(event, ModelRequested)]


async def test_the_cheapest_model_that_is_sure_enough_answers() -> None:
    backend = ScriptedBackend({"small": said("A", 0.9), "large": said("B", 0.99)})
    async with Swarm(
        asking(writer("small", "large", confidence={"at_least": 0.7})), backends={"scripted": backend}
    ) as s:
        result = await s.run(question="?")
    answer = result["answer"]
    assert (result.text, answer.model, answer.confident) == ("A", "scripted/small", True)
    assert result.confidence == pytest.approx(0.9)
    assert len(backend.requests) == 1


async def test_an_unsure_answer_goes_to_the_next_model_and_its_cost_counts() -> None:
    backend = ScriptedBackend({"small": said("A", 0.3, tokens=5), "large": said("B", 0.99, tokens=7)})
    events: list[Event] = []
    expert = writer("small", "large", confidence={"at_least": 0.7})
    async with Swarm(asking(expert), backends={"scripted": backend}, listeners=[events.append]) as swarm:
        result = await swarm.run(question="?")
    marks = result["answer"].marks
    assert marks is not None
    assert (result.text, marks.model, marks.rung, marks.escalated) == ("B", "scripted/large", 1, True)
    assert models(events) == ["scripted/small", "scripted/large"]
    assert result.usage == Usage(input_tokens=20, output_tokens=12, model_calls=2)
    (escalated,) = [event for event in events if isinstance(event, ExpertEscalated)]
    assert (escalated.model, escalated.to_model) == ("scripted/small", "scripted/large")
    assert "0.3" in escalated.reason


async def test_each_model_keeps_its_own_options() -> None:
    backend = ScriptedBackend({"small": said("A", 0.3), "large": said("B", 0.9)})
    graph = Graph(
        "ask",
        input={"question": str},
        models={
            "small": {"model": "scripted/small", "options": {"num_ctx": 2048}},
            "large": {"model": "scripted/large", "options": {"num_ctx": 8192}},
        },
    )
    expert = writer(
        "small", cascade=["small", "large"], confidence={"at_least": 0.7}, options={"temperature": 0}
    )
    graph.output(graph.expert("answer", expert, question=graph.input.question))
    async with Swarm(graph, backends={"scripted": backend}) as swarm:
        await swarm.run(question="?")
    contexts = [(r.options["num_ctx"], r.options["temperature"]) for r in backend.requests]
    assert contexts == [(2048, 0), (8192, 0)]


async def test_when_the_larger_model_is_away_the_best_answer_stands_and_is_not_confident() -> None:
    backend = ScriptedBackend({"small": said("A", 0.3), "large": REFUSED})
    expert = writer("small", "large", confidence={"at_least": 0.7})
    async with Swarm(asking(expert), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="?")
    assert (result.status, result.text, result.confident) == ("completed", "A", False)
    assert [note for note in result.notes if "no scripted server answers" in note]


async def test_of_several_unsure_answers_the_surest_stands() -> None:
    backend = ScriptedBackend({"small": said("A", 0.6), "large": said("B", 0.4)})
    expert = writer("small", "large", confidence={"at_least": 0.7})
    async with Swarm(asking(expert), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="?")
    assert (result.text, result.confident, result["answer"].model) == ("A", False, "scripted/small")


async def test_when_every_model_fails_the_error_names_them_and_what_the_last_said() -> None:
    backend = ScriptedBackend(
        {"small": REFUSED, "large": ModelMissing("no model 'large'", hint="ollama pull large")}
    )
    async with Swarm(asking(writer("small", "large")), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="?")
    assert (result.status, result.error_node) == ("failed", "answer")
    assert isinstance(result.error, ModelMissing)
    for part in ("scripted/small", "scripted/large", "no model 'large'", "ollama pull large"):
        assert part in str(result.error)
    assert len(result.notes) == 2


async def test_a_missing_server_is_noted_once_in_a_run() -> None:
    backend = ScriptedBackend({"small": "fine", "large": REFUSED})
    graph = Graph("two", input={"question": str})
    one = graph.expert("one", writer("large", "small"), question=graph.input.question)
    two = graph.expert("two", "one", question=graph.input.question)
    graph.output(graph.reply("end", f"{one.text} {two.text}"))
    async with Swarm(graph, backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="?")
    assert result.text == "fine fine"
    assert len(result.notes) == 1


async def test_nonsense_is_asked_again_once_with_what_was_wrong_and_never_repeated_to_the_model() -> None:
    good = json.dumps({"city": "Oslo", "tags": ["cold"]})
    backend = ScriptedBackend({"small": ["<<nonsense-42>>", good]})
    async with Swarm(asking(extractor("small")), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="Where?")
    assert result.output == {"city": "Oslo", "tags": ["cold"]}
    once, again = texts(backend)
    assert "rejected" not in once
    assert "not JSON" in again
    assert "nonsense-42" not in again


async def test_a_wrong_type_is_named_to_the_model() -> None:
    backend = ScriptedBackend({"small": ['{"city": 7, "tags": []}', '{"city": "Oslo", "tags": []}']})
    async with Swarm(asking(extractor("small")), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="Where?")
    assert result.output == {"city": "Oslo", "tags": []}
    assert "city: expected string, got integer 7" in texts(backend)[1]


async def test_nonsense_twice_goes_to_the_larger_model() -> None:
    good = json.dumps({"city": "Oslo", "tags": []})
    backend = ScriptedBackend({"small": ["no", "still no"], "large": good})
    events: list[Event] = []
    async with Swarm(
        asking(extractor("small", "large")), backends={"scripted": backend}, listeners=[events.append]
    ) as swarm:
        result = await swarm.run(question="Where?")
    assert result.output["city"] == "Oslo"
    assert models(events) == ["scripted/small", "scripted/small", "scripted/large"]
    assert [event.error is None for event in events if isinstance(event, ModelFinished)] == [
        False,
        False,
        True,
    ]


async def test_nonsense_from_everyone_fails_the_node_with_what_was_wrong() -> None:
    backend = ScriptedBackend({"small": "no JSON at all"})
    async with Swarm(asking(extractor("small")), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="Where?")
    assert isinstance(result.error, BackendError)
    assert result.error.code == "invalid_answer"
    assert "not JSON" in str(result.error)
    assert len(backend.requests) == 2


async def test_what_a_rejected_rung_streamed_is_withdrawn_before_the_next_writes() -> None:
    backend = ScriptedBackend({"small": said("a guess", 0.2), "large": said("the answer", 0.9)})
    expert = writer("small", "large", confidence={"at_least": 0.7})
    shown: list[str] = []
    async with Swarm(asking(expert), backends={"scripted": backend}) as swarm:
        async for event in swarm.stream(question="?"):
            if isinstance(event, ModelToken):
                shown.append(event.text)
            elif isinstance(event, ExpertEscalated):
                assert "".join(shown) == "a guess"
                shown.clear()
    assert "".join(shown) == "the answer"


def calling(*calls: ToolCall) -> Completion:
    return Completion(text="", model="", tool_calls=calls, finish="tool_calls", usage=Usage(model_calls=1))


def helped_by(*names: str) -> Expert:
    return writer("small", tools=list(names))


@tool(effect="pure")
async def add(numbers: list[int]) -> int:
    """Add numbers."""
    return sum(numbers)


@tool
async def pay(amount: int) -> str:
    """Pay."""
    return "paid"


def with_tools(expert: Expert) -> Graph:
    graph = Graph("tools", input={"question": str}, tools=[add, pay])
    graph.output(graph.expert("answer", expert, question=graph.input.question))
    return graph


async def test_a_model_gets_what_its_tool_returned() -> None:
    backend = ScriptedBackend(
        {"small": [calling(ToolCall(id="1", name="add", arguments={"numbers": [1, 2]})), "It is 3."]}
    )
    async with Swarm(with_tools(helped_by("add")), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="1 + 2?")
    assert result.text == "It is 3."
    assert "3" in texts(backend)[1]
    assert result.usage.model_calls == 2


async def test_wrong_arguments_go_back_once_with_the_reason_and_not_as_they_were() -> None:
    wrong = calling(ToolCall(id="1", name="add", arguments={"numbers": "spam-77"}))
    right = calling(ToolCall(id="2", name="add", arguments={"numbers": [1, 2]}))
    backend = ScriptedBackend({"small": [wrong, right, "It is 3."]})
    async with Swarm(with_tools(helped_by("add")), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="1 + 2?")
    assert result.text == "It is 3."
    second = backend.requests[1]
    assert isinstance(second, CompletionRequest)
    assert "add was not made" in second.messages[-1].content
    assert all(call.arguments != {"numbers": "spam-77"} for m in second.messages for call in m.tool_calls)


async def test_a_list_written_as_text_is_understood() -> None:
    written = calling(ToolCall(id="1", name="add", arguments={"numbers": "[1, 2]"}))
    backend = ScriptedBackend({"small": [written, "It is 3."]})
    async with Swarm(with_tools(helped_by("add")), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="1 + 2?")
    assert result.text == "It is 3."
    assert len(backend.requests) == 2


async def test_a_tool_that_the_expert_does_not_list_is_refused_and_the_model_is_told() -> None:
    backend = ScriptedBackend(
        {"small": [calling(ToolCall(id="1", name="pay", arguments={"amount": 9})), "I cannot."]}
    )
    events: list[Event] = []
    async with Swarm(
        with_tools(helped_by("add")), backends={"scripted": backend}, listeners=[events.append]
    ) as swarm:
        result = await swarm.run(question="pay")
    assert result.text == "I cannot."
    assert [event.tool for event in events if isinstance(event, ToolRefused)] == ["pay"]
    assert "no such tool" in texts(backend)[1]


async def test_a_model_that_calls_tools_for_ever_is_stopped() -> None:
    again = calling(ToolCall(id="1", name="add", arguments={"numbers": [1]}))
    backend = ScriptedBackend({"small": lambda _: again})
    expert = writer("small", tools=["add"], max_tool_calls=3)
    async with Swarm(with_tools(expert), backends={"scripted": backend}) as swarm:
        result = await swarm.run(question="loop")
    assert result.error is not None
    assert result.error.code == "limit"
    assert "max_tool_calls" in result.error.hint


async def test_an_unsafe_tool_called_by_a_model_waits_for_a_person() -> None:
    call = calling(ToolCall(id="1", name="pay", arguments={"amount": 9}))
    for approved, told in ((True, "paid"), (False, "a person refused")):
        backend = ScriptedBackend({"small": [call, "Done."]})
        async with (
            asyncio.timeout(5),
            Swarm(with_tools(helped_by("pay")), backends={"scripted": backend}) as swarm,
        ):
            paused = await swarm.run(question="pay 9")
            assert paused.status == "paused"
            assert paused.ask is not None
            assert "amount=9" in paused.ask.text
            result = await swarm.resume(paused, approved=approved)
        assert result.text == "Done."
        assert told in texts(backend)[1]


async def test_two_runs_at_once_do_not_share_a_models_turn() -> None:
    gate = asyncio.Event()
    backend = ScriptedBackend({"small": [Held(until=gate, then="first"), "second"]})
    async with asyncio.timeout(5), Swarm(asking(writer("small")), backends={"scripted": backend}) as swarm:
        held = asyncio.ensure_future(swarm.run(question="1"))
        await asyncio.sleep(0)
        assert (await swarm.run(question="2")).text == "second"
        gate.set()
        assert (await held).text == "first"


async def test_a_rejected_answer_is_paid_for_like_an_accepted_one() -> None:
    backend = ScriptedBackend({"small": [said("nonsense", 0.9, tokens=5), '{"city": "Oslo", "tags": []}']})
    events: list[Event] = []
    async with Swarm(
        asking(extractor("small")), backends={"scripted": backend}, listeners=[events.append]
    ) as swarm:
        result = await swarm.run(question="?")
    assert result.usage.model_calls == 2
    rejected = next(event for event in events if isinstance(event, ModelFinished))
    assert (rejected.input_tokens, rejected.output_tokens) == (10, 5)


async def test_a_person_is_asked_about_a_call_in_the_words_it_was_made_with() -> None:
    @tool
    async def write_to(name: str) -> str:
        """Write to somebody."""
        return "written"

    call = calling(ToolCall(id="1", name="write_to", arguments={"name": "Zoë Łukasz"}))
    backend = ScriptedBackend({"small": [call]})
    graph = Graph("tools", input={"question": str}, tools=[write_to])
    graph.output(graph.expert("answer", helped_by("write_to"), question=graph.input.question))
    async with Swarm(graph, backends={"scripted": backend}) as swarm:
        paused = await swarm.run(question="write")
    assert paused.text == 'Allow write_to(name="Zoë Łukasz")?'


async def test_what_ended_a_models_turn_is_told_as_it_was() -> None:
    again = calling(ToolCall(id="1", name="add", arguments={"numbers": [1]}))
    backend = ScriptedBackend({"small": lambda _: again})
    events: list[Event] = []
    expert = writer("small", tools=["add"], max_tool_calls=1)
    async with Swarm(with_tools(expert), backends={"scripted": backend}, listeners=[events.append]) as swarm:
        await swarm.run(question="loop")
    (finished,) = [event for event in events if isinstance(event, ModelFinished)]
    assert "called more than 1 tools" in (finished.error or "")
