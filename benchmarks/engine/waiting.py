"""Memory of runs that wait, in a process of its own; `python -m benchmarks.engine.waiting`.

What 10,000 runs at once add to the memory the process holds (resident), each of them waiting inside a node:
their tasks, deadlines, events told so far, and the work of the tool included.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from benchmarks.engine.measure import child, resident_bytes
from benchmarks.engine.table import Row

__all__ = ["rows"]

RUNS = 10_000


def rows() -> Iterator[Row]:
    """Measure the memory of one waiting run, and of one waiting task."""
    ours, raw = (child("benchmarks.engine.waiting", which)["kb"] for which in ("runs", "tasks"))
    yield Row(
        part="memory", what=f"of one waiting run, {RUNS:,} at once", value=ours, unit="KB", ratio=ours / raw,
        asked=8.0,
    )  # fmt: skip


class Door:
    """What all wait for, and how many do."""

    def __init__(self) -> None:
        self.opened, self.all_wait = asyncio.Event(), asyncio.Event()
        self.waiting = 0

    async def wait(self, x: int) -> int:
        self.waiting += 1
        if self.waiting == RUNS:
            self.all_wait.set()
        await self.opened.wait()
        return x


async def kilobytes(door: Door, one: Callable[[int], Coroutine[Any, Any, Any]]) -> float:
    """Return what each of `RUNS` adds while all wait."""
    gc.collect()
    before = resident_bytes()
    works = [asyncio.ensure_future(one(number)) for number in range(RUNS)]
    await door.all_wait.wait()
    gc.collect()
    held = resident_bytes() - before
    door.opened.set()
    await asyncio.gather(*works)
    return held / RUNS / 1000


async def _runs() -> float:
    from benchmarks.engine.small import listen
    from swarm import Graph, Limits, Swarm, tool

    graph, door = Graph("waiting", input={"x": int}), Door()
    graph.output(graph.tool("wait", tool(effect="pure")(door.wait), x=graph.input.x))
    async with Swarm(graph, listeners=[listen], limits=Limits(concurrency=RUNS)) as swarm:
        door.opened.set()
        await swarm.run(x=1)  # what only the first run makes is not counted
        door.opened.clear()
        door.waiting = 0
        return await kilobytes(door, lambda x: swarm.run(x=x))


async def _tasks() -> float:
    door = Door()
    return await kilobytes(door, door.wait)


def main() -> None:
    """Measure and print one JSON object."""
    print(json.dumps({"kb": asyncio.run(_runs() if sys.argv[1] == "runs" else _tasks())}))


if __name__ == "__main__":
    main()
