"""What a template does while it is filled: ten filters, look-ups in data, and a budget of work.

Rendering runs on the event loop, so it must be short whatever the data are. Output is capped; so is
work, in units of about a nanosecond of copying: loops, filters and comparisons spend from it.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from swarm.errors import LimitExceededError
from swarm.spec.condition import MISSING
from swarm.spec.plain import weigh

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

__all__ = ["FILTERS", "LOOP_FIELDS", "MAX_OUTPUT", "environment", "guard", "too_long", "working"]

MAX_OUTPUT = 1_000_000  # characters
MAX_WORK = 20_000_000  # under half a second
TURN = 10  # of a loop
LOOP_FIELDS = ("index", "index0", "first", "last", "length")

_left: ContextVar[list[int]] = ContextVar("_left")


@contextmanager
def working() -> Generator[None]:
    """Give what is rendered inside its budget."""
    token = _left.set([MAX_WORK])
    try:
        yield
    finally:
        _left.reset(token)


def guard(tree: nodes.Template) -> nodes.Template:
    """Return the tree with loops that count their turns and comparisons that spend for what they read."""
    from jinja2 import nodes as n

    def call(name: str, value: nodes.Expr) -> nodes.Filter:
        return n.Filter(value, name, [], [], None, None, lineno=value.lineno)

    for loop in tree.find_all(n.For):
        loop.iter = call("_turns", cast("nodes.Expr", loop.iter))
    for operand in tree.find_all(n.Operand):
        operand.expr = call("_weighed", operand.expr)
    return tree


def too_long() -> LimitExceededError:
    """Return the error of a template that writes too much."""
    what = f"a template rendered more than {MAX_OUTPUT:,} characters"
    return LimitExceededError(what, hint="pass less text to it")


def _spend(work: int) -> None:
    left = _left.get()
    left[0] -= work
    if left[0] < 0:
        raise LimitExceededError("a template took too much work", hint="loop over less, or use a tool")


def _turns(items: Any) -> Iterator[Any]:
    """Yield the items of a loop; null has none."""
    for item in () if items is None or items is MISSING else items:
        _spend(TURN)
        yield item


def _weighed(value: Any) -> Any:
    _spend(weigh(value, MAX_WORK))
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        _spend(len(value))
        return value
    if value is None or value is MISSING:
        return ""
    from jinja2 import Undefined

    if isinstance(value, Undefined):
        return str(value)  # raises, naming what is undefined
    return _json(value)


def _json(value: Any) -> str:
    _weighed(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _capped(text: str) -> str:
    if len(text) > MAX_OUTPUT:
        raise too_long()
    return text


def _join(items: Sequence[Any], separator: str = "") -> str:
    texts = [_text(item) for item in items or ()]
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_OUTPUT:
        raise too_long()
    return separator.join(texts)


def _replace(value: Any, old: str, new: str) -> str:
    text = _text(value)
    if old and text.count(old) * len(new) > MAX_OUTPUT:
        raise too_long()
    return _capped(text.replace(old, new))


def _default(value: Any, instead: Any = "") -> Any:
    from jinja2 import Undefined

    return instead if value is None or value is MISSING or isinstance(value, Undefined) else value


def _lower(text: Any) -> str:
    return _text(text).lower()


def _upper(text: Any) -> str:
    return _text(text).upper()


def _trim(text: Any) -> str:
    return _text(text).strip()


def _first(items: Sequence[Any]) -> Any:
    return items[0] if items else None


def _last(items: Sequence[Any]) -> Any:
    return items[-1] if items else None


FILTERS: dict[str, Any] = {
    "join": _join,
    "length": len,
    "lower": _lower,
    "upper": _upper,
    "trim": _trim,
    "default": _default,
    "first": _first,
    "last": _last,
    "replace": _replace,
    "tojson": _json,
}


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the environment that templates are parsed and filled in."""
    from jinja2 import StrictUndefined
    from jinja2.runtime import LoopContext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class DataEnvironment(ImmutableSandboxedEnvironment):
        """Looks fields up in data only: a mapping's keys, or every element of a list."""

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, Mapping):
                table = cast("Mapping[str, Any]", obj)
                if attribute in table:
                    return table[attribute]
            elif isinstance(obj, list | tuple):
                items = cast("list[Any]", obj)
                _spend(TURN * len(items))
                return [self.getattr(item, attribute) for item in items]
            elif isinstance(obj, LoopContext) and attribute in LOOP_FIELDS:
                return getattr(obj, attribute)
            return self.undefined(obj=obj, name=attribute)

        def getitem(self, obj: Any, argument: Any) -> Any:
            if isinstance(argument, str):
                return self.getattr(obj, argument)
            return self.undefined(obj=obj, name=str(argument))

    made = DataEnvironment(
        undefined=StrictUndefined, autoescape=False, finalize=_text, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, cache_size=0,
    )  # fmt: skip
    filters: dict[str, Any] = {**FILTERS, "_turns": _turns, "_weighed": _weighed}
    made.filters = filters
    made.globals = {}
    return made
