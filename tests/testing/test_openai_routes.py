"""The OpenAI-compatible routes of the fake server."""

import json
from typing import Any

import httpx
import pytest

from swarm.testing import ChatRequest, FakeModel, FakeToolCall, Fault, OllamaServer, Reply, TokenLogprob

PATH = "/v1/chat/completions"
BODY = {"model": "qwen3:4b", "messages": [{"role": "user", "content": "Hi"}]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


async def complete(http: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    response = await http.post(PATH, json={**BODY, **fields})
    assert response.status_code == 200, response.text
    return response.json()


async def events(http: httpx.AsyncClient, **fields: object) -> list[Any]:
    response = await http.post(PATH, json={**BODY, "stream": True, **fields})
    assert response.headers["content-type"] == "text/event-stream"
    data = [event.removeprefix("data: ") for event in response.text.split("\n\n") if event]
    return [event if event == "[DONE]" else json.loads(event) for event in data]


async def test_models_are_listed(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/v1/models")).json()
    assert listed["object"] == "list"
    assert [(model["id"], model["object"]) for model in listed["data"]] == [("qwen3:4b", "model")]


async def test_a_completion_is_one_object_by_default(http: httpx.AsyncClient) -> None:
    completion = await complete(http)
    assert completion["object"] == "chat.completion"
    (choice,) = completion["choices"]
    assert choice["message"] == {"role": "assistant", "content": "ok"}
    assert choice["finish_reason"] == "stop"
    assert completion["usage"] == {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


async def test_a_stream_names_the_role_first_and_ends_with_done(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply="Good day."))
    first, second, finish, done = await events(http)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "Good "}
    assert second["choices"][0]["delta"] == {"content": "day."}
    assert [event["choices"][0]["finish_reason"] for event in (first, second, finish)] == [None, None, "stop"]
    assert done == "[DONE]"
    assert "usage" not in finish


async def test_usage_comes_in_a_chunk_of_its_own_when_asked_for(http: httpx.AsyncClient) -> None:
    *_, usage, done = await events(http, stream_options={"include_usage": True})
    assert (usage["choices"], usage["usage"]["total_tokens"], done) == ([], 2, "[DONE]")


async def test_tool_calls_have_their_arguments_as_text(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    call = FakeToolCall(name="weather", arguments={"city": "Oslo"}, id="call_1")
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(tool_calls=[call])))
    (choice,) = (await complete(http, tools=TOOLS))["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [
        {
            "id": "call_1",
            "index": 0,
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
        }
    ]
    calling, finish, _done = await events(http, tools=TOOLS)
    assert calling["choices"][0]["delta"]["tool_calls"][0]["id"] == "call_1"
    assert finish["choices"][0]["finish_reason"] == "tool_calls"


async def test_logprobs_are_under_content(ollama_server: OllamaServer, http: httpx.AsyncClient) -> None:
    token = TokenLogprob(token="yes", logprob=-0.1, top={"yes": -0.1, "no": -2.4})
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(logprobs=[token])))
    (choice,) = (await complete(http, logprobs=True, top_logprobs=1))["choices"]
    (row,) = choice["logprobs"]["content"]
    assert (row["token"], row["logprob"]) == ("yes", -0.1)
    assert row["top_logprobs"] == [{"token": "yes", "logprob": -0.1, "bytes": [121, 101, 115]}]
    first, *_ = await events(http, logprobs=True)
    assert first["choices"][0]["logprobs"]["content"][0]["top_logprobs"] == []


async def test_a_script_sees_the_same_request_as_on_the_native_route(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    seen: list[ChatRequest] = []

    def remember(request: ChatRequest) -> str:
        seen.append(request)
        return "{}"

    ollama_server.serve("qwen3:4b", FakeModel(reply=remember))
    schema = {"type": "object", "properties": {"label": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    await complete(http, response_format=wanted, max_tokens=5, temperature=0, stop="\n")
    assert seen[0].format == schema
    assert seen[0].options == {"temperature": 0, "top_p": 1.0, "num_predict": 5, "stop": ["\n"]}


async def test_parts_of_a_message_are_read_as_text(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply=lambda request: request.last))
    parts = [{"type": "text", "text": "Hi "}, {"type": "text", "text": "there"}]
    completion = await complete(http, messages=[{"role": "user", "content": parts}])
    assert completion["choices"][0]["message"]["content"] == "Hi there"


async def test_thinking_is_called_reasoning(ollama_server: OllamaServer, http: httpx.AsyncClient) -> None:
    reply = Reply(text="Four.", thinking="Two and two")
    ollama_server.serve("qwen3:4b", FakeModel(reply=reply, capabilities=["completion", "thinking"]))
    assert (await complete(http))["choices"][0]["message"]["reasoning"] == "Two and two"
    quiet = await complete(http, reasoning_effort="none")
    assert "reasoning" not in quiet["choices"][0]["message"]


@pytest.mark.parametrize(
    ("fields", "status", "kind", "message"),
    [
        ({"model": "nope"}, 404, "not_found_error", "model 'nope' not found"),
        ({"messages": []}, 400, "invalid_request_error", "[] is too short - 'messages'"),
        ({"top_logprobs": 21}, 400, "invalid_request_error", "top_logprobs must be between 0 and 20"),
    ],
)
async def test_errors_come_in_an_envelope(
    http: httpx.AsyncClient, fields: dict[str, object], status: int, kind: str, message: str
) -> None:
    response = await http.post(PATH, json={**BODY, **fields})
    assert response.status_code == status
    assert response.json() == {"error": {"message": message, "type": kind, "param": None, "code": None}}


async def test_a_planned_error_comes_in_the_envelope_too(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.error(503, "busy"))
    response = await http.post(PATH, json=BODY)
    assert (response.status_code, response.json()["error"]["type"]) == (503, "api_error")


async def test_a_stream_may_end_without_finish_or_done(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.no_done())
    (only,) = await events(http, stream_options={"include_usage": True})
    assert only["choices"][0]["finish_reason"] is None


async def test_an_error_in_mid_stream_is_an_event(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.fail_next(Fault.stream_error("it broke"))
    assert (await events(http))[-1]["error"]["message"] == "it broke"
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text="a", error="it broke")))
    assert (await events(http))[-1]["error"]["message"] == "it broke"


async def test_an_event_may_be_malformed(ollama_server: OllamaServer, http: httpx.AsyncClient) -> None:
    ollama_server.fail_next(Fault.malformed())
    with pytest.raises(json.JSONDecodeError):
        await events(http)


async def test_embeddings(http: httpx.AsyncClient) -> None:
    body = {"model": "qwen3:4b", "input": ["a", "b"], "dimensions": 4}
    answer = (await http.post("/v1/embeddings", json=body)).json()
    assert [row["index"] for row in answer["data"]] == [0, 1]
    assert len(answer["data"][0]["embedding"]) == 4
