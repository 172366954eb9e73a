"""Say looked-up data in short readable lines: `status: shipped, carrier: DHL`. Pure; never fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from swarm.backends.embedded.words import sentences

__all__ = ["render_facts"]

MAX_CHARS = 200_000  # of JSON; more is a database, not the facts of one question
MAX_LINES = 200
MAX_DEPTH = 6


def render_facts(facts: str) -> list[str]:
    """Return the lines that JSON text (or plain text) says; sentences in it stay as they are.

    An object is one line, `key: value, key: value`; each item of a list is a line of its own; null and
    empty values are left out.
    """
    facts = facts[:MAX_CHARS]
    try:
        value = json.loads(facts)
    except (ValueError, RecursionError):
        value = facts
    return [line for line, _ in zip(_lines(value, 0), range(MAX_LINES), strict=False)]


def _lines(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield from sentences(value)
    elif isinstance(value, list):
        for item in cast("list[Any]", value) if depth < MAX_DEPTH else []:
            yield from _lines(item, depth + 1)
    elif isinstance(value, dict):
        yield from _record(cast("dict[str, Any]", value), depth)
    elif value is not None:
        yield _plain(value)


def _record(record: dict[str, Any], depth: int) -> Iterator[str]:
    """Yield the sentences among the values, then as one line the short values that they do not mention."""
    told = " ".join(value for value in record.values() if isinstance(value, str) and _is_sentence(value))
    yield from sentences(told)
    short: list[str] = []
    for key, value in record.items():
        said = "" if isinstance(value, str) and _is_sentence(value) else _short(value, depth)
        if said and not re.search(rf"(?<!\w){re.escape(said)}(?!\w)", told, re.IGNORECASE):
            short.append(f"{key.replace('_', ' ')}: {said}")
    if short:
        yield ", ".join(short)


def _short(value: Any, depth: int) -> str:
    if depth >= MAX_DEPTH:
        return ""
    if isinstance(value, dict):
        items = ((key, _short(item, depth + 1)) for key, item in cast("dict[str, Any]", value).items())
        return ", ".join(f"{key.replace('_', ' ')} {said}" for key, said in items if said)
    if isinstance(value, list):
        return ", ".join(said for item in cast("list[Any]", value) if (said := _short(item, depth + 1)))
    return "" if value is None else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= 4 and text.rstrip().endswith((".", "!", "?"))
