"""Which nodes of a graph are to run anew when something of a run is changed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from swarm._graph.plan import Plan
from swarm.errors import InputError
from swarm.spec.findings import did_you_mean

__all__ = ["affected_by", "rerun"]


def rerun(plan: Plan, at: Iterable[str]) -> frozenset[str]:
    """Return these nodes and all that wait for them, directly or not.

    Raises:
        InputError: there is no such node.
    """
    again: set[int] = set()
    for name in (at,) if isinstance(at, str) else at:
        if name not in plan.index:
            outer = re.split(r"[/\[]", name, maxsplit=1)[0]
            hint = did_you_mean(name, plan.index)
            if outer != name and outer in plan.index:
                hint = f"what is inside a node runs anew with all of it: {outer}"
            raise InputError(f"graph {plan.name!r} has no node {name!r}", hint=hint)
        again.add(plan.index[name])
    for node in plan.nodes:  # every node comes after those it waits for
        if not again.isdisjoint(node.parents):
            again.add(node.index)
    return frozenset(plan.nodes[index].name for index in again)


def affected_by(plan: Plan, inputs: Iterable[str]) -> list[str]:
    """Return the nodes that refer to one of these inputs, or to the input as a whole."""
    words = "|".join(re.escape(name) for name in inputs)
    if not words:
        return []
    refers = re.compile(rf"\binput\.({words})\b|\binput\b(?!\.)")
    return [node.name for node in plan.nodes if refers.search(node.spec.model_dump_json(by_alias=True))]
