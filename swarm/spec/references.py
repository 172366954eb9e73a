"""References to what a run will know: the Python side of the `when` language.

`triage.label == "refund"` is not worked out while a graph is composed. It builds the same
expression that a YAML file writes as text, and `text_of` gives that text. The language has no
Python `and`, `or`, `not`, `in` and `if`, so each of them raises and says what to write instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, cast

from swarm.spec.condition import And, Compare, Const, Expr, ListOf, Not, Or, Ref, write

__all__ = ["Condition", "First", "NodeRef", "Reference", "binding", "first", "split_bindings", "text_of"]

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class _Composable:
    """What references and conditions share: `~`, `&`, `|`, and the refusal of Python's own words."""

    __slots__ = ("_expr",)
    __hash__ = object.__hash__  # `==` builds a condition, so hashing goes by identity

    def __init__(self, expr: Expr) -> None:
        self._expr = expr

    def __invert__(self) -> Condition:
        """`~a`: `not a`."""
        return Condition(Not(item=self._expr))

    def __and__(self, other: object) -> Condition:
        """`a & b`: `a and b`."""
        return Condition(And(items=(*_items(And, self._expr), *_items(And, _boolean(other, "&")))))

    def __or__(self, other: object) -> Condition:
        """`a | b`: `a or b`."""
        return Condition(Or(items=(*_items(Or, self._expr), *_items(Or, _boolean(other, "|")))))

    def __eq__(self, other: object) -> Condition:  # pyright: ignore[reportIncompatibleMethodOverride]
        """`a == b`; compare with None to ask whether there is a value."""
        return _compare("==", self, other)

    def __ne__(self, other: object) -> Condition:  # pyright: ignore[reportIncompatibleMethodOverride]
        """`a != b`."""
        return _compare("!=", self, other)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"`{write(self._expr)}` is true or false only when the graph runs, so Python's"
            " `and`, `or`, `not`, `in`, `if` and chained comparisons cannot ask it now\n"
            "  fix: write `&` for and, `|` for or, `~` for not (each side in brackets),"
            " `.in_([...])` for in, and `when=...` on a node for if"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {write(self._expr)}>"


class Condition(_Composable):
    """Something that will be true or false: what `when=` and `until` take."""

    __slots__ = ()


class Reference(_Composable):
    """A value that a run will know; `.name` is a field of it.

    In an f-string it becomes what a template writes: `f"Hello {graph.input.name}"`. A field whose
    name is a method of this class, or begins with `_`, is reached by `reference["name"]`.
    """

    __slots__ = ()

    def __getattr__(self, field: str) -> Reference:
        if field.startswith("_"):  # Python itself asks for such names; they are no fields
            raise AttributeError(field)
        return self[field]

    def __getitem__(self, field: str) -> Reference:
        """Return the field called `field`."""
        expr = _ref(self)
        if not isinstance(cast("object", field), str) or not _FIELD.match(field):
            raise TypeError(
                f"`{write(expr)}` has fields with names, not [{field!r}]\n"
                "  fix: pick an element of a list in a tool, or run a node for each with graph.each(...)"
            )
        return Reference(replace(expr, fields=(*expr.fields, field)))

    @property
    def optional(self) -> Reference:
        """Return the same reference with `?`: null when the node did not run."""
        return Reference(replace(_ref(self), optional=True))

    def in_(self, values: Sequence[object] | Reference) -> Condition:
        """Return `this in [values]`."""
        return _compare("in", self, values)

    def not_in(self, values: Sequence[object] | Reference) -> Condition:
        """Return `this not in [values]`."""
        return _compare("not in", self, values)

    def contains(self, value: object) -> Condition:
        """Return `value in this`, for a list."""
        return _compare("in", value, self)

    def __lt__(self, other: object) -> Condition:
        return _compare("<", self, other)

    def __le__(self, other: object) -> Condition:
        return _compare("<=", self, other)

    def __gt__(self, other: object) -> Condition:
        return _compare(">", self, other)

    def __ge__(self, other: object) -> Condition:
        return _compare(">=", self, other)

    def __contains__(self, value: object) -> NoReturn:
        text = write(self._expr)
        raise TypeError(
            f"Python's `in` cannot look into `{text}` now\n  fix: write `{text}.contains({value!r})`"
        )

    def __iter__(self) -> NoReturn:
        text = write(self._expr)
        raise TypeError(
            f"`{text}` has elements only when the graph runs\n"
            f'  fix: run a node for each of them: with graph.each("name", {text}) as body: ...'
        )

    def __str__(self) -> str:
        return self.__format__("")

    def __format__(self, spec: str) -> str:
        expr = _ref(self)
        if expr.optional or spec:
            raise TypeError(
                f"`{write(expr)}` cannot stand in a template like that\n"
                "  fix: give it to the node by name, such as order=order.optional, and write {{ order }}"
            )
        return "{{ " + write(expr) + " }}"


