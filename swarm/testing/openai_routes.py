"""OpenAI-compatible routes as Ollama serves them: `/v1/models`, `/v1/chat/completions`, `/v1/embeddings`."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

from swarm.testing.fake_model import (
    ChatRequest,
    FakeToolCall,
    Piece,
    TokenLogprob,
    alternatives,
    embedding,
    token_count,
)
from swarm.testing.host import START, Host
from swarm.testing.http import Request, Response
from swarm.testing.ollama_routes import embed_inputs
from swarm.testing.turns import Turn, check_top_logprobs, take_turn
from swarm.testing.wire import (
    EVENT_STREAM,
    ApiError,
    Body,
    error_response,
    json_response,
    read_json,
    stream_response,
)

CREATED = int(START.timestamp())
ID = "chatcmpl-1"

Fields = dict[str, object]


def models(host: Host, _http: Request) -> Response:
    """GET /v1/models"""
    rows = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "library"} for name in host.models
    ]
    return json_response({"object": "list", "data": rows})


def embeddings(host: Host, http: Request) -> Response:
    """POST /v1/embeddings"""
    body = read_json(http)
    model = host.find(body.text("model"))
    texts = embed_inputs(body.get("input"))
    rows = [
        {"object": "embedding", "embedding": embedding(model, text, body.whole("dimensions")), "index": index}
        for index, text in enumerate(texts)
    ]
    tokens = sum(token_count(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json_response({"object": "list", "data": rows, "model": body.text("model"), "usage": usage})


def chat_completions(host: Host, http: Request) -> Response:
    """POST /v1/chat/completions"""
    body = read_json(http)
    if not body.objects("messages"):
        raise ApiError(400, "[] is too short - 'messages'")
    check_top_logprobs(body.whole("top_logprobs"))
    effort = body.text("reasoning_effort")
    think = False if effort == "none" else effort or None
    turn = take_turn(host, _request(http.path, body), think=think)
    if not turn.request.stream:
        if turn.error:
            raise ApiError(500, turn.error)
        return json_response(_completion(turn))
    usage = body.mapping("stream_options").get("include_usage") is True
    return _stream(turn, usage)


def _request(route: str, body: Body) -> ChatRequest:
    renamed = {"max_tokens": "num_predict"}
    kept = ("temperature", "top_p", "seed", "stop", "frequency_penalty", "presence_penalty", "max_tokens")
    given = {renamed.get(name, name): body.get(name) for name in kept if body.get(name) is not None}
    if isinstance(given.get("stop"), str):
        given["stop"] = [given["stop"]]
    return ChatRequest(
        route=route,
        model=body.text("model"),
        messages=body.objects("messages"),
        tools=body.objects("tools"),
        format=_format(body.mapping("response_format")),
        options={"temperature": 1.0, "top_p": 1.0, **given},
        stream=body.flag("stream"),
        logprobs=body.flag("logprobs"),
        top_logprobs=body.whole("top_logprobs"),
        fields=body.fields,
    )


def _format(wanted: Mapping[str, object]) -> object:
    """Read `response_format` as the native `format` that it stands for."""
    if wanted.get("type") == "json_object":
        return "json"
    if wanted.get("type") != "json_schema":
        return None
    schema = wanted.get("json_schema")
    return cast("Fields", schema).get("schema") if isinstance(schema, dict) else None


def _completion(turn: Turn) -> Fields:
    message: Fields = {"role": "assistant", "content": "".join(piece.text for piece in turn.pieces)}
    if thinking := "".join(piece.thinking for piece in turn.pieces):
        message["reasoning"] = thinking
    if turn.calls:
        message["tool_calls"] = _calls(turn.calls)
    tokens = tuple(token for piece in turn.pieces for token in piece.logprobs)
    choice: Fields = {
        "index": 0,
        "message": message,
        "finish_reason": _finish(turn),
        **_logprobs(turn, tokens),
    }
    return {**_head(turn, "chat.completion"), "choices": [choice], "usage": _usage(turn)}


def _stream(turn: Turn, usage: bool) -> Response:
    """SSE: deltas, a chunk with the finish reason, one with the usage if asked for, `[DONE]`."""
    if turn.error:
        error = b"".join(s for s in error_response("/v1/", 500, turn.error).steps if isinstance(s, bytes))
        return stream_response(EVENT_STREAM, [*_deltas(turn), error], closing=0)
    events: list[object] = [*_deltas(turn), _chunk(turn, {"content": ""}, finish=_finish(turn))]
    if usage:
        events.append({**_head(turn, "chat.completion.chunk"), "choices": [], "usage": _usage(turn)})
    return stream_response(EVENT_STREAM, [*events, b"[DONE]"], closing=2 + usage)


def _deltas(turn: Turn) -> Iterator[Fields]:
    role: Fields = {"role": "assistant"}
    for piece in turn.pieces:
        yield _chunk(turn, {**role, **_delta(piece)}, tokens=piece.logprobs)
        role = {}
    if turn.calls:
        yield _chunk(turn, {**role, "content": "", "tool_calls": _calls(turn.calls)})


def _delta(piece: Piece) -> Fields:
    return {"content": piece.text, **({"reasoning": piece.thinking} if piece.thinking else {})}


def _chunk(
    turn: Turn, delta: Fields, *, finish: str | None = None, tokens: tuple[TokenLogprob, ...] = ()
) -> Fields:
    choice: Fields = {"index": 0, "delta": delta, "finish_reason": finish, **_logprobs(turn, tokens)}
    return {**_head(turn, "chat.completion.chunk"), "choices": [choice]}


def _head(turn: Turn, kind: str) -> Fields:
    fingerprint = {"system_fingerprint": "fp_ollama"}
    return {"id": ID, "object": kind, "created": CREATED, "model": turn.request.model, **fingerprint}


def _finish(turn: Turn) -> str:
    return "tool_calls" if turn.calls else turn.done_reason


def _usage(turn: Turn) -> Fields:
    prompt, said = turn.prompt_tokens, turn.tokens
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def _calls(calls: tuple[FakeToolCall, ...]) -> list[Fields]:
    """Tool calls in OpenAI's shape: the arguments are a text of JSON."""
    return [
        {
            "id": call.id,
            "index": index,
            "type": "function",
            "function": {"name": call.name, "arguments": _arguments(call)},
        }
        for index, call in enumerate(calls)
    ]


def _arguments(call: FakeToolCall) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)


def _logprobs(turn: Turn, tokens: tuple[TokenLogprob, ...]) -> Fields:
    if not tokens:
        return {}
    rows = [
        {
            **_logprob(token.token, token.logprob),
            "top_logprobs": [_logprob(*pair) for pair in alternatives(token, turn.request.top_logprobs)],
        }
        for token in tokens
    ]
    return {"logprobs": {"content": rows}}


def _logprob(token: str, logprob: float) -> Fields:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}
