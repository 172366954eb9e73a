"""Plain data as YAML text: short mappings on one line, long texts as blocks, quotes where needed.

Writes only what `swarm.spec.load` reads back as the same data: no tags, anchors or documents, and
no plain text that YAML would cut off or take for something else.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, cast

__all__ = ["Quoted", "Tall", "emit"]

WIDTH = 100  # of a line, where the text allows it
_WORDS = ("null", "true", "false")
_OLD_WORDS = ("yes", "no", "on", "off", "y", "n")  # YAML 1.1 took these for true and false
_DURATION = re.compile(r"\d+(\.\d+)?(ms|s|m|h|d)\Z")
_PLAIN_START = re.compile(r"[^\W\d]|[(/]|\./")  # a letter, `_`, or what no YAML sign begins with
_UNSAFE = re.compile(r": |:\Z| #|[{}]|\s\Z")
_UNSAFE_INSIDE = re.compile(r"[\[\],:'\"#]")  # inside {...} and [...]; `:` only where it is not in a word
_WORD_COLON = re.compile(r"(?<=\w):(?=[\w/])")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class Tall(dict[str, Any]):
    """A mapping that is written with one key a line, however short it is."""


class Quoted(str):
    """A text that is written in quotes even where YAML would not need them."""

    __slots__ = ()


def emit(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a block mapping."""
    yield from _mapping(value, 0)


def _mapping(table: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key, value in table.items():
        head = f"{' ' * indent}{_key(key)}:"
        yield from _entry(head, value, indent)


def _sequence(items: list[Any], indent: int) -> Iterator[str]:
    for item in items:
        yield from _entry(f"{' ' * indent}-", item, indent)


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    """Yield `head value`, on one line if it fits, else with the value below."""
    short = _inline(value, WIDTH - len(head) - 1)
    if short is not None:
        yield f"{head} {short}"
    elif isinstance(value, str):
        first, *rest = _long_text(value, indent + 2)
        yield f"{head} {first}"
        yield from rest
    else:
        yield head
        table = isinstance(value, Mapping)
        inner = _mapping(cast("Any", value), indent + 2) if table else _sequence(value, indent + 2)
        yield from inner


def _inline(value: Any, width: int) -> str | None:
    """Return `value` on one line of at most `width` columns, None if it should not be."""
    if isinstance(value, str):
        text = _scalar(value, inside=False)
        return text if "\n" not in value and len(text) <= width else None
    if isinstance(value, list | Mapping) and value and not _has_tall(value):
        text = _flow(value)
        return text if len(text) <= width else None
    return None if _has_tall(value) and value else _flow(value)


def _has_tall(value: Any) -> bool:
    """Return whether there is something in `value` that wants lines of its own."""
    if isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        return isinstance(value, Tall) or any(map(_has_tall, table.values()))
    if isinstance(value, list):
        return any(map(_has_tall, cast("list[Any]", value)))
    return isinstance(value, str) and "\n" in value


def _flow(value: Any) -> str:
    match value:
        case Mapping():
            table = cast("Mapping[str, Any]", value)
            return "{" + ", ".join(f"{_key(key)}: {_flow(inner)}" for key, inner in table.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, cast("list[Any]", value))) + "]"
        case str():
            return _scalar(value, inside=True)
        case _:
            return json.dumps(value, allow_nan=False)


def _key(key: str) -> str:
    plain = _is_plain(key, inside=True) and not _is_word(key, _WORDS)
    return key if plain else _quoted(key)


def _scalar(text: str, *, inside: bool) -> str:
    """Return a text on one line; `inside` of brackets more needs quotes."""
    if _DURATION.match(text) and not isinstance(text, Quoted):
        return text
    if (
        isinstance(text, Quoted)
        or not _is_plain(text, inside=inside)
        or _is_word(text, (*_WORDS, *_OLD_WORDS))
    ):
        return _quoted(text)
    return text


def _is_plain(text: str, *, inside: bool) -> bool:
    """Return whether YAML reads `text` without quotes as that very text."""
    if not (text.isprintable() and _PLAIN_START.match(text)) or _UNSAFE.search(text):
        return False
    return not (inside and _UNSAFE_INSIDE.search(_WORD_COLON.sub("", text)))


def _is_word(text: str, words: tuple[str, ...]) -> bool:
    return text.lower() in words


def _quoted(text: str) -> str:
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def _long_text(text: str, indent: int) -> Iterator[str]:
    """Yield a text that is too long for one line, or has several: as a block where it can be one."""
    pad = " " * indent
    if _is_literal(text):
        yield "|" if text.endswith("\n") else "|-"
        for line in text.removesuffix("\n").split("\n"):
            yield pad + line if line else ""
    elif _is_foldable(text):
        yield ">-"
        width = max(WIDTH - indent, 40)
        for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
            yield pad + line
    else:
        yield _quoted(text)


def _is_literal(text: str) -> bool:
    lines = text.split("\n")
    first = next((line for line in lines if line), " ")
    if text.endswith("\n\n"):  # `|+` would swallow the empty line before the next section
        return False
    return len(lines) > 1 and first[0] not in " \t" and all(map(_is_literal_line, lines))


def _is_literal_line(line: str) -> bool:
    return line == "" or (line.replace("\t", "").isprintable() and line.strip() != "" and line[0] != "\t")


def _is_foldable(text: str) -> bool:
    return text.isprintable() and text == text.strip() and "  " not in text
