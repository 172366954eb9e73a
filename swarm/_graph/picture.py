"""From a plan, and what became of it in a run, to a drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from swarm._graph.drawing import Drawing, DrawnEdge, DrawnNode, EdgeKind, Status
from swarm._graph.plan import Plan, PlanNode
from swarm.spec.condition import parse_expression, references
from swarm.spec.graph import EachNode, RepeatNode

__all__ = ["drawing_of"]


def drawing_of(plan: Plan, statuses: Mapping[str, Status] | None = None, *, description: str = "") -> Drawing:
    """Return the drawing of a plan.

    Args:
        statuses: node name -> what became of it; a node not named was not reached.
    """
    outputs = {choice.node for choice in plan.outputs}
    nodes = tuple(_drawn(node, node.index in outputs, statuses or {}) for node in plan.nodes)
    edges = tuple(edge for node in plan.nodes for edge in _edges(node, plan))
    return Drawing(name=plan.name, nodes=nodes, edges=edges, description=description)


def _drawn(node: PlanNode, output: bool, statuses: Mapping[str, Status]) -> DrawnNode:
    inside = node.body if isinstance(node.spec, EachNode | RepeatNode) else None
    return DrawnNode(
        name=node.name, kind=node.kind, label=_label(node), when=node.when_text, output=output,
        status=statuses.get(node.name, ""), body=drawing_of(inside) if inside is not None else None,
    )  # fmt: skip


def _label(node: PlanNode) -> str:
    """Return in a few words what a node asks, calls or goes over."""
    spec = node.spec
    value = getattr(spec, node.kind, "")
    if node.kind in ("expert", "tool", "graph"):
        return str(value)
    if isinstance(spec, EachNode):
        return f"{spec.as_} in {spec.each}"
    if isinstance(spec, RepeatNode):
        return f"until {spec.until}, at most {spec.max}" if spec.until else f"{spec.max} times"
    if node.kind == "route":
        return value if isinstance(value, str) else ", ".join(value)
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else text[:39] + "…"


def _edges(node: PlanNode, plan: Plan) -> Iterator[DrawnEdge]:
    conditions = (
        {ref.name for ref in references(parse_expression(node.when_text))} if node.when_text else set[str]()
    )
    for parent in node.parents:
        source = plan.nodes[parent].name
        kind: EdgeKind = "data"
        if parent in node.handles:
            kind = "error"
        elif source in conditions:
            kind = "when"
        elif source in node.spec.after_names:
            kind = "after"
        yield DrawnEdge(source=source, target=node.name, kind=kind)
