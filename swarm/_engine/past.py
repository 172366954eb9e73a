"""What a journal says about a run so far, by node and call: read once, when a run goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import swarm.events as ev
from swarm._engine.result import Marks, Outcome
from swarm.errors import NodeError
from swarm.messages import Usage
from swarm.stores.base import DONE, END, EVENTS, INTENT, TRIED, Question, SavedRun

__all__ = ["Past", "error_of", "outcome_of", "usage_of"]

Place = tuple[str, str]
MARKED = ("expert", "route")  # kinds whose value has the marks among its fields
REPEATED = (ev.NodeSkipped, ev.NodeFailed)  # events that running again says again


class Past:
    """The fold of a journal.

    Attributes:
        results: bodies (JSON) of what nodes and calls came to. tried: of calls that gave no result.
        intents: effects that were about to happen. questions: what people were asked.
        end: how the run ended, or None. usage, tool_calls: what the settled nodes used.
    """

    __slots__ = (
        "_answered",
        "_told",
        "end",
        "intents",
        "questions",
        "results",
        "tool_calls",
        "tried",
        "usage",
    )

    def __init__(self, saved: SavedRun | None = None) -> None:
        self.results: dict[Place, str] = {}
        self.tried: dict[Place, str] = {}
        self.intents: Counter[Place] = Counter()
        self.questions: dict[Place, Question] = {}
        self.end: Mapping[str, Any] | None = None
        self.usage, self.tool_calls = Usage(), 0
        self._told: set[tuple[str, str]] = set()
        self._answered: Counter[str] = Counter()  # by node: answers that were told
        if saved is not None:
            self._read(saved)

    def result(self, place: str, call: str = "") -> Mapping[str, Any] | None:
        """Return what the node, or the call inside it, came to."""
        body = self.results.get((place, call))
        return None if body is None else json.loads(body)

    def has_told(self, event: ev.Event) -> bool:
        """Return whether this event is in the journal already; asked once for each event, in their order."""
        if isinstance(event, ev.RunResumed):  # a node may ask more than once: its first answers were told
            told = self._answered[event.node] > 0
            self._answered[event.node] -= told
            return told
        return bool(self._told) and isinstance(event, REPEATED) and (event.type, event.node) in self._told

    def is_settled(self, place: str) -> bool:
        """Return whether the node at `place`, or one around it, has its result."""
        if (place, "") in self.results:
            return True
        return any((place[:at], "") in self.results for at, char in enumerate(place) if char in "[/")

    def _read(self, saved: SavedRun) -> None:
        for kind, place, call, body in saved.records:
            if kind == DONE:
                self.results[place, call] = body
            elif kind == TRIED:
                self.tried[place, call] = body
            elif kind == INTENT:
                self.intents[place, call] += 1
            elif kind == EVENTS:
                self._hear(json.loads(body))
            elif kind == END:
                self.end = json.loads(body)
        self.questions = {(one.place, one.call): one for one in saved.questions}
        for (place, call), body in self.results.items():
            if call and self.is_settled(place):
                self.usage += usage_of(json.loads(body))

    def _hear(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            kind = event["type"]
            if kind == ev.ToolCalled.type:
                self.tool_calls += 1
            elif kind == ev.RunResumed.type:
                self._answered[event["node"]] += 1
            elif kind in (ev.NodeSkipped.type, ev.NodeFailed.type):
                self._told.add((kind, event["node"]))


def usage_of(body: Mapping[str, Any]) -> Usage:
    """Return what a recorded call used."""
    return Usage(**body.get("usage", {}))


def outcome_of(body: Mapping[str, Any]) -> Outcome:
    """Return the outcome that was written down."""
    if "skipped" in body:
        return Outcome(None, None, skipped=body["skipped"])
    output = body["output"]
    marks = Marks(**body["marks"]) if "marks" in body else None
    if marks is not None and body["kind"] in MARKED:
        return Outcome({**output, **marks.to_json()}, output, marks)
    return Outcome(output, output, marks)


def error_of(body: Mapping[str, Any]) -> NodeError:
    """Return the failure that was written down."""
    said = body["error"]
    return NodeError(
        said["message"], where=said.get("where") or "", hint=said.get("hint") or "", code=said["code"]
    )