class NodeRef(Reference):
    """The value of a whole node: what every method that adds a node returns."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class First:
    """The first of several values that is not null; made by `first`."""

    items: tuple[object, ...]


def first(*values: object) -> First:
    """Return `{first: [...]}` for an argument: the first of `values` that is not null.

    A node that may not have run is given with `?`: `first(rewrite.optional.text, loop.draft)`.
    """
    return First(values)


def text_of(value: object) -> str:
    """Return the expression for `value`: of a reference, a condition, or a constant.

    Raises:
        TypeError: the language has no such value.
    """
    return write(_operand(value))


def binding(value: object, *, where: str) -> Any:
    """Return `value` as `with` writes it: references and texts as expressions, the rest as it is.

    Args:
        where: what the value is for, named in the error.

    Raises:
        TypeError: there is something in it that is neither a reference nor plain data.
    """
    match value:
        case _Composable() | str():
            return text_of(value)
        case First(items=items):
            return {"first": [text_of(item) for item in items]}
        case list() | tuple():
            return [binding(item, where=where) for item in cast("Sequence[object]", value)]
        case Mapping():
            table = cast("Mapping[object, object]", value)
            return {_key(name, where): binding(item, where=where) for name, item in table.items()}
        case _:
            return _plain(value, where)


def split_bindings(arguments: Mapping[str, object], *, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `arguments` as (`with`, `params`): those that refer to something, and constants.

    Raises:
        TypeError: there is something in them that is neither a reference nor plain data.
    """
    bound: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    for name, value in arguments.items():
        place = f"argument {name!r} of {where}"
        if _refers(value):
            bound[name] = binding(value, where=place)
        else:
            constants[name] = _constant(value, place)
    return bound, constants


def _refers(value: object) -> bool:
    match value:
        case _Composable() | First():
            return True
        case list() | tuple():
            return any(_refers(item) for item in cast("Sequence[object]", value))
        case Mapping():
            return any(_refers(item) for item in cast("Mapping[object, object]", value).values())
        case _:
            return False


def _constant(value: object, where: str) -> Any:
    match value:
        case list() | tuple():
            return [_constant(item, where) for item in cast("Sequence[object]", value)]
        case Mapping():
            table = cast("Mapping[object, object]", value)
            return {_key(name, where): _constant(item, where) for name, item in table.items()}
        case _:
            return _plain(value, where)


def _key(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{where} has the key {name!r}: the keys of a mapping are text")
    return name


def _plain(value: object, where: str) -> Any:
    if (
        value is None
        or isinstance(value, bool | int | str)
        or (isinstance(value, float) and math.isfinite(value))
    ):
        return value
    raise TypeError(
        f"{where} is {value!r} ({type(value).__name__}), which a graph cannot write down\n"
        "  fix: give a reference (graph.input.message, triage.label) or text, a number, a list, a dict"
    )


def _expr(value: _Composable) -> Expr:
    return value._expr  # pyright: ignore[reportPrivateUsage]


def _ref(reference: _Composable) -> Ref:
    expr = _expr(reference)
    assert isinstance(expr, Ref)
    return expr


def _items(kind: type[And] | type[Or], expr: Expr) -> tuple[Expr, ...]:
    """Return the parts of a chain, so that `a & b & c` is written without brackets."""
    return expr.items if isinstance(expr, And | Or) and isinstance(expr, kind) else (expr,)


def _boolean(value: object, sign: str) -> Expr:
    if not isinstance(value, _Composable):
        raise TypeError(
            f"`{sign}` joins conditions, and {value!r} is none\n"
            f"  fix: put brackets round comparisons: (a == 1) {sign} (b == 2)"
        )
    return _expr(value)


def _compare(op: str, left: object, right: object) -> Condition:
    return Condition(Compare(op=op, left=_operand(left), right=_operand(right)))


def _operand(value: object) -> Expr:
    match value:
        case _Composable():
            return _expr(value)
        case list() | tuple():
            return ListOf(items=tuple(_operand(item) for item in cast("Sequence[object]", value)))
        case float() if not math.isfinite(value):
            raise TypeError(f"the language of conditions has no {value!r}")
        case None | bool() | int() | float() | str():
            return Const(value=value)
        case _:
            raise TypeError(
                f"the language of conditions has no {type(value).__name__} ({value!r})\n"
                "  fix: compare with text, a number, True, False, None, a list of these, or a reference"
            )
