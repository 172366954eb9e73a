"""What a graph means, told one node after the other: no loop, no tasks, no plan, none of our code.

Nodes that fail a run are gone on from, so that all failures that could have come first are known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from shapes import Case, Const, Expr, First, Level, Node, Op, Ref, refs_in
from workload import returned

__all__ = ["Expected", "Fault", "expected"]

Scope = dict[str, Any]


class Fault(Exception):
    """A failure, by the codes it may have: which of several comes first is not decided here."""

    def __init__(self, *codes: str) -> None:
        self.codes = frozenset(codes)


class NoOutput(Fault):
    """Nothing failed at this level, and none of its outputs ran."""

    def __init__(self) -> None:
        super().__init__("no_output")


@dataclass
class Expected:
    """What became of every node by its place, and the run.

    Attributes:
        status: `done`, `skipped`, `failed` (and the run went on), `fatal` (it did not), `unreached`.
        values: of done nodes. `fatal`: the codes that each fatal node may fail with.
        fault: why there is no output although nothing was fatal.
    """

    status: dict[str, str] = field(default_factory=dict[str, str])
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    fatal: dict[str, frozenset[str]] = field(default_factory=dict[str, "frozenset[str]"])
    output: Any = None
    fault: Fault | None = None


def expected(case: Case) -> Expected:
    """Return what a run of the graph must come to."""
    told = Expected()
    try:
        told.output = _level(case.level, {"input": case.given}, "", case, told)
    except Fault as fault:
        told.fault = fault
    return told


def _level(level: Level, scope: Scope, path: str, case: Case, told: Expected) -> Any:
    """Return the output of a level; `scope` gets the values of its nodes."""
    failed: dict[str, Fault] = {}
    fatal: dict[str, Fault] = {}
    for node in level.nodes:
        place = path + node.name
        if any(told.status.get(path + name) in ("fatal", "unreached") for name in _waits_for(node, level)):
            told.status[place] = "unreached"
            continue
        try:
            told.status[place] = "skipped"
            if _runs(node, level, scope, failed):
                scope[node.name] = told.values[place] = _value(node, scope, place, case, told)
                told.status[place] = "done"
        except Fault as fault:
            handled = node.on_error != "fail"
            told.status[place] = "failed" if handled else "fatal"
            (failed if handled else fatal)[node.name] = fault
        scope.pop("error", None)
    if fatal:
        if not path:
            told.fatal = {name: fault.codes for name, fault in fatal.items()}
        raise Fault(*(code for fault in fatal.values() for code in fault.codes))
    for choice in level.outputs:
        parts = choice if isinstance(choice, Mapping) else {"": choice}
        if all(ref.optional or ref.name in scope for part in parts.values() for ref in refs_in(part)):
            found = {name: _eval(part, scope) for name, part in parts.items()}
            return found if isinstance(choice, Mapping) else found[""]
    if level.outputs:
        raise NoOutput
    return None


def _runs(node: Node, level: Level, scope: Scope, failed: Mapping[str, Fault]) -> bool:
    """Return whether a node whose turn it is runs."""
    handles = [one.name for one in level.nodes if one.on_error == node.name]
    if handles:
        found = [failed[name] for name in handles if name in failed]
        if not found:
            return False
        scope["error"] = {"code": "|".join(sorted({code for fault in found for code in fault.codes}))}
    if any(not ref.optional and ref.name not in scope for ref in _reads(node, conditions=False)):
        return False
    if any(not ref.optional and ref.name not in scope for ref in refs_in(node.when)):
        return False
    return node.when is None or _true(_eval(node.when, scope))


def _reads(node: Node, *, conditions: bool) -> list[Ref]:
    """Return what a node and its body read of the names around it; of the body's conditions if wanted."""
    own = [*node.values.values(), node.items]
    refs = [ref for bound in own for ref in refs_in(bound)]
    if node.body is None or node.kind == "graph":
        return refs
    inside = {one.name for one in node.body.nodes} | {node.as_, "index", "loop", "error"}
    for one in node.body.nodes:
        refs += _reads(one, conditions=conditions) + (list(refs_in(one.when)) if conditions else [])
    refs += [ref for bound in node.next.values() for ref in refs_in(bound)]
    for choice in node.body.outputs:
        parts = choice.values() if isinstance(choice, Mapping) else (choice,)
        refs += [ref for part in parts for ref in refs_in(part)]
    return [ref for ref in refs if ref.name not in inside]


def _waits_for(node: Node, level: Level) -> set[str]:
    handled = {one.name for one in level.nodes if one.on_error == node.name}
    return (
        handled | {*node.after} | {ref.name for ref in [*_reads(node, conditions=True), *refs_in(node.when)]}
    )


def _value(node: Node, scope: Scope, place: str, case: Case, told: Expected) -> Any:
    values = {name: _eval(bound, scope) for name, bound in node.values.items()}
    match node.kind:
        case "tool":
            return _called(node, values["x"], place)
        case "reply":
            return {"text": f"<{_written(values['x'])}>"}
        case "ask":
            return {"text": f"answer to {place}"}
        case "graph":
            given = {"given": None, **values}
            return _inside(node, case.inner[node.file], {"input": given}, f"{place}/", case, told)
        case "each":
            return _each(node, scope, place, case, told)
        case _:
            return _repeat(node, values, scope, place, case, told)


