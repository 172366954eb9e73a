"""Ollama's chat protocol, as values: the body of a request, the lines of an answer, a server's address.

Written from the server's source (v0.33 - v0.40) and its proven traps; see
`docs/decisions/0003-ollama-client.md`. Pure: nothing here touches the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from swarm.backends.decide import InvalidAnswer
from swarm.backends.http_errors import said_in
from swarm.backends.toolcalls import Holdback, call_id, read_arguments, rescued_call, tool_specs
from swarm.backends.wire import count, items, table, token
from swarm.errors import BackendError
from swarm.messages import Completion, CompletionRequest, Message, Timing, TokenLogprob, ToolCall, Usage

__all__ = ["DEFAULT_NUM_CTX", "Collected", "chat_body", "server_url", "split_options"]

DEFAULT_PORT = 11434
DEFAULT_NUM_CTX = 4096  # left out, the server takes up to 262,144 by its memory, and reloads between callers
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where a server listens is not where it is reached
UNCUT_CHARS_PER_TOKEN = 6.5  # English has 4.2, German 5: more means that the server counted a part only


def server_url(host: str | None) -> str:
    """Return the address of a server written as `OLLAMA_HOST` may be; without a port it is 11434.

    Raises:
        BackendError: code `address`.
    """
    text = (host or "").strip() or "127.0.0.1"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or (443 if parts.scheme == "https" else DEFAULT_PORT)
    except ValueError as error:
        raise _wrong_address(text) from error
    if parts.scheme not in ("http", "https") or parts.username or parts.query:
        raise _wrong_address(text)
    name = ANYWHERE.get(parts.hostname or "", parts.hostname or "127.0.0.1")
    bracketed = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{bracketed}:{port}{parts.path.rstrip('/')}"


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options proper, and what Ollama wants beside them (`keep_alive`, `think`)."""
    own = dict(options)
    own.setdefault("num_ctx", DEFAULT_NUM_CTX)
    if isinstance(own.get("stop"), str):
        own["stop"] = [own["stop"]]  # the server takes a list alone
    own.pop("shift", None)  # it would make the server load the model anew
    return own, {name: own.pop(name) for name in ("keep_alive", "think") if name in own}


def chat_body(request: CompletionRequest, *, think: bool, keep_alive: str | float | None) -> dict[str, Any]:
    """Return the body of `POST /api/chat`.

    Args:
        think: send `think: false`; a model that can think does so unless it is told not to.
        keep_alive: how long the model stays in memory; None leaves what the server has.
    """
    options, beside = split_options(request.options)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_wire_message(message) for message in request.messages],
        "stream": True,  # always: a stall is noticed, a cancelled call is noticed by the server
        "truncate": False,  # the default drops the oldest turns in silence
        "options": options,
    }
    if think:
        body["think"] = False
    if keep_alive is not None:
        body["keep_alive"] = keep_alive
    if request.format is not None:
        body["format"] = request.format
    if request.tools:
        body["tools"] = tool_specs(request.tools)
    elif request.logprobs:  # with tools the server refuses them
        body["logprobs"] = True
        body["top_logprobs"] = request.top_logprobs
    return body | beside


