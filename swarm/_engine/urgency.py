"""Which of the nodes that wait for a slot goes first: the one with the longest way to the end of the run.

A run ends as soon as its longest path does, so a node is as urgent as the path from it to the end is long
(critical-path priority). How long nodes take nobody says: it is learnt from runs of the same graph that had to
wait for slots. Until then every node counts as much as any other.

Source: Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17 (1969); Kwok and Ahmad,
"Static scheduling algorithms for allocating directed task graphs", ACM Computing Surveys 31 (1999), §5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from swarm._engine.result import NodeResult
from swarm._graph.plan import Plan

__all__ = ["Urgency"]

NEWEST = 0.3  # the weight of a run against all before it
EVERY = 16  # runs: the first so many are learnt from, then one of so many, and the others pay nothing
INNER = re.compile(r"[/\[]")


class Urgency:
    """How urgent the nodes of a plan are; shared by all its runs."""

    __slots__ = ("_paths", "_plan", "_runs", "_took_ms")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._paths: list[float] = [node.priority for node in plan.nodes]
        self._took_ms: dict[str, float] = {}
        self._runs = 0

    def of(self, place: str) -> float:
        """Return the length of the longest path to the end; of a node inside a body, that of the body's node."""
        index = self._plan.index.get(INNER.split(place, maxsplit=1)[0])
        return 0.0 if index is None else self._paths[index]

    def learn(self, results: Mapping[str, NodeResult]) -> None:
        """Take in how long the nodes of a run took."""
        self._runs += 1
        if self._runs > EVERY and self._runs % EVERY:
            return
        for name, result in results.items():
            if result.status == "done" and result.latency_ms is not None:
                before = self._took_ms.get(name, result.latency_ms)
                self._took_ms[name] = before + NEWEST * (result.latency_ms - before)
        for node in reversed(self._plan.nodes):  # each after all that wait for it
            after = max((self._paths[child] for child in node.children), default=0.0)
            self._paths[node.index] = after + self._took_ms.get(node.name, 0.0)
