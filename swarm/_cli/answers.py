"""Answers to what a paused run asks: read from `--answer name=value`, and shown as what to type."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from swarm.errors import InputError
from swarm.spec.types import Type, parse_type

__all__ = ["command_of", "fields_of", "read_answers"]

WORDS = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}
SAMPLES: Mapping[str, str] = {
    "boolean": "true", "string": "TEXT", "integer": "1", "number": "1.5", "list": "[...]", "record": "{...}"
}  # fmt: skip


def fields_of(rendered: Mapping[str, Any]) -> dict[str, Type]:
    """Return the types of the fields that a question asks for."""
    return {name: parse_type(raw) for name, raw in rendered.items()}


def read_answers(pairs: Sequence[str], fields: Mapping[str, Type]) -> dict[str, Any]:
    """Return the answer that `name=value` pairs give: text for a string, true or false, else JSON.

    Raises:
        InputError: a pair that is none. Whether the answer fits is for whoever takes it to say.
    """
    answer: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign:
            raise InputError(f"--answer {pair!r} has no '='", hint="write --answer name=value")
        answer[name] = _value(text, fields.get(name))
    return answer


def command_of(name: str, fields: Mapping[str, Type]) -> str:
    """Return the command that answers: `swarm runs resume ID --answer approved=true`.

    Args:
        name: the run's id, or the question's token where the run asks several.
    """
    wanted = {field: kind for field, kind in fields.items() if kind.required} or fields
    pairs = (shlex.quote(f"{field}={_sample(kind)}") for field, kind in wanted.items())
    return " ".join(["swarm runs resume", name, *(f"--answer {pair}" for pair in pairs)])


def _sample(kind: Type) -> str:
    if kind.one_of:
        return str(kind.one_of[0])
    return SAMPLES.get(kind.base, "...")


def _value(text: str, kind: Type | None) -> Any:
    if kind is None or kind.base == "string":
        return text
    if kind.base == "boolean":
        return WORDS.get(text.strip().lower(), text)
    try:
        return json.loads(text)
    except ValueError:
        return text
