"""Python types as types of a graph: `str | None` is `string?`, a dataclass is an object.

Both ways of writing a type end here, so a graph composed in Python declares exactly what its
YAML file would declare.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Union, cast, get_args, get_origin

from swarm.messages import Message
from swarm.spec.schema_types import from_schema
from swarm.spec.types import NO_DEFAULT, Type, TypeSyntaxError, parse_type

__all__ = ["type_of"]

_BARE = {
    Any: Type(base="any"),
    object: Type(base="any"),
    dict: Type(base="object"),
    list: Type(base="list", item=Type(base="any")),
}
_ADVICE = {"typed-dict-version": "before Python 3.12, import TypedDict from typing_extensions"}


def type_of(raw: Any) -> Type:
    """Return what `raw` means as the type of an input, an output or an answer.

    Args:
        raw: a `Type`, its YAML form (`"string?"`, `["string"]`, `{"city": "string"}`), or a
            Python type: `str`, `int | None`, `list[str]`, `Literal["a", "b"]`, `list[Message]`,
            a TypedDict, a dataclass, a pydantic model. The forms may be mixed.

    Raises:
        TypeSyntaxError: it is none of these.
    """
    return parse_type(_written(raw))


def _written(raw: Any) -> Any:
    """Return `raw` with every Python type in it replaced by its YAML form."""
    if raw is None or isinstance(raw, str | int | float):
        return raw
    if isinstance(raw, Type):
        return _tidy(raw).render()
    if isinstance(raw, list):
        return [_written(item) for item in cast("list[Any]", raw)]
    if isinstance(raw, Mapping):
        return _written_mapping(cast("Mapping[Any, Any]", raw))
    return _tidy(_annotated(raw)).render()


def _written_mapping(raw: Mapping[Any, Any]) -> dict[Any, Any]:
    if "type" in raw:
        return {**raw, "type": _written(raw["type"])}
    return {name: _written(kind) for name, kind in raw.items()}


def _annotated(annotation: Any) -> Type:
    """Return the type of a Python annotation."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in args if arg is not type(None)]
        kind = _annotated(inner[0]) if len(inner) == 1 else Type(base="any")
        return replace(kind, optional=len(inner) < len(args))
    if origin is list and args == (Message,):
        return Type(base="messages")
    if origin is list and args:
        return Type(base="list", item=_annotated(args[0]))
    for bare, kind in _BARE.items():
        if annotation is bare:
            return kind
    return from_schema(_schema(annotation))


def _schema(annotation: Any) -> dict[str, Any]:
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(annotation).json_schema()
    except PydanticUserError as error:  # neither a type nor anything with a JSON Schema
        raise TypeSyntaxError(
            f"{annotation!r} is no type that a graph can declare",
            hint=_ADVICE.get(
                error.code or "", "str, int, float, bool, dict, list[str], Literal, a dataclass"
            ),
        ) from error


def _tidy(kind: Type) -> Type:
    """Return `kind` as YAML can say it: closed records, and "may be missing" for a default of null."""
    if kind.default is None:
        kind = replace(kind, optional=True, default=NO_DEFAULT)
    return replace(
        kind,
        open=False,
        item=None if kind.item is None else _tidy(kind.item),
        fields={name: _tidy(inner) for name, inner in kind.fields.items()},
    )