class Collected:
    """An answer that is still coming: takes its lines, gives its text, ends as a `Completion`."""

    def __init__(self, request: CompletionRequest, *, where: str, model: str) -> None:
        self._request, self._where, self._model = request, where, model
        self._text: list[str] = []
        self._holdback = Holdback(request)
        self._calls: list[Any] = []
        self._logprobs: list[TokenLogprob] = []
        self._last: Mapping[str, Any] | None = None

    def add(self, line: Mapping[str, Any]) -> str:
        """Take one line of the answer; return the text that may be shown now.

        Raises:
            BackendError: the line is an error that came after the answer had begun.
        """
        if line.get("error"):
            raise self._broken_off(line)
        message = table(line.get("message"))
        content = str(message.get("content") or "")
        self._text.append(content)
        self._calls += items(message.get("tool_calls"))
        if not message.get("thinking"):
            self._logprobs += map(token, items(line.get("logprobs")))
        if line.get("done"):
            self._last = line
        return self._holdback.add(content)

    def rest(self) -> str:
        """Return the text that was kept back and may be shown after all."""
        return self._holdback.rest()

    def completion(self) -> Completion:
        """Return the whole answer.

        Raises:
            BackendError: code `incomplete` when no line said that the answer is done, `context`
                when the server read only a part of the prompt.
        """
        if self._last is None:
            raise BackendError(
                "the answer broke off: the server did not say that it is done",
                where=self._where,
                hint="ask again; `ollama serve` writes a log that may say why",
                model=self._model,
                code="incomplete",
                retryable=True,
            )
        self._refuse_a_cut_prompt(self._last)
        text = "".join(self._text)
        calls = tuple(self._call(place, raw) for place, raw in enumerate(self._calls))
        rescued = None if calls else rescued_call(text, self._request)
        if rescued is not None:
            calls, text = (rescued,), ""
        length = self._last.get("done_reason") == "length"
        return Completion(
            text=text,
            model=self._request.model,
            tool_calls=calls,
            finish="length" if length else "tool_calls" if calls else "stop",
            logprobs=tuple(self._logprobs),
            usage=_usage(self._last),
            timing=_timing(self._last),
        )

    def _call(self, place: int, raw: Any) -> ToolCall:
        row = table(raw)
        function = table(row.get("function"))
        name = str(function.get("name", ""))
        arguments = read_arguments(name, function.get("arguments"))
        return ToolCall(
            id=str(row.get("id") or call_id(self._request, place)), name=name, arguments=arguments
        )

    def _broken_off(self, line: Mapping[str, Any]) -> BackendError:
        error = line["error"]
        said = said_in(error.encode("utf-8", "replace")) if isinstance(error, str) else repr(error)[:300]
        if "invalid tool call arguments" in said:
            return InvalidAnswer("the arguments of your tool call are not valid JSON")
        return BackendError(
            f"the answer broke off: {said}",
            where=self._where,
            hint="ask again; `ollama serve` writes a log that may say why",
            model=self._model,
            code="broken_off",
            retryable=True,
        )

    def _refuse_a_cut_prompt(self, last: Mapping[str, Any]) -> None:
        """Notice that the server read half a window of the prompt and said nothing (ollama#17427)."""
        window = count(split_options(self._request.options)[0]["num_ctx"])
        read = count(last.get("prompt_eval_count"))
        chars = sum(len(message.content) for message in self._request.messages)
        half_a_window = abs(read - (window // 2 + 2)) <= 4
        if half_a_window and chars > UNCUT_CHARS_PER_TOKEN * read:
            raise BackendError(
                f"the server read {read} tokens of a prompt of {chars:,} characters and dropped the rest",
                where=self._where,
                hint="raise `num_ctx` in the expert's options, or give it less text",
                model=self._model,
                code="context",
            )


def _wire_message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "function": {"index": place, "name": call.name, "arguments": dict(call.arguments)},
            }
            for place, call in enumerate(message.tool_calls)
        ]
    if message.tool_name:
        wire["tool_name"] = message.tool_name
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _wrong_address(text: str) -> BackendError:
    return BackendError(
        f"{text!r} is no address of an Ollama server",
        hint="write OLLAMA_HOST=127.0.0.1:11434, or `url: http://127.0.0.1:11434` under `models:`",
        code="address",
    )


def _usage(last: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=count(last.get("prompt_eval_count")),
        output_tokens=count(last.get("eval_count")),
        model_calls=1,
    )


def _timing(last: Mapping[str, Any]) -> Timing:
    total, load, prompt, generate = (
        count(last.get(f"{name}_duration")) / 1e6 for name in ("total", "load", "prompt_eval", "eval")
    )
    queued = max(0.0, total - load - prompt - generate)
    return Timing(queued_ms=queued, load_ms=load, prompt_ms=prompt, generate_ms=generate)
