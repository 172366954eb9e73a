"""Events from a run to one reader who may be slower than the run."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import Any

import swarm.events as ev

__all__ = ["EventQueue"]

MAX_WAITING = 10_000  # beyond this, pieces of text that wait are joined with the one before


class EventQueue:
    """Holds events until they are read; putting never waits.

    When many wait, a piece of text is joined with the last one of the same node, so that a reader
    who stopped reading costs no more memory than the text itself.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._events: deque[ev.Event] = deque()
        self._max = max_waiting
        self._more = asyncio.Event()
        self._closed = False

    def put(self, event: ev.Event) -> None:
        """Add an event."""
        last = self._events[-1] if self._events else None
        if (
            len(self._events) >= self._max
            and isinstance(event, ev.ModelToken)
            and isinstance(last, ev.ModelToken)
            and last.node == event.node
        ):
            self._events[-1] = replace(last, text=last.text + event.text)
            return
        self._events.append(event)
        self._more.set()

    def close(self) -> None:
        """Say that no more events come."""
        self._closed = True
        self._more.set()

    def end(self, task: asyncio.Future[Any]) -> None:
        """Close with the task that puts events; what it raised is for whoever reads to the end."""
        if not task.cancelled():
            task.exception()
        self.close()

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> ev.Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        return self._events.popleft()
