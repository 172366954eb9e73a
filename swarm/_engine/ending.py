"""How a run ended, as its journal keeps it, and the result made of the journal again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from swarm._engine.past import error_of, outcome_of
from swarm._engine.result import Marks, NodeResult, RunResult
from swarm.errors import StoreError, SwarmError
from swarm.messages import Usage
from swarm.stores.base import DONE, END, SavedRun

__all__ = ["end_body", "saved_result"]


def end_body(result: RunResult, at: float) -> dict[str, Any]:
    """Return what is written of a run's end; what its nodes came to is in their own records."""
    body: dict[str, Any] = {
        "at": at,
        "status": result.status,
        "output": result.output,
        "text": result.text,
        "confidence": result.confidence,
        "confident": result.confident,
        "usage": result.usage.to_json(),
        "latency_ms": result.latency_ms,
        "notes": list(result.notes),
        "nodes": {name: _brief(node) for name, node in result.nodes.items()},
    }
    if result.error is not None:
        body["error"] = _said(result.error)
        body["error_node"] = result.error_node
    return body


def _said(error: SwarmError) -> dict[str, str]:
    return {"code": error.code, "message": error.what, "where": error.where, "hint": error.hint}


def _brief(node: NodeResult) -> dict[str, Any]:
    if node.status == "done":
        return {"kind": node.kind}
    if node.status == "skipped":
        return {"kind": node.kind, "skipped": node.reason}
    failed: dict[str, Any] = {"kind": node.kind, "latency_ms": node.latency_ms}
    return failed if node.error is None else {**failed, "error": _said(node.error)}


def saved_result(saved: SavedRun) -> RunResult:
    """Return the result of a run that ended.

    Raises:
        StoreError: it has not ended.
    """
    head = saved.head
    if head.status == "cancelled":  # also one that failed before, and was to go on
        return RunResult(id=head.id, graph=head.graph, status="cancelled")
    results: dict[str, Mapping[str, Any]] = {}
    end: dict[str, Any] | None = None
    for kind, place, call, body in saved.records:
        if kind == DONE and not call:
            results[place] = json.loads(body)
        elif kind == END:
            end = json.loads(body)
    if end is None:
        raise StoreError(
            f"the run has not ended: {head.status}", where=head.id, hint=f"swarm runs resume {head.id}"
        )
    nodes = {name: _node(name, brief, results) for name, brief in end["nodes"].items()}
    error = error_of(end) if "error" in end else None
    return RunResult(
        id=head.id, graph=head.graph, status=end["status"], output=end["output"], text=end["text"],
        confidence=end["confidence"], confident=end["confident"], usage=Usage(**end["usage"]),
        latency_ms=end["latency_ms"], notes=tuple(end["notes"]), nodes=nodes, error=error,
        error_node=end.get("error_node"),
        path=tuple(name for name, node in nodes.items() if node.status == "done"),
    )  # fmt: skip


def _node(name: str, brief: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> NodeResult:
    kind: str = brief["kind"]
    if "skipped" in brief:
        return NodeResult(name=name, kind=kind, status="skipped", reason=brief["skipped"])
    if "latency_ms" in brief:
        error = error_of(brief) if "error" in brief else None
        return NodeResult(name=name, kind=kind, status="failed", error=error, latency_ms=brief["latency_ms"])
    body = results[name]
    marks = Marks(**body["marks"]) if "marks" in body else None
    return NodeResult(
        name=name, kind=kind, status="done", output=outcome_of(body).output, latency_ms=body["latency_ms"],
        marks=marks,
    )  # fmt: skip
