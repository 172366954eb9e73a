"""What happens in a run: one frozen class per event, to and from JSON, versioned.

Every started thing has exactly one end: `node.started` is followed by one of `node.finished`,
`node.failed`, `node.cancelled`; `model.requested` by `model.finished`; `tool.called` by
`tool.finished`; `run.started` by `run.finished`, `run.failed` or `run.cancelled`.
A node is named by its path (`notes[17]/summary`), never by a position in time.
"""

from __future__ import annotations

from collections import abc
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

__all__ = [
    "EVENTS",
    "VERSION",
    "ConfidenceDrifted",
    "ConfidenceScored",
    "Event",
    "ExpertEscalated",
    "ModelFinished",
    "ModelRequested",
    "ModelToken",
    "NodeCancelled",
    "NodeFailed",
    "NodeFinished",
    "NodeSkipped",
    "NodeStarted",
    "NoteAdded",
    "RouteDecided",
    "RunCancelled",
    "RunFailed",
    "RunFinished",
    "RunPausedEvent",
    "RunResumed",
    "RunStarted",
    "ToolCalled",
    "ToolFinished",
    "ToolRefused",
    "from_json",
    "to_json",
]

VERSION = 1

# The slots of the events that every run and every node has. The engine fills such an event in as its open class,
# which may be written to, and then makes it the frozen one (`_engine/quick.py`).


class OpenModelToken:
    __slots__ = ("at", "node", "run", "text")


class OpenRunStarted:
    __slots__ = ("at", "graph", "input", "run", "version")


class OpenRunFinished:
    __slots__ = ("at", "confidence", "latency_ms", "output", "run", "status", "text", "usage")


class OpenNodeStarted:
    __slots__ = ("at", "kind", "node", "run")


class OpenNodeSkipped:
    __slots__ = ("at", "node", "reason", "run")


class OpenNodeFinished:
    __slots__ = ("at", "latency_ms", "marks", "node", "run", "value")


class OpenToolCalled:
    __slots__ = ("arguments", "at", "attempt", "node", "run", "tool")


class OpenToolFinished:
    __slots__ = ("at", "error", "latency_ms", "node", "run", "tool")


@dataclass(frozen=True, kw_only=True)
class Event:
    """What all events have: the run's id, and seconds since the epoch."""

    __slots__ = ()  # the slots are in the classes of single events, so that these can lay them out

    type: ClassVar[str] = "event"
    run: str
    at: float


