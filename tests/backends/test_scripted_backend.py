"""The scripted backend says what it is told, and remembers what it was asked."""

import asyncio
from contextlib import aclosing

import pytest

from swarm.backends.base import Decides, ModelBackend
from swarm.backends.scripted import Held, Probabilities, ScriptedBackend
from swarm.errors import BackendError, BackendUnavailable, ModelMissing
from swarm.messages import (
    Answer,
    Completion,
    CompletionRequest,
    Decision,
    DecisionRequest,
    Message,
    Question,
    Task,
    TextDelta,
)

TASK = Task(expert="e", key="k", kind="write", inputs={}, text="hi")


def asked(model: str, text: str = "hi there") -> CompletionRequest:
    return CompletionRequest(model=model, messages=(Message(role="user", content=text),), task=TASK)


def decision_of(model: str, **questions: Question) -> DecisionRequest:
    return DecisionRequest(model=model, state="hi", questions=questions, task=TASK)


CHOICE = Question(type="choice", options={"a": "", "b": ""})
LEVELS = Question(type="score", options={"calm": "", "cross": "", "furious": ""})


async def test_a_text_is_the_same_answer_every_time_and_requests_are_kept() -> None:
    backend: ModelBackend = (scripted := ScriptedBackend({"m": "hello you"}))
    first = await backend.complete(asked("m"))
    assert (first, await backend.complete(asked("m"))) == (first, first)
    assert (first.text, first.model, first.usage.output_tokens, first.usage.model_calls) == (
        "hello you",
        "m",
        2,
        1,
    )
    assert scripted.requests == [asked("m"), asked("m")]


async def test_a_list_is_used_up_in_order_and_then_says_so() -> None:
    backend = ScriptedBackend({"m": ["one", Completion(text="two", model="", finish="length")]})
    assert (await backend.complete(asked("m"))).text == "one"
    assert (await backend.complete(asked("m"))).finish == "length"
    with pytest.raises(BackendError, match="the script of 'm' has only 2 replies"):
        await backend.complete(asked("m"))


async def test_a_function_answers_from_the_request() -> None:
    def script(request: CompletionRequest | DecisionRequest) -> str:
        assert isinstance(request, CompletionRequest)
        return request.messages[-1].content.upper()

    assert (await ScriptedBackend({"m": script}).complete(asked("m", "hey"))).text == "HEY"


async def test_an_exception_is_raised() -> None:
    backend = ScriptedBackend({"m": BackendUnavailable("nothing answers")})
    with pytest.raises(BackendUnavailable, match="nothing answers"):
        await backend.complete(asked("m"))


async def test_a_model_without_a_script_is_missing() -> None:
    with pytest.raises(ModelMissing, match=r"no script for the model 'x'\n  fix: .*it has m"):
        await ScriptedBackend({"m": "hi"}).complete(asked("x"))


async def test_a_stream_comes_word_by_word_and_ends_with_the_whole() -> None:
    items = [item async for item in ScriptedBackend({"m": "  one two\nthree "}).stream(asked("m"))]
    deltas = [item.text for item in items if isinstance(item, TextDelta)]
    assert deltas == ["  one", " two", "\nthree", " "]
    assert isinstance(items[-1], Completion)
    assert items[-1].text == "".join(deltas)


async def test_a_held_reply_comes_once_the_test_lets_it() -> None:
    event = asyncio.Event()
    backend = ScriptedBackend({"m": Held(until=event, then="at last")})
    task = asyncio.create_task(backend.complete(asked("m")))
    await asyncio.sleep(0)
    assert not task.done()
    event.set()
    assert (await task).text == "at last"


async def test_a_held_reply_that_is_given_up_is_noted() -> None:
    backend = ScriptedBackend({"m": Held(until=asyncio.Event(), then="never")})
    async with aclosing(backend.stream(asked("m"))) as stream:
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert backend.cancelled == [asked("m")]


async def test_probabilities_make_a_model_that_decides() -> None:
    backend = ScriptedBackend(
        {"m": {"label": {"a": 0.2, "b": 0.8}, "rude": 0.3, "mood": {"calm": 0.5, "cross": 0.5}}}
    )
    assert isinstance(backend, Decides)
    assert await backend.decides("m")
    rude = Question(type="yes_no")
    decision = await backend.decide(decision_of("m", label=CHOICE, rude=rude, mood=LEVELS))
    assert decision.way == "native"
    assert decision.answers["label"] == Answer(value="b", probabilities={"a": 0.2, "b": 0.8})
    assert decision.answers["rude"] == Answer(value=False, probabilities={"true": 0.3, "false": 0.7})
    assert decision.answers["mood"].value == 0.5


async def test_a_question_that_the_script_leaves_out_gets_the_first_option() -> None:
    backend = ScriptedBackend({"m": {"other": 1.0}})
    decision = await backend.decide(decision_of("m", label=CHOICE, rude=Question(type="yes_no")))
    assert (decision.answers["label"].value, decision.answers["rude"].value) == ("a", False)


async def test_a_ready_decision_is_given_as_it_is() -> None:
    ready = Decision(answers={"label": Answer(value="a")}, model="big", way="json")
    backend = ScriptedBackend({"m": [ready]})
    assert await backend.decides("m")
    assert await backend.decide(decision_of("m", label=CHOICE)) == ready


async def test_models_that_write_do_not_decide_unless_told_so() -> None:
    def script(_request: CompletionRequest | DecisionRequest) -> Probabilities:
        return {"label": {"a": 1.0}}

    assert not await ScriptedBackend({"text": "hi", "function": script}).decides("function")
    told = ScriptedBackend({"text": "hi", "function": script}, decides={"function"})
    assert await told.decides("function")
    assert (await told.decide(decision_of("function", label=CHOICE))).answers["label"].value == "a"


async def test_a_script_of_the_wrong_sort_says_so() -> None:
    backend = ScriptedBackend({"text": "hi", "decision": {"label": {"a": 1.0}}})
    with pytest.raises(BackendError, match="has text, and it was asked for a decision"):
        await backend.decide(decision_of("text", label=CHOICE))
    with pytest.raises(BackendError, match="has a decision, and it was asked for text"):
        await backend.complete(asked("decision"))


async def test_closing_is_noted() -> None:
    backend = ScriptedBackend({}, name="fake")
    await backend.aclose()
    assert (backend.closed, backend.name) == (True, "fake")
