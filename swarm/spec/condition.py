"""The expression language of `when`, `until` and `with`: parse, inspect, evaluate, write.

Grammar (loosest first): `or`, `and`, `not`, one comparison (`== != < <= > >= in`, `not in`),
then a reference (`name?.field.field`), a string, a number, `true false null`, a list, brackets.
No arithmetic, no calls. Looking `.field` up reads declared data, never an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from swarm.errors import NodeError
from swarm.spec.types import same

__all__ = [
    "MISSING",
    "And",
    "Compare",
    "ConditionError",
    "Const",
    "Expr",
    "ListOf",
    "Not",
    "Or",
    "Ref",
    "compile_expression",
    "parse_expression",
    "references",
    "write",
]

MAX_LENGTH = 1_000
MAX_DEPTH = 20
WORDS = ("and", "or", "not", "in", "true", "false", "null")
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")


class ConditionError(ValueError):
    """An expression is written wrongly; `.pos` and `.length` are columns in it, from 0."""

    def __init__(self, message: str, *, pos: int, length: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.pos, self.length, self.hint = pos, length, hint


class _Missing:
    """The value of a node that was skipped; only a reference with `?` may meet it."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


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

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<op>==|!=|<=|>=|<|>|\(|\)|\[|\]|,|\.|\?)
    )""",
    re.VERBOSE,
)
_ADVICE = {
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "=": "write `==`",
    "+": "there is no arithmetic: compute it in a tool",
    "-": "there is no arithmetic: compute it in a tool",
    "*": "there is no arithmetic: compute it in a tool",
    "/": "there is no arithmetic: compute it in a tool",
    "{": "an expression names things as they are: `triage.label`, without braces",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    pos: int
    end: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    pos = 0
    while text[pos:].strip():
        match = _TOKEN.match(text, pos)
        if match is None or match.lastgroup is None:
            start = pos + len(text[pos:]) - len(text[pos:].lstrip())
            raise _unexpected(text, start)
        kind = match.lastgroup
        found.append(_Token(kind, match[kind], match.start(kind), match.end(kind)))
        pos = match.end()
    found.append(_Token("end", "", len(text), len(text)))
    return found


def _unexpected(text: str, pos: int) -> ConditionError:
    if text[pos] in "\"'":
        return ConditionError("this string is not closed", pos=pos, hint=f"end it with {text[pos]}")
    for sign, hint in _ADVICE.items():
        if text.startswith(sign, pos):
            return ConditionError(f"unexpected {sign!r}", pos=pos, length=len(sign), hint=hint)
    return ConditionError(f"unexpected {text[pos]!r}", pos=pos)


class _Parser:
    """Recursive descent over the tokens; every method returns the expression it read."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def next(self) -> _Token:
        token = self.token
        self.at += 1
        return token

    def is_word(self, *words: str) -> bool:
        return self.token.kind in ("name", "op") and self.token.text in words

    def expect(self, sign: str) -> _Token:
        if not self.is_word(sign):
            raise self.wrong(f"expected {sign!r}")
        return self.next()

    def wrong(self, message: str, hint: str = "") -> ConditionError:
        token = self.token
        got = f", found {token.text!r}" if token.kind != "end" else ", found the end"
        if token.text == "(" and not hint:
            hint = "there are no calls: compute it in a tool"
        return ConditionError(message + got, pos=token.pos, length=max(1, len(token.text)), hint=hint)

    def whole(self) -> Expr:
        result = self.either()
        if self.token.kind != "end":
            raise self.wrong("expected `and`, `or`, a comparison or the end")
        return result

    def either(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConditionError(f"brackets nest at most {MAX_DEPTH} deep", pos=self.token.pos)
        items = [self.both()]
        while self.is_word("or"):
            self.next()
            items.append(self.both())
        self.depth -= 1
        if len(items) == 1:
            return items[0]
        return Or(items=tuple(items), pos=items[0].pos, end=items[-1].end)

    def both(self) -> Expr:
        items = [self.negation()]
        while self.is_word("and"):
            self.next()
            items.append(self.negation())
        if len(items) == 1:
            return items[0]
        return And(items=tuple(items), pos=items[0].pos, end=items[-1].end)

    def negation(self) -> Expr:
        if not self.is_word("not"):
            return self.comparison()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConditionError(f"`not` nests at most {MAX_DEPTH} deep", pos=self.token.pos)
        start = self.next().pos
        item = self.negation()
        self.depth -= 1
        return Not(item=item, pos=start, end=item.end)

    def comparison(self) -> Expr:
        left = self.operand()
        op = self.operator()
        if not op:
            return left
        right = self.operand()
        if self.token.text in (*COMPARISONS, "in"):
            raise self.wrong("comparisons do not chain", hint="join two with `and`")
        return Compare(op=op, left=left, right=right, pos=left.pos, end=right.end)

    def operator(self) -> str:
        if self.is_word("in", *COMPARISONS):
            return self.next().text
        if self.is_word("not") and self.tokens[self.at + 1].text == "in":
            self.next()
            self.next()
            return "not in"
        return ""

    def operand(self) -> Expr:
        token = self.token
        if token.kind == "number":
            self.next()
            value: Any = float(token.text) if re.search(r"[.eE]", token.text) else int(token.text)
            return Const(value=value, pos=token.pos, end=token.end)
        if token.kind == "string":
            self.next()
            return Const(value=_unquote(token.text), pos=token.pos, end=token.end)
        if token.text == "(":
            self.next()
            inner = self.either()
            self.expect(")")
            return inner
        if token.text == "[":
            return self.listing()
        if token.kind == "name":
            return self.named()
        raise self.wrong("expected a value")

    def listing(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConditionError(f"lists nest at most {MAX_DEPTH} deep", pos=self.token.pos)
        start = self.next().pos
        items: list[Expr] = []
        while not self.is_word("]"):
            items.append(self.operand())
            if not self.is_word("]"):
                self.expect(",")
        self.depth -= 1
        return ListOf(items=tuple(items), pos=start, end=self.next().end)

    def named(self) -> Expr:
        token = self.next()
        constants = {"true": True, "false": False, "null": None}
        if token.text in constants:
            return Const(value=constants[token.text], pos=token.pos, end=token.end)
        if token.text in constants or token.text in WORDS:
            self.at -= 1
            raise self.wrong("expected a value")
        advice = {"True": "true", "False": "false", "None": "null", "none": "null"}
        if token.text in advice:
            hint = f"write `{advice[token.text]}`"
            raise ConditionError(f"unknown word {token.text!r}", pos=token.pos, length=4, hint=hint)
        optional, fields, end = False, list[str](), token.end
        if self.is_word("?"):
            optional, end = True, self.next().end
        while self.is_word("."):
            self.next()
            if self.token.kind != "name":
                raise self.wrong("expected a field's name after '.'")
            part = self.next()
            fields.append(part.text)
            end = part.end
        if self.is_word("?"):
            raise self.wrong("`?` comes right after the name", hint=f"{token.text}?.{'.'.join(fields)}")
        return Ref(name=token.text, fields=tuple(fields), optional=optional, pos=token.pos, end=end)


def _unquote(text: str) -> str:
    plain = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda m: plain.get(m[1], m[1]), text[1:-1], flags=re.DOTALL)


def parse_expression(text: str) -> Expr:
    """Return the expression written as `text`.

    Raises:
        ConditionError: with the column where it goes wrong.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"an expression has at most {MAX_LENGTH} characters", pos=0)
    if not text.strip():
        raise ConditionError("an expression is missing", pos=0)
    return _Parser(text).whole()


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
        value = scope.get(name, MISSING)
        if value is MISSING:
            return None
        if type(value) is dict:
            table = cast("dict[str, Any]", value)
            if not rest and first in table:
                return table[first]
        for step in fields:
            value = field_of(value, step, ref=ref, optional=optional)
        return value

    return look_up


def field_of(value: Any, name: str, *, ref: Ref | None = None, optional: bool = False) -> Any:
    """Return `value.name`: of a list, that field of every element; of null, null only after `?`."""
    if isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        if name in table:
            return table[name]
        if optional:
            return None
        raise NodeError(f"{_where(ref)} has no field {name!r}", hint=_choices(table))
    if isinstance(value, list | tuple):
        return [field_of(item, name, ref=ref, optional=optional) for item in cast("list[Any]", value)]
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


def _within(item: Any, items: Any, expr: Compare) -> bool:
    if items is None:
        return False
    if not isinstance(items, list | tuple):
        raise NodeError(f"{write(expr)!r} needs a list on the right, got {type(items).__name__}")
    return any(same(item, one) for one in cast("list[Any]", items))


def _ordered(left: Any, right: Any, op: str, expr: Compare) -> bool:
    if left is None or right is None:
        return False
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    strings = isinstance(left, str) and isinstance(right, str)
    if not (numbers or strings) or isinstance(left, bool) or isinstance(right, bool):
        raise NodeError(f"{write(expr)!r} compares {left!r} with {right!r}: two numbers or two strings")
    match op:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right
