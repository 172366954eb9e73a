"""Ollama's native routes, as its source (v0.33, August 2026) writes them: `/api/...`."""

from collections.abc import Callable, Mapping
from typing import cast

from swarm.testing.fake_model import (
    ChatRequest,
    FakeModel,
    FakeToolCall,
    Piece,
    TokenLogprob,
    alternatives,
    embedding,
    token_count,
)
from swarm.testing.host import START, Host, canonical, rfc3339
from swarm.testing.http import Request, Response
from swarm.testing.turns import Turn, check_options, check_top_logprobs, take_turn
from swarm.testing.wire import NDJSON, ApiError, Body, json_response, read_json, stream_response

LOAD_NS = 2_000_000  # invented, but never zero: a zero would be left out
PROMPT_TOKEN_NS = 1_000_000
TOKEN_NS = 10_000_000

Fields = dict[str, object]
Part = Callable[[Piece, list[Fields]], Fields]


def chat(host: Host, http: Request) -> Response:
    """POST /api/chat"""
    body = read_json(http)
    if not body.text("model"):
        raise ApiError(400, "model is required")
    messages = tuple({**message, "role": _role(message)} for message in body.objects("messages"))
    return _answer(host, http.path, body, messages, _chat_part)


def generate(host: Host, http: Request) -> Response:
    """POST /api/generate"""
    body = read_json(http)
    prompt, system = body.text("prompt"), body.text("system")
    if body.flag("raw") and (system or body.text("template") or body.get("context")):
        raise ApiError(400, "raw mode does not support template, system, or context")
    messages: tuple[Mapping[str, object], ...] = ({"role": "user", "content": prompt},) if prompt else ()
    if messages and system:
        messages = ({"role": "system", "content": system}, *messages)
    return _answer(host, http.path, body, messages, _generate_part)


def embed(host: Host, http: Request) -> Response:
    """POST /api/embed"""
    body = read_json(http)
    name = body.text("model")
    if name and canonical(name) not in host.models:
        raise ApiError(404, f'model "{name}" not found, try pulling it first')
    model = host.find(name)
    texts = embed_inputs(body.get("input"))
    check_options(body.mapping("options"))
    num_ctx = int(cast("float", body.mapping("options").get("num_ctx") or model.num_ctx))
    if not body.flag("truncate", True) and any(token_count(text) > num_ctx for text in texts):
        raise ApiError(400, "the input length exceeds the context length")
    host.load(name, body.get("keep_alive"), num_ctx)
    tokens = sum(token_count(text) for text in texts)
    answer: Fields = {
        "model": name,
        "embeddings": [embedding(model, text, body.whole("dimensions")) for text in texts],
        "total_duration": LOAD_NS + tokens * PROMPT_TOKEN_NS,
        "load_duration": LOAD_NS,
        "prompt_eval_count": tokens,
    }
    return json_response({key: value for key, value in answer.items() if value != 0})


def embed_inputs(value: object) -> list[str]:
    """The texts to embed: one, many, or none."""
    if value is None or value == "":
        return []
    texts = cast("list[object]", value if isinstance(value, list) else [value])
    if not all(isinstance(text, str) for text in texts):
        raise ApiError(400, "invalid input type")
    return cast("list[str]", texts)


def tags(host: Host, _http: Request) -> Response:
    """GET /api/tags"""
    return json_response({"models": [_listed(host, name, model) for name, model in host.models.items()]})


def ps(host: Host, _http: Request) -> Response:
    """GET /api/ps, the longest remaining first"""
    loaded = sorted(host.loaded.items(), key=lambda pair: pair[1].expires_at, reverse=True)
    rows = [
        {
            "name": name,
            "model": name,
            "size": host.models[name].size,
            "digest": host.digest(name),
            "details": _details(host.models[name]),
            "expires_at": rfc3339(state.expires_at),
            "size_vram": host.models[name].size,
            "context_length": state.num_ctx,
        }
        for name, state in loaded
    ]
    return json_response({"models": rows})


def show(host: Host, http: Request) -> Response:
    """POST /api/show"""
    body = read_json(http)
    name = body.text("model") or body.text("name")
    if not name:
        raise ApiError(400, "model is required")
    model = host.find(name)
    info: Fields = {
        "general.architecture": model.family,
        f"{model.family}.context_length": model.context_length,
        f"{model.family}.embedding_length": model.dimensions,
    }
    shown: Fields = {
        "modelfile": f"# fake\nFROM /models/blobs/sha256-{host.digest(name)}\n",
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": info,
        "capabilities": list(model.capabilities),
        "modified_at": rfc3339(START),
    }
    return json_response(shown)


