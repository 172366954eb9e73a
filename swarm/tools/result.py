"""What a tool returned, as plain data: JSON values that can be checked, saved and sent."""

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

from swarm.errors import LimitExceededError, ToolError

__all__ = ["MAX_RESULT_BYTES", "plain"]

MAX_RESULT_BYTES = 1_000_000  # what one node may add to a run's log
MAX_DEPTH = 64
PLAIN_DATA = "return a dict, a list, text, a number, a dataclass or a pydantic model"
_OPAQUE = object()
SIZELESS = frozenset({bool, int, type(None)})


def plain(value: Any, *, limit_bytes: int = MAX_RESULT_BYTES, where: str = "") -> Any:
    """Return `value` as JSON values: dict, list, str, int, float, bool, None.

    Dataclasses and pydantic models become objects; enums their values; dates and times ISO 8601;
    tuples lists; sets sorted lists; decimals, UUIDs and paths text. Containers are copied, so
    what the tool still holds is not shared. `where` says whose result it is, in errors.

    Raises:
        ToolError: a part is nothing of these; names its path, such as `result.items[2].when`.
        LimitExceededError: it is larger than `limit_bytes` (about its size as JSON).
    """
    if type(value) in SIZELESS:
        return value
    return _Walk(limit_bytes, where).plain(value, "result", 0)


class _Walk:
    """One conversion, and the bytes it may still take."""

    def __init__(self, limit_bytes: int, where: str) -> None:
        self._limit_bytes, self._left, self._where = limit_bytes, limit_bytes, where

    def plain(self, value: Any, path: str, depth: int) -> Any:
        kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind in SIZELESS:
            self._take(4)
            return value
        if kind is str:
            self._take(len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass")))
            return value
        if kind is float:
            return self._number(value, path)
        if depth >= MAX_DEPTH:
            raise self._error(path, f"nests more than {MAX_DEPTH} deep", "return a flatter value")
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
            raise self._error(path, f"{kind.__name__} is not plain data", PLAIN_DATA)
        return self.plain(simpler, path, depth + 1)

    def _object(self, table: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, inner in table.items():
            name = key if type(key) is str else _key(key)
            if name is None:
                raise self._error(path, f"the key {key!r} is not text", "JSON keys are text")
            if name in result:
                raise self._error(path, f"two keys are {name!r} as text", "make the keys differ as text")
            self._take(len(name) + 4)
            result[name] = self.plain(inner, f"{path}.{name}", depth + 1)
        return result

    def _list(self, items: Iterable[Any], path: str, depth: int) -> list[Any]:
        return [self.plain(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(items)]

    def _number(self, value: float, path: str) -> float:
        if not math.isfinite(value):
            raise self._error(path, f"{value} is not plain data", "return None where there is no number")
        self._take(8)
        return value

    def _error(self, path: str, what: str, hint: str) -> ToolError:
        return ToolError(f"{path}: {what}", where=self._where, hint=hint)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise LimitExceededError(
                f"the value is larger than {self._limit_bytes:,} bytes",
                where=self._where,
                hint="return less: a summary, a page, or the path of a file",
            )


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
