"""What a picture of a graph shows: nodes, the bodies inside them, and edges. No sizes, no format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["Drawing", "DrawnEdge", "DrawnNode", "EdgeKind", "Status", "essential", "one_line"]

EdgeKind = Literal["data", "when", "after", "error"]
Status = Literal["", "done", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnNode:
    """One node.

    Attributes:
        kind: one of the eight kinds, or `input` for where a run begins.
        label: what it asks or calls (`moderator`, `lookup_order`), one line.
        when: its condition as written, "" for none.
        output: a run may answer with it.
        status: what became of it in a run; "" when the picture is of no run.
        body: the nodes inside an `each` or a `repeat`.
    """

    name: str
    kind: str
    label: str = ""
    when: str = ""
    output: bool = False
    status: Status = ""
    body: Drawing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnEdge:
    """`target` waits for `source`: for its data, to decide its `when`, by `after`, or for its error."""

    source: str
    target: str
    kind: EdgeKind = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A graph, or a body: nodes by unique names, and edges between them that make no cycle."""

    name: str
    nodes: Sequence[DrawnNode]
    edges: Sequence[DrawnEdge] = ()
    description: str = ""


def one_line(text: str) -> str:
    """Return `text` on one line, with a sign for every character that cannot be shown."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))


def essential(drawing: Drawing) -> Drawing:
    """Return `drawing` without the edges that others imply: of a -> b -> c and a -> c, not the last.

    Pictures stay readable so. An edge for an error stays: it is no order, it is another way.
    """
    beyond = _reach_beyond(drawing)
    place = {node.name: index for index, node in enumerate(drawing.nodes)}
    kept = [
        edge
        for edge in drawing.edges
        if edge.kind == "error" or not beyond[edge.source] >> place[edge.target] & 1
    ]
    nodes = [
        node if node.body is None else replace(node, body=essential(node.body)) for node in drawing.nodes
    ]
    return replace(drawing, nodes=tuple(nodes), edges=tuple(kept))


def _reach_beyond(drawing: Drawing) -> Mapping[str, int]:
    """Return what each node leads to over at least two edges, as a set of bits."""
    place = {node.name: index for index, node in enumerate(drawing.nodes)}
    targets: dict[str, list[str]] = {name: [] for name in place}
    for edge in drawing.edges:
        targets[edge.source].append(edge.target)
    reach: dict[str, int] = {}
    beyond: dict[str, int] = {}
    for name in _last_first(targets):
        beyond[name] = reach[name] = 0
        for target in targets[name]:
            beyond[name] |= reach[target]
            reach[name] |= reach[target] | 1 << place[target]
    return beyond


def _last_first(targets: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes so that each comes after all it leads to."""
    waiting = {name: len(set(following)) for name, following in targets.items()}
    sources: dict[str, set[str]] = {name: set() for name in targets}
    for name, following in targets.items():
        for target in following:
            sources[target].add(name)
    order = [name for name, count in waiting.items() if count == 0]
    for name in order:
        for source in sources[name]:
            waiting[source] -= 1
            if waiting[source] == 0:
                order.append(source)
    return order
