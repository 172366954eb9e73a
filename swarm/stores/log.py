"""The seam to saved runs: what happened in each, as events, and what can be read back.

A run log is written while runs go on, so it must be quick, and it must never fail a run: a log
that cannot be written says so once and stays quiet. Pieces of streamed text are not kept, since
`node.finished` holds the whole text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import swarm.events as ev

__all__ = ["CONTINUED", "ENDS", "RecordedRun", "RunLog", "RunSummary", "is_kept", "summarize"]

CONTINUED = "continued"  # the code of the note with which a run goes on
ENDS = (ev.RunFinished, ev.RunFailed, ev.RunCancelled)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line about a run.

    Attributes:
        at: when it began, in seconds since the epoch.
        status: `completed`, `refused`, `failed`, `cancelled`, `paused`, or `unfinished` (it goes
            on, or its process was killed).
        text: what it answered, or why it failed.
    """

    id: str
    graph: str = ""
    status: str = "unfinished"
    at: float = 0.0
    latency_ms: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A run read back: its events in order; `damaged` says what could not be read, and where."""

    id: str
    events: tuple[ev.Event, ...]
    damaged: tuple[str, ...] = ()


class RunLog(Protocol):
    """Keeps what happened in runs."""

    def append(self, event: ev.Event) -> None:
        """Add an event to its run; never raises for what a disk does."""
        ...

    def runs(self) -> Sequence[RunSummary]:
        """Return a line about every run kept, the newest first."""
        ...

    def read(self, run_id: str) -> RecordedRun:
        """Return a run.

        Raises:
            StoreError: no run of that id is kept, or it cannot be read.
        """
        ...

    def close(self) -> None:
        """Give up what is open; calling it twice is fine."""
        ...


def is_kept(event: ev.Event) -> bool:
    """Return whether a log keeps the event."""
    return not isinstance(event, ev.ModelToken)


def _waiting(run_id: str, asking: Mapping[str, str]) -> RunSummary:
    """Return the line about a run that asks these questions; without one it is at work."""
    if not asking:
        return RunSummary(id=run_id)
    return RunSummary(id=run_id, status="paused", text=next(iter(asking.values())))


def summarize(run_id: str, events: Iterable[ev.Event]) -> RunSummary:
    """Return the line about a run that had these events."""
    graph, at = "", 0.0
    last = RunSummary(id=run_id)
    asking: dict[str, str] = {}  # text of each open question, by its node
    for event in events:
        match event:
            case ev.RunStarted():
                graph, at = event.graph, event.at
            case ev.RunPausedEvent():
                asking[event.node] = event.text
                last = _waiting(run_id, asking)
            case ev.RunResumed():
                asking.pop(event.node, None)
                last = _waiting(run_id, asking)
            case ev.RunFinished():
                last = RunSummary(
                    id=run_id, status=event.status, text=event.text, latency_ms=event.latency_ms
                )
            case ev.RunFailed():
                text = f"{event.code}: {event.message}"
                last = RunSummary(id=run_id, status="failed", text=text, latency_ms=event.latency_ms)
            case ev.RunCancelled():
                last = RunSummary(id=run_id, status="cancelled", latency_ms=event.latency_ms)
            case _:
                pass
    return RunSummary(
        id=run_id, graph=graph, at=at, status=last.status, latency_ms=last.latency_ms, text=last.text
    )
