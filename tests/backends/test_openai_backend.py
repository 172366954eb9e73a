"""The OpenAI protocol over real HTTP, against the compatible routes of the fake server."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
import pytest_asyncio
from asking import LOOK_UP, FakeClock, Pauses, asking, deciding

from swarm.backends import decide
from swarm.backends.base import Decides, Embeds, ModelBackend
from swarm.backends.decide import InvalidAnswer
from swarm.backends.openai import OpenAIBackend
from swarm.errors import BackendError, BackendUnavailable, ModelMissing
from swarm.messages import Completion, Message, Question, TextDelta, TokenLogprob, ToolCall
from swarm.testing import FakeModel, FakeToolCall, Fault, OllamaServer, Reply
from swarm.testing import TokenLogprob as FakeToken

LABEL = Question(type="choice", instructions="Which?", options={"bug": "", "billing": ""})


@pytest_asyncio.fixture
async def backend(ollama_server: OllamaServer) -> AsyncIterator[OpenAIBackend]:
    backend = OpenAIBackend(f"{ollama_server.url}/v1", env={}, sleep=Pauses())
    yield backend
    await backend.aclose()


def sent(server: OllamaServer, which: int = -1) -> dict[str, Any]:
    return cast("dict[str, Any]", server.requests[which].json)


async def failure(backend: OpenAIBackend, model: str = "m") -> BackendError:
    with pytest.raises(BackendError) as caught:
        await backend.complete(asking(model))
    return caught.value


def events(*values: object) -> bytes:
    return b"".join(
        b"data: %b\n\n" % (value if isinstance(value, bytes) else json.dumps(value).encode())
        for value in values
    )


def delta(content: str = "", finish: str | None = None, **more: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content, **more}, "finish_reason": finish}]}


# --- what is sent


async def test_options_are_translated_and_those_of_loading_left_out(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    await backend.complete(
        asking(options={"temperature": 0, "num_predict": 9, "num_ctx": 8192, "stop": ["END"]})
    )
    assert sent(ollama_server) == {
        "model": "qwen3:4b",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "max_tokens": 9,
        "stop": ["END"],
    }


async def test_a_schema_tools_and_a_conversation_take_the_protocols_form(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    call = ToolCall(id="call_1", name="look_up", arguments={"order_id": "1"})
    messages = (
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="", tool_name="look_up", tool_call_id="call_1"),
    )
    await backend.complete(
        asking(messages=messages, format={"type": "object"}, tools=(LOOK_UP,), logprobs=True)
    )
    body = sent(ollama_server)
    function = {"name": "look_up", "arguments": '{"order_id": "1"}'}
    assert body["messages"] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "", "tool_call_id": "call_1"},
    ]
    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": {"type": "object"}}
    assert body["tools"][0]["function"]["name"] == "look_up"
    assert "logprobs" not in body


async def test_a_key_is_read_by_name_and_sent_where_it_was_meant_to_go(ollama_server: OllamaServer) -> None:
    env = {"OPENAI_API_KEY": "sk-mine", "LOCAL_KEY": " sk-local \n"}
    for key_env, header in (("", None), ("LOCAL_KEY", "Bearer sk-local")):
        backend = OpenAIBackend(f"{ollama_server.url}/v1", key_env=key_env, env=env)
        await backend.complete(asking())
        await backend.aclose()
        assert ollama_server.requests[-1].headers.get("authorization") == header


def test_a_key_that_is_asked_for_and_not_there_says_how_to_set_it() -> None:
    with pytest.raises(
        BackendError, match=r"no key in the environment variable 'LOCAL_KEY'\n  fix: export LOCAL_KEY="
    ):
        OpenAIBackend("http://h/v1", key_env="LOCAL_KEY", env={})


def test_a_key_that_cannot_be_one_is_not_repeated() -> None:
    with pytest.raises(BackendError, match="cannot be a key") as caught:
        OpenAIBackend("https://h/v1", env={"OPENAI_API_KEY": "sk-one\nsk-two"})
    assert "sk-one" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["localhost:8000", "http://", "http://me:secret@h/v1", "ftp://h", "http://h:port"]
)
def test_an_address_that_is_none_says_how_to_write_one(url: str) -> None:
    with pytest.raises(
        BackendError, match=r"no address of a model server\n  fix: write `url: http://127.0.0.1:8000/v1`"
    ):
        OpenAIBackend(url, env={})


# --- what is read


async def test_a_stream_gives_the_text_in_pieces_and_then_the_whole(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply=Reply(text=["Par", "cel\u0085 ", "🚚"])))
    ollama_server.fail_next(Fault.rechunked(7))
    items = [item async for item in backend.stream(asking("m", "where is it?"))]
    assert [item.text for item in items if isinstance(item, TextDelta)] == ["Par", "cel\u0085 ", "🚚"]
    whole = items[-1]
    assert isinstance(whole, Completion)
    assert (whole.text, whole.finish) == ("Parcel\u0085 🚚", "stop")
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (3, 3)


async def test_logprobs_come_with_their_alternatives(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    tokens = [FakeToken(token="yes", logprob=-0.1, top={"yes": -0.1, "no": -2.5})]
    ollama_server.serve("m", FakeModel(reply=Reply(logprobs=tokens)))
    completion = await backend.complete(asking("m", logprobs=True, top_logprobs=2))
    assert completion.logprobs == (
        TokenLogprob(token="yes", logprob=-0.1, top=(("yes", -0.1), ("no", -2.5))),
    )


async def test_tool_calls_are_read_from_their_text(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    calls = [
        FakeToolCall(name="look_up", arguments={"order_id": number}, id=f"id_{number}")
        for number in ("1", "2")
    ]
    ollama_server.serve("m", FakeModel(reply=Reply(text="", tool_calls=calls)))
    completion = await backend.complete(asking("m", tools=(LOOK_UP,)))
    assert completion.finish == "tool_calls"
    assert [(call.id, call.arguments) for call in completion.tool_calls] == [
        ("id_1", {"order_id": "1"}),
        ("id_2", {"order_id": "2"}),
    ]


async def test_a_tool_call_is_put_together_from_its_pieces(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    def piece(index: int, **function: object) -> dict[str, object]:
        return delta(tool_calls=[{"index": index, **function}])

    body = events(
        piece(0, id="a", function={"name": "look_up", "arguments": '{"order'}),
        piece(1, id="b", function={"name": "look_up", "arguments": ""}),
        piece(0, function={"arguments": '_id": "7"}'}),
        delta(finish="tool_calls"),
        b"[DONE]",
    )
    ollama_server.fail_next(Fault.body(200, body, content_type="text/event-stream"))
    completion = await backend.complete(asking("m", tools=(LOOK_UP,)))
    assert [(call.id, call.arguments) for call in completion.tool_calls] == [
        ("a", {"order_id": "7"}),
        ("b", {}),
    ]


async def test_a_tool_call_written_as_text_is_a_tool_call(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply='{"name": "look_up", "arguments": {"order_id": "7"}}'))
    items = [item async for item in backend.stream(asking("m", tools=(LOOK_UP,)))]
    assert len(items) == 1
    assert isinstance(items[0], Completion)
    assert items[0].tool_calls[0].arguments == {"order_id": "7"}


async def test_arguments_that_are_no_json_are_the_models_fault(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    ollama_server.serve(
        "m", FakeModel(reply=Reply(text="", tool_calls=[FakeToolCall(name="look_up", arguments="{")]))
    )
    with pytest.raises(InvalidAnswer, match="the arguments of your call of 'look_up' are not valid JSON"):
        await backend.complete(asking("m", tools=(LOOK_UP,)))


async def test_comments_other_fields_and_carriage_returns_of_an_event_stream_are_nothing(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    body = b": ping\r\nevent: x\r\n" + events(delta("hi"), delta(finish="length")).replace(b"\n", b"\r\n")
    ollama_server.fail_next(Fault.body(200, body, content_type="text/event-stream"))
    completion = await backend.complete(asking("m"))
    assert (completion.text, completion.finish) == ("hi", "length")


# --- how it fails


async def test_a_missing_model_says_where_the_names_are(backend: OpenAIBackend) -> None:
    with pytest.raises(ModelMissing, match=r"fix: choose one that http://.*/v1/models lists"):
        await backend.complete(asking("nope"))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.no_done(after=1), "incomplete"),
        (Fault.stream_error("boom"), "broken_off"),
        (Fault.malformed(), "malformed"),
        (Fault.cut(after=1), "disconnected"),
        (Fault.error(401, "Incorrect API key"), "denied"),
        (Fault.error(400, "maximum context length exceeded"), "context"),
        (Fault.error(422, "top_k is not permitted"), "rejected"),
        (Fault.body(200, b"", content_type="text/event-stream"), "incomplete"),
        (Fault.body(200, events(delta("hi"), b"[DONE]"), content_type="text/event-stream"), "incomplete"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else value,
)
async def test_every_failure_is_ours(
    ollama_server: OllamaServer, backend: OpenAIBackend, fault: Fault, code: str
) -> None:
    ollama_server.serve("m", FakeModel(reply="one two three"))
    ollama_server.fail_next(fault)
    error = await failure(backend)
    assert (error.code, error.where, len(ollama_server.requests)) == (code, backend.url, 1)


async def test_a_busy_server_is_tried_again(ollama_server: OllamaServer, backend: OpenAIBackend) -> None:
    ollama_server.fail_next(Fault.error(429, "slow down"), times=2)
    assert (await backend.complete(asking())).text == "ok"


async def test_a_server_that_refused_is_not_asked_again_at_once(refused_url: str) -> None:
    pauses = Pauses()
    backend = OpenAIBackend(f"{refused_url}/v1", env={}, sleep=pauses, clock=FakeClock())
    assert isinstance(await failure(backend), BackendUnavailable)
    assert "a moment ago" in (await failure(backend)).what
    assert len(pauses.seconds) == 2
    await backend.aclose()


async def test_closing_a_stream_early_closes_the_connection(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    ollama_server.serve("m", FakeModel(reply="a b c"))
    ollama_server.fail_next(Fault.stall(after=1))
    async with aclosing(backend.stream(asking("m"))) as items:
        assert await anext(items) == TextDelta(text="a ")
    await ollama_server.until(lambda server: len(server.cancelled) == 1)


# --- beside chat


async def test_a_server_that_answers_decisions_is_found_out_by_asking_once(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    ollama_server.serve("d", FakeModel(capabilities=["decision"], decide={"label": {"bug": 0.9}}))
    assert [await backend.decides(model) for model in ("d", "qwen3:4b", "d", "qwen3:4b")] == [
        True,
        False,
        True,
        False,
    ]
    assert len(ollama_server.requests) == 2
    decision = await backend.decide(deciding("d", {"label": LABEL}))
    assert (decision.way, decision.answers["label"].value) == ("native", "bug")


async def test_a_server_without_decisions_is_asked_in_words() -> None:
    async with OllamaServer({"m": FakeModel(reply="bug")}, decisions=False) as server:
        backend = OpenAIBackend(f"{server.url}/v1", env={})
        for _ in range(2):
            decision = await decide.ask(
                backend, deciding("m", {"label": LABEL}), lambda text: (Message(role="user", content=text),)
            )
            assert (decision.way, decision.answers["label"].value) == ("logprobs", "bug")
        await backend.aclose()
    paths = [request.path for request in server.requests]
    assert paths == ["/v1/systemone", "/v1/chat/completions", "/v1/chat/completions"]


async def test_a_server_that_was_busy_when_asked_whether_it_decides_is_asked_again(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    ollama_server.serve("d", FakeModel(capabilities=["decision"], decide={"ok": 0.5}))
    ollama_server.fail_next(Fault.error(500, "oops"), times=3)
    assert [await backend.decides("d"), await backend.decides("d")] == [False, True]


async def test_embeddings_are_unit_vectors_in_order(
    ollama_server: OllamaServer, backend: OpenAIBackend
) -> None:
    ollama_server.serve("e", FakeModel(capabilities=["embedding"], embed=lambda text: [3.0, 4.0 * len(text)]))
    first, second = await backend.embed("e", ["a", "bb"])
    assert first == pytest.approx([0.6, 0.8], abs=1e-6)
    assert first[1] < second[1]
    assert await backend.embed("e", []) == []


@pytest.mark.parametrize("body", [b'{"data": [{"index": 0}]}', b'{"data": []}', b"{}"])
async def test_vectors_that_cannot_be_read_are_an_error(
    ollama_server: OllamaServer, backend: OpenAIBackend, body: bytes
) -> None:
    ollama_server.fail_next(Fault.body(200, body))
    with pytest.raises(BackendError) as caught:
        await backend.embed("e", ["a"])
    assert caught.value.code == "malformed"


def test_the_backend_can_all_that_the_seams_ask_for() -> None:
    backend: ModelBackend = OpenAIBackend(env={})
    assert isinstance(backend, Decides)
    assert isinstance(backend, Embeds)
    assert backend.name == "openai"
