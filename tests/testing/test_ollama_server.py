"""The native routes of the fake Ollama server, over raw HTTP and through the real `ollama` client."""

# pyright: reportUnknownMemberType=false
# (the ollama client's own annotations leave the signature of `chat` partly unknown)

import json
import math
from typing import Any

import httpx
import ollama
import pytest

from swarm.testing import ChatRequest, FakeModel, FakeToolCall, OllamaServer, Reply, TokenLogprob

HI = [{"role": "user", "content": "Hi"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def ask(**fields: object) -> dict[str, Any]:
    return {"model": "qwen3:4b", "messages": HI, **fields}


async def chat(http: httpx.AsyncClient, **fields: object) -> httpx.Response:
    return await http.post("/api/chat", json=ask(**fields))


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.content.endswith(b"\n")
    return [json.loads(line) for line in response.content[:-1].split(b"\n")]


async def error_of(http: httpx.AsyncClient, **fields: object) -> tuple[int, str]:
    response = await chat(http, **fields)
    assert list(response.json()) == ["error"]
    return response.status_code, response.json()["error"]


# --- the frame


async def test_a_chat_streams_by_default_as_one_json_object_a_line(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply="Good day to you."))
    response = await chat(http)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert [line["message"]["content"] for line in lines(response)] == ["Good ", "day ", "to ", "you.", ""]


async def test_only_the_last_line_is_done_and_has_metrics_in_whole_nanoseconds(
    http: httpx.AsyncClient,
) -> None:
    *first, last = lines(await chat(http))
    assert all(line["done"] is False and "total_duration" not in line for line in first)
    assert (last["done"], last["done_reason"]) == (True, "stop")
    metrics = {name: value for name, value in last.items() if name.endswith(("_duration", "_count"))}
    assert len(metrics) == 6
    assert all(isinstance(value, int) and value > 0 for value in metrics.values())
    assert last["total_duration"] == sum(
        metrics[f"{part}_duration"] for part in ("load", "prompt_eval", "eval")
    )


async def test_without_a_stream_the_answer_is_one_json_object(http: httpx.AsyncClient) -> None:
    response = await chat(http, stream=False)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json()["message"] == {"role": "assistant", "content": "ok"}
    assert response.json()["done"] is True


async def test_moments_are_rfc3339_with_nanoseconds_and_go_on(http: httpx.AsyncClient) -> None:
    moments = [line["created_at"] for line in lines(await chat(http))]
    assert moments == ["2026-01-01T00:00:00.001000000Z", "2026-01-01T00:00:00.002000000Z"]


async def test_the_real_client_reads_the_stream(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply="Good day."))
    chunks = [chunk async for chunk in await client.chat("qwen3:4b", HI, stream=True)]
    assert "".join(chunk.message.content or "" for chunk in chunks) == "Good day."
    assert [chunk.done for chunk in chunks] == [False, False, True]


async def test_the_record_of_the_wire_has_what_the_client_sent(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    await client.chat("qwen3:4b", HI, think=False, options={"num_ctx": 2048})
    (received,) = ollama_server.requests
    assert (received.method, received.path) == ("POST", "/api/chat")
    assert received.headers["user-agent"].startswith("ollama-python/")
    assert received.json == ask(options={"num_ctx": 2048}, stream=False, think=False, tools=[])


async def test_the_same_requests_get_the_same_bytes() -> None:
    async def once() -> bytes:
        async with OllamaServer({"a": FakeModel(reply=["one", "two"])}) as server:
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
                answers = [await http.post("/api/chat", json={"model": "a", "messages": HI}) for _ in "12"]
            return b"".join(answer.content for answer in answers)

    assert await once() == await once()


# --- what a model says


async def test_a_list_is_one_reply_after_the_other_and_says_when_it_is_used_up(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply=["one", Reply(text="two")]))
    answers = [(await chat(http, stream=False)).json()["message"]["content"] for _ in "12"]
    assert answers == ["one", "two"]
    assert await error_of(http) == (400, "fake model 'qwen3:4b' has no reply left: its script has 2")


