"""What the nodes of a run came to, by path: of a recorded run, and of one that is executed again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import swarm.events as ev
from swarm._engine.past import Past
from swarm.stores.base import DONE, EVENTS, SavedRun

__all__ = ["Recorded", "Step", "Trail", "enclosing", "plain"]

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one node came to: its value and marks, or why it has none.

    Attributes:
        status: `done`, `skipped` or `failed`. marks: of an expert's answer, or {}.
        error: `code` and `message` of a failure, or {}.
    """

    status: str
    output: Any = None
    marks: Table
    error: Table


class Trail:
    """The steps of a run, in the order in which they were taken."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}

    def settle(self, place: str, body: Table) -> None:
        """Take in a node's own record."""
        if "error" in body:
            self.steps[place] = Step(status="failed", marks={}, error=body["error"])
        elif "skipped" in body:
            self.steps[place] = Step(status="skipped", marks={}, error={})
        else:
            marks: Table = body.get("marks", {})
            self.steps[place] = Step(status="done", output=body["output"], marks=marks, error={})

    def tell(self, event: Table) -> None:
        """Take in an event; a node's own record says more."""
        place = event.get("node", "")
        if place in self.steps:
            return
        if event["type"] == ev.NodeSkipped.type:
            self.steps[place] = Step(status="skipped", marks={}, error={})
        elif event["type"] == ev.NodeFailed.type:
            error = {"code": event["code"], "message": event["message"]}
            self.steps[place] = Step(status="failed", marks={}, error=error)


class Recorded:
    """A recorded run, as far as executing it again needs it.

    Attributes:
        past: its results and answers. trail: what its nodes came to.
    """

    def __init__(self, saved: SavedRun) -> None:
        self.id = saved.head.id
        self.past = Past(saved)
        self.trail = Trail()
        self._begun: Counter[tuple[str, str]] = Counter()
        self._arguments: dict[tuple[str, str], list[Any]] = {}
        self._cancelled: set[str] = set()
        for kind, place, call, body in saved.records:
            if kind == EVENTS:
                for event in json.loads(body):
                    self._hear(event)
            elif kind == DONE and not call:
                self.trail.settle(place, json.loads(body))
        for name, brief in (self.past.end or {}).get("nodes", {}).items():
            if "error" in brief:  # of a run that failed more than once, the last failure counts
                self.trail.settle(name, brief)

    def attempt(self, place: str, call: str) -> Table | None:
        """Return what a call inside a node gave, a result or a failure; None if it was not made."""
        body = self.past.results.get((place, call)) or self.past.tried.get((place, call))
        return None if body is None else json.loads(body)

    def arguments_of(self, place: str, tool: str) -> list[Any]:
        """Return what this tool was given there, call by call (`attempt` 1); [] if it was not called there."""
        return self._arguments.get((place, tool), [])

    def began(self, place: str, asked: str) -> bool:
        """Return whether more was begun of this (a model, a tool, the router) there than came to a result."""
        if asked == "route":
            return self._begun[place, ""] > 0
        answered = sum(
            where == place and call.partition("#")[0] == asked and call.count("#") == 1
            for where, call in (*self.past.results, *self.past.tried)
        )
        return self._begun[place, asked] > answered

    def failure_around(self, place: str) -> Table | None:
        """Return what the node failed with, or what time ran out for around it; None if neither."""
        step = self.trail.steps.get(place)
        if step is not None and step.status == "failed":
            return step.error
        around = (self.trail.steps.get(outer) for outer in enclosing(place))
        return next((one.error for one in around if one and one.error.get("code") == "timeout"), None)

    def has_failed(self, place: str) -> bool:
        """Return whether the node failed."""
        step = self.trail.steps.get(place)
        return step is not None and step.status == "failed"

    def may_lack(self, place: str) -> bool:
        """Return whether the record may lack what the node asks: a failure elsewhere cut it short, or came first."""
        if place in self.trail.steps:
            return False
        if self.past.end is not None and "error" in self.past.end:
            return True
        return place in self._cancelled or any(self.has_failed(outer) for outer in enclosing(place))

    def _hear(self, event: Table) -> None:
        place = event.get("node", "")
        match event["type"]:
            case ev.NodeStarted.type:
                self._begun[place, ""] += 1
            case ev.ModelRequested.type:
                self._begun[place, event["model"]] += 1
            case ev.ToolCalled.type if event.get("attempt", 1) == 1:
                self._begun[place, f"tool {event['tool']!r}"] += 1
                self._arguments.setdefault((place, event["tool"]), []).append(event["arguments"])
            case ev.NodeCancelled.type:
                self._cancelled.add(place)
            case _:
                self.trail.tell(event)


def enclosing(place: str) -> Iterator[str]:
    """Yield the paths of the nodes around a node, the nearest first: `a[2]/b` is in `a`."""
    for at in range(len(place) - 1, 0, -1):
        if place[at] == "[" or (place[at] == "/" and place[at - 1] != "]"):
            yield place[:at]


def plain(value: Any) -> Any:
    """Return a value as it is after it was written down and read back."""
    return json.loads(json.dumps(value, default=str))
