"""What the Ollama backend sends, what it reads, and how it lets go; over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
import pytest_asyncio
from asking import LOOK_UP, asking

from swarm.backends.base import Decides, Embeds, ModelBackend
from swarm.backends.decide import InvalidAnswer
from swarm.backends.ollama import OllamaBackend
from swarm.errors import BackendError, ModelMissing
from swarm.messages import Completion, CompletionRequest, Message, TextDelta, TokenLogprob, ToolCall
from swarm.testing import FakeModel, FakeToolCall, Fault, Gate, OllamaServer, Reply, in_thread
from swarm.testing import TokenLogprob as FakeToken


@pytest_asyncio.fixture
async def backend(ollama_server: OllamaServer) -> AsyncIterator[OllamaBackend]:
    backend = OllamaBackend(ollama_server.url)
    yield backend
    await backend.aclose()


def sent(server: OllamaServer, which: int = -1) -> dict[str, Any]:
    return cast("dict[str, Any]", server.requests[which].json)


async def streamed(backend: OllamaBackend, request: CompletionRequest) -> tuple[list[str], Completion]:
    items = [item async for item in backend.stream(request)]
    texts = [item.text for item in items if isinstance(item, TextDelta)]
    assert isinstance(items[-1], Completion)
    return texts, items[-1]


# --- what is sent


async def test_a_request_says_what_ollama_would_otherwise_guess(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    await backend.complete(asking(text="hi", options={"temperature": 0, "stop": "END", "shift": True}))
    assert sent(ollama_server) == {
        "model": "qwen3:4b",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "think": False,
        "truncate": False,
        "options": {"temperature": 0, "stop": ["END"], "num_ctx": 4096},
    }


async def test_how_long_a_model_stays_is_said_only_when_configured(ollama_server: OllamaServer) -> None:
    backend = OllamaBackend(ollama_server.url, keep_alive="30m")
    await backend.complete(asking())
    await backend.complete(asking(options={"keep_alive": "5m"}))
    await backend.aclose()
    assert [sent(ollama_server, which)["keep_alive"] for which in (0, 1)] == ["30m", "5m"]
    assert "keep_alive" not in sent(ollama_server)["options"]


async def test_a_conversation_keeps_its_tool_calls_their_ids_and_empty_results(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    call = ToolCall(id="call_1", name="look_up", arguments={"order_id": "1042"})
    messages = (
        Message(role="user", content="where is it?"),
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="", tool_name="look_up", tool_call_id="call_1"),
    )
    await backend.complete(asking(messages=messages))
    function = {"index": 0, "name": "look_up", "arguments": {"order_id": "1042"}}
    assert sent(ollama_server)["messages"][1:] == [
        {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", "function": function}]},
        {"role": "tool", "content": "", "tool_name": "look_up", "tool_call_id": "call_1"},
    ]


async def test_schemas_and_tools_are_passed_on_whole(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    await backend.complete(asking(format=schema, tools=(LOOK_UP,)))
    assert sent(ollama_server)["format"] == schema
    assert sent(ollama_server)["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Find an order.",
                "parameters": LOOK_UP.parameters,
            },
        }
    ]


async def test_logprobs_are_asked_for_only_without_tools(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    await backend.complete(asking(logprobs=True, top_logprobs=5, tools=(LOOK_UP,)))  # the server would refuse
    assert "logprobs" not in sent(ollama_server)
    await backend.complete(asking(logprobs=True, top_logprobs=5))
    assert (sent(ollama_server)["logprobs"], sent(ollama_server)["top_logprobs"]) == (True, 5)


async def test_hostile_text_reaches_the_server_as_well_as_json_can_say_it(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    await backend.complete(asking(text="a\ud800\x00\u2028b"))
    assert sent(ollama_server)["messages"][0]["content"] == "a\ud800\x00\u2028b"


async def test_options_that_json_cannot_say_are_an_error_before_anything_is_sent(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    with pytest.raises(BackendError, match="the request is not JSON") as caught:
        await backend.complete(asking(options={"temperature": float("nan")}))
    assert (caught.value.code, ollama_server.requests) == ("request", [])


async def test_a_key_is_sent_over_https_alone(ollama_server: OllamaServer) -> None:
    backend = OllamaBackend(ollama_server.url, env={"OLLAMA_API_KEY": "secret"})
    await backend.complete(asking())
    await backend.aclose()
    assert "authorization" not in ollama_server.requests[0].headers


async def test_a_key_in_the_process_environment_does_not_slip_past(
    ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")  # the client library reads it on its own
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    backend = OllamaBackend(ollama_server.url)
    await backend.complete(asking())
    await backend.aclose()
    assert "authorization" not in ollama_server.requests[0].headers


async def test_a_server_that_does_not_take_think_is_asked_without_it(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.fail_next(Fault.error(400, 'json: unknown field "think"'))
    assert (await backend.complete(asking())).text == "ok"
    await backend.complete(asking())
    assert ["think" in sent(ollama_server, which) for which in (0, 1, 2)] == [True, False, False]


# --- where it is sent


@pytest.mark.parametrize(
    ("written", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://gpu", "http://gpu:11434"),
        ("gpu:9", "http://gpu:9"),
        (":5000", "http://127.0.0.1:5000"),
        ("https://ollama.com", "https://ollama.com:443"),
        ("https://h:8443/base/", "https://h:8443/base"),
        ("[::]:7", "http://[::1]:7"),
        ("http://[fe80::1]", "http://[fe80::1]:11434"),
    ],
)
def test_an_address_is_read_as_ollama_writes_it(written: str | None, url: str) -> None:
    assert OllamaBackend(env={"OLLAMA_HOST": written} if written else {}).url == url


def test_a_given_address_wins_over_the_environment() -> None:
    assert OllamaBackend("http://a", env={"OLLAMA_HOST": "b"}).url == "http://a:11434"


@pytest.mark.parametrize("written", ["gpu:port", "ftp://gpu", "http://me:secret@gpu", "http://gpu:99999"])
def test_an_address_that_is_none_says_how_to_write_one(written: str) -> None:
    with pytest.raises(BackendError, match=r"is no address of an Ollama server\n  fix: write OLLAMA_HOST="):
        OllamaBackend(written)


# --- what is read


async def test_an_answer_has_its_text_usage_and_timing(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply="Your parcel is on its way."))
    completion = await backend.complete(asking("m", "where is it?"))
    assert (completion.text, completion.model, completion.finish) == (
        "Your parcel is on its way.",
        "m",
        "stop",
    )
    assert (completion.usage.input_tokens, completion.usage.output_tokens, completion.usage.model_calls) == (
        3,
        6,
        1,
    )
    assert (completion.timing.load_ms, completion.timing.prompt_ms, completion.timing.generate_ms) == (
        2,
        3,
        60,
    )


async def test_a_stream_gives_the_text_in_pieces_and_then_the_whole(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply=Reply(text=["Par", "cel ", "1042"])))
    texts, completion = await streamed(backend, asking("m"))
    assert (texts, completion.text) == (["Par", "cel ", "1042"], "Parcel 1042")


@pytest.mark.parametrize(
    "text", ["before\u0085after", "line\u2028sep", "emoji 🚚 e\u0301", "", "a\n\nb", "x" * 9_000_000]
)
async def test_text_arrives_as_it_was_written_however_the_bytes_are_cut(
    ollama_server: OllamaServer, backend: OllamaBackend, text: str
) -> None:
    ollama_server.serve("m", FakeModel(reply=Reply(text=[text])))
    if len(text) < 100:
        ollama_server.fail_next(Fault.rechunked(3))
    assert (await backend.complete(asking("m"))).text == text


async def test_a_blank_line_in_a_stream_is_nothing(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply="a b"))
    ollama_server.fail_next(Fault.blank_line())
    assert (await backend.complete(asking("m"))).text == "a b"


async def test_an_answer_cut_at_its_token_limit_says_so(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply=Reply(text="and then", done_reason="length")))
    assert (await backend.complete(asking("m"))).finish == "length"


async def test_logprobs_come_with_their_alternatives_even_on_chunks_without_text(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    tokens = [
        FakeToken(token="ref", logprob=-0.1, top={"ref": -0.1, "ret": -2.5}),
        FakeToken(token="und", logprob=-0.01),
    ]
    ollama_server.serve("m", FakeModel(reply=Reply(text=["refund"], logprobs=tokens)))
    completion = await backend.complete(asking("m", logprobs=True, top_logprobs=2))
    assert completion.text == "refund"
    assert completion.logprobs[0] == TokenLogprob(
        token="ref", logprob=-0.1, top=(("ref", -0.1), ("ret", -2.5))
    )
    assert completion.logprobs[1].logprob == -0.01


async def test_what_a_model_thinks_is_neither_text_nor_measured(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    model = FakeModel(reply=Reply(text="yes", thinking="hm well"), capabilities=["completion", "thinking"])
    ollama_server.serve("m", model)
    completion = await backend.complete(asking("m", logprobs=True, options={"think": True}))
    assert (completion.text, [token.token for token in completion.logprobs]) == ("yes", ["yes"])
    assert sent(ollama_server)["think"] is True


@pytest.mark.parametrize("rendered", [True, False])
async def test_tool_calls_keep_their_ids_on_either_path_of_the_server(
    ollama_server: OllamaServer, backend: OllamaBackend, rendered: bool
) -> None:
    calls = [
        FakeToolCall(name="look_up", arguments={"order_id": number}, id=f"id_{number}")
        for number in ("1", "2")
    ]
    ollama_server.serve("m", FakeModel(reply=Reply(text="", tool_calls=calls), rendered=rendered))
    completion = await backend.complete(asking("m", tools=(LOOK_UP,)))
    assert completion.finish == "tool_calls"
    assert completion.tool_calls == (
        ToolCall(id="id_1", name="look_up", arguments={"order_id": "1"}),
        ToolCall(id="id_2", name="look_up", arguments={"order_id": "2"}),
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "look_up", "arguments": {"order_id": "7"}}',
        '\n{"name":"look_up","parameters":{"order_id":"7"}} ',
        '```json\n{"name": "look_up", "arguments": {"order_id": "7"}}\n```',
    ],
)
async def test_a_tool_call_written_as_text_is_a_tool_call(
    ollama_server: OllamaServer, backend: OllamaBackend, text: str
) -> None:
    ollama_server.serve("m", FakeModel(reply=text))
    texts, completion = await streamed(backend, asking("m", tools=(LOOK_UP,)))
    assert (texts, completion.text, completion.finish) == ([], "", "tool_calls")
    assert completion.tool_calls == (ToolCall(id="call_1_0", name="look_up", arguments={"order_id": "7"}),)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "delete_all", "arguments": {}}',
        '{"name": "look_up", "arguments": {"order_id": "7"}, "note": "not a call"}',
        '{"name": "look_up"}',
        "{curly} braces",
        "The order {1042} is on its way.",
        "```python\nprint(1)\n```",
    ],
)
async def test_text_that_is_no_call_of_an_offered_tool_stays_text(
    ollama_server: OllamaServer, backend: OllamaBackend, text: str
) -> None:
    ollama_server.serve("m", FakeModel(reply=text))
    texts, completion = await streamed(backend, asking("m", tools=(LOOK_UP,)))
    assert ("".join(texts), completion.text, completion.tool_calls) == (text, text, ())


async def test_json_stays_text_when_no_tool_was_offered(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    text = '{"name": "look_up", "arguments": {"order_id": "7"}}'
    ollama_server.serve("m", FakeModel(reply=text))
    assert (await backend.complete(asking("m"))).text == text


async def test_wrong_arguments_of_a_tool_call_are_the_models_fault(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    call = FakeToolCall(name="look_up", arguments='{"order_id": ')
    ollama_server.serve("m", FakeModel(reply=Reply(text="one moment", tool_calls=[call])))
    with pytest.raises(InvalidAnswer, match="the arguments of your tool call are not valid JSON"):
        await backend.complete(asking("m", tools=(LOOK_UP,)))


async def test_a_prompt_that_is_too_long_is_refused_and_never_cut(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    with pytest.raises(BackendError) as caught:
        await backend.complete(asking(text="word " * 5000))
    assert (caught.value.code, "raise `num_ctx`" in caught.value.hint) == ("context", True)


async def test_a_server_that_reads_half_a_window_in_silence_is_found_out(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    last = {"message": {"content": "ok"}, "done": True, "done_reason": "stop", "prompt_eval_count": 2050}
    ollama_server.fail_next(Fault.body(200, json.dumps(last).encode() + b"\n"))
    with pytest.raises(BackendError, match="read 2050 tokens of a prompt of 25,000 characters"):
        await backend.complete(asking(text="word " * 5000))


async def test_a_model_that_cannot_call_tools_says_which_to_use(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve("m", FakeModel(capabilities=["completion"]))
    with pytest.raises(BackendError, match=r"does not support tools\n  fix: use a model that can call tools"):
        await backend.complete(asking("m", tools=(LOOK_UP,)))


async def test_a_missing_model_says_how_to_get_it(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    with pytest.raises(
        ModelMissing, match=r"'ollama/x:1b' is not there: .*\n  fix: ollama pull x:1b"
    ) as caught:
        await backend.complete(asking("x:1b"))
    assert (caught.value.retryable, caught.value.model, len(ollama_server.requests)) == (
        False,
        "ollama/x:1b",
        1,
    )


# --- letting go


async def test_cancelling_an_answer_closes_the_connection(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    gate = Gate()
    ollama_server.serve("m", FakeModel(reply="a b c"))
    ollama_server.fail_next(Fault.stall(after=1, gate=gate))
    answering = asyncio.create_task(backend.complete(asking("m")))
    await gate.reached()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    await ollama_server.until(lambda server: len(server.cancelled) == 1)


async def test_closing_a_stream_early_closes_the_connection(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply="a b c"))
    ollama_server.fail_next(Fault.stall(after=1))
    async with aclosing(backend.stream(asking("m"))) as items:
        assert await anext(items) == TextDelta(text="a ")
    await ollama_server.until(lambda server: len(server.cancelled) == 1)


async def test_closing_the_backend_closes_its_connections_and_can_be_done_twice(
    ollama_server: OllamaServer, backend: OllamaBackend
) -> None:
    await backend.complete(asking())
    await backend.aclose()
    await backend.aclose()
    await ollama_server.until(lambda server: server.open_connections == 0)
    assert ollama_server.cancelled == []


def test_one_backend_serves_several_event_loops() -> None:
    async def once(backend: OllamaBackend) -> str:
        try:
            return (await backend.complete(asking())).text
        finally:
            await backend.aclose()

    with in_thread(OllamaServer({"qwen3:4b": FakeModel()})) as server:
        backend = OllamaBackend(server.url)
        assert [asyncio.run(once(backend)) for _ in range(2)] == ["ok", "ok"]


def test_the_backend_can_all_that_the_seams_ask_for() -> None:
    backend: ModelBackend = OllamaBackend(env={})
    assert isinstance(backend, Decides)
    assert isinstance(backend, Embeds)
    assert backend.name == "ollama"
