"""The values that are made for every node, made quickly.

A frozen dataclass fills its fields with one call each (`object.__setattr__`): 1 us for six of them,
and every node makes five such values. Here an object is filled in as its *open* class, which has the
same slots and may be written to, and then becomes the frozen one: 0.15 us. What comes out is what the
class itself would make: equal, as immutable, with the same hash.

Python checks that both classes have the same slots; a test, that no field is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import swarm.events as ev
from swarm._engine.result import Marks, NodeResult, OpenNodeResult

__all__ = ["node_done", "node_finished", "node_skipped", "node_started", "tool_called", "tool_finished"]

_new = object.__new__


def node_started(run: str, at: float, node: str, kind: str) -> ev.NodeStarted:
    """Return the event."""
    made: Any = _new(ev.OpenNodeStarted)
    made.run = run
    made.at = at
    made.node = node
    made.kind = kind
    made.__class__ = ev.NodeStarted
    return made


def node_skipped(run: str, at: float, node: str, reason: str) -> ev.NodeSkipped:
    """Return the event."""
    made: Any = _new(ev.OpenNodeSkipped)
    made.run = run
    made.at = at
    made.node = node
    made.reason = reason
    made.__class__ = ev.NodeSkipped
    return made


def node_finished(
    run: str, at: float, node: str, value: Any, latency_ms: float, marks: Mapping[str, Any] | None
) -> ev.NodeFinished:
    """Return the event."""
    made: Any = _new(ev.OpenNodeFinished)
    made.run = run
    made.at = at
    made.node = node
    made.value = value
    made.latency_ms = latency_ms
    made.marks = marks
    made.__class__ = ev.NodeFinished
    return made


def tool_called(
    run: str, at: float, node: str, tool: str, arguments: Mapping[str, Any], attempt: int
) -> ev.ToolCalled:
    """Return the event."""
    made: Any = _new(ev.OpenToolCalled)
    made.run = run
    made.at = at
    made.node = node
    made.tool = tool
    made.arguments = arguments
    made.attempt = attempt
    made.__class__ = ev.ToolCalled
    return made


def tool_finished(
    run: str, at: float, node: str, tool: str, latency_ms: float, error: str | None
) -> ev.ToolFinished:
    """Return the event."""
    made: Any = _new(ev.OpenToolFinished)
    made.run = run
    made.at = at
    made.node = node
    made.tool = tool
    made.latency_ms = latency_ms
    made.error = error
    made.__class__ = ev.ToolFinished
    return made


def node_done(name: str, kind: str, output: Any, latency_ms: float, marks: Marks | None) -> NodeResult:
    """Return the result of a node that has its value."""
    made: Any = _new(OpenNodeResult)
    made.name = name
    made.kind = kind
    made.status = "done"
    made.output = output
    made.latency_ms = latency_ms
    made.marks = marks
    made.reason = ""
    made.error = None
    made.__class__ = NodeResult
    return made
