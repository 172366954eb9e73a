"""Which function does the work of which kind of node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from swarm._engine.context import Run
from swarm._engine.nodes.bodies import each, graph, repeat
from swarm._engine.nodes.expert import expert
from swarm._engine.nodes.plain import ask, reply
from swarm._engine.nodes.route import route
from swarm._engine.nodes.tool import tool
from swarm._engine.result import Outcome
from swarm._engine.scheduler import RunNode

__all__ = ["KINDS"]

Work = Callable[[RunNode, Run, str], Awaitable[Outcome]]
KINDS: Mapping[str, Work] = {
    "expert": expert,
    "tool": tool,
    "reply": reply,
    "route": route,
    "each": each,
    "repeat": repeat,
    "graph": graph,
    "ask": ask,
}
