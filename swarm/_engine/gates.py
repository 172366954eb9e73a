"""Slots of single nodes and of single models: how many calls of each may be at work at once, in all runs."""

from __future__ import annotations

from swarm._engine.slots import Slots
from swarm._graph.plan import PlanNode
from swarm.spec.catalogue import ModelRef

__all__ = ["Gates"]

FREE = "embedded"  # models in this process: there is no server to spare


class Gates:
    """Made when first needed, and kept as long as the swarm.

    Args:
        model_calls: of one model at once, where its entry under `models:` says nothing else.
    """

    __slots__ = ("_model_calls", "_models", "_nodes")

    def __init__(self, model_calls: int) -> None:
        self._model_calls = model_calls
        self._models: dict[tuple[str, str, str], Slots] = {}
        self._nodes: dict[int, tuple[PlanNode, Slots]] = {}

    def of_node(self, node: PlanNode) -> Slots:
        """Return the slots of a node that says how often it may be at work (`concurrency`)."""
        known = self._nodes.get(id(node))
        if known is None:
            known = self._nodes[id(node)] = (node, Slots(node.concurrency))
        return known[1]

    def of_model(self, model: ModelRef) -> Slots | None:
        """Return the slots of a model on its server; None where it has no server."""
        if model.backend == FREE:
            return None
        place = (model.backend, model.url, model.name)
        slots = self._models.get(place)
        if slots is None:
            slots = self._models[place] = Slots(model.concurrency or self._model_calls)
        return slots
