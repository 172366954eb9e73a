"""Plain data: the JSON values that travel between nodes, and making them of what Python gives.

What a caller passes to a run, what a tool returns and what a model writes are all made plain here,
so that everything behind can be checked, copied, saved and sent without a surprise.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

__all__ = ["MAX_DEPTH", "SCALARS", "NotPlainError", "TooLargeError", "parse_json", "plain_data", "weigh"]

MAX_DEPTH = 64
MAX_BITS = 3_400  # about 1,000 digits: Python refuses to write 4,300, and few readers take more than 20
SCALARS = frozenset({str, int, float, bool, type(None)})  # classes of plain data with nothing inside
_OPAQUE = object()
_SIZELESS = frozenset({bool, type(None)})


class NotPlainError(ValueError):
    """A part of a value is no plain data; `.what` names its path, `.hint` what it may be instead."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


class TooLargeError(ValueError):
    """A value is larger than allowed."""


def plain_data(value: Any, *, limit_bytes: int, root: str = "value") -> Any:
    """Return `value` as JSON values: dict, list, str, int, float, bool, None.

    Dataclasses and pydantic models become objects; enums their values; dates and times ISO 8601;
    tuples lists; sets sorted lists; decimals, UUIDs and paths text. Containers are copied, so
    what the giver still holds is not shared. `root` begins the paths in errors.

    Raises:
        NotPlainError: a part is nothing of these; names its path, such as `result.items[2].when`.
        TooLargeError: it is larger than `limit_bytes` (about its size as JSON).
    """
    kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind in _SIZELESS or (kind is str and 4 * len(value) <= limit_bytes):
        return value  # most values: nothing to convert and nothing to weigh
    if kind is int and value.bit_length() <= MAX_BITS:
        return value
    if kind is dict and (flat := _flat(value, limit_bytes)) is not None:
        return flat
    return _Walk(limit_bytes).plain(value, root, 0)


def _flat(table: dict[Any, Any], limit_bytes: int) -> dict[str, Any] | None:
    """Return a copy of an object of small values, as most results are; None when it takes a closer look."""
    size = 0
    for key, value in table.items():
        kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
        if type(key) is not str:
            return None
        if kind is str:
            size += 4 * len(value)
        elif kind not in _SIZELESS and not (kind is int and value.bit_length() <= MAX_BITS):
            return None
        size += len(key) + 12
    return table.copy() if size <= limit_bytes else None


def parse_json(text: str) -> Any:
    """Return what a JSON text from outside says, by the letter of the standard.

    Raises:
        ValueError: it is no JSON; it has NaN, infinity or a number too large for one, a key twice,
            or more than 64 levels.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object_of)
    except RecursionError as error:
        raise ValueError(f"it nests more than {MAX_DEPTH} deep") from error
    return plain_data(value, limit_bytes=max(64, 8 * len(text)))


def weigh(value: Any, limit: int) -> int:
    """Return about how many bytes plain data takes as JSON; stops counting beyond `limit`.

    A part that is shared counts each time: a list of a list twice, twenty times over, is small in
    memory and a million times as large once it is written.
    """
    total, waiting = 0, [value]
    while waiting and total <= limit:
        part = waiting.pop()
        if isinstance(part, str):
            total += len(part) + 2
        elif isinstance(part, Mapping):
            table = cast("Mapping[str, Any]", part)
            total += 2 + sum(len(key) + 4 for key in table)
            waiting.extend(table.values())
        elif isinstance(part, list | tuple):
            items = cast("list[Any]", part)
            total += 2 + len(items)
            waiting.extend(items)
        else:
            total += 4
    return total


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON")


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {twice!r} is there twice")
    return table


class _Walk:
    """One conversion, and the bytes it may still take."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes, self._left = limit_bytes, limit_bytes

    def plain(self, value: Any, path: str, depth: int) -> Any:
        kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind is str:
            self._take(len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass")))
            return value
        if kind in _SIZELESS:
            self._take(4)
            return value
        if kind is int or kind is float:
            return self._number(value, path)
        if depth >= MAX_DEPTH:
            raise NotPlainError(f"{_shown(path)}: nests more than {MAX_DEPTH} deep", "use a flatter value")
        if kind is dict:
            return self._object(value, path, depth)
        if (names := _field_names(kind)) is not None:
            return self._object({name: getattr(value, name) for name in names}, path, depth)
        if isinstance(value, Mapping):
            return self._object(cast("Mapping[Any, Any]", value), path, depth)
        if isinstance(value, list | tuple):
            return self._list(cast("Iterable[Any]", value), path, depth)
        if isinstance(value, set | frozenset):
            items = self._list(cast("Iterable[Any]", value), path, depth)
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
        if (simpler := _unwrapped(value)) is _OPAQUE:
            hint = "use a dict, a list, text, a number, a dataclass or a pydantic model"
            raise NotPlainError(f"{_shown(path)}: {kind.__name__} is not plain data", hint)
        return self.plain(simpler, path, depth + 1)

    def _object(self, table: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, inner in table.items():
            name = key if type(key) is str else _key(key)
            if name is None:
                raise NotPlainError(f"{_shown(path)}: the key {key!r} is not text", "JSON keys are text")
            if name in result:
                hint = "make the keys differ as text"
                raise NotPlainError(f"{_shown(path)}: two keys are {name!r} as text", hint)
            self._take(len(name) + 4)
            if type(inner) in _SIZELESS:  # most fields are small: no path is needed, no call
                self._take(4)
                result[name] = inner
            else:
                result[name] = self.plain(inner, f"{path}.{name}", depth + 1)
        return result

    def _list(self, items: Iterable[Any], path: str, depth: int) -> list[Any]:
        return [self.plain(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(items)]

    def _number(self, value: float, path: str) -> float:
        if type(value) is int:
            if value.bit_length() > MAX_BITS:
                hint = "use text for a number of more than 1,000 digits"
                raise NotPlainError(f"{_shown(path)}: the number is too long", hint)
        elif not math.isfinite(value):
            hint = "use None where there is no number"
            raise NotPlainError(f"{_shown(path)}: {value} is not plain data", hint)
        self._take(8)
        return value

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooLargeError(f"larger than {self._limit_bytes:,} bytes")


def _shown(path: str) -> str:
    """Return a path that a person can read; of a long one the beginning."""
    return path if len(path) <= 200 else f"{path[:200]}..."


@functools.lru_cache(maxsize=1024)
def _field_names(kind: type[Any]) -> tuple[str, ...] | None:
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))


def _key(key: Any) -> str | None:
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int | date | UUID) and not isinstance(key, bool):
        return str(key)
    return None


def _unwrapped(value: Any) -> Any:
    """Return a simpler value that says the same, one layer down; `_OPAQUE` when there is none."""
    match value:
        case Enum():
            return value.value
        case str():
            return str.__str__(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            from pydantic_core import to_jsonable_python

            return to_jsonable_python(value)  # ISO 8601, as pydantic's schemas promise
        case Decimal() | UUID() | PurePath():
            return str(value)
        case _ if hasattr(value, "__pydantic_serializer__") and not isinstance(value, type):
            return value.model_dump(by_alias=True)
        case _:
            return _OPAQUE