async def test_a_function_answers_from_the_request(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    def shout(request: ChatRequest) -> str:
        return f"{request.last.upper()} {request.options['temperature']}"

    ollama_server.serve("qwen3:4b", FakeModel(reply=shout))
    answer = await client.chat("qwen3:4b", HI, options={"temperature": 0})
    assert answer.message.content == "HI 0"


async def test_a_script_that_raises_is_a_500_and_fails_the_test_that_wrote_it() -> None:
    def broken(_request: ChatRequest) -> str:
        raise KeyError("oops")

    with pytest.RaisesGroup(KeyError):
        async with OllamaServer({"a": FakeModel(reply=broken)}) as server:
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
                response = await http.post("/api/chat", json={"model": "a", "messages": HI})
            assert response.status_code == 500


async def test_an_answer_cut_at_its_length_says_so(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text='{"label": "ref', done_reason="length")))
    answer = await client.chat("qwen3:4b", HI, format={"type": "object"})
    assert (answer.done_reason, answer.message.content) == ("length", '{"label": "ref')


async def test_text_goes_out_as_go_writes_it_and_comes_back_whole(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    text = "a <b> & \u2028 caf\u00e9 \U0001f41d next\u0085line"
    ollama_server.serve("qwen3:4b", FakeModel(reply=text))
    response = await chat(http)
    assert "".join(line["message"]["content"] for line in lines(response)) == text
    assert b"\\u003cb\\u003e" in response.content
    assert "\u0085".encode() in response.content


async def test_a_lone_surrogate_becomes_the_replacement_character(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply="a\ud800b"))
    assert (await chat(http, stream=False)).json()["message"]["content"] == "a\ufffdb"


async def test_a_line_may_be_very_long(ollama_server: OllamaServer, client: ollama.AsyncClient) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text=["x" * 9_000_000])))
    chunks = [chunk async for chunk in await client.chat("qwen3:4b", HI, stream=True)]
    assert len(chunks[0].message.content or "") == 9_000_000


# --- tools


async def test_tool_calls_come_in_the_done_line_with_arguments_as_an_object(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    call = FakeToolCall(name="weather", arguments={"city": "Oslo"})
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text="Let me see.", tool_calls=[call, call])))
    *first, last = lines(await chat(http, tools=[WEATHER]))
    assert not any("tool_calls" in line["message"] for line in first)
    one, two = last["message"]["tool_calls"]
    assert one["function"] == {"index": 0, "name": "weather", "arguments": {"city": "Oslo"}}
    assert two["function"]["index"] == 1
    assert one["id"] != two["id"]
    assert one["id"].startswith("call_")
    assert last["done_reason"] == "stop"


async def test_the_rendered_path_sends_tool_calls_before_the_last_line(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    reply = Reply(tool_calls=[FakeToolCall(name="weather")])
    ollama_server.serve("qwen3:4b", FakeModel(reply=reply, rendered=True))
    calling, last = lines(await chat(http, tools=[WEATHER], logprobs=True))
    assert calling["message"]["tool_calls"][0]["function"]["name"] == "weather"
    assert calling["done"] is False
    assert "tool_calls" not in last["message"]


async def test_the_real_client_reads_tool_calls(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    call = FakeToolCall(name="weather", arguments={"city": "Oslo"})
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(tool_calls=[call])))
    answer = await client.chat("qwen3:4b", HI, tools=[WEATHER])
    assert answer.message.tool_calls is not None
    assert answer.message.tool_calls[0].function.arguments == {"city": "Oslo"}