def _answer(
    host: Host, route: str, body: Body, messages: tuple[Mapping[str, object], ...], part: Part
) -> Response:
    check_top_logprobs(body.whole("top_logprobs"))
    if not messages:
        return _load(host, body, part)
    request = ChatRequest(
        route=route,
        model=body.text("model"),
        messages=messages,
        tools=body.objects("tools"),
        format=body.get("format"),
        options=body.mapping("options"),
        stream=body.flag("stream", True),
        logprobs=body.flag("logprobs"),
        top_logprobs=body.whole("top_logprobs"),
        fields=body.fields,
    )
    turn = take_turn(host, request, think=body.get("think"), truncate=body.flag("truncate", True))
    error = turn.error or _bad_arguments(turn)
    if not request.stream:
        if error:
            raise ApiError(500, error)
        return json_response(_whole(host, turn, part))
    return _stream(host, turn, part, error)


def _load(host: Host, body: Body, part: Part) -> Response:
    """Load or unload the model: what an empty prompt is for."""
    name = body.text("model")
    host.find(name)
    host.load(name, body.get("keep_alive"))
    reason = "load" if canonical(name) in host.loaded else "unload"
    head: Fields = {"model": name, "created_at": host.now()}
    return json_response({**head, **part(Piece(), []), "done": True, "done_reason": reason})


def _stream(host: Host, turn: Turn, part: Part, error: str) -> Response:
    lines = [
        {**_head(host, turn), **part(piece, []), "done": False, **_logprobs(turn, piece.logprobs)}
        for piece in turn.pieces
    ]
    if error:
        return stream_response(NDJSON, [*lines, {"error": error}], closing=0)
    early, late = (_calls(turn), []) if turn.model.rendered else ([], _calls(turn))
    if early:
        lines.append({**_head(host, turn), **part(Piece(), early), "done": False})
    last = {**_head(host, turn), **part(Piece(), late), **_end(turn)}
    return stream_response(NDJSON, [*lines, last], closing=1)


def _whole(host: Host, turn: Turn, part: Part) -> Fields:
    text = "".join(piece.text for piece in turn.pieces)
    thinking = "".join(piece.thinking for piece in turn.pieces)
    tokens = tuple(token for piece in turn.pieces for token in piece.logprobs)
    said = part(Piece(text=text, thinking=thinking), _calls(turn))
    return {**_head(host, turn), **said, **_end(turn), **_logprobs(turn, tokens)}


def _head(host: Host, turn: Turn) -> Fields:
    return {"model": turn.request.model, "created_at": host.now()}


def _chat_part(piece: Piece, calls: list[Fields]) -> Fields:
    message: Fields = {"role": "assistant", "content": piece.text}
    if piece.thinking:
        message["thinking"] = piece.thinking
    if calls:
        message["tool_calls"] = calls
    return {"message": message}


def _generate_part(piece: Piece, calls: list[Fields]) -> Fields:
    said: Fields = {"response": piece.text}
    if piece.thinking:
        said["thinking"] = piece.thinking
    if calls:
        said["tool_calls"] = calls
    return said


def _calls(turn: Turn) -> list[Fields]:
    return [
        {"id": call.id, "function": {"index": index, "name": call.name, "arguments": call.arguments}}
        for index, call in enumerate(turn.calls)
    ]


def _bad_arguments(turn: Turn) -> str:
    broken: list[FakeToolCall] = [call for call in turn.calls if isinstance(call.arguments, str)]
    return f'llama-server returned invalid tool call arguments for "{broken[0].name}"' if broken else ""


def _logprobs(turn: Turn, tokens: tuple[TokenLogprob, ...]) -> Fields:
    if not tokens:
        return {}
    rows: list[Fields] = []
    for token in tokens:
        row = _logprob(token.token, token.logprob)
        if turn.request.top_logprobs:
            best = alternatives(token, turn.request.top_logprobs)
            row["top_logprobs"] = [_logprob(text, logprob) for text, logprob in best]
        rows.append(row)
    return {"logprobs": rows}


def _logprob(token: str, logprob: float) -> Fields:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}


def _end(turn: Turn) -> Fields:
    prompt_ns, eval_ns = turn.prompt_tokens * PROMPT_TOKEN_NS, turn.tokens * TOKEN_NS
    metrics = {
        "total_duration": LOAD_NS + prompt_ns + eval_ns,
        "load_duration": LOAD_NS,
        "prompt_eval_count": turn.prompt_tokens,
        "prompt_eval_duration": prompt_ns,
        "eval_count": turn.tokens,
        "eval_duration": eval_ns,
    }
    said = {name: value for name, value in metrics.items() if value}  # Go leaves zeros out
    return {"done": True, "done_reason": turn.done_reason, **said}


def _role(message: Mapping[str, object]) -> str:
    return str(message.get("role", "")).lower()


def _listed(host: Host, name: str, model: FakeModel) -> Fields:
    return {
        "name": name,
        "model": name,
        "modified_at": rfc3339(START),
        "size": model.size,
        "digest": host.digest(name),
        "details": _details(model),
        "capabilities": list(model.capabilities),
    }


def _details(model: FakeModel) -> Fields:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization_level,
    }
