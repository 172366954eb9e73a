"""What leaves a swarm while it runs: streamed text, its withdrawal, and connections that are closed."""

from __future__ import annotations

import asyncio

import pytest

from swarm import Expert, Graph, Swarm
from swarm.events import Event, ModelRequested, ModelToken, NodeFinished
from swarm.testing import FakeModel, Fault, OllamaServer, Reply


@pytest.fixture
def ollama(ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> OllamaServer:
    monkeypatch.setenv("OLLAMA_HOST", ollama_server.url)
    return ollama_server


def writing() -> Swarm:
    writer = Expert.model_validate(
        {
            "kind": "write",
            "description": "Writes.",
            "input": {"text": "string"},
            "cascade": ["ollama/qwen3:4b"],
        }
    )
    graph = Graph("write", input={"text": str})
    graph.output(graph.expert("answer", writer, text=graph.input.text))
    return Swarm(graph)


async def test_closing_a_stream_closes_the_connection_to_the_model(ollama: OllamaServer) -> None:
    ollama.serve("qwen3:4b", FakeModel(reply="one two three"))
    ollama.fail_next(Fault.stall(after=1), path="/api/chat")
    async with writing() as swarm:
        events = swarm.stream(text="hello")
        async for event in events:
            if isinstance(event, ModelToken):
                break
        await events.aclose()
        await ollama.until(lambda server: len(server.cancelled) == 1)
    assert len(ollama.cancelled) == 1


async def test_cancelling_a_run_closes_the_connection_to_the_model(ollama: OllamaServer) -> None:
    ollama.fail_next(Fault.stall(), path="/api/chat")
    async with writing() as swarm:
        run = asyncio.ensure_future(swarm.run(text="hello"))
        await ollama.until(lambda server: bool(server.requests))
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await ollama.until(lambda server: len(server.cancelled) == 1)


async def test_asking_the_same_model_again_withdraws_what_it_streamed(ollama: OllamaServer) -> None:
    cut = Reply(text="The answer is", done_reason="length")
    ollama.serve("qwen3:4b", FakeModel(reply=[cut, "It is 42."]))
    shown, seen = "", list[Event]()
    async with writing() as swarm:
        async for event in swarm.stream(text="hello"):
            seen.append(event)
            if isinstance(event, ModelRequested) and event.attempt > 1:
                shown = ""
            elif isinstance(event, ModelToken):
                shown += event.text
    (finished,) = [event for event in seen if isinstance(event, NodeFinished)]
    assert shown == finished.value["text"] == "It is 42."