async def test_arguments_that_are_no_json_break_the_stream(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    reply = Reply(text="Hm.", tool_calls=[FakeToolCall(name="weather", arguments='{"city": ')])
    ollama_server.serve("qwen3:4b", FakeModel(reply=reply))
    last = lines(await chat(http, tools=[WEATHER]))[-1]
    assert last == {"error": 'llama-server returned invalid tool call arguments for "weather"'}


async def test_tools_are_refused_by_a_model_that_cannot_call_any(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(capabilities=["completion"]))
    wording = "registry.ollama.ai/library/qwen3:4b does not support tools"
    assert await error_of(http, tools=[WEATHER]) == (400, wording)


# --- logprobs


async def test_logprobs_have_the_alternatives_asked_for_best_first(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    top = {"no": math.log(0.2), "yes": math.log(0.7), "maybe": math.log(0.1)}
    reply = Reply(logprobs=[TokenLogprob(token="yes", logprob=math.log(0.7), top=top)])
    ollama_server.serve("qwen3:4b", FakeModel(reply=reply))
    response = await chat(http, stream=False, logprobs=True, top_logprobs=2)
    (token,) = response.json()["logprobs"]
    assert (token["token"], token["bytes"]) == ("yes", [121, 101, 115])
    assert token["logprob"] == pytest.approx(math.log(0.7))
    assert [row["token"] for row in token["top_logprobs"]] == ["yes", "no"]
    assert response.json()["message"]["content"] == "yes"


async def test_streamed_logprobs_may_come_without_text(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    tokens = [TokenLogprob(token=token, logprob=-0.1) for token in ("bl", "u", "e")]
    ollama_server.serve("qwen3:4b", FakeModel(reply=Reply(text=["blue"], logprobs=tokens)))
    *first, last = lines(await chat(http, logprobs=True))
    assert [line["message"]["content"] for line in first] == ["blue", "", ""]
    assert [line["logprobs"][0]["token"] for line in first] == ["bl", "u", "e"]
    assert "logprobs" not in last


async def test_a_reply_without_logprobs_gets_some_and_only_when_asked(
    client: ollama.AsyncClient, http: httpx.AsyncClient
) -> None:
    answer = await client.chat("qwen3:4b", HI, logprobs=True, top_logprobs=3)
    assert answer.logprobs is not None
    assert len(answer.logprobs[0].top_logprobs or ()) == 3
    assert math.fsum(math.exp(row.logprob) for row in answer.logprobs[0].top_logprobs or ()) < 1
    assert "logprobs" not in (await chat(http, stream=False)).json()


async def test_a_server_may_accept_the_wish_for_logprobs_and_ignore_it(
    ollama_server: OllamaServer, client: ollama.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(logprobs=False))
    assert (await client.chat("qwen3:4b", HI, logprobs=True)).logprobs is None


@pytest.mark.parametrize("count", [-1, 21])
async def test_top_logprobs_out_of_range_are_refused(http: httpx.AsyncClient, count: int) -> None:
    refusal = (400, "top_logprobs must be between 0 and 20")
    assert await error_of(http, logprobs=True, top_logprobs=count) == refusal


async def test_logprobs_and_tools_do_not_go_together(http: httpx.AsyncClient) -> None:
    status, message = await error_of(http, logprobs=True, tools=[WEATHER])
    assert status == 400
    assert json.loads(message)["error"]["message"] == "logprobs is not supported with tools + stream"


# --- thinking


@pytest.fixture
def thinker(ollama_server: OllamaServer) -> None:
    reply = Reply(text="Four.", thinking="Two and two")
    ollama_server.serve("qwen3:4b", FakeModel(reply=reply, capabilities=["completion", "thinking"]))


@pytest.mark.usefixtures("thinker")
async def test_a_model_that_can_think_does_so_unless_told_not_to(http: httpx.AsyncClient) -> None:
    thought = lines(await chat(http))
    assert [line["message"].get("thinking") for line in thought] == ["Two ", "and ", "two", None, None]
    assert all("content" in line["message"] for line in thought)
    assert (await chat(http, stream=False, think="low")).json()["message"]["thinking"] == "Two and two"
    assert "thinking" not in (await chat(http, stream=False, think=False)).json()["message"]


async def test_a_model_that_cannot_think_refuses_to_and_takes_a_no(http: httpx.AsyncClient) -> None:
    assert await error_of(http, think=True) == (400, '"qwen3:4b" does not support thinking')
    assert (await chat(http, think=False)).status_code == 200


async def test_an_unknown_level_of_thinking_is_refused(http: httpx.AsyncClient) -> None:
    wording = 'invalid think value: "hard" (must be "high", "medium", "low", "max", true, or false)'
    assert await error_of(http, think="hard") == (400, wording)


# --- what is checked


async def test_a_format_is_json_or_a_schema_and_the_reply_comes_as_scripted(
    ollama_server: OllamaServer, http: httpx.AsyncClient
) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(reply="not what the schema says"))
    for wanted in ("json", {"type": "object"}, None):
        response = await chat(http, stream=False, format=wanted)
        assert response.json()["message"]["content"] == "not what the schema says"
    status, message = await error_of(http, format="yaml")
    assert status == 500
    assert message == 'invalid format: "\\"yaml\\""; expected "json" or a valid JSON Schema object'


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_ctx": "big"}, 'option "num_ctx" must be of type integer'),
        ({"temperature": True}, 'option "temperature" must be of type float32'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "\n"}, 'option "stop" must be of type array'),
        ({"stop": [1]}, 'option "stop" must be of an array of strings'),
    ],
)
async def test_an_option_of_the_wrong_type_is_a_500(
    http: httpx.AsyncClient, options: dict[str, object], message: str
) -> None:
    assert await error_of(http, options=options) == (500, message)