@dataclass(frozen=True, kw_only=True)
class NodeEvent(Event):
    """An event of one node, named by its path."""

    __slots__ = ()

    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event, OpenRunStarted):
    """A run began: of which graph, on which input."""

    type: ClassVar[str] = "run.started"
    graph: str
    input: Mapping[str, Any]
    version: int = VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted(NodeEvent, OpenNodeStarted):
    """A node's conditions hold and it runs."""

    type: ClassVar[str] = "node.started"
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSkipped(NodeEvent, OpenNodeSkipped):
    """A node does not run; `reason` says which condition or reference decided."""

    type: ClassVar[str] = "node.skipped"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequested(NodeEvent):
    """A model is asked, on a rung of the cascade from 0; `attempt` 2 withdraws what was streamed."""

    type: ClassVar[str] = "model.requested"
    model: str
    rung: int
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelToken(NodeEvent, OpenModelToken):
    """A piece of the answer as it is written; withdrawn if the expert asks again or escalates."""

    type: ClassVar[str] = "model.token"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFinished(NodeEvent):
    """A model answered, or failed (`error`); tokens and milliseconds of this one call."""

    type: ClassVar[str] = "model.finished"
    model: str
    rung: int
    way: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceScored(NodeEvent):
    """How sure an answer is, by which estimator, against which threshold, and what follows.

    `policy` says where the threshold came from; `label` and `alternatives` (the best other labels,
    with their probabilities) are those of a decision; `signals` is all that was measured.
    """

    type: ClassVar[str] = "confidence.scored"
    model: str
    rung: int
    confidence: float | None
    estimator: str
    source: str
    threshold: float | None
    accepted: bool
    policy: str = ""
    label: str | None = None
    alternatives: Mapping[str, float] = field(default_factory=dict[str, float])
    signals: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceDrifted(NodeEvent):
    """What comes no longer looks like what the thresholds were chosen on; they are stricter from now on."""

    type: ClassVar[str] = "confidence.drifted"
    expert: str
    model: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertEscalated(NodeEvent):
    """The next model of the cascade is asked; any text streamed so far is withdrawn."""

    type: ClassVar[str] = "expert.escalated"
    model: str
    to_model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDecided(NodeEvent):
    """The router chose an expert, or none; `way` is `rules`, `classifier` or `model`."""

    type: ClassVar[str] = "route.decided"
    expert: str | None
    scores: Mapping[str, float]
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled(NodeEvent, OpenToolCalled):
    """A tool is called, by a node or by a model."""

    type: ClassVar[str] = "tool.called"
    tool: str
    arguments: Mapping[str, Any]
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished(NodeEvent, OpenToolFinished):
    """A tool returned, or failed (`error`)."""

    type: ClassVar[str] = "tool.finished"
    tool: str
    latency_ms: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRefused(NodeEvent):
    """A model asked for a tool it may not call (not listed, or unsafe without approval)."""

    type: ClassVar[str] = "tool.refused"
    tool: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """Something the reader should know, said once a run (`backend_unavailable`, ...)."""

    type: ClassVar[str] = "run.note"
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFinished(NodeEvent, OpenNodeFinished):
    """A node has its value; for experts the marks say how sure and who answered."""

    type: ClassVar[str] = "node.finished"
    value: Any
    latency_ms: float
    marks: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed(NodeEvent):
    """A node failed; `handled` when `on_error` says how to go on."""

    type: ClassVar[str] = "node.failed"
    code: str
    message: str
    handled: bool
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCancelled(NodeEvent):
    """A running node was stopped, because the run was cancelled or failed elsewhere."""

    type: ClassVar[str] = "node.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPausedEvent(NodeEvent):
    """The run waits for a person's answer."""

    type: ClassVar[str] = "run.paused"
    text: str
    answer: Mapping[str, Any]
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(NodeEvent):
    """A person answered and the run goes on."""

    type: ClassVar[str] = "run.resumed"
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event, OpenRunFinished):
    """The run ended with an output: `completed`, or `refused`."""

    type: ClassVar[str] = "run.finished"
    status: str
    output: Any
    text: str
    confidence: float | None
    usage: Mapping[str, int]
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed(Event):
    """The run ended without an output."""

    type: ClassVar[str] = "run.failed"
    code: str
    message: str
    node: str | None
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled(Event):
    """The run was stopped from outside."""

    type: ClassVar[str] = "run.cancelled"
    latency_ms: float


EVENTS: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        RunStarted, NodeStarted, NodeSkipped, ModelRequested, ModelToken, ModelFinished, ConfidenceScored, ConfidenceDrifted,
        ExpertEscalated, RouteDecided, ToolCalled, ToolFinished, ToolRefused, NoteAdded, NodeFinished,
        NodeFailed, NodeCancelled, RunPausedEvent, RunResumed, RunFinished, RunFailed, RunCancelled,
    )
}  # fmt: skip


def to_json(event: Event) -> dict[str, Any]:
    """Return the event as plain data, `type` first."""
    table: dict[str, Any] = {"type": event.type}
    for name in _names(type(event)):
        table[name] = getattr(event, name)
    return table


@cache
def _names(cls: type[Event]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(cls))  # a durable run asks for every event: 0.5 us each


def from_json(table: Mapping[str, Any]) -> Event:
    """Return the event of `to_json`; unknown fields, of a later version, are left out.

    Raises:
        ValueError: the type is unknown, or a field is missing or of another kind.
    """
    cls = EVENTS.get(str(table.get("type")))
    if cls is None:
        raise ValueError(f"unknown event type {table.get('type')!r}")
    kinds = _kinds(cls)
    for key, value in table.items():
        if kinds.get(key) and not isinstance(value, kinds[key]):
            raise ValueError(f"{cls.type}: {key!r} is {value!r}")
    try:
        return cls(**{key: value for key, value in table.items() if key in kinds})
    except TypeError as error:
        raise ValueError(f"{cls.type}: {error}") from error


@cache
def _kinds(cls: type[Event]) -> Mapping[str, tuple[type, ...]]:
    """Return what each field of an event may hold as JSON; () is anything."""
    hints = get_type_hints(cls)
    return {item.name: _json_kinds(hints[item.name]) for item in fields(cls)}


def _json_kinds(hint: Any) -> tuple[type, ...]:
    if get_origin(hint) in (Union, UnionType):
        parts = [_json_kinds(part) for part in get_args(hint)]
        return tuple(kind for part in parts for kind in part) if all(parts) else ()
    if hint is float:
        return (float, int)
    if hint in (str, int, bool, NoneType):
        return (hint,)
    return (dict,) if get_origin(hint) is abc.Mapping else ()
