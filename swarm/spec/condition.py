"""The expression language of `when`, `until` and `with`: parse, inspect, evaluate, write.

Grammar (loosest first): `or`, `and`, `not`, one comparison (`== != < <= > >= in`, `not in`),
then a reference (`name?.field.field`), a string, a number, `true false null`, a list, brackets.
No arithmetic, no calls. Looking `.field` up reads declared data, never an attribute.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from swarm.spec.evaluate import MISSING, compile_expression, field_of, truth_of
from swarm.spec.expression import (
    And,
    Compare,
    Const,
    Expr,
    ListOf,
    Not,
    Or,
    Ref,
    parts,
    references,
    write,
)

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
    "field_of",
    "parse_expression",
    "parts",
    "references",
    "truth_of",
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


_REFERENCE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
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
            return Const(value=_number(token), pos=token.pos, end=token.end)
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


def _number(token: _Token) -> int | float:
    if not re.search(r"[.eE]", token.text):
        return int(token.text)
    value = float(token.text)
    if math.isinf(value):
        raise ConditionError("this number is too large", pos=token.pos, length=len(token.text))
    return value


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
    return _plain_reference(text) or _Parser(text).whole()


def _plain_reference(text: str) -> Ref | None:
    """Return `name.field.field` at once: nearly all expressions of a graph are no more than that."""
    if _REFERENCE.fullmatch(text) is None:
        return None
    name, *fields = text.split(".")
    if name in WORDS or name == "none":  # which has a hint of its own
        return None
    return Ref(name=name, fields=tuple(fields), pos=0, end=len(text))
