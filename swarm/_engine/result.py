"""What a run gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from swarm.errors import LowConfidenceError, SwarmError
from swarm.messages import Usage

__all__ = ["Ask", "Marks", "NodeResult", "Outcome", "RunPaused", "RunResult", "text_of"]

Status = Literal["completed", "refused", "paused", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How sure an expert's answer is and who gave it.

    Attributes:
        confidence: in [0, 1], or None where nothing measured it.
        confident: accepted by the expert's policy.
        model: `backend/name`; rung: its place in the cascade, from 0.
        source: `raw` or `calibrated`; way: how a decision was obtained.
    """

    confidence: float | None = None
    confident: bool = False
    model: str | None = None
    rung: int | None = None
    escalated: bool = False
    source: str | None = None
    way: str | None = None

    def full(self) -> dict[str, Any]:
        """Return all of them, as the journal keeps them."""
        return {**self.to_json(), "source": self.source, "way": self.way}

    def to_json(self) -> dict[str, Any]:
        """Return the five marks a graph may refer to."""
        return {
            "confidence": self.confidence,
            "confident": self.confident,
            "model": self.model,
            "rung": self.rung,
            "escalated": self.escalated,
        }


@dataclass(slots=True)
class Outcome:
    """What a node's work came to: its value for other nodes, and the same without an expert's marks.

    Not frozen: it passes from one function to the next, and a frozen one takes 0.3 us more of each node.
    """

    value: Any
    output: Any
    marks: Marks | None = None
    skipped: str = ""  # why there is no value after all: a person said to leave it out


class OpenNodeResult:
    """The slots of a result that is being filled in (`quick.py`)."""

    __slots__ = ("error", "kind", "latency_ms", "marks", "name", "output", "reason", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResult(OpenNodeResult):
    """What became of one node."""

    name: str
    kind: str
    status: Literal["done", "skipped", "failed"]
    output: Any = None
    latency_ms: float | None = None
    marks: Marks | None = None
    reason: str = ""
    error: SwarmError | None = None

    @property
    def confidence(self) -> float | None:
        """Return the calibrated or raw confidence, None where nothing measured it."""
        return self.marks.confidence if self.marks else None

    @property
    def confident(self) -> bool | None:
        """Return whether the policy accepted the answer; None for nodes without a model."""
        return self.marks.confident if self.marks else None

    @property
    def model(self) -> str | None:
        """Return the model that answered, as `backend/name`."""
        return self.marks.model if self.marks else None

    def to_json(self) -> dict[str, Any]:
        """Return the shape of `swarm run --json` (docs/reference/cli.md)."""
        table: dict[str, Any] = {"status": self.status}
        if self.status == "skipped":
            return {**table, "reason": self.reason}
        table["output"] = self.output
        if self.kind in ("expert", "route"):
            table |= (self.marks or Marks()).to_json()
        table["latency_ms"] = None if self.latency_ms is None else round(self.latency_ms, 3)
        if self.error is not None:
            table["error"] = {"code": self.error.code, "message": self.error.what}
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question to a person that a paused run waits for."""

    node: str
    text: str
    answer: Mapping[str, Any]
    token: str

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"node": self.node, "text": self.text, "answer": dict(self.answer), "token": self.token}


class OpenRunResult:
    """The slots of a result that is being filled in (`quick.py`)."""

    __slots__ = (
        "ask", "confidence", "confident", "error", "error_node", "graph", "id", "latency_ms", "nodes",
        "notes", "output", "path", "status", "text", "usage",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(OpenRunResult):
    """How a run ended.

    Attributes:
        output: what the graph's `output` chose; text: the same as text for a person.
        path: the nodes that ran, in the plan's order.
        notes: things worth knowing that are no errors (a server that did not answer).
        ask: what a paused run waits for.
    """

    id: str
    graph: str
    status: Status
    output: Any = None
    text: str = ""
    confidence: float | None = None
    confident: bool | None = None
    path: tuple[str, ...] = ()
    nodes: Mapping[str, NodeResult] = field(default_factory=dict[str, NodeResult])
    usage: Usage = Usage()
    latency_ms: float = 0.0
    error: SwarmError | None = None
    error_node: str | None = None
    ask: Ask | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> NodeResult:
        """Return what became of the node `name`; KeyError if the graph has no such node."""
        return self.nodes[name]

    def require(self, at_least: float | None = None) -> RunResult:
        """Return this result if it is confident, else raise.

        Args:
            at_least: also ask for this confidence.

        Raises:
            SwarmError: the run failed; its own error.
            LowConfidenceError: not confident, or less confident than asked; carries this result.
        """
        if self.error is not None:
            raise self.error
        low = at_least is not None and (self.confidence is None or self.confidence < at_least)
        if self.confident is False or low:
            said = (
                "no measured confidence" if self.confidence is None else f"confidence {self.confidence:.2f}"
            )
            raise LowConfidenceError(
                f"the answer is not confident enough: {said}",
                result=self,
                where=self.id,
                hint="see which model answered: result.nodes",
            )
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the shape of `swarm run --json` (docs/reference/cli.md)."""
        table: dict[str, Any] = {
            "run": self.id,
            "status": self.status,
            "output": self.output,
            "text": self.text,
            "confidence": self.confidence,
            "path": list(self.path),
            "nodes": {name: node.to_json() for name, node in self.nodes.items()},
            "usage": self.usage.to_json(),
        }
        if self.notes:
            table["notes"] = list(self.notes)
        if self.error is not None:
            table["error"] = {"code": self.error.code, "message": self.error.what, "node": self.error_node}
        if self.ask is not None:
            table["ask"] = self.ask.to_json()
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaused(RunResult):
    """The result of a run that waits for a person: its `ask` says for what.

    `await swarm.resume(paused, approved=True)` answers it, `await swarm.cancel(paused)` gives it up.
    """


def text_of(output: Any) -> str:
    """Return an output as text: its `text`, else `code`, else `label`, the string itself, else JSON."""
    if isinstance(output, str):
        return output
    if output is None:
        return ""
    if type(output) is int:
        return int.__repr__(output)  # as JSON writes it; the encoder takes 2 us to begin
    if isinstance(output, Mapping):
        table = cast("Mapping[str, Any]", output)
        for key in ("text", "code", "label"):
            if isinstance(table.get(key), str):
                return table[key]
    return _ENCODE(output)


_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode
