"""What conditions imply: can they hold together, does one follow from others?

Every reference gets a small domain (true/false, a label set, the constants it is compared with,
null, something else) and all combinations are tried; comparisons of size count as unknown facts.
Exact for what the language can say about labels and flags; beyond `MAX_CASES` combinations the
answer is "cannot tell", and the caller stays silent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, cast

from swarm.spec.condition import And, Compare, Const, Expr, ListOf, Not, Or, Ref, parts, write
from swarm.spec.types import Type, same

__all__ = ["conjuncts", "implies", "satisfiable"]

MAX_CASES = 20_000
OTHER = "\0other"  # a value that is none of those written
TypeOf = Callable[[Ref], Type]
Case = Mapping[str, Any]


def conjuncts(expr: Expr) -> list[Expr]:
    """Return the conditions that all hold when `expr` does."""
    if isinstance(expr, And):
        return [part for item in expr.items for part in conjuncts(item)]
    return [expr]


def satisfiable(facts: Sequence[Expr], type_of: TypeOf) -> bool | None:
    """Return whether all `facts` can hold together; None if there are too many cases to tell."""
    cases = _cases(facts, type_of)
    if cases is None:
        return None
    return any(all(_holds(fact, case) for fact in facts) for case in cases)


def implies(facts: Sequence[Expr], goal: Expr, type_of: TypeOf) -> bool | None:
    """Return whether `goal` holds whenever all `facts` do; None if there are too many cases."""
    related = _related(facts, goal)
    cases = _cases([*related, goal], type_of)
    if cases is None:
        return None
    return all(_holds(goal, case) for case in cases if all(_holds(fact, case) for fact in related))


def _related(facts: Sequence[Expr], goal: Expr) -> list[Expr]:
    """Return the facts that share a variable with `goal`, directly or through other facts."""
    names, chosen = set(_variables(goal)), list[Expr]()
    waiting = list(facts)
    while True:
        near = [fact for fact in waiting if names & set(_variables(fact))]
        if not near:
            return chosen
        chosen += near
        waiting = [fact for fact in waiting if fact not in near]
        for fact in near:
            names |= set(_variables(fact))


def _key(ref: Ref) -> str:
    return ".".join((ref.name, *ref.fields))


def _opaque(expr: Expr) -> str | None:
    """Return the name of an unknown fact: a comparison that cases cannot decide."""
    if not isinstance(expr, Compare):
        return None
    right_fits = isinstance(expr.right, Const) if expr.op in ("==", "!=") else _constant(expr.right)
    known = expr.op in ("==", "!=", "in", "not in") and isinstance(expr.left, Ref) and right_fits
    return None if known else write(expr)


def _constant(expr: Expr) -> bool:
    return isinstance(expr, Const) or (
        isinstance(expr, ListOf) and all(isinstance(item, Const) for item in expr.items)
    )


def _variables(expr: Expr) -> Iterable[str]:
    match expr:
        case Ref():
            yield _key(expr)
        case Not(item=item):
            yield from _variables(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from _variables(item)
        case Compare(left=left):
            opaque = _opaque(expr)
            if opaque is not None:
                yield opaque
            elif isinstance(left, Ref):
                yield _key(left)
        case _:
            pass


def _cases(exprs: Sequence[Expr], type_of: TypeOf) -> list[dict[str, Any]] | None:
    domains: dict[str, list[Any]] = {}
    used: dict[str, None] = {}
    for expr in exprs:
        for part in parts(expr):
            _widen(domains, part, type_of)
        used |= dict.fromkeys(_variables(expr))
        # domains only grow: a thousand facts need not be read to see that they are too many
        if math.prod(len(domains[name]) for name in used if name in domains) > MAX_CASES:
            return None
    domains = {name: values for name, values in domains.items() if name in used}
    return [dict(zip(domains, values, strict=True)) for values in product(*domains.values())]


def _widen(domains: dict[str, list[Any]], part: Expr, type_of: TypeOf) -> None:
    if isinstance(part, Ref):
        _add(domains, part, _domain(part, type_of(part)))
    elif isinstance(part, Compare):
        opaque = _opaque(part)
        if opaque is not None:
            domains.setdefault(opaque, [True, False])
        elif isinstance(part.left, Ref):
            kind = type_of(part.left)
            if not kind.one_of and kind.base != "boolean":
                _add(domains, part.left, [*_constants(part.right), None, OTHER])


def _domain(ref: Ref, kind: Type) -> list[Any]:
    missing = [None] if kind.optional or ref.optional else []
    if kind.one_of:
        return [*kind.one_of, *missing]
    if kind.base == "boolean":
        return [True, False, *missing]
    return [True, False, None] if kind.base == "any" else []


def _add(domains: dict[str, list[Any]], ref: Ref, values: Sequence[Any]) -> None:
    known = domains.setdefault(_key(ref), [])
    for value in values:
        if not any(same(value, other) for other in known):
            known.append(value)


def _constants(expr: Expr) -> list[Any]:
    if isinstance(expr, Const):
        return [expr.value]
    return [item.value for item in expr.items if isinstance(item, Const)] if isinstance(expr, ListOf) else []


def _holds(expr: Expr, case: Case) -> bool:
    return _value(expr, case) is True


def _value(expr: Expr, case: Case) -> Any:
    match expr:
        case Ref():
            return case.get(_key(expr))
        case Const(value=value):
            return value
        case Not(item=item):
            return _value(item, case) is not True
        case And(items=items):
            return all(_value(item, case) is True for item in items)
        case Or(items=items):
            return any(_value(item, case) is True for item in items)
        case Compare():
            opaque = _opaque(expr)
            return case[opaque] if opaque is not None else _compare(expr, case)
        case ListOf(items=items):
            return [_value(item, case) for item in items]


def _compare(expr: Compare, case: Case) -> bool:
    left, right = _value(expr.left, case), _value(expr.right, case)
    if expr.op in ("==", "!="):
        return same(left, right) is (expr.op == "==")
    found = isinstance(right, list) and any(same(left, item) for item in cast("list[Any]", right))
    return found is (expr.op == "in")
