"""One question to a fake model and its answer, checked as Ollama does, before a protocol writes it down."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from swarm.testing.fake_model import ChatRequest, FakeModel, FakeToolCall, Piece, Reply, pieces, token_count
from swarm.testing.host import Host, canonical
from swarm.testing.wire import ApiError, runner_error

MAX_TOP_LOGPROBS = 20
THINK_LEVELS = ("high", "medium", "low", "max")
_INTEGERS = "num_ctx num_batch num_gpu main_gpu num_thread draft_num_predict num_keep seed num_predict top_k"
_FLOATS = "top_p min_p typical_p temperature repeat_penalty presence_penalty frequency_penalty"
OPTION_TYPES: dict[str, str] = {
    **dict.fromkeys(_INTEGERS.split(), "integer"),
    "repeat_last_n": "integer",
    **dict.fromkeys(_FLOATS.split(), "float32"),
    "use_mmap": "boolean",
}


@dataclass(frozen=True, kw_only=True)
class Turn:
    """An answer, ready to be written in the words of a protocol. `calls` have ids."""

    model: FakeModel
    request: ChatRequest
    pieces: tuple[Piece, ...]
    calls: tuple[FakeToolCall, ...]
    done_reason: str
    prompt_tokens: int
    error: str

    @property
    def tokens(self) -> int:
        """How many tokens were generated."""
        said = "".join(json.dumps(call.arguments) for call in self.calls)
        return len(self.pieces) + token_count(said)


def take_turn(host: Host, request: ChatRequest, *, think: object = None, truncate: bool = True) -> Turn:
    """Check `request`, load its model and take the reply whose turn it is; ApiError where a server refuses.

    Args:
        think: as it came: absent means yes for a model that can.
        truncate: whether a prompt that is too long may lose its middle in silence.
    """
    model = host.find(request.model)
    _check_capabilities(model, request, think)
    request = replace(request, think="thinking" in model.capabilities if think is None else bool(think))
    _check_format(request.format)
    check_options(request.options)
    if request.logprobs and request.tools and not model.rendered:
        raise runner_error("logprobs is not supported with tools + stream")
    num_ctx = int(cast("float", request.options.get("num_ctx") or model.num_ctx))
    prompt_tokens = _fit(token_count(request.prompt), num_ctx, truncate)
    host.load(request.model, request.fields.get("keep_alive"), num_ctx)
    return _turn(host, model, request, host.next_reply(model, request), prompt_tokens)


def _turn(host: Host, model: FakeModel, request: ChatRequest, reply: Reply, prompt_tokens: int) -> Turn:
    calls = tuple(replace(call, id=call.id or host.call_id()) for call in reply.tool_calls)
    parts = pieces(model, request, reply)
    if reply.error and not (request.stream and parts):
        raise ApiError(reply.error_status, reply.error)
    return Turn(
        model=model,
        request=request,
        pieces=parts,
        calls=calls,
        done_reason=reply.done_reason,
        prompt_tokens=prompt_tokens,
        error=reply.error,
    )


def check_options(options: Mapping[str, object]) -> None:
    """Refuse an option of the wrong type; one that is unknown is ignored."""
    for name, value in options.items():
        if name == "stop":
            _check_stop(value)
            continue
        wanted = OPTION_TYPES.get(name)
        right = isinstance(value, bool) if wanted == "boolean" else _is_number(value)
        if wanted and value is not None and not right:
            raise ApiError(500, f'option "{name}" must be of type {wanted}')


def check_top_logprobs(top_logprobs: int) -> None:
    """Refuse a number of alternatives that no server gives."""
    if not 0 <= top_logprobs <= MAX_TOP_LOGPROBS:
        raise ApiError(400, f"top_logprobs must be between 0 and {MAX_TOP_LOGPROBS}")


def _check_capabilities(model: FakeModel, request: ChatRequest, think: object) -> None:
    if isinstance(think, str) and think not in THINK_LEVELS:
        levels = ", ".join(f'"{level}"' for level in THINK_LEVELS)
        raise ApiError(400, f'invalid think value: "{think}" (must be {levels}, true, or false)')
    if think is not None and not isinstance(think, bool | str):
        raise ApiError(400, "think must be a boolean or string")
    if "completion" not in model.capabilities:
        kind = "generate" if request.route == "/api/generate" else "chat"
        raise ApiError(400, f'"{request.model}" does not support {kind}')
    if request.tools and "tools" not in model.capabilities:
        raise ApiError(400, f"registry.ollama.ai/library/{canonical(request.model)} does not support tools")
    if think and "thinking" not in model.capabilities:
        raise ApiError(400, f'"{request.model}" does not support thinking')


def _check_format(wanted: object) -> None:
    if wanted not in (None, "", "json") and not isinstance(wanted, Mapping):
        quoted = json.dumps(json.dumps(wanted))
        raise ApiError(500, f'invalid format: {quoted}; expected "json" or a valid JSON Schema object')


def _check_stop(value: object) -> None:
    if not isinstance(value, list):
        raise ApiError(500, 'option "stop" must be of type array')
    if not all(isinstance(item, str) for item in cast("list[object]", value)):
        raise ApiError(500, 'option "stop" must be of an array of strings')


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fit(prompt_tokens: int, num_ctx: int, truncate: bool) -> int:
    """The tokens of the prompt that the model gets to see."""
    if prompt_tokens <= num_ctx:
        return prompt_tokens
    if truncate:
        return num_ctx // 2 + 2  # half the window: the only sign that a client gets
    too_long = f"request ({prompt_tokens} tokens) exceeds the available context size ({num_ctx} tokens)"
    raise runner_error(
        f"{too_long}, try increasing it",
        "exceed_context_size_error",
        n_prompt_tokens=prompt_tokens,
        n_ctx=num_ctx,
    )
