"""The drawing of a plan: what `swarm graph` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from swarm._graph.drawing import Drawing, DrawnEdge, DrawnNode, Status
from swarm._graph.plan import Plan, PlanNode
from swarm.spec.condition import parse_expression, references
from swarm.spec.graph import EachNode, ExpertNode, GraphNode, RepeatNode, RouteNode, ToolNode

__all__ = ["drawing_of"]

BEGIN = "input"  # where a run begins; no node can have this name


def drawing_of(plan: Plan, statuses: Mapping[str, Status] | None = None, *, description: str = "") -> Drawing:
    """Return the drawing of `plan`, with where it begins, and with what became of it in a run.

    Args:
        statuses: node -> `done`, `skipped` or `failed`; nodes that are not named did not run yet.
    """
    inside = _drawing(plan, statuses or {})
    begin = DrawnNode(
        name=BEGIN, kind="input", label=", ".join(plan.inputs), status="done" if statuses else ""
    )
    handlers = {node.handler for node in plan.nodes}
    edges = [
        DrawnEdge(source=BEGIN, target=plan.nodes[root].name) for root in plan.roots if root not in handlers
    ]
    return Drawing(
        name=plan.name, description=description, nodes=(begin, *inside.nodes), edges=(*edges, *inside.edges)
    )


def _drawing(plan: Plan, status: Mapping[str, Status]) -> Drawing:
    outputs = {choice.node for choice in plan.outputs}
    nodes = (_node(node, node.index in outputs, status.get(node.name, "")) for node in plan.nodes)
    edges = (edge for node in plan.nodes for edge in _edges(plan, node))
    return Drawing(name=plan.name, nodes=tuple(nodes), edges=tuple(edges))


def _node(node: PlanNode, output: bool, status: Status) -> DrawnNode:
    inside = node.body if node.kind in ("each", "repeat") else None
    return DrawnNode(
        name=node.name,
        kind=node.kind,
        label=_label(node),
        when=node.when_text,
        output=output,
        status=status,
        body=None if inside is None else _drawing(inside, {}),
    )


def _label(node: PlanNode) -> str:
    """Return what a node asks, calls or goes through."""
    match node.spec:
        case ExpertNode(expert=name) | ToolNode(tool=name) | GraphNode(graph=name) | EachNode(each=name):
            return name
        case RouteNode(route=names):
            return names if isinstance(names, str) else ", ".join(names)
        case RepeatNode(until=until, max=most):
            return f"until {until}" if until else f"{most} times"
        case _:
            return ""


def _edges(plan: Plan, node: PlanNode) -> Iterator[DrawnEdge]:
    decides = (
        {ref.name for ref in references(parse_expression(node.spec.when))} if node.spec.when else set[str]()
    )
    for parent in (plan.nodes[index] for index in node.parents):
        if parent.handler == node.index:
            continue
        kind = (
            "after" if parent.name in node.spec.after_names else "when" if parent.name in decides else "data"
        )
        yield DrawnEdge(source=parent.name, target=node.name, kind=kind)
    if node.handler >= 0:
        yield DrawnEdge(source=node.name, target=plan.nodes[node.handler].name, kind="error")