async def test_an_unknown_option_is_ignored(http: httpx.AsyncClient) -> None:
    assert (await chat(http, options={"mirostat": "yes", "top_k": None})).status_code == 200


async def test_a_prompt_that_is_too_long_is_cut_in_silence_unless_that_is_forbidden(
    http: httpx.AsyncClient,
) -> None:
    long = [{"role": "user", "content": "x" * 4000}]
    cut = await chat(http, messages=long, stream=False, options={"num_ctx": 512})
    assert cut.json()["prompt_eval_count"] == 258
    status, message = await error_of(http, messages=long, truncate=False, options={"num_ctx": 512})
    assert status == 400
    error = json.loads(message)["error"]
    assert error["message"].startswith(
        "request (1000 tokens) exceeds the available context size (512 tokens)"
    )
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (1000, 512)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "missing request body"),
        (b"{", "unexpected EOF"),
        (b"{]", "invalid character ']' looking for beginning of value"),
        (b"[]", "json: cannot unmarshal array into Go value"),
        (b"{}", "model is required"),
        (
            b'{"model": "qwen3:4b", "messages": "hi"}',
            "cannot unmarshal string into Go struct field .messages",
        ),
        (b"[" * 100_000, "json: "),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_400(
    http: httpx.AsyncClient, body: bytes, message: str
) -> None:
    response = await http.post("/api/chat", content=body)
    assert response.status_code == 400
    assert message in response.json()["error"]


async def test_a_model_that_is_missing_is_a_404_worded_by_the_route(http: httpx.AsyncClient) -> None:
    async def missing(path: str, name: str) -> tuple[int, str]:
        response = await http.post(path, json={"model": name, "messages": HI})
        return response.status_code, response.json()["error"]

    for path in ("/api/chat", "/api/generate", "/api/show"):
        assert await missing(path, "nope") == (404, "model 'nope' not found")
    assert await missing("/api/embed", "nope") == (404, 'model "nope" not found, try pulling it first')
    assert await missing("/api/generate", "") == (404, "model '' not found")


async def test_an_embedding_model_does_not_chat(ollama_server: OllamaServer, http: httpx.AsyncClient) -> None:
    ollama_server.serve("qwen3:4b", FakeModel(capabilities=["embedding"]))
    assert await error_of(http) == (400, '"qwen3:4b" does not support chat')
