"""What pydantic found, said in our words and placed at the value that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from swarm.spec.expert import ConfidenceSpec, QuestionSpec
from swarm.spec.findings import Finding, did_you_mean
from swarm.spec.graph import (
    NODE_KINDS,
    AskNode,
    EachNode,
    ExpertNode,
    GraphNode,
    Node,
    RepeatNode,
    ReplyNode,
    RetrySpec,
    RouteNode,
    ToolNode,
)
from swarm.spec.source import Path
from swarm.spec.types import TypeSyntaxError

__all__ = ["NODE_CLASSES", "field_names", "findings_of", "missing", "shown", "unknown", "wrong_value"]

EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
NODE_CLASSES: dict[str, type[Node]] = {
    "expert": ExpertNode,
    "tool": ToolNode,
    "reply": ReplyNode,
    "route": RouteNode,
    "each": EachNode,
    "repeat": RepeatNode,
    "graph": GraphNode,
    "ask": AskNode,
}
INNER: dict[str, type[BaseModel]] = {
    "retry": RetrySpec,
    "confidence": ConfidenceSpec,
    "questions": QuestionSpec,
}
MAX_ERRORS = 1_000  # of one part; every field is among them, only unknown ones are left out
MISSING_HINTS = {
    "name": "name: support",
    "output": "output: [answer, refuse]",
    "nodes": "nodes: {answer: {expert: writer, with: {question: input.message}}}",
    "do": "do: {expert: summarizer, with: {text: item}}",
    "max": "max: 4",
    "model": "model: ollama/qwen3:4b",
}


@cache
def field_names(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the fields of `model` as YAML writes them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def findings_of(
    error: ValidationError, data: Any, path: Path, model: type[BaseModel], *, subject: str
) -> list[Finding]:
    """Return one finding per mistake in `data`, which was read as `model` and stands at `path`.

    Args:
        subject: what `data` is, for sentences (`node 'triage'`).
    """
    found: list[Finding] = []
    values: dict[Path, list[tuple[Path, Any]]] = {}
    errors = sorted(error.errors(include_url=False), key=lambda item: item["type"] == "extra_forbidden")
    for item in errors[:MAX_ERRORS]:
        place, union = _navigate(data, item["loc"])
        if item["type"] == "missing":
            owner = named(place) if place else subject
            found.append(missing(str(item["loc"][-1]), (*path, *place), owner))
        elif item["type"] == "extra_forbidden":
            found.append(unknown(str(place[-1]), (*path, *place), _model_at(model, place[:-1])))
        else:
            values.setdefault(place if union is None else union, []).append((place, item))
    for group in values.values():
        found += _wrong_values(group, path)
    return found


def missing(name: str, path: Path, owner: str, *, hint: str = "") -> Finding:
    """Return the finding for the field `name` that `owner`, at `path`, must have."""
    message = f"{owner} needs {name!r}"
    hint = hint or f"add `{MISSING_HINTS.get(name, name)}`"
    return Finding(code="SW011", message=message, path=path, at_key=True, hint=hint)


def unknown(name: str, path: Path, model: type[BaseModel], *, hint: str = "") -> Finding:
    """Return the finding for the key `name` that `model` does not have."""
    hint = hint or did_you_mean(name, field_names(model))
    owners = [kind for kind in NODE_KINDS if name in field_names(NODE_CLASSES[kind])]
    if issubclass(model, Node) and owners and not hint.startswith("did you mean"):
        all_of_them = " and ".join(filter(None, [", ".join(owners[:-1]), owners[-1]]))
        hint = f"only {all_of_them} nodes have {name!r}"
    return Finding(code="SW010", message=f"unknown field {name!r}", path=path, at_key=True, hint=hint)


def wrong_value(expected: str, value: Any, path: Path, *, hint: str = "") -> Finding:
    """Return the finding for a value that is not what its place wants."""
    name = f"{named(path)}: " if path else ""
    message = f"{name}expected {expected}, got {shown(value)}"
    return Finding(code="SW012", message=message, path=path, hint=hint or _value_hint(expected, value, path))


def named(path: Path) -> str:
    """Return how a sentence calls the field or the entry at `path`."""
    last = path[-1]
    if not isinstance(last, int):
        return repr(last)
    return f"entry {last + 1}" + (f" of {path[-2]!r}" if len(path) > 1 else "")


def shown(value: Any) -> str:
    """Return a value as an author wrote it, cut to one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value.replace("\n", " ")
        return repr(text if len(text) <= 40 else text[:37] + "...")
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"the number {value}"


