"""The OpenAI chat protocol, as values: the body of a request, the events of an answer. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from swarm.backends.http_errors import said_in
from swarm.backends.toolcalls import Holdback, call_id, read_arguments, rescued_call, tool_specs
from swarm.backends.wire import count, items, table, token
from swarm.errors import BackendError
from swarm.messages import Completion, CompletionRequest, Message, TokenLogprob, ToolCall, Usage

__all__ = ["Collected", "chat_body", "event_data"]

RENAMED = {"num_predict": "max_tokens"}
OLLAMA_ONLY = frozenset(
    [
        "num_ctx",
        "num_batch",
        "num_gpu",
        "main_gpu",
        "use_mmap",
        "num_thread",
        "num_keep",
        "draft_num_predict",
        "keep_alive",
        "think",
        "shift",
    ]
)  # how a model is loaded: decided where the server was started


def chat_body(request: CompletionRequest) -> dict[str, Any]:
    """Return the body of `POST /chat/completions`; options are given in Ollama's words."""
    body: dict[str, Any] = {
        RENAMED.get(name, name): value for name, value in request.options.items() if name not in OLLAMA_ONLY
    }
    body |= {
        "model": request.model,
        "messages": [_wire_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.format is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": request.format},
        }
    if request.tools:
        body["tools"] = tool_specs(request.tools)
    elif request.logprobs:  # llama.cpp's server refuses them together with tools
        body["logprobs"] = True
        body["top_logprobs"] = request.top_logprobs
    return body


def event_data(line: bytes) -> bytes | None:
    """Return what a line of an event stream carries; None for comments, other fields and the end."""
    if not line.startswith(b"data:"):
        return None
    data = line[5:].strip()
    return None if data in (b"", b"[DONE]") else data


class Collected:
    """An answer that is still coming: takes its events, gives its text, ends as a `Completion`."""

    def __init__(self, request: CompletionRequest, *, where: str, model: str) -> None:
        self._request, self._where, self._model = request, where, model
        self._text: list[str] = []
        self._holdback = Holdback(request)
        self._calls: dict[int, _PartialCall] = {}
        self._logprobs: list[TokenLogprob] = []
        self._finish = ""
        self._usage: Mapping[str, Any] = {}

    def add(self, event: Mapping[str, Any]) -> str:
        """Take one event; return the text that may be shown now.

        Raises:
            BackendError: the event is an error that came after the answer had begun.
        """
        if event.get("error"):
            raise self._broken("the answer broke off: " + said_in(json.dumps(event).encode()), "broken_off")
        self._usage = table(event.get("usage")) or self._usage
        choices = items(event.get("choices"))
        if not choices:
            return ""
        choice = table(choices[0])
        delta = table(choice.get("delta"))
        content = str(delta.get("content") or "")
        self._text.append(content)
        for place, raw in enumerate(items(delta.get("tool_calls"))):
            self._add_call(place, table(raw))
        self._logprobs += map(token, items(table(choice.get("logprobs")).get("content")))
        self._finish = str(choice.get("finish_reason") or self._finish)
        return self._holdback.add(content)

    def rest(self) -> str:
        """Return the text that was kept back and may be shown after all."""
        return self._holdback.rest()

    def completion(self) -> Completion:
        """Return the whole answer.

        Raises:
            BackendError: code `incomplete`; no event said why the answer ended.
        """
        if not self._finish:
            raise self._broken("the answer broke off: the server did not say that it is done", "incomplete")
        text = "".join(self._text)
        calls = tuple(self._calls[place].whole(self._request, place) for place in sorted(self._calls))
        rescued = None if calls else rescued_call(text, self._request)
        if rescued is not None:
            calls, text = (rescued,), ""
        return Completion(
            text=text,
            model=self._request.model,
            tool_calls=calls,
            finish="length" if self._finish == "length" else "tool_calls" if calls else "stop",
            logprobs=tuple(self._logprobs),
            usage=Usage(
                input_tokens=count(self._usage.get("prompt_tokens")),
                output_tokens=count(self._usage.get("completion_tokens")),
                model_calls=1,
            ),
        )

    def _add_call(self, place: int, raw: Mapping[str, Any]) -> None:
        index = raw.get("index", place)
        call = self._calls.setdefault(index if isinstance(index, int) else place, _PartialCall())
        function = table(raw.get("function"))
        call.id = call.id or str(raw.get("id") or "")
        call.name = call.name or str(function.get("name") or "")
        arguments = function.get("arguments")
        # the protocol says text, in pieces; some servers send the object itself
        call.arguments += (
            arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        )

    def _broken(self, what: str, code: str) -> BackendError:
        return BackendError(
            what,
            where=self._where,
            hint="ask again; the server's log may say why",
            model=self._model,
            code=code,
            retryable=True,
        )


class _PartialCall:
    """A tool call whose pieces are still coming."""

    def __init__(self) -> None:
        self.id = self.name = self.arguments = ""

    def whole(self, request: CompletionRequest, place: int) -> ToolCall:
        arguments = read_arguments(self.name, self.arguments)
        return ToolCall(id=self.id or call_id(request, place), name=self.name, arguments=arguments)


def _wire_message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire
