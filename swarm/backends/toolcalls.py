"""Tool calls as models write them: arguments as JSON text, or the whole call as text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from swarm.backends.decide import InvalidAnswer
from swarm.messages import CompletionRequest, ToolCall, ToolSignature

__all__ = ["Holdback", "call_id", "read_arguments", "rescued_call", "tool_specs"]

FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)


def tool_specs(tools: Sequence[ToolSignature]) -> list[dict[str, Any]]:
    """Return the tools as both protocols describe them to a model."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def read_arguments(name: str, given: Any) -> Mapping[str, Any]:
    """Return the arguments of a call: an object, the text of one, or nothing.

    Raises:
        InvalidAnswer: anything else, told to the model.
    """
    value: Any = given
    if isinstance(given, str):
        try:
            value = json.loads(given) if given.strip() else {}
        except (ValueError, RecursionError) as error:
            raise InvalidAnswer(
                f"the arguments of your call of {name!r} are not valid JSON: {error}"
            ) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidAnswer(f"the arguments of your call of {name!r} must be a JSON object")
    return cast("dict[str, Any]", value)


def rescued_call(text: str, request: CompletionRequest) -> ToolCall | None:
    """Return the call that a text is: `{"name": ..., "arguments": {...}}` and nothing else.

    Small models that were offered tools write them so (ollama#12174). Only an offered tool counts.
    """
    if not request.tools:
        return None
    fenced = FENCE.match(text)
    try:
        value: Any = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    table = cast("dict[str, Any]", value)
    name, arguments = table.get("name"), table.get("arguments", table.get("parameters"))
    offered = any(tool.name == name for tool in request.tools)
    if not offered or not isinstance(arguments, dict) or len(table) != 2:
        return None
    return ToolCall(id=call_id(request, 0), name=str(name), arguments=cast("dict[str, Any]", arguments))


def call_id(request: CompletionRequest, place: int) -> str:
    """Return an id for a call that came without one: unique in its conversation, the same each time."""
    return f"call_{len(request.messages)}_{place}"


class Holdback:
    """Keeps streamed text back while it may still turn out to be a tool call."""

    def __init__(self, request: CompletionRequest) -> None:
        self._possible = bool(request.tools)
        self._held = ""

    def add(self, text: str) -> str:
        """Take a piece of the answer; return what may be shown now."""
        self._held += text
        begun = self._held.lstrip()
        if self._possible and (not begun or begun.startswith(("{", "`"))):
            return ""
        self._possible = False
        return self.rest()

    def rest(self) -> str:
        """Return what is still held, once it is known to be no tool call."""
        held, self._held = self._held, ""
        return held
