"""From plain data to `GraphSpec` and `Expert`: every part on its own, so that none hides another.

A part that does not validate is left out and named in `broken`; the rest of the file is still
read, and checked by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swarm.spec._reading.read_nodes import read_nodes
from swarm.spec._reading.report import Report
from swarm.spec._reading.tree import Tree
from swarm.spec._reading.wording import field_names, missing, wrong_value
from swarm.spec.expert import MARKS, Expert
from swarm.spec.findings import Finding
from swarm.spec.graph import GraphSpec, ModelSpec, ReplyNode
from swarm.spec.source import Path
from swarm.spec.types import ANY, Type, TypeSyntaxError, parse_type

__all__ = ["read_expert", "read_graph"]

SECTIONS = ("input", "models", "experts", "nodes")
A_GRAPH = "a graph: `swarm: 1`, `name:`, `nodes:` and `output:`"


def read_graph(tree: Tree) -> tuple[GraphSpec | None, tuple[Finding, ...], frozenset[Path]]:
    """Return the graph without its broken parts, what is wrong, and the places left out.

    The graph is None if the text is not a mapping at all, or has no nodes to go by.
    """
    report = Report(tree.bad)
    raw = report.mapping(tree.data, (), A_GRAPH)
    spec = None if raw is None else _graph(raw, report)
    has_nodes = raw is not None and isinstance(raw.get("nodes"), dict) and raw["nodes"] != {}
    return spec if has_nodes else None, tuple(report.findings), frozenset(report.broken)


def read_expert(tree: Tree) -> tuple[Expert | None, tuple[Finding, ...]]:
    """Return the expert of a file of its own, or None if anything in it is wrong."""
    report = Report(tree.bad)
    spec = _expert(tree.data, (), "the expert", report)
    return (None if tree.findings else spec), tuple(report.findings)


def _graph(raw: Mapping[str, Any], report: Report) -> GraphSpec:
    parts = {
        **_head(raw, report),
        "input": _inputs(raw.get("input", {}), report),
        "models": _models(raw.get("models", {}), report),
        "experts": _experts(raw.get("experts", {}), report),
        "nodes": read_nodes(raw["nodes"], ("nodes",), report) if "nodes" in raw else {},
    }
    if "nodes" not in raw:
        report.add(missing("nodes", (), "a graph"))
    elif raw["nodes"] == {}:
        report.add(Finding(code="SW011", message="the graph has no nodes", path=("nodes",), at_key=True))
    return GraphSpec.model_construct({key for key in parts if key in raw}, **parts)


def _head(raw: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Return the fields beside the sections; a wrong or missing one gets a harmless value."""
    fields = {key: value for key, value in raw.items() if key not in SECTIONS}
    known = [key for key in fields if key in field_names(GraphSpec)]
    sound = {key: fields[key] for key in known if not report.is_spoilt((key,))}
    node = {"nodes": {"placeholder": ReplyNode(reply="")}}
    found = report.check(GraphSpec, fields | node, (), "a graph")
    if found is None or len(sound) < len(fields):
        sound = {key: value for key, value in sound.items() if not report.is_spoilt((key,))}
        needed: dict[str, Any] = {"name": "", "output": []}
        report.broken |= {(key,) for key in {*fields, *needed} if key not in sound}
        found = GraphSpec.model_validate(needed | sound | node, strict=True)
    return {key: value for key, value in found if key not in SECTIONS}


def _inputs(value: Any, report: Report) -> dict[str, Type]:
    """Return the graph's inputs; one whose type is wrong is still there, and may be anything."""
    types: dict[str, Type] = {}
    for name, raw in (report.mapping(value, ("input",)) or {}).items():
        path = ("input", name)
        report.field_name(name, path)
        try:
            types[name] = parse_type(raw)
        except TypeSyntaxError as error:
            at = (*path, *error.path)
            report.add(Finding(code="SW017", message=str(error), path=at, hint=error.hint))
            types[name] = ANY
            report.broken.add(path)
    return types


def _models(value: Any, report: Report) -> dict[str, str | ModelSpec]:
    models: dict[str, str | ModelSpec] = {}
    for name, raw in (report.mapping(value, ("models",)) or {}).items():
        path = ("models", name)
        report.name(name, path)
        if isinstance(raw, dict):
            made = report.check(ModelSpec, raw, path, f"model {name!r}")
        elif isinstance(raw, str):
            made = raw
        else:
            report.add(wrong_value("`backend/name` or a mapping", raw, path))
            made = None
        if made is None or report.is_spoilt(path):
            report.broken.add(path)
        else:
            models[name] = made
    return models


def _experts(value: Any, report: Report) -> dict[str, Expert]:
    experts: dict[str, Expert] = {}
    for name, raw in (report.mapping(value, ("experts",)) or {}).items():
        path = ("experts", name)
        report.name(name, path)
        made = _expert(raw, path, f"expert {name!r}", report)
        if made is None:
            report.broken.add(path)
        else:
            experts[name] = made
    return experts


def _expert(value: Any, path: Path, subject: str, report: Report) -> Expert | None:
    raw = report.mapping(value, path, "an expert: `use:` or `kind:`, and more")
    if raw is None:
        return None
    if "use" not in raw and "kind" not in raw:
        report.add(
            missing("kind", path, subject, hint="add `kind: classify`, or `use: intent` to start from one")
        )
    for field in ("input", "output", "questions"):
        if isinstance(raw.get(field), dict):
            for name in raw[field]:
                _field(name, (*path, field, name), report)
    made = report.check(Expert, raw, path, subject)
    return None if report.is_spoilt(path) else made


def _field(name: str, path: Path, report: Report) -> None:
    """Note a field of an expert whose name cannot be used, or is one of the marks of every answer."""
    report.field_name(name, path)
    if path[-2] == "input" or name not in (*MARKS, "probabilities"):
        return
    message = f"{name!r} stands beside every answer already"
    report.add(Finding(code="SW048", message=message, path=path, at_key=True, hint="choose another name"))
