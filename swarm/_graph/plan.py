"""A graph compiled, checked and frozen: integers and functions, ready to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.graph import Node
from swarm.spec.template import Template
from swarm.spec.types import Type

__all__ = ["OutputChoice", "Plan", "PlanNode"]

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanNode:
    """One node of a plan.

    Attributes:
        index: its place in `Plan.nodes`, in an order in which every node comes after those it
            waits for. `parents`, `children`: indices of the nodes it waits for, that wait for it.
        when: the condition, or None. `when_text`: as written; `when_false`: the reason for a skip.
        needs: names that must have a value (references without `?`), else the node is skipped.
        bind: from a scope to the arguments by name.
        expert, choices: what an expert node asks, what a route node may choose from.
        template: of a reply or an ask. `body`: the plan inside each, repeat and graph.
        handler: index of the node that takes over when this one fails, or -1.
        handles: indices of the nodes whose failure this one handles.
        concurrency: how often it may be at work at once, in all runs; 0: as often as there are slots.
        priority: length of the longest path from here to an end; longer first.
    """

    index: int
    name: str
    kind: str
    spec: Node
    parents: tuple[int, ...] = ()
    children: tuple[int, ...] = ()
    when: Callable[[Scope], Any] | None = None
    when_text: str = ""
    when_false: str = ""
    needs: tuple[str, ...] = ()
    bind: Callable[[Scope], dict[str, Any]]
    expert: ResolvedExpert | None = None
    choices: tuple[ResolvedExpert, ...] = ()
    template: Template | None = None
    body: Plan | None = None
    items: Callable[[Scope], Any] | None = None
    next: Callable[[Scope], dict[str, Any]] | None = None
    until: Callable[[Scope], Any] | None = None
    handler: int = -1
    handles: tuple[int, ...] = ()
    priority: int = 0
    concurrency: int = 0
    output: Type = field(default_factory=lambda: Type(base="any"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChoice:
    """One candidate for a run's output: taken when everything in `needs` has a value.

    Attributes:
        node: index of the node that the output comes from, or -1.
        whole: the output is that node's whole value, without an expert's marks.
    """

    needs: tuple[str, ...]
    value: Callable[[Scope], Any]
    node: int = -1
    whole: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the scheduler runs.

    Attributes:
        nodes: in topological order, ties in the order written.
        inputs: what a run takes. `outputs`: candidates, first match wins; () for a repeat's body.
        roots: indices of the nodes that wait for nothing.
        waits: for each node, how many it waits for; a run counts down a copy of it.
    """

    name: str
    nodes: tuple[PlanNode, ...]
    inputs: Mapping[str, Type]
    outputs: tuple[OutputChoice, ...]
    output: Type
    roots: tuple[int, ...]
    index: Mapping[str, int]
    waits: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "waits", tuple(len(node.parents) for node in self.nodes))