def _called(node: Node, x: Any, place: str) -> Any:
    for attempt in range(1, node.attempts + 1):
        try:
            if node.work["slow"]:
                raise TimeoutError("longer than the node's timeout")
            if attempt <= node.work["flaky"]:
                raise ValueError("not yet")
            return returned(node.work, x)
        except (ValueError, TimeoutError) as error:
            code = "timeout" if isinstance(error, TimeoutError) else "error"
            if attempt == node.attempts or code not in node.retry_on:
                raise Fault(code) from error
    raise AssertionError(place)


def _each(node: Node, scope: Scope, place: str, case: Case, told: Expected) -> list[Any]:
    assert node.body is not None
    found = _eval(node.items, scope)
    if found is not None and not isinstance(found, list):
        raise Fault("error")
    items = cast("list[Any]", found or [])
    if len(items) > node.bound["max"]:
        raise Fault("limit")
    values: list[Any] = []
    faults: list[Fault] = []
    for index, item in enumerate(items):
        inner = {**scope, node.as_: item, "index": index}
        try:
            values.append(_inside(node, node.body, inner, f"{place}[{index}]/", case, told))
        except NoOutput:
            pass  # the body gave nothing, and the item is left out
        except Fault as fault:
            faults.append(fault)
    if faults:
        _forget(told, place)
        raise Fault(*(code for fault in faults for code in fault.codes))
    return values


def _repeat(node: Node, state: Scope, scope: Scope, place: str, case: Case, told: Expected) -> Scope:
    assert node.body is not None
    reached, rounds = False, 0
    while rounds < node.bound["max"] and not reached:
        inner = {**scope, "loop": {**state, "round": rounds + 1}}
        _inside(node, node.body, inner, f"{place}[{rounds}]/", case, told)
        rounds += 1
        state = {**state, **{name: _eval(bound, inner) for name, bound in node.next.items()}}
        inner["loop"] = {**state, "round": rounds}
        reached = node.until is not None and _true(_eval(node.until, inner))
    return {**state, "rounds": rounds, "reached": reached}


def _inside(node: Node, level: Level, scope: Scope, path: str, case: Case, told: Expected) -> Any:
    """Return what a body gives; of one that failed it is not known how far its nodes came."""
    try:
        return _level(level, scope, path, case, told)
    except NoOutput:
        if node.kind != "graph":
            raise
        raise Fault("no_output") from None
    except Fault:
        _forget(told, path.rpartition("[")[0] if node.kind != "graph" else path[:-1])
        raise


def _forget(told: Expected, place: str) -> None:
    for inner in [one for one in told.status if one.startswith((f"{place}[", f"{place}/"))]:
        told.status[inner] = "unknown"


def _eval(bound: Expr | First | None, scope: Mapping[str, Any]) -> Any:
    match bound:
        case Const(value):
            return value
        case First(parts):
            found = [value for part in parts if (value := _eval(part, scope)) is not None]
            return found[0] if found else None
        case Ref(name, fields, optional):
            value = scope.get(name)
            for part in fields if name in scope else ():
                value = _field(value, part, optional)
            return value
        case Op("list", parts):
            return [_eval(part, scope) for part in parts]
        case Op("not", (part,)):
            return not _true(_eval(part, scope))
        case Op("and", parts):
            return all(_true(_eval(part, scope)) for part in parts)
        case Op("or", parts):
            return any(_true(_eval(part, scope)) for part in parts)
        case Op(word, (left, right)):
            return _compared(word, _eval(left, scope), _eval(right, scope))
        case _:
            raise AssertionError(bound)


def _field(value: Any, name: str, optional: bool) -> Any:
    if isinstance(value, list):
        return [_field(one, name, optional) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict) and name in value:
        return value[name]  # pyright: ignore[reportUnknownVariableType]
    if optional and (value is None or isinstance(value, dict)):
        return None
    raise Fault("error")


def _compared(word: str, left: Any, right: Any) -> bool:
    match word:
        case "==" | "!=":
            return _equal(left, right) is (word == "==")
        case "in" | "not in":
            if right is not None and not isinstance(right, list):
                raise Fault("error")
            found = right is not None and any(_equal(left, one) for one in right)  # pyright: ignore[reportUnknownVariableType]
            return found is (word == "in")
        case _:
            if left is None or right is None:
                return False
            if not _ordered(left, right):
                raise Fault("error")
            return left < right if word == "<" else left > right


def _equal(left: Any, right: Any) -> bool:
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def _ordered(left: Any, right: Any) -> bool:
    kinds = {("text" if isinstance(one, str) else "number") for one in (left, right)}
    numbers = all(isinstance(one, int | str) and not isinstance(one, bool) for one in (left, right))
    return numbers and len(kinds) == 1


def _true(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return value is True
    raise Fault("error")


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
