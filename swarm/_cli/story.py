"""What happened in a run, folded from its events into a tree of nodes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import swarm.events as ev

__all__ = ["NodeStory", "Story", "tell"]


PART = re.compile(r"\[\d+\]|[^\[]+")  # `notes[17]` is `notes`, and in it `[17]`


@dataclass(slots=True, kw_only=True)
class NodeStory:
    """What became of one node.

    Attributes:
        name: the last part of its path. children: nodes inside it.
        status: `running`, `done`, `skipped`, `failed`, `cancelled` or `asking`.
        reason: why it was skipped, how it failed, or what it asks.
        asked: the models that were asked, each once, in their order.
        tools: the tools that a model called.
    """

    name: str
    kind: str = ""
    status: str = "running"
    value: Any = None
    marks: Mapping[str, Any] | None = None
    latency_ms: float | None = None
    reason: str = ""
    asked: list[str] = field(default_factory=list[str])
    tools: list[str] = field(default_factory=list[str])
    children: dict[str, NodeStory] = field(default_factory=dict[str, "NodeStory"])


@dataclass(slots=True, kw_only=True)
class Story:
    """What happened in a run.

    Attributes:
        notes: each once, however often it was said. asking: open questions, by node.
    """

    id: str = ""
    graph: str = ""
    input: Mapping[str, Any] = field(default_factory=dict[str, Any])
    status: str = "unfinished"
    text: str = ""
    confidence: float | None = None
    latency_ms: float | None = None
    usage: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: list[str] = field(default_factory=list[str])
    asking: dict[str, str] = field(default_factory=dict[str, str])
    nodes: dict[str, NodeStory] = field(default_factory=dict[str, NodeStory])

    def node(self, path: str) -> NodeStory:
        """Return the node at a path such as `notes[17]/summary`, made where it is new.

        An item or a round is a node without a kind inside its `each` or `repeat`.
        """
        level = self.nodes
        found = NodeStory(name="")
        for name in (part for step in path.split("/") for part in PART.findall(step)):
            found = level.setdefault(name, NodeStory(name=name))
            level = found.children
        return found


def tell(events: Iterable[ev.Event]) -> Story:
    """Return the story of a run."""
    story = Story()
    for event in events:
        story.id = event.run
        if isinstance(event, ev.NodeEvent):
            _tell_node(story.node(event.node), event)
        _tell_run(story, event)
    return story


def _tell_run(story: Story, event: ev.Event) -> None:
    match event:
        case ev.RunStarted():
            story.graph, story.input = event.graph, event.input
        case ev.NoteAdded():
            if event.text not in story.notes:
                story.notes.append(event.text)
        case ev.RunPausedEvent():
            story.asking[event.node] = event.text
            _wait(story)
        case ev.RunResumed():
            story.asking.pop(event.node, None)
            _wait(story)
        case ev.RunFinished():
            story.status, story.text, story.confidence = event.status, event.text, event.confidence
            story.latency_ms, story.usage = event.latency_ms, event.usage
        case ev.RunFailed():
            story.status, story.text = "failed", f"{event.code}: {event.message}"
            story.latency_ms = event.latency_ms
        case ev.RunCancelled():
            story.status, story.latency_ms = "cancelled", event.latency_ms
        case _:
            pass


def _wait(story: Story) -> None:
    """Say whether the run waits for a person: it does while any question is open."""
    text = next(iter(story.asking.values()), None)
    story.status, story.text = ("unfinished", "") if text is None else ("paused", text)


def _tell_node(node: NodeStory, event: ev.NodeEvent) -> None:
    match event:
        case ev.NodeStarted():
            node.kind, node.status = event.kind, "running"
        case ev.NodeSkipped():
            node.status, node.reason = "skipped", event.reason
        case ev.NodeFinished():
            node.status, node.value, node.marks = "done", event.value, event.marks
            node.latency_ms = event.latency_ms
        case ev.NodeFailed():
            node.status, node.reason = "failed", f"{event.code}: {event.message}"
        case ev.NodeCancelled():
            node.status = "cancelled"
        case ev.RunPausedEvent():
            node.status, node.reason = "asking", event.text
        case ev.RunResumed():
            node.status, node.reason = "running", ""
        case ev.ModelRequested():
            if event.model not in node.asked:
                node.asked.append(event.model)
        case ev.ToolCalled():
            if node.kind != "tool":
                node.tools.append(event.tool)
        case _:
            pass
