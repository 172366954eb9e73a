"""What the engine adds to the work itself: trivial nodes, events on, CPU time, beside hand-written asyncio.

Ours and the hand-written form are timed in turn, several times in one process; the medians are
reported, and their ratio, which depends less on the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from swarm import Event, Graph, Swarm, tool

ROUNDS = 7
Work = Callable[[], Awaitable[Any]]


def listen(event: Event) -> None:
    """Hear every event, as a journal would, and keep none."""


@tool(effect="pure")
async def step(x: int) -> int:
    """Add one."""
    return x + 1


@tool(effect="pure")
async def classify(x: int) -> dict[str, Any]:
    """Say which of four ways to go."""
    await asyncio.sleep(0)
    return {"label": "abcd"[x % 4], "sure": x % 8 != 0}


@tool(effect="pure")
async def work(x: int) -> int:
    """Do nothing, after a turn of the loop."""
    await asyncio.sleep(0)
    return x


@tool(effect="pure")
async def slow_classify(x: int) -> dict[str, Any]:
    """Say which way to go, after 50 ms."""
    await asyncio.sleep(0.05)
    return {"label": "abcd"[x % 4], "sure": x % 8 != 0}


@tool(effect="pure")
async def slow_work(x: int) -> int:
    """Do nothing, for 50 ms."""
    await asyncio.sleep(0.05)
    return x


def chain(length: int) -> Graph:
    """Return a graph of `length` nodes one after the other."""
    graph = Graph("chain", input={"x": int})
    last: Any = graph.input.x
    for number in range(length):
        last = graph.tool(f"n{number}", step, x=last)
    graph.output(last)
    return graph


def fan(width: int) -> Graph:
    """Return a graph of one node, `width` parallel ones, and a join."""
    graph = Graph("fan", input={"x": int})
    top = graph.tool("top", step, x=graph.input.x)
    parts = [graph.tool(f"n{number}", step, x=top) for number in range(width)]
    join = graph.tool("join", step, x=parts[-1], after=parts)
    graph.output(join)
    return graph


def decisions(first: Any, then: Any) -> Graph:
    """Return classify -> one of four -> sure? -> end or fallback: 3 or 4 nodes run of 6."""
    graph = Graph("decisions", input={"x": int})
    label = graph.tool("label", first, x=graph.input.x)
    ways = [graph.tool(f"way_{name}", then, x=graph.input.x, when=label.label == name) for name in "abcd"]
    fallback = graph.tool("fallback", then, x=graph.input.x, when=label.sure == False)  # noqa: E712
    graph.output(fallback, *ways)
    return graph


async def raw_chain(length: int) -> int:
    """Do the work of `chain` by hand."""
    x = 1
    for _ in range(length):
        x = await step.function(x)
    return x


async def raw_fan(width: int) -> int:
    """Do the work of `fan` by hand."""
    top = await step.function(1)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(step.function(top)) for _ in range(width)]
    return await step.function(tasks[-1].result())


async def raw_decisions(x: int, first: Any, then: Any) -> int:
    """Do the work of `decisions` by hand."""
    label = await first(x)
    value = await {"a": then, "b": then, "c": then, "d": then}[label["label"]](x)
    return value if label["sure"] else await then(x)


async def cpu_seconds(made: Work, times: int) -> float:
    """Return the CPU seconds of one call, over `times`."""
    started = time.process_time()
    for _ in range(times):
        await made()
    return (time.process_time() - started) / times


async def paired(ours: Work, raw: Work, times: int) -> tuple[float, float]:
    """Return the median CPU seconds of both, measured in turn."""
    rows = [(await cpu_seconds(ours, times), await cpu_seconds(raw, times)) for _ in range(ROUNDS)]
    return statistics.median(row[0] for row in rows), statistics.median(row[1] for row in rows)


async def gathered(one: Callable[[int], Awaitable[Any]], count: int) -> float:
    """Return the CPU seconds of `count` runs at once."""
    started = time.process_time()
    await asyncio.gather(*(one(number) for number in range(count)))
    return time.process_time() - started


async def wall(one: Callable[[int], Awaitable[Any]], count: int) -> float:
    """Return the wall seconds of `count` runs at once."""
    started = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(count)))
    return time.perf_counter() - started


def _line(ours: float, raw: float, unit: str, scale: float, nodes: int) -> str:
    return f"{(ours - raw) / nodes * scale:8.2f} {unit} a node over the work itself ({ours / raw:.1f}x)"


async def _run() -> dict[str, object]:
    rows: dict[str, object] = {}
    async with Swarm(chain(100), listeners=[listen]) as swarm:
        ours, raw = await paired(lambda: swarm.run(x=1), lambda: raw_chain(100), 50)
        rows["W1 chain of 100"] = _line(ours, raw, "us", 1e6, 100)
    async with Swarm(fan(100), listeners=[listen]) as swarm:
        ours, raw = await paired(lambda: swarm.run(x=1), lambda: raw_fan(100), 30)
        rows["W2 1 -> 100 -> join"] = _line(ours, raw, "us", 1e6, 102)
    async with Swarm(decisions(classify, work), listeners=[listen]) as swarm:
        counter = iter(range(10**9))
        ours, raw = await paired(
            lambda: swarm.run(x=next(counter)),
            lambda: raw_decisions(next(counter), classify.function, work.function), 500,
        )  # fmt: skip
        rows["W3 in sequence"] = f"{1 / ours:8,.0f} runs a CPU-second ({ours / raw:.1f}x)"
        both = [
            (
                await gathered(lambda x: swarm.run(x=x), 1000),
                await gathered(lambda x: raw_decisions(x, classify.function, work.function), 1000),
            )
            for _ in range(ROUNDS)
        ]
        ours, raw = (statistics.median(row[i] for row in both) for i in (0, 1))
        rows["W3 1,000 at once"] = f"{1000 / ours:8,.0f} runs a CPU-second ({ours / raw:.1f}x)"
    async with Swarm(decisions(slow_classify, slow_work), listeners=[listen]) as swarm:
        walls = [
            (
                await wall(lambda x: swarm.run(x=x), 1000),
                await wall(lambda x: raw_decisions(x, slow_classify.function, slow_work.function), 1000),
            )
            for _ in range(3)
        ]
        ours, raw = (statistics.median(row[i] for row in walls) for i in (0, 1))
        ideal = 0.15  # a run with a fallback: three nodes of 50 ms one after the other
        rows["W3 1,000 at once, 50 ms nodes"] = f"{ours / ideal:8.2f}x one run ({raw / ideal:.2f}x by hand)"
    return rows


def run() -> dict[str, object]:
    """Return the figures by workload."""
    return asyncio.run(_run())
