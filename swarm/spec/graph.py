"""The format of a graph (`*.swarm.yaml`): nodes of eight kinds, closed and unchangeable once read.

Expressions stay text here; `swarm._graph` parses and checks them. What the words mean is
written in `docs/reference/graph.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag

from swarm.spec.expert import Duration, Expert, Spec, TypeField

__all__ = [
    "MAX_NODES",
    "NAME",
    "NODE_KINDS",
    "RESERVED",
    "AskNode",
    "Body",
    "EachNode",
    "ExpertNode",
    "GraphNode",
    "GraphSpec",
    "ModelSpec",
    "Node",
    "NodeSpec",
    "RepeatNode",
    "ReplyNode",
    "RetrySpec",
    "RouteNode",
    "ToolNode",
    "kind_of",
]

NODE_KINDS = ("expert", "tool", "reply", "route", "each", "repeat", "graph", "ask")
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
RESERVED = ("input", "loop", "error", "first", "and", "or", "not", "in", "true", "false", "null")
MAX_NODES = 10_000

Expression = Annotated[str, Field(description="An expression: `triage.label`, `input.message`.")]
Bindings = Annotated[
    dict[str, Any],
    Field(description="Arguments by name; a string is an expression, anything else a constant."),
]


class RetrySpec(Spec):
    """How often a tool is tried again, and after which errors."""

    attempts: int = Field(default=3, ge=1, le=20, description="Calls in all, the first included.")
    on: list[Literal["timeout", "error"]] = Field(
        default=["timeout"], min_length=1, description="After which errors."
    )


class Node(Spec):
    """What every node may have."""

    when: Expression | None = Field(default=None, description="Run only if this is true; otherwise skipped.")
    after: str | list[str] = Field(default=[], description="Nodes that must be settled first, without data.")
    with_: Bindings = Field(default_factory=dict, alias="with")
    params: dict[str, Any] = Field(default_factory=dict, description="Arguments that are constants.")
    on_error: str = Field(default="fail", description="`fail`, `skip`, or a node that takes over.")
    timeout: Duration | None = Field(default=None, description="Deadline of the node.")
    description: str = Field(default="", description="For readers.")

    @property
    def after_names(self) -> tuple[str, ...]:
        """Return `after` as names."""
        return (self.after,) if isinstance(self.after, str) else tuple(self.after)


class WorkNode(Node):
    """A node that does work of its own."""

    concurrency: int | None = Field(
        default=None, ge=1, le=100_000, description="Of this node at once, in all runs; others wait."
    )


class ExpertNode(WorkNode):
    """Ask an expert."""

    expert: str = Field(description="The graph's own expert, else ./experts, else a bundled one.")


class ToolNode(WorkNode):
    """Call a tool."""

    tool: str = Field(description="A tool's name.")
    retry: RetrySpec | None = Field(default=None, description="Only here, and not for unsafe tools.")


class ReplyNode(Node):
    """A text made from a template."""

    reply: str = Field(description="A template: text with {{ node.field }}.")
    refusal: bool = Field(default=False, description="As output it makes the run `refused`.")


class RouteNode(WorkNode):
    """Let the router choose one of several experts."""

    route: Literal["all"] | list[str] = Field(description="Experts to choose from, or `all`.")


class Body(Spec):
    """Several nodes inside `each` or `repeat`."""

    nodes: dict[str, NodeSpec] = Field(min_length=1, description="The nodes of the body, by name.")
    output: str | list[str] | dict[str, str] | None = Field(
        default=None, description="What the body's value is."
    )


class EachNode(Node):
    """Run a body once for every item of a list."""

    each: Expression
    as_: str = Field(default="item", alias="as", description="What the body calls the item.")
    do: BodySpec
    concurrency: int = Field(default=8, ge=1, le=1000, description="Items at once.")
    max: int = Field(default=1000, ge=1, le=1_000_000, description="More items fail the node.")


class RepeatNode(Node):
    """Run a body again and again until a condition holds."""

    repeat: Bindings = Field(description="The state before round 1.")
    do: BodySpec
    next: Bindings = Field(default_factory=dict, description="The state after a round.")
    until: Expression | None = Field(default=None, description="Stop when true; tested after `next`.")
    max: int = Field(description="Rounds at most.", ge=1, le=1000)


class GraphNode(Node):
    """Run another graph."""

    graph: str = Field(description="A file beside this one.")


class AskNode(Node):
    """Ask a person; the run pauses."""

    ask: str = Field(description="The question, a template.")
    answer: dict[str, TypeField] = Field(
        default_factory=dict, description="What is answered ({text: string})."
    )


def kind_of(raw: Any) -> str | None:
    """Return which of the eight kinds a node is, None if it is none or more than one."""
    if isinstance(raw, Node):
        return _kind_of_class(type(raw))
    if not isinstance(raw, Mapping):
        return None
    found = [kind for kind in NODE_KINDS if kind in cast("Mapping[str, Any]", raw)]
    return found[0] if len(found) == 1 else None


@cache
def _kind_of_class(cls: type[Node]) -> str:
    return next(kind for kind in NODE_KINDS if kind in cls.model_fields)


def _body_kind(raw: Any) -> str | None:
    if isinstance(raw, Body) or (isinstance(raw, Mapping) and "nodes" in raw):
        return "nodes"
    return kind_of(raw)


NodeSpec = Annotated[
    Annotated[ExpertNode, Tag("expert")]
    | Annotated[ToolNode, Tag("tool")]
    | Annotated[ReplyNode, Tag("reply")]
    | Annotated[RouteNode, Tag("route")]
    | Annotated[EachNode, Tag("each")]
    | Annotated[RepeatNode, Tag("repeat")]
    | Annotated[GraphNode, Tag("graph")]
    | Annotated[AskNode, Tag("ask")],
    Discriminator(kind_of),
]
BodySpec = Annotated[
    Annotated[Body, Tag("nodes")]
    | Annotated[ExpertNode, Tag("expert")]
    | Annotated[ToolNode, Tag("tool")]
    | Annotated[ReplyNode, Tag("reply")]
    | Annotated[RouteNode, Tag("route")]
    | Annotated[EachNode, Tag("each")]
    | Annotated[RepeatNode, Tag("repeat")]
    | Annotated[GraphNode, Tag("graph")]
    | Annotated[AskNode, Tag("ask")],
    Discriminator(_body_kind),
]


class ModelSpec(Spec):
    """A model with its own server, key or options."""

    model: str = Field(description="`backend/name`.")
    url: str | None = Field(default=None, description="The server's address.")
    key: str | None = Field(default=None, pattern=r"^env:[A-Za-z_][A-Za-z0-9_]*$", description="`env:NAME`.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options for this model.")
    concurrency: int | None = Field(
        default=None, ge=1, le=10_000, description="Calls of this model at once; others wait."
    )


class GraphSpec(Spec):
    """A graph as its author wrote it."""

    swarm: Literal[1] = Field(default=1, description="Version of the format.")
    name: str = Field(description="The graph's name.")
    description: str = Field(default="", description="What it does.")
    input: dict[str, TypeField] = Field(
        default_factory=dict, description="What a run takes; the first is main."
    )
    models: dict[str, str | ModelSpec] = Field(default_factory=dict, description="Logical names of models.")
    tools: str | list[str] | None = Field(default=None, description="`tools.py` beside the file.")
    experts: dict[str, Expert] = Field(default_factory=dict, description="Experts of this graph.")
    nodes: dict[str, NodeSpec] = Field(
        min_length=1, max_length=MAX_NODES, description="The nodes, by name; each of one of the eight kinds."
    )
    output: str | list[str] | dict[str, str] = Field(description="The first that ran; one; or a mapping.")


for _model in (Body, EachNode, RepeatNode, GraphSpec):
    _model.model_rebuild()
