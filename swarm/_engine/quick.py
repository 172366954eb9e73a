"""The values that are made for every run and every node, made quickly.

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
from swarm._engine.result import Marks, NodeResult, OpenNodeResult, OpenRunResult, RunResult, Status
from swarm.messages import Usage

__all__ = [
    "model_token", "node_done", "node_finished", "node_skipped", "node_started", "run_finished", "run_result", "run_started",
    "tool_called", "tool_finished",
]  # fmt: skip


def run_started(run: str, at: float, graph: str, given: Mapping[str, Any]) -> ev.RunStarted:
    """Return the event."""
    made: Any = ev.OpenRunStarted()
    made.run = run
    made.at = at
    made.graph = graph
    made.input = given
    made.version = ev.VERSION
    made.__class__ = ev.RunStarted
    return made


def run_finished(result: RunResult, at: float) -> ev.RunFinished:
    """Return the event of a run that ended with this result."""
    made: Any = ev.OpenRunFinished()
    made.run = result.id
    made.at = at
    made.status = result.status
    made.output = result.output
    made.text = result.text
    made.confidence = result.confidence
    made.usage = result.usage.to_json()
    made.latency_ms = result.latency_ms
    made.__class__ = ev.RunFinished
    return made


def run_result(
    run: str,
    graph: str,
    status: Status,
    nodes: Mapping[str, NodeResult],
    *,
    output: Any,
    text: str,
    marks: Marks | None,
    usage: Usage,
    latency_ms: float,
    notes: tuple[str, ...],
) -> RunResult:
    """Return the result of a run that ended with an output; `marks` are those of the output's node."""
    made: Any = OpenRunResult()
    made.id = run
    made.graph = graph
    made.status = status
    made.output = output
    made.text = text
    made.confidence = marks.confidence if marks is not None else None
    made.confident = marks.confident if marks is not None else None
    made.path = tuple([name for name, node in nodes.items() if node.status == "done"])
    made.nodes = nodes
    made.usage = usage
    made.latency_ms = latency_ms
    made.error = None
    made.error_node = None
    made.ask = None
    made.notes = notes
    made.__class__ = RunResult
    return made


def node_started(run: str, at: float, node: str, kind: str) -> ev.NodeStarted:
    """Return the event."""
    made: Any = ev.OpenNodeStarted()
    made.run = run
    made.at = at
    made.node = node
    made.kind = kind
    made.__class__ = ev.NodeStarted
    return made


def node_skipped(run: str, at: float, node: str, reason: str) -> ev.NodeSkipped:
    """Return the event."""
    made: Any = ev.OpenNodeSkipped()
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
    made: Any = ev.OpenNodeFinished()
    made.run = run
    made.at = at
    made.node = node
    made.value = value
    made.latency_ms = latency_ms
    made.marks = marks
    made.__class__ = ev.NodeFinished
    return made


def model_token(run: str, at: float, node: str, text: str) -> ev.ModelToken:
    """Return the event."""
    made: Any = ev.OpenModelToken()
    made.run = run
    made.at = at
    made.node = node
    made.text = text
    made.__class__ = ev.ModelToken
    return made


def tool_called(
    run: str, at: float, node: str, tool: str, arguments: Mapping[str, Any], attempt: int
) -> ev.ToolCalled:
    """Return the event."""
    made: Any = ev.OpenToolCalled()
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
    made: Any = ev.OpenToolFinished()
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
    made: Any = OpenNodeResult()
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
