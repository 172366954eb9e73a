"""A model on a server that calls tools: all that can go right and wrong, in one conversation."""

from __future__ import annotations

import pytest

from swarm import Expert, Graph, Swarm, tool
from swarm.events import Event, ToolCalled, ToolRefused
from swarm.testing import ChatRequest, FakeModel, FakeToolCall, OllamaServer, Reply

CALLED: list[int] = []


@tool(effect="pure")
def weather(city: str) -> dict[str, str]:
    """Tell the weather of a city."""
    return {"weather": f"sun in {city}"}


@tool
def delete_account(user: int) -> str:
    """Delete an account."""
    CALLED.append(user)
    return "deleted"


def turns() -> tuple[list[ChatRequest], FakeModel]:
    replies = [
        Reply(text="", tool_calls=[FakeToolCall(name="weather", arguments={"town": "Rome"})]),
        Reply(
            text="",
            tool_calls=[
                FakeToolCall(name="weather", arguments={"city": "Rome"}),
                FakeToolCall(name="delete_account", arguments={"user": 7}),
                FakeToolCall(name="nonsense"),
            ],
        ),
        Reply(text="It is sunny."),
    ]
    requests: list[ChatRequest] = []

    def reply(request: ChatRequest) -> Reply:
        requests.append(request)
        return replies[len(requests) - 1]

    return requests, FakeModel(reply=reply)


async def test_a_model_may_call_tools_until_it_answers_and_a_person_is_asked_before_harm(
    ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama_server.url)
    requests, model = turns()
    ollama_server.serve("qwen3:4b", model)
    expert = Expert(
        kind="write", description="Helps.", input={"text": "string"}, cascade=["ollama/qwen3:4b"],
        tools=["weather", "delete_account"],
    )  # fmt: skip
    graph = Graph("help", input={"text": str}, tools=[weather, delete_account])
    graph.output(graph.expert("answer", expert, text=graph.input.text))
    events: list[Event] = []
    async with Swarm(graph, listeners=[events.append]) as swarm:
        paused = await swarm.run(text="Weather?")
        assert (paused.status, paused.text) == ("paused", "Allow delete_account(user=7)?")
        result = await swarm.resume(paused, approved=False)
    assert (result.text, result.usage.model_calls, CALLED) == ("It is sunny.", 3, [])
    assert "'city' is a required property" in str(requests[1].last)
    assert "town" not in str([turn for turn in requests[1].messages if turn["role"] == "assistant"])
    told = [str(turn["content"]) for turn in requests[2].messages if turn["role"] == "tool"]
    assert told == [
        '{"weather": "sun in Rome"}',
        "refused: a person refused this call",
        "refused: this expert has no such tool",
    ]
    assert [event.tool for event in events if isinstance(event, ToolCalled)] == ["weather", "weather"]
    assert [event.tool for event in events if isinstance(event, ToolRefused)] == [
        "delete_account",
        "nonsense",
    ]
