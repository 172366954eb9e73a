"""W7: 10,000 pieces of text from one node to a reader, beside a bare `asyncio.Queue`.

Paced: a piece every 0.1 ms, ten times as fast as any model writes. By turns: a turn of the loop between pieces, so
that the reader takes each alone. Burst: all at once; there a reader who is far behind gets pieces joined.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from benchmarks.engine.measure import cpu, in_turn
from benchmarks.engine.table import Row
from swarm import Expert, Graph, Swarm
from swarm.events import ModelToken, RunFinished
from swarm.messages import Completion, CompletionRequest, TextDelta, Usage

__all__ = ["rows"]

PIECES = 10_000
PACE_S = 0.0001
PIECE = TextDelta(text="word ")
PACES = {"paced": PACE_S, "by turns": 0.0, "burst": None}
ASKED = {"paced": 1.0, "burst": 1.2}


class Writer:
    """A backend whose model writes so many pieces, with a pause after each."""

    def __init__(self, pause_s: float | None) -> None:
        self._pause_s = pause_s

    @property
    def name(self) -> str:
        """Return the word before the slash."""
        return "scripted"

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Yield the pieces, then the whole."""
        async for piece in self.pieces():
            yield piece
        yield await self.complete(request)

    async def pieces(self) -> AsyncGenerator[TextDelta, None]:
        """Yield the pieces; the same generator stands under the work by hand."""
        for _ in range(PIECES):
            yield PIECE
            if self._pause_s is not None:
                await asyncio.sleep(self._pause_s)

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the whole text."""
        return Completion(text=PIECE.text * PIECES, model=request.model, usage=Usage(model_calls=1))

    async def aclose(self) -> None:
        """Hold nothing."""


def rows() -> Iterator[Row]:
    """Measure W7."""
    for name, pause_s in PACES.items():
        ours, raw, read = asyncio.run(_measured(pause_s))
        yield Row(
            part="W7", what=f"{PIECES:,} pieces of text, {name}", value=(ours - raw) / PIECES * 1e6,
            unit="us a piece more", ratio=ours / raw, asked_ratio=ASKED.get(name),
            note=f"the reader got {read:,} pieces",
        )  # fmt: skip


async def _measured(pause_s: float | None) -> tuple[float, float, int]:
    writer = Writer(pause_s)
    async with Swarm(_writing(), backends={"scripted": writer}) as swarm:
        read = await _read(swarm)
        rounds = 5 if pause_s else 9
        ours, raw = await in_turn(
            lambda: cpu(lambda: _read(swarm), 1), lambda: cpu(lambda: _by_hand(writer), 1), rounds
        )
    return ours, raw, read


def _writing() -> Graph:
    expert = Expert(
        kind="write", description="Writes.", input={"text": "string"}, prompt="Write:\n{{ text }}",
        cascade=["scripted/writer"],
    )  # fmt: skip
    graph = Graph("writing")
    graph.output(graph.expert("answer", expert, text="a lot"))
    return graph


async def _read(swarm: Swarm) -> int:
    """Read a stream to its end; return how many pieces came.

    Raises:
        SystemExit: text was lost, or the run failed.
    """
    pieces, characters, last = 0, 0, None
    async with aclosing(swarm.stream()) as stream:
        async for event in stream:
            if isinstance(event, ModelToken):
                pieces += 1
                characters += len(event.text)
            last = event
    if characters != PIECES * len(PIECE.text) or not isinstance(last, RunFinished):
        raise SystemExit(f"the stream gave {characters:,} characters and ended with {last}")
    return pieces


async def _by_hand(writer: Writer) -> int:
    queue: asyncio.Queue[TextDelta | None] = asyncio.Queue()

    async def write() -> None:
        async for piece in writer.pieces():
            queue.put_nowait(piece)
        queue.put_nowait(None)

    characters = 0
    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        while (piece := await queue.get()) is not None:
            characters += len(piece.text)
    return characters