def _navigate(data: Any, loc: Sequence[str | int]) -> tuple[Path, Path | None]:
    """Return the part of `loc` that leads through `data`, and where a union was passed, if any."""
    place: list[str | int] = []
    union: Path | None = None
    for part in loc:
        if isinstance(data, Mapping) and part in data:
            data = cast("Mapping[Any, Any]", data)[part]
        elif isinstance(data, list) and isinstance(part, int):
            data = cast("list[Any]", data)[part]
        else:
            union = tuple(place) if union is None else union
            continue
        place.append(part)
    return tuple(place), union


def _model_at(model: type[BaseModel], place: Path) -> type[BaseModel]:
    return INNER.get(str(place[0]), model) if place else model


def _wrong_values(group: Sequence[tuple[Path, Any]], path: Path) -> list[Finding]:
    """Return the findings of one value; of the branches of a union only the deepest count."""
    depth = max(len(place) for place, _ in group)
    places: dict[Path, list[Any]] = {}
    for place, item in group:
        if len(place) == depth:
            places.setdefault(place, []).append(item)
    return [_wrong_at((*path, *place), items) for place, items in places.items()]


def _wrong_at(path: Path, items: Sequence[Any]) -> Finding:
    item, value = items[0], items[0]["input"]
    kind, ctx = item["type"], item.get("ctx", {})
    name = named(path)
    if isinstance(ctx.get("error"), TypeSyntaxError):
        wrong = cast("TypeSyntaxError", ctx["error"])
        return Finding(code="SW017", message=str(wrong), path=(*path, *wrong.path), hint=wrong.hint)
    if kind == "value_error":
        return Finding(code="SW012", message=f"{name}: {ctx['error']}", path=path)
    if kind in BOUNDS:
        key, words = BOUNDS[kind]
        message = f"{name} must be {words} {ctx[key]:g}, got {value:g}"
        return Finding(code="SW012", message=message, path=path)
    if kind in ("too_short", "too_long"):
        limit = f"at least {ctx['min_length']}" if kind == "too_short" else f"at most {ctx['max_length']}"
        message = f"{name} must have {limit} entries, got {ctx['actual_length']}"
        return Finding(code="SW012", message=message, path=path)
    if kind == "string_pattern_mismatch":
        message = f"{name}: a key is never written into a file"
        return Finding(code="SW012", message=message, path=path, hint="write `env:NAME`, and set NAME")
    if kind == "literal_error" and len(items) == 1 and isinstance(value, str):
        return _wrong_word(value, ctx["expected"], path)
    expected = " or ".join(dict.fromkeys(_expected(each) for each in items))
    return wrong_value(expected, value, path)


def _expected(item: Any) -> str:
    if item["type"] == "literal_error":
        return str(item["ctx"]["expected"])
    return EXPECTED.get(item["type"], "another kind of value")


def _wrong_word(value: str, expected: str, path: Path) -> Finding:
    words = re.findall(r"'([^']*)'", expected)
    message = f"{named(path)} cannot be {value!r}"
    return Finding(code="SW012", message=message, path=path, hint=did_you_mean(value, words))


def _value_hint(expected: str, value: Any, path: Path) -> str:
    last = path[-1] if path else ""
    if expected == "true or false" and isinstance(value, str):
        return "write true or false, without quotes"
    if last in ("when", "until") and isinstance(value, bool):
        return f"leave {last!r} out" if value is (last == "when") else "write an expression: guard.flagged"
    if last == "labels":
        return "one label a line: `refund: Money back, return, cancel`"
    if last == "swarm":
        return "this version reads `swarm: 1`"
    if expected.startswith("text") and isinstance(value, int | float | bool):
        return "put quotes round it"
    if expected == "a list" and isinstance(value, str):
        return f"write [{value}]" if len(value) < 40 else "begin the line with `- `"
    return ""
