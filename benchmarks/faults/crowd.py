"""Very many runs at once: all of them end, none waits much longer than another, and they are small."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from collections import Counter
from pathlib import Path

from benchmarks.faults.finding import Finding
from swarm import Graph, Limits, Swarm, tool

__all__ = ["crowd", "fair_share"]

LOT, PACE_S = 100, 0.02  # so many runs begin, and then for so long none: 5,000 a second
TURNS = 100  # of the loop: ten times what it takes
LAG_S = 0.005  # how often the loop is asked whether it is late
MOST_BYTES, MOST_LAG_S, MOST_UNFAIR = 40_960, 0.1, 0.2  # reliability plan, R12


def crowd(runs: int, *, wait_s: float, timed: bool = True) -> dict[str, Finding]:
    """Have so many runs at once, three nodes each; a row.

    Args:
        wait_s: how long a node takes; all runs have begun before the first ends if it is long enough.
        timed: hold the memory and the lag of the loop against their bounds, too.
    """
    ended, run_bytes, lags = asyncio.run(_crowded(runs, wait_s))
    late = statistics.quantiles(lags, n=100)[98]
    broken: list[str] = []
    if ended != runs:
        broken.append(f"{runs - ended} runs did not come to their output")
    if timed and run_bytes > MOST_BYTES:
        broken.append(f"a run takes {run_bytes:,.0f} bytes, more than {MOST_BYTES:,}")
    if timed and late > MOST_LAG_S:
        broken.append(f"the loop is {late * 1000:.0f} ms late (p99), more than {MOST_LAG_S * 1000:.0f} ms")
    note = f"{run_bytes:,.0f} bytes a run; the loop is {late * 1000:.1f} ms late (p99)"
    return {"runs at once": Finding(tried=runs, broken=tuple(broken), note=note)}


async def _crowded(runs: int, wait_s: float) -> tuple[int, float, list[float]]:
    @tool(effect="pure")
    async def work(x: int) -> int:
        """Take as long as a small model."""
        await asyncio.sleep(wait_s)
        return x + 1

    graph = Graph("crowd", input={"x": int})
    one = graph.tool("one", work, x=graph.input.x)
    graph.output(value=graph.tool("three", work, x=graph.tool("two", work, x=one)))
    async with Swarm(graph, limits=Limits(concurrency=runs, runs=runs)) as swarm:
        await swarm.run(x=0)
        gc.collect()
        before, most = _rss(), 0
        lags: list[float] = []
        watch = asyncio.create_task(_watch(lags))
        tasks: list[asyncio.Task[bool]] = []
        for x in range(runs):
            tasks.append(asyncio.create_task(_is_right(swarm, x)))
            if x % LOT == LOT - 1:
                await asyncio.sleep(PACE_S)
                most = max(most, _rss())
        ended = sum(await asyncio.gather(*tasks))
        most = max(most, _rss())
        watch.cancel()
    return ended, (most - before) / runs, lags


async def _is_right(swarm: Swarm, x: int) -> bool:
    result = await swarm.run(x=x)
    return result.status == "completed" and result.output == {"value": x + 3}


async def _watch(lags: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LAG_S)
        lags.append(time.perf_counter() - began - LAG_S)


def _rss() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def fair_share(runs: int, nodes: int, slots: int) -> dict[str, Finding]:
    """Let runs of many nodes share few slots, begun one after the other; a row.

    Half-way, no run may have had more or less than a fifth beside its share.
    """
    shares = asyncio.run(_shared(runs, nodes, slots))
    mean = statistics.fmean(shares)
    most = max(abs(share - mean) / mean for share in shares)
    broken = (f"a run had {most:.0%} more or less than its share",) if most > MOST_UNFAIR else ()
    note = f"{runs} runs of {nodes} nodes in {slots} slots: at most {most:.0%} beside the mean, half-way"
    return {"fair share": Finding(tried=runs * nodes, broken=broken, note=note)}


async def _shared(runs: int, nodes: int, slots: int) -> list[int]:
    """Return how many nodes each run had done when half of all were; none is done before all runs have begun."""
    done, half = Counter[int](), list[int]()
    draw, begin = random.Random(1), asyncio.Event()

    @tool(effect="pure")
    async def work(run: int, item: int) -> int:
        """Take a few turns of the loop."""
        is_early = not begin.is_set()  # it has a slot already, and somebody had to be the first
        await begin.wait()
        for _ in range(draw.randint(1, 4)):
            await asyncio.sleep(0)
        done[run] += not is_early
        if done.total() == runs * nodes // 2:
            half.extend(done[number] for number in range(runs))
        return item

    graph = Graph("share", input={"run": int, "items": list[int]})
    with graph.each("all", graph.input.items, concurrency=nodes, max=nodes) as body:
        body.tool("work", work, run=graph.input.run, item=body.item)
    graph.output(count=body.node)
    async with Swarm(graph, limits=Limits(concurrency=slots)) as swarm, asyncio.TaskGroup() as group:
        for number in range(runs):
            group.create_task(swarm.run(run=number, items=list(range(nodes))))
        for _ in range(TURNS):  # until each item of each run waits for its slot
            await asyncio.sleep(0)
        begin.set()
    return half
