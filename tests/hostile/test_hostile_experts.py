"""Models that answer nonsense, or never stop: refused, said, and never passed on as an answer."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from swarm import Expert, Graph, Limits, ScriptedBackend, Swarm
from swarm.backends.ollama import OllamaBackend
from swarm.backends.transport import Deadlines
from swarm.messages import (
    Answer,
    Completion,
    CompletionRequest,
    Decision,
    TextDelta,
    TokenLogprob,
    Usage,
)
from swarm.testing import FakeModel, Fault, OllamaServer

PROMPT = "Q:\n{{ text }}"


def asking(kind: Any, **fields: Any) -> Graph:
    """Return a graph that asks one expert."""
    expert = Expert(
        kind=kind, description="Answers.", input={"text": "string"}, prompt=PROMPT, cascade=["scripted/m"], **fields
    )  # fmt: skip
    graph = Graph("asking")
    graph.output(graph.expert("answer", expert, text="hello"))
    return graph


def says(graph: Graph, reply: Any, **more: Any) -> Swarm:
    return Swarm(graph, backends={"scripted": ScriptedBackend({"m": reply})}, **more)


NO_JSON = {
    "nothing": "",
    "white space": " \n\t",
    "words": "I would rather not.",
    "not a number": '{"a": NaN}',
    "infinity": '{"a": -Infinity}',
    "too large a number": '{"a": 1e999}',
    "too many digits": '{"a": ' + "9" * 5_000 + "}",
    "a key twice": '{"a": 1, "a": 2}',
    "brackets, deep": "[" * 100_000,
    "a value, deep": '{"a": 1, "b": ' + "[" * 500 + "]" * 500 + "}",
    "another field": '{"a": 1, "c": 2}',
    "another type": '{"a": "one"}',
    "a list": "[1]",
    "null": "null",
}


@pytest.mark.parametrize("text", NO_JSON.values(), ids=NO_JSON.keys())
async def test_an_extract_that_is_not_what_was_asked_for_is_no_answer(text: str) -> None:
    async with says(asking("extract", output={"a": "number", "b": "any?"}), text) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert result.error.code == "invalid_answer"
    assert len(str(result.error)) < 1_000


@pytest.mark.parametrize("text", ['{"a": 1, "b": "\\ud800"}', '{"a": 1, "b": "\\u0000"}'])
async def test_an_extract_with_strange_characters_is_whole_as_json(text: str) -> None:
    async with says(asking("extract", output={"a": "number", "b": "string?"}), text) as swarm:
        result = await swarm.run()
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["output"] == json.loads(text)


LABELS: dict[str, str | None] = {"a": "The first", "b": "The second"}


def decided(value: Any, **shares: float) -> Decision:
    return Decision(answers={"label": Answer(value=value, probabilities=shares)}, model="m", way="native")


NONSENSE: dict[str, Any] = {
    "another label": decided("zebra", zebra=1.0),
    "no label": Decision(answers={}, model="m", way="native"),
    "not a number": decided("a", a=math.nan, b=math.nan),
    "more than all": decided("a", a=2.0, b=-1.0),
    "a word": "zebra",
    "an empty word": "",
    "json with another label": '{"label": "zebra"}',
    "brackets": '{"label": ' + "[" * 100_000,
}


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE.keys())
async def test_a_decision_that_makes_no_sense_is_no_answer(reply: Any) -> None:
    async with says(asking("classify", labels=LABELS), reply) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert result.error.code in ("invalid_answer", "malformed")


@pytest.mark.parametrize("logprob", [math.nan, math.inf, -math.inf, 5.0])
async def test_log_probabilities_that_are_none_never_make_an_answer_confident(logprob: float) -> None:
    reply = Completion(text="yes", model="m", logprobs=(TokenLogprob(token="yes", logprob=logprob),))
    async with says(asking("write", confidence={"at_least": 0.5}), reply) as swarm:
        result = await swarm.run()
    json.dumps(result.to_json(), allow_nan=False)
    assert result.confidence is None or 0.0 <= result.confidence <= 1.0
    assert logprob > 0 or result.confident is False


async def test_an_answer_that_was_cut_is_no_answer() -> None:
    async with says(asking("write"), Completion(text="Once upon", model="m", finish="length")) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert "cut off" in result.error.what


async def test_more_tokens_than_a_run_may_write_fail_it() -> None:
    reply = Completion(text="yes", model="m", usage=Usage(output_tokens=2_000_000))
    async with says(asking("write"), reply) as swarm:
        result = await swarm.run()
    assert result.error is not None
    assert "Limits(output_tokens" in result.error.hint


class Flood:
    """A backend whose answer never ends; counts what was taken of it."""

    name = "scripted"

    def __init__(self) -> None:
        self.taken = 0
        self.is_closed = False

    async def complete(self, request: CompletionRequest) -> Completion:
        return Completion(text="x" * 1_000_000, model=request.model)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        try:
            while True:
                self.taken += 1_000
                yield TextDelta(text="x" * 1_000)
        finally:
            self.is_closed = True

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_without_an_end_is_cut_off_at_the_limit_of_a_value(streams: bool) -> None:
    flood = Flood()
    swarm = Swarm(asking("write"), backends={"scripted": flood}, limits=Limits(value_bytes=100_000))
    async with asyncio.timeout(5), swarm:
        result = await swarm.run_input({}, streams=streams)
    assert result.error is not None
    assert result.error.code == "limit"
    assert "Limits(value_bytes" in result.error.hint
    assert flood.taken <= 101_000
    assert flood.is_closed is streams


def at_server(**fields: Any) -> Graph:
    """Return a graph that asks one expert on the server."""
    expert = Expert(
        kind="write", description="Answers.", input={"text": "string"}, prompt=PROMPT, cascade=["ollama/m"], **fields
    )  # fmt: skip
    graph = Graph("asking")
    graph.output(graph.expert("answer", expert, text="hello"))
    return graph


FAULTS = {
    "500": Fault.error(500, "model runner has unexpectedly stopped"),
    "html": Fault.body(200, b"<html>hello</html>", content_type="text/html"),
    "an image": Fault.body(200, b"\x89PNG\r\n", content_type="image/png"),
    "nothing": Fault.body(200, b""),
    "a list": Fault.body(200, b"[1, 2]\n"),
    "deep": Fault.body(200, b"[" * 100_000 + b"\n"),
    "a stall at once": Fault.stall(),
    "a stall in the middle": Fault.stall(after=1),
    "a reset": Fault.reset(after=1),
    "no end": Fault.no_done(),
}


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_model_server_that_fails_fails_the_run_in_time(
    fault: Fault, streams: bool, ollama_server: OllamaServer
) -> None:
    async def no_pause(_seconds: float) -> None:
        await asyncio.sleep(0)

    ollama_server.serve("m", FakeModel(reply="one two three"))
    ollama_server.fail_always(fault, path="/api/chat")
    backend = OllamaBackend(ollama_server.url, sleep=no_pause, deadlines=Deadlines(first_s=0.05, idle_s=0.05))
    async with asyncio.timeout(5), Swarm(at_server(), backends={"ollama": backend}) as swarm:
        result = await swarm.run_input({}, streams=streams)
    await backend.aclose()
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.code != "internal"
    assert result.notes


async def test_the_deadline_of_a_run_closes_the_connection_of_a_model_that_stalls(
    ollama_server: OllamaServer,
) -> None:
    ollama_server.serve("m", FakeModel(reply="one two three"))
    ollama_server.fail_always(Fault.stall(after=1), path="/api/chat")
    backend = OllamaBackend(ollama_server.url)
    async with asyncio.timeout(5):
        async with Swarm(at_server(), backends={"ollama": backend}, limits=Limits(run_s=0.2)) as swarm:
            result = await swarm.run()
        await ollama_server.until(lambda server: bool(server.cancelled))
    await backend.aclose()
    assert result.error is not None
    assert result.error.code == "deadline"
