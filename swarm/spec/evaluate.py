"""Expressions at work: compiled once into functions of a scope (name -> value)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from swarm.errors import NodeError
from swarm.spec.expression import And, Compare, Const, Expr, ListOf, Not, Or, Ref, write
from swarm.spec.types import same

__all__ = ["MISSING", "compile_expression", "field_of", "truth_of"]


class _Missing:
    """The value of a node that was skipped; only a reference with `?` may meet it."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


Scope = Mapping[str, Any]
Evaluate = Callable[[Scope], Any]


def compile_expression(expr: Expr) -> Evaluate:
    """Return a function from a scope (name -> value) to the value of `expr`.

    A name that is not in the scope is MISSING and reads as null; the caller skips a node whose
    references without `?` are missing before it evaluates. Raises NodeError on values that the
    expression cannot be worked out for.
    """
    match expr:
        case Const(value=value):
            return lambda scope: value
        case Ref():
            return _compile_ref(expr)
        case ListOf(items=items):
            made = [compile_expression(item) for item in items]
            return lambda scope: [item(scope) for item in made]
        case Not(item=item):
            inner = compile_expression(item)
            return lambda scope: not _truth(inner(scope), expr)
        case And(items=items):
            made = [compile_expression(item) for item in items]
            return lambda scope: all(_truth(item(scope), expr) for item in made)
        case Or(items=items):
            made = [compile_expression(item) for item in items]
            return lambda scope: any(_truth(item(scope), expr) for item in made)
        case Compare():
            return _compile_compare(expr)


def truth_of(value: Any, expr: Expr) -> bool:
    """Return a `when`'s value as a boolean: null is false, anything but a boolean is an error."""
    return _truth(value, expr)


def _truth(value: Any, expr: Expr) -> bool:
    if value is True:
        return True
    if value is False or value is None or value is MISSING:
        return False
    raise NodeError(
        f"{write(expr)!r} needs true or false, got {value!r}"[:300], hint="compare it: `x != null`, `x > 0`"
    )


def _compile_ref(ref: Ref) -> Evaluate:
    name, fields, optional = ref.name, ref.fields, ref.optional
    if not fields:

        def whole(scope: Scope) -> Any:
            value = scope.get(name, MISSING)
            return None if value is MISSING else value

        return whole
    first, rest = fields[0], fields[1:]

    def look_up(scope: Scope) -> Any:
        found: Any = scope.get(name, MISSING)
        if found is MISSING:
            return None
        if not rest and type(found) is dict and first in found:
            return found[first]  # pyright: ignore[reportUnknownVariableType]
        for step in fields:
            found = field_of(found, step, ref=ref, optional=optional)
        return cast("Any", found)

    return look_up


def field_of(value: Any, name: str, *, ref: Ref | None = None, optional: bool = False) -> Any:
    """Return `value.name`; of null it is null only after `?`.

    Of a list it is that field of every element, but `confident`: whether all are.
    """
    if isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        if name in table:
            return table[name]
        if optional:
            return None
        raise NodeError(f"{_where(ref)} has no field {name!r}", hint=_choices(table))
    if isinstance(value, list | tuple):
        found = [field_of(item, name, ref=ref, optional=optional) for item in cast("list[Any]", value)]
        return all(found) if name == "confident" else found
    if value is None and optional:
        return None
    kind = "null" if value is None else type(value).__name__
    hint = "write `?` after the name to get null" if value is None else ""
    raise NodeError(f"{_where(ref)}: {kind} has no field {name!r}", hint=hint)


def _where(ref: Ref | None) -> str:
    return write(ref) if ref is not None else "the value"


def _choices(table: Mapping[str, Any]) -> str:
    return "it has " + (", ".join(sorted(map(str, table))[:9]) or "no fields")


def _compile_compare(expr: Compare) -> Evaluate:
    left, right, op = compile_expression(expr.left), compile_expression(expr.right), expr.op
    match op:
        case "==" if isinstance(expr.right, Const) and isinstance(expr.right.value, str | bool):
            return _compile_is(expr.left, left, expr.right.value)
        case "==":
            return lambda scope: same(left(scope), right(scope))
        case "!=":
            return lambda scope: not same(left(scope), right(scope))
        case "in":
            return lambda scope: _within(left(scope), right(scope), expr)
        case "not in":
            return lambda scope: not _within(left(scope), right(scope), expr)
        case _:
            return lambda scope: _ordered(left(scope), right(scope), op, expr)


def _compile_is(side: Expr, left: Evaluate, constant: str | bool) -> Evaluate:
    """Return `left == constant`, as nearly all conditions are: these need less care than `same` takes."""
    same_as = operator.is_ if isinstance(constant, bool) else operator.eq
    if not isinstance(side, Ref) or len(side.fields) != 1:
        return lambda scope: same_as(left(scope), constant)
    name, (field,) = side.name, side.fields

    def field_is(scope: Scope) -> bool:
        found = scope.get(name)
        if type(found) is dict and field in found:
            return same_as(found[field], constant)  # pyright: ignore[reportUnknownArgumentType]
        return same_as(left(scope), constant)

    return field_is


def _within(item: Any, items: Any, expr: Compare) -> bool:
    if items is None:
        return False
    if not isinstance(items, list | tuple):
        raise NodeError(f"{write(expr)!r} needs a list on the right, got {type(items).__name__}")
    return any(same(item, one) for one in cast("list[Any]", items))


def _ordered(left: Any, right: Any, op: str, expr: Compare) -> bool:
    if left is None or right is None:
        return False
    if _is_number(left) and _is_number(right):
        return ORDER[op](left, right)
    if isinstance(left, str) and isinstance(right, str):
        return ORDER[op](left, right)
    raise NodeError(f"{write(expr)!r} compares {left!r} with {right!r}: two numbers or two strings")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
