"""What a compiled graph is made of, as short hashes: a run goes on only where what it went through is unchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from swarm._graph.plan import Plan, PlanNode
from swarm.messages import ToolSignature
from swarm.spec.version import parts_of

__all__ = ["changes", "signature", "version"]

Parts = dict[str, str]


def signature(plan: Plan, tools: Mapping[str, ToolSignature]) -> dict[str, Any]:
    """Return the hashes of a plan's parts, as plain data: of its inputs, outputs, and each node by name.

    Args:
        tools: the tools that its nodes and experts may call, by name.
    """
    return {
        "name": plan.name,
        "inputs": {name: _hash(kind.render()) for name, kind in plan.inputs.items()},
        "outputs": _hash([choice.text for choice in plan.outputs]),
        "nodes": {node.name: _parts(node, tools) for node in plan.nodes},
    }


def version(signed: Mapping[str, Any]) -> str:
    """Return one hash of a signature, the graph's version."""
    return _hash(signed)


def _parts(node: PlanNode, tools: Mapping[str, ToolSignature]) -> Parts:
    declared = node.spec.model_dump(mode="json", by_alias=True, exclude={"do", "description"})
    parts = {key: _hash(value) for key, value in declared.items() if value not in (None, {}, [], "")}
    used = [declared["tool"]] if node.kind == "tool" else []
    for expert in (*((node.expert,) if node.expert is not None else ()), *node.choices):
        parts |= {f"{expert.name}'s {part}": value for part, value in parts_of(expert).items()}
        parts[f"{expert.name}'s confidence"] = _hash(
            None if expert.confidence is None else expert.confidence.model_dump(mode="json")
        )
        used += expert.tools
    for name in used:
        if name in tools:
            found = tools[name]
            parts[f"tool {name}"] = _hash([found.parameters, found.returns, found.effect])
    if node.body is not None:
        parts["do"] = version(signature(node.body, tools))
    return parts


def changes(before: Mapping[str, Any], now: Mapping[str, Any], reached: frozenset[str]) -> list[str]:
    """Return what is different about what a run went through; [] if it may go on.

    Args:
        before, now: signatures of the graph the run began with, and of the graph as it is.
        reached: names of the nodes that have a result, were skipped, or began an effect.
    """
    found: list[str] = []
    for name, kind in before["inputs"].items():
        if now["inputs"].get(name) != kind:
            found.append(f"input {name!r} " + ("changed" if name in now["inputs"] else "is gone"))
    for name, parts in before["nodes"].items():
        if name not in reached:
            continue
        if name not in now["nodes"]:
            found.append(f"node {name!r} is gone")
            continue
        other: Mapping[str, str] = now["nodes"][name]
        different = sorted(key for key in {*parts, *other} if parts.get(key) != other.get(key))
        if different:
            found.append(f"node {name!r}: its {', '.join(different)} changed")
    return found


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
