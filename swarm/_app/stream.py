"""Events from a run to one reader who may be slower than the run.

Three things hold whatever the reader does: putting never waits, the events of a node come in their order,
and what waits is bounded. Beyond `JOIN_BEYOND` waiting events a piece of text is joined with the one of the
same node that waits already. Beyond `LEAVE_OUT_BEYOND` nodes that begin are left out, each from its start to
its end, and a note says so: what is told of a node is told whole. How the run went, and what a person is
asked, is never left out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import swarm.events as ev
from swarm._app.live import ENDS_IN_S
from swarm._engine.patience import outlast

__all__ = ["EventQueue", "stream_run"]

JOIN_BEYOND = (
    256  # a reader this far behind shows text later than it was written; single pieces are no use to it
)
LEAVE_OUT_BEYOND = 100_000  # about 25 MB of events: some 25,000 nodes that began and ended meanwhile

BEGINS = (ev.NodeStarted, ev.NodeSkipped)
ENDS = (ev.NodeFinished, ev.NodeFailed, ev.NodeCancelled)
FOR_PEOPLE = (ev.RunPausedEvent, ev.RunResumed)
LAGGING = (
    "the events of this stream are read more slowly than they come: "
    "nodes are left out of it, from their start to their end, until it has been read"
)


class _Text:
    """Pieces of one node's text that wait as one."""

    __slots__ = ("first", "parts")

    def __init__(self, first: ev.ModelToken) -> None:
        self.first, self.parts = first, [first.text]

    def event(self) -> ev.ModelToken:
        return self.first if len(self.parts) == 1 else replace(self.first, text="".join(self.parts))


class EventQueue:
    """Holds events until they are read, by one reader: `async for event in queue`.

    Args:
        join_beyond, leave_out_beyond: how many events may wait before text is joined, and before
            whole nodes are left out. To these come what the nodes then at work still say.
    """

    __slots__ = (
        "_closed", "_events", "_forgotten", "_join", "_leave_out", "_left_out", "_reader", "_room", "_texts",
        "_told",
    )  # fmt: skip

    def __init__(self, *, join_beyond: int = JOIN_BEYOND, leave_out_beyond: int = LEAVE_OUT_BEYOND) -> None:
        self._events: deque[ev.Event | _Text] = deque()
        self._join, self._leave_out = min(join_beyond, leave_out_beyond), leave_out_beyond
        self._room = self._join  # below it an event is only added; 0 where what was put before decides
        self._texts: dict[str, _Text] = {}  # by node: text at the end of what waits of it
        self._left_out: set[str] = set()  # nodes at work whose start was left out
        self._told = False  # that nodes are left out, since this reader last had few to read
        self._reader: asyncio.Future[None] | None = None
        self._closed = self._forgotten = False

    def __len__(self) -> int:
        """Return how many events wait."""
        return len(self._events)

    def put(self, event: ev.Event) -> None:
        """Add an event."""
        if len(self._events) < self._room:
            self._events.append(event)
        else:
            self._squeeze(event)
            self._room = 0 if self._texts or self._left_out or self._forgotten else self._join
        if self._reader is not None:
            self._wake()

    __call__ = put

    def join(self, node: str, text: str) -> bool:
        """Add text to the piece of `node` that waits last; False if there is none that others are joined with."""
        waiting = self._texts.get(node)
        if waiting is None:
            return False
        waiting.parts.append(text)
        return True

    def _squeeze(self, event: ev.Event) -> None:
        """Add an event where many wait, or where the ones before it of the same node were not added plainly."""
        if self._forgotten:
            return
        node = event.node if isinstance(event, ev.NodeEvent) else ""
        if not node or isinstance(event, FOR_PEOPLE):
            self._texts.pop(node, None)
            self._events.append(event)
        elif node in self._left_out:
            if isinstance(event, ENDS):
                self._left_out.remove(node)
        elif isinstance(event, BEGINS) and len(self._events) >= self._leave_out:
            self._leave(event, node)
        elif isinstance(event, ev.ModelToken):
            self._join_text(event, node)
        else:
            self._texts.pop(node, None)
            self._events.append(event)

    def _join_text(self, event: ev.ModelToken, node: str) -> None:
        text = self._texts.get(node)
        if text is not None:
            text.parts.append(event.text)
        elif len(self._events) < self._join:
            self._events.append(event)
        else:
            self._texts[node] = text = _Text(event)
            self._events.append(text)

    def _leave(self, event: ev.Event, node: str) -> None:
        if isinstance(event, ev.NodeStarted):
            self._left_out.add(node)
        if not self._told:
            self._told = True
            self._events.append(ev.NoteAdded(run=event.run, at=event.at, code="lagging", text=LAGGING))

    def close(self) -> None:
        """Say that no more events come."""
        self._closed = True
        self._wake()

    def forget(self) -> None:
        """Keep nothing from now on: nobody reads any more."""
        self._events.clear()
        self._texts.clear()
        self._forgotten = True
        self._room = 0

    def end(self, task: asyncio.Future[Any]) -> None:
        """Close with the task that puts events; what it raised is for whoever reads to the end."""
        if not task.cancelled():
            task.exception()
        self.close()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        self._reader = None

    async def more(self) -> bool:
        """Wait for an event; False when there are no more, and never will be."""
        if not self._events:
            self._told = False
            if self._closed:
                return False
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return bool(self._events)

    def take(self) -> ev.Event:
        """Return the next event of those that wait."""
        event = self._events.popleft()
        if not isinstance(event, _Text):
            return event
        node = event.first.node
        if self._texts.get(node) is event:
            del self._texts[node]  # what comes later of this node is a new event
        return event.event()

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> ev.Event:
        if not await self.more():
            raise StopAsyncIteration
        return self.take()


async def stream_run(
    start: Callable[[Callable[[ev.Event], None]], Coroutine[Any, Any, Any]],
    detached: set[asyncio.Future[Any]] | None,
) -> AsyncGenerator[ev.Event, None]:
    """Run something and yield its events; what it raises is raised at the end.

    Args:
        start: returns the work; it is given what to call with each event.
        detached: where the work goes if the reader closes this first; None: it is cancelled then.
    """
    queue = EventQueue()
    work = asyncio.ensure_future(start(queue))
    work.add_done_callback(queue.end)
    try:
        while await queue.more():
            while queue:
                yield queue.take()
        work.result()
    finally:
        queue.forget()
        if not work.done():
            if detached is None:
                work.cancel()
                await outlast(work, ENDS_IN_S)
            else:
                detached.add(work)
                work.add_done_callback(detached.discard)
