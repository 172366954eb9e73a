"""Expressions as values: what the parser makes, the checks inspect, and the writer writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["And", "Compare", "Const", "Expr", "ListOf", "Not", "Or", "Ref", "parts", "references", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """`name.field.field`; `optional` is the `?` after the name. `pos` and `end` are columns."""

    name: str
    fields: tuple[str, ...] = ()
    optional: bool = False
    pos: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Const:
    """A string, number, `true`, `false` or `null`."""

    value: Any
    pos: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """`[a, b]`."""

    items: tuple[Expr, ...]
    pos: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """`not x`."""

    item: Expr
    pos: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """`a and b and c`."""

    items: tuple[Expr, ...]
    pos: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """`a or b or c`."""

    items: tuple[Expr, ...]
    pos: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """`left op right`, `op` one of `== != < <= > >=`, `in`, `not in`."""

    op: str
    left: Expr
    right: Expr
    pos: int = 0
    end: int = 0


Expr = Ref | Const | ListOf | Not | And | Or | Compare


def parts(expr: Expr) -> Iterator[Expr]:
    """Yield `expr` and everything in it."""
    yield expr
    match expr:
        case Not(item=item):
            yield from parts(item)
        case And(items=items) | Or(items=items) | ListOf(items=items):
            for item in items:
                yield from parts(item)
        case Compare(left=left, right=right):
            yield from parts(left)
            yield from parts(right)
        case _:
            pass


def references(expr: Expr) -> list[Ref]:
    """Return every reference in `expr`, in the order written."""
    return [part for part in parts(expr) if isinstance(part, Ref)]


def write(expr: Expr) -> str:
    """Return `expr` as text that parses back to the same expression."""
    match expr:
        case Ref(name=name, fields=fields, optional=optional):
            return ".".join([name + ("?" if optional else ""), *fields])
        case Const(value=value):
            return _write_constant(value)
        case ListOf(items=items):
            return "[" + ", ".join(write(item) for item in items) + "]"
        case Not(item=item):
            return f"not {_bracket(item, And, Or)}"
        case And(items=items):
            return " and ".join(_bracket(item, And, Or) for item in items)
        case Or(items=items):
            return " or ".join(_bracket(item, Or) for item in items)
        case Compare(op=op, left=left, right=right):
            loose = (And, Or, Not, Compare)
            return f"{_bracket(left, *loose)} {op} {_bracket(right, *loose)}"


def _bracket(expr: Expr, *kinds: type) -> str:
    return f"({write(expr)})" if isinstance(expr, kinds) else write(expr)


def _write_constant(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'
    return repr(value)
