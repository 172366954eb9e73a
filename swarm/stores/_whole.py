"""Events of a run that was killed, made whole: every start has an end, every answer its question.

A process that is killed tells nobody. What it was at work on begins again when the run goes on; here the
first beginning gets its end, at the time of the second.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

import swarm.events as ev
from swarm.stores.base import Question
from swarm.stores.log import CONTINUED

__all__ = ["made_whole"]

CUT_OFF = "cut off"


def made_whole(events: Sequence[ev.Event], questions: Sequence[Question]) -> Iterator[ev.Event]:
    """Yield the events of a run, and among them what a killed process could not tell any more.

    Args:
        events: those that were written down, in their order. questions: those of the run that can be read.
    """
    told = {event.token for event in events if isinstance(event, ev.RunPausedEvent)}
    untold = [one for one in questions if one.answer is not None and one.token not in told]
    work, asking = _Work(), set[str]()
    for event in events:
        match event:
            case ev.NoteAdded() if event.code == CONTINUED:
                yield from work.cut_off(event)
                work = _Work()
            case ev.RunPausedEvent():
                asking.add(event.node)
            case ev.RunResumed() if event.node in asking:
                asking.remove(event.node)
            case ev.RunResumed():
                yield from _question_of(event, untold)
            case _:
                work.hear(event)
        yield event


class _Work:
    """What has begun and not ended, in the order in which it began."""

    def __init__(self) -> None:
        self._nodes: dict[str, None] = {}
        self._tools = Counter[tuple[str, str]]()
        self._models: dict[str, list[ev.ModelRequested]] = {}

    def hear(self, event: ev.Event) -> None:
        """Take in an event."""
        match event:
            case ev.NodeStarted():
                self._nodes[event.node] = None
            case ev.NodeFinished() | ev.NodeFailed() | ev.NodeCancelled():
                self._nodes.pop(event.node, None)
            case ev.ToolCalled():
                self._tools[event.node, event.tool] += 1
            case ev.ToolFinished():
                self._tools[event.node, event.tool] -= 1
            case ev.ModelRequested():
                self._models.setdefault(event.node, []).append(event)
            case ev.ModelFinished() if self._models.get(event.node):
                self._models[event.node].pop()
            case _:
                pass

    def cut_off(self, note: ev.Event) -> Iterator[ev.Event]:
        """Yield the end of all that is at work: calls, then nodes, those inside others before them."""
        run, at = note.run, note.at
        for node, tool in self._tools.elements():
            yield ev.ToolFinished(run=run, at=at, node=node, tool=tool, error=CUT_OFF)
        for node, requests in self._models.items():
            for one in requests:
                yield ev.ModelFinished(
                    run=run, at=at, node=node, model=one.model, rung=one.rung, error=CUT_OFF
                )
        for node in reversed(self._nodes):
            yield ev.NodeCancelled(run=run, at=at, node=node)


def _question_of(event: ev.RunResumed, untold: list[Question]) -> Iterator[ev.Event]:
    """Yield the question that this answers, which no event tells of, and take it from `untold`."""
    found = next((one for one in untold if one.place == event.node), None)
    if found is not None:
        untold.remove(found)
        yield ev.RunPausedEvent(
            run=event.run, at=event.at, node=found.place, text=found.text, token=found.token,
            answer=json.loads(found.fields),
        )  # fmt: skip
