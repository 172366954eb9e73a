"""The type of a field of a field: what `.name` means on data whose type is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swarm.spec.types import ANY, Type

__all__ = ["UnknownField", "field_type"]


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A field that is not there: which one of the reference's (from 0), and what there is."""

    at: int
    choices: tuple[str, ...]


def field_type(kind: Type, fields: Sequence[str]) -> Type | UnknownField:
    """Return the type of `value.field.field`; of a list it is a list of that field."""
    for position, name in enumerate(fields):
        if kind.base == "list":
            if name == "confident" and position == len(fields) - 1:
                return Type(base="boolean")  # of a list: whether all are
            inner = field_type(kind.item or ANY, fields[position:])
            if isinstance(inner, UnknownField):
                return UnknownField(inner.at + position, inner.choices)
            return Type(base="list", item=inner)
        if kind.base == "record":
            if name in kind.fields:
                nullable = kind.optional
                kind = kind.fields[name]
                kind = replace(kind, optional=True) if nullable else kind
            elif kind.open:
                return ANY
            else:
                return UnknownField(position, tuple(kind.fields))
        elif kind.base in ("any", "object", "messages"):
            return ANY
        else:
            return UnknownField(position, ())
    return kind
