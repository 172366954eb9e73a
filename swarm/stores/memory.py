"""A run log in memory: for one process, and for tests."""

from __future__ import annotations

from collections.abc import Sequence

from swarm.errors import StoreError
from swarm.events import Event
from swarm.stores.log import RecordedRun, RunSummary, is_kept, summarize

__all__ = ["MemoryRunLog"]


class MemoryRunLog:
    """Keeps the newest `keep` runs of this process."""

    def __init__(self, *, keep: int = 200) -> None:
        self._keep = keep
        self._runs: dict[str, list[Event]] = {}

    def append(self, event: Event) -> None:
        """Add an event to its run."""
        if not is_kept(event):
            return
        if event.run not in self._runs:
            while len(self._runs) >= self._keep:
                del self._runs[min(self._runs)]
            self._runs[event.run] = []
        self._runs[event.run].append(event)

    def runs(self) -> Sequence[RunSummary]:
        """Return a line about every run kept, the newest first."""
        return [summarize(run_id, self._runs[run_id]) for run_id in sorted(self._runs, reverse=True)]

    def read(self, run_id: str) -> RecordedRun:
        """Return a run; StoreError if there is none of that id."""
        if run_id not in self._runs:
            raise StoreError(f"no run {run_id!r} is kept", hint="swarm runs ls")
        return RecordedRun(id=run_id, events=tuple(self._runs[run_id]))

    def close(self) -> None:
        """Do nothing: what is in memory goes with the process."""
