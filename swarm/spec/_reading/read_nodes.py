"""Read the nodes of a graph or a body, each on its own; what is broken is left out and noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from swarm.spec._reading.report import Report
from swarm.spec._reading.wording import NODE_CLASSES, field_names, unknown
from swarm.spec.findings import Finding, did_you_mean
from swarm.spec.graph import MAX_NODES, NODE_KINDS, Body, Node, ReplyNode
from swarm.spec.source import Path

__all__ = ["read_nodes"]

TEXT_FIELDS = ("reply", "ask", "when", "until", "each")
NODE_HINT = "such as {expert: writer, with: {question: input.message}}"
LOOP_FIELDS = ("round", "rounds", "reached")
PLACEHOLDER = ReplyNode(reply="")


def read_nodes(value: Any, path: Path, report: Report) -> dict[str, Node]:
    """Return the sound nodes of the mapping at `path`, in the order written."""
    table = report.mapping(value, path)
    if table is None:
        return {}
    if len(table) > MAX_NODES:
        message = f"a graph has at most {MAX_NODES:,} nodes, here are {len(table):,}"
        report.add(Finding(code="SW005", message=message, path=path, at_key=True))
        return {}
    nodes: dict[str, Node] = {}
    for name, raw in table.items():
        report.name(name, (*path, name))
        node = _node(raw, (*path, name), name, report)
        if node is None:
            report.broken.add((*path, name))
        else:
            nodes[name] = node
    return nodes


def _node(value: Any, path: Path, name: str, report: Report) -> Node | None:
    """Return the node at `path` if it, apart from the nodes inside it, is sound."""
    raw = report.mapping(value, path, "a node", NODE_HINT)
    kind = None if raw is None else _kind(raw, path, name, report)
    if raw is None or kind is None:
        return None
    model = NODE_CLASSES[kind]
    nested, body = dict(raw), None
    if "do" in raw and "do" in model.model_fields:
        body = _body(raw["do"], (*path, "do"), name, report)
        nested["do"] = body or PLACEHOLDER
    _texts(raw, kind, path, report)
    _names(raw, kind, path, report)
    made = report.check(model, nested, path, f"{kind} node {name!r}")
    return None if report.is_spoilt(path) or ("do" in raw and body is None) else made


def _body(value: Any, path: Path, name: str, report: Report) -> Node | Body | None:
    """Return what `do` says: one node, or the sound ones of several."""
    raw = report.mapping(value, path, "a node, or `nodes:` and `output:`", NODE_HINT)
    if raw is None:
        return None
    if "nodes" not in raw:
        return _node(raw, path, f"{name}.do", report)
    for kind in NODE_KINDS:
        if kind in raw:
            report.add(_two_kinds(f"{name}.do", "nodes", kind, path))
    nodes = read_nodes(raw["nodes"], (*path, "nodes"), report)
    if not raw["nodes"] and isinstance(raw["nodes"], dict):
        report.add(Finding(code="SW011", message="the body has no nodes", path=(*path, "nodes"), at_key=True))
    rest = {key: value for key, value in raw.items() if key not in NODE_KINDS}
    made = report.check(Body, rest | {"nodes": {"placeholder": PLACEHOLDER}}, path, "the body")
    if made is None or report.is_spoilt(path):
        return None
    return Body.model_construct({"nodes"} | made.model_fields_set, nodes=nodes, output=made.output)


def _kind(raw: Mapping[str, Any], path: Path, name: str, report: Report) -> str | None:
    """Return which kind of node this is, or None after noting that it is none or several."""
    found = [key for key in raw if key in NODE_KINDS]
    if len(found) == 1:
        return found[0]
    if found:
        for extra in found[1:]:
            report.add(_two_kinds(name, found[0], extra, path))
        return None
    for key in raw:
        near = did_you_mean(key, NODE_KINDS)
        if key not in field_names(Node) and near.startswith("did you mean"):
            report.add(unknown(key, (*path, key), Node, hint=near))
            return None
    message = f"node {name!r} does nothing"
    hint = f"give it one of {', '.join(NODE_KINDS)}"
    report.add(Finding(code="SW014", message=message, path=path, at_key=True, hint=hint))
    return None


def _two_kinds(name: str, first: str, second: str, path: Path) -> Finding:
    return Finding(
        code="SW013",
        message=f"node {name!r} is both {first!r} and {second!r}",
        path=(*path, second),
        at_key=True,
        hint="make two nodes of it",
    )


def _texts(raw: Mapping[str, Any], kind: str, path: Path, report: Report) -> None:
    """Note text that YAML read as a list or a mapping."""
    for key in TEXT_FIELDS:
        value = raw.get(key)
        if key in field_names(NODE_CLASSES[kind]) and isinstance(value, list | dict):
            word = "a list" if isinstance(value, list) else "a mapping"
            message = f"YAML reads {key!r} as {word}"
            hint = "put quotes round the text"
            report.refuse(Finding(code="SW007", message=message, path=(*path, key), hint=hint))


def _names(raw: Mapping[str, Any], kind: str, path: Path, report: Report) -> None:
    """Note names that a node may not make."""
    for name in _table(raw, "params"):
        if name in _table(raw, "with"):
            message = f"{name!r} stands under `with` and under `params`"
            at = (*path, "params", name)
            report.add(Finding(code="SW047", message=message, path=at, at_key=True, hint="keep one of them"))
    if kind == "each" and isinstance(raw.get("as"), str):
        report.name(raw["as"], (*path, "as"), at_key=False)
    for key in ("answer", "repeat"):
        for name in _table(raw, key):
            report.field_name(name, (*path, key, name))
            if key == "repeat" and name in LOOP_FIELDS:
                message = f"a loop has {name!r} of its own"
                at = (*path, key, name)
                hint = "choose another name"
                report.add(Finding(code="SW016", message=message, path=at, at_key=True, hint=hint))


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the mapping under `key`; nothing if it is something else, which is reported elsewhere."""
    value = raw.get(key)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
