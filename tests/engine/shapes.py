"""Graphs as plain values: what the random ones are made of, and how they are written for `Swarm`.

They are kept apart from the format, so that the interpreter in `oracle.py` reads no expression that
our own parser has read.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from swarm import Graph
from swarm.spec.graph import GraphSpec

__all__ = ["Case", "Const", "Expr", "First", "Level", "Node", "Op", "Ref", "composed", "refs_in"]

INPUT = {"k": "integer", "flag": "boolean", "items": "[integer]", "maybe": "integer?"}
INNER_INPUT = {"given": "any?"}  # what an inner graph takes


@dataclass(frozen=True)
class Ref:
    """`name?.field`."""

    name: str
    fields: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Const:
    """A constant."""

    value: Any


@dataclass(frozen=True)
class Op:
    """`word` is a comparison, `and`, `or`, `not` or `list`."""

    word: str
    parts: tuple[Expr, ...]


Expr = Ref | Const | Op


@dataclass(frozen=True)
class First:
    """The first part that is not null."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True)
class Level:
    """Nodes in an order in which each comes after those it reads, and the candidates for an output."""

    nodes: tuple[Node, ...]
    outputs: tuple[Expr | Mapping[str, Expr], ...] = ()

    def all_nodes(self) -> Iterator[Node]:
        """Yield every node, those of bodies included."""
        for node in self.nodes:
            yield node
            if node.body is not None:
                yield from node.body.all_nodes()


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of any kind the random graphs have.

    Attributes:
        values: what `with` binds; of a repeat, the state before round 1.
        work: of a tool, the constants that decide what it returns and when it fails (`workload.py`).
        body: inside an each, a repeat or a graph. `next`, `until`: of a repeat.
        bound: more of an each: `max` and `concurrency`; of a repeat: `max`.
    """

    name: str
    kind: str
    when: Expr | None = None
    after: tuple[str, ...] = ()
    on_error: str = "fail"
    values: Mapping[str, Expr | First] = field(default_factory=dict[str, "Expr | First"])
    work: Mapping[str, Any] = field(default_factory=dict[str, Any])
    attempts: int = 1
    retry_on: tuple[str, ...] = ()
    timeout_s: float | None = None
    body: Level | None = None
    items: Expr | None = None
    as_: str = ""
    next: Mapping[str, Expr | First] = field(default_factory=dict[str, "Expr | First"])
    until: Expr | None = None
    bound: Mapping[str, int] = field(default_factory=dict[str, int])
    file: str = ""


@dataclass(frozen=True)
class Case:
    """A graph, the graphs it runs by file name, and an input."""

    level: Level
    inner: Mapping[str, Level]
    given: Mapping[str, Any]

    def all_nodes(self) -> Iterator[Node]:
        """Yield every node, those of bodies and inner graphs included."""
        for level in (self.level, *self.inner.values()):
            yield from level.all_nodes()


def refs_in(bound: Expr | First | None) -> Iterator[Ref]:
    """Yield every reference in an expression."""
    if isinstance(bound, Ref):
        yield bound
    elif isinstance(bound, Op | First):
        for part in bound.parts:
            yield from refs_in(part)


def composed(case: Case, order: random.Random, *, tools: list[Any]) -> Graph:
    """Return the graph for `Swarm`, its nodes written in an order drawn from `order`."""
    inner = {
        file: Graph.from_spec(_spec(file.partition(".")[0], level, INNER_INPUT, order), tools=tools)
        for file, level in case.inner.items()
    }
    graph = Graph.from_spec(_spec("random", case.level, INPUT, order), tools=tools)
    for file, one in inner.items():  # a first node of it brings the graph along
        graph.graph(f"bring_{file.partition('.')[0]}", one, when="input.k == -1")
    return graph


def _spec(name: str, level: Level, takes: Mapping[str, str], order: random.Random) -> GraphSpec:
    table = {"name": name, "input": takes, "nodes": _nodes(level, order), "output": _outputs(level)}
    return GraphSpec.model_validate(table)


def _nodes(level: Level, order: random.Random) -> dict[str, Any]:
    nodes = [(node.name, _node(node, order)) for node in level.nodes]
    order.shuffle(nodes)
    return dict(nodes)


def _outputs(level: Level) -> Any:
    first = level.outputs[0]
    if isinstance(first, Mapping):
        return {name: _text(value) for name, value in first.items()}
    return [_text(value) for value in level.outputs if not isinstance(value, Mapping)]


def _node(node: Node, order: random.Random) -> dict[str, Any]:
    table: dict[str, Any] = {"on_error": node.on_error, "after": list(node.after)}
    if node.when is not None:
        table["when"] = _text(node.when)
    if node.timeout_s is not None:
        table["timeout"] = node.timeout_s
    values = {name: _bound(value) for name, value in node.values.items()}
    match node.kind:
        case "tool":
            table |= {"tool": "work", "with": values, "params": dict(node.work)}
            if node.retry_on:
                table["retry"] = {"attempts": node.attempts, "on": list(node.retry_on)}
        case "reply":
            table |= {"reply": "<{{ x }}>", "with": values}
        case "ask":
            table |= {"ask": "What now?"}
        case "graph":
            table |= {"graph": node.file, "with": values}
        case "each":
            assert node.items is not None
            table |= {"each": _text(node.items), "as": node.as_, "do": _body(node, order), **node.bound}
        case _:
            table |= {"repeat": values, "do": _body(node, order), **node.bound}
            table["next"] = {name: _bound(value) for name, value in node.next.items()}
            table["until"] = _text(node.until) if node.until is not None else None
    return table


def _body(node: Node, order: random.Random) -> dict[str, Any]:
    assert node.body is not None
    if [one.name for one in node.body.nodes] == ["do"]:
        return _node(node.body.nodes[0], order)
    body = {"nodes": _nodes(node.body, order)}
    return body if node.kind == "repeat" else {**body, "output": _outputs(node.body)}


def _bound(value: Expr | First) -> Any:
    return {"first": [_text(part) for part in value.parts]} if isinstance(value, First) else _text(value)


def _text(expr: Expr) -> str:
    match expr:
        case Ref(name, fields, optional):
            return ".".join((name + "?" * optional, *fields))
        case Const(value):
            return json.dumps(value)
        case Op("list", parts):
            return f"[{', '.join(map(_text, parts))}]"
        case Op("and" | "or" as word, parts):
            return f" {word} ".join(f"({_text(part)})" for part in parts)
        case Op("not", (part,)):
            return f"not ({_text(part)})"
        case Op(word, (left, right)):
            return f"{_text(left)} {word} {_text(right)}"
        case _:
            raise AssertionError(expr)
