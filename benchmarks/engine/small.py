"""W1 to W3: small graphs of nodes that do next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from benchmarks.engine.measure import Work, cpu, gathered_cpu, in_turn, wall
from benchmarks.engine.table import Row
from swarm import Event, Graph, Swarm, tool

__all__ = ["chain", "chain_of_100", "decisions", "fan_of_100", "listen", "step"]

RUNS = 1_000
SLOW_S = 0.05
IDEAL_S = 3 * SLOW_S  # of a run with a fallback: three slow nodes one after the other


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
    await asyncio.sleep(SLOW_S)
    return {"label": "abcd"[x % 4], "sure": x % 8 != 0}


@tool(effect="pure")
async def slow_work(x: int) -> int:
    """Do nothing, for 50 ms."""
    await asyncio.sleep(SLOW_S)
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


def deciding(first: Any, then: Any) -> Graph:
    """Return classify -> one of four -> sure? -> end or fallback: 2 or 3 nodes run of 6."""
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


async def raw_deciding(x: int, first: Any, then: Any) -> int:
    """Do the work of `deciding` by hand."""
    label = await first(x)
    value = await {"a": then, "b": then, "c": then, "d": then}[label["label"]](x)
    return value if label["sure"] else await then(x)


def chain_of_100() -> Iterator[Row]:
    """Measure W1."""
    ours, raw = asyncio.run(_a_graph(chain(100), lambda: raw_chain(100), times=50))
    yield Row(
        part="W1", what="chain of 100", value=ours / 100 * 1e6, unit="us a node", ratio=ours / raw, asked=6.0,
        asked_ratio=12.0,
    )  # fmt: skip


def fan_of_100() -> Iterator[Row]:
    """Measure W2."""
    ours, raw = asyncio.run(_a_graph(fan(100), lambda: raw_fan(100), times=30))
    yield Row(
        part="W2", what="1 -> 100 parallel -> join", value=ours / 102 * 1e6, unit="us a node",
        ratio=ours / raw, asked=15.0, asked_ratio=1.5,
    )  # fmt: skip


async def _a_graph(graph: Graph, raw: Work, *, times: int) -> tuple[float, float]:
    async with Swarm(graph, listeners=[listen]) as swarm:
        await _check(swarm.run(x=1))
        return await in_turn(lambda: cpu(lambda: swarm.run(x=1), times), lambda: cpu(raw, times))


async def _check(run: Coroutine[Any, Any, Any]) -> None:
    """Run once before anything is timed.

    Raises:
        SystemExit: the run failed, and its time would mean nothing.
    """
    result = await run
    if result.status != "completed":
        raise SystemExit(f"a run of the benchmark {result.status}: {result.error}")


def decisions() -> Iterator[Row]:
    """Measure W3."""
    ours, raw = asyncio.run(_in_sequence())
    yield Row(
        part="W3", what="decisions, in sequence", value=1 / ours, unit="runs a CPU-second", ratio=ours / raw,
        asked=20_000, asked_ratio=3.0, more_is_better=True,
    )  # fmt: skip
    ours, raw = asyncio.run(_at_once())
    yield Row(
        part="W3", what=f"decisions, {RUNS:,} at once", value=RUNS / ours, unit="runs a CPU-second",
        ratio=ours / raw, asked=14_000, asked_ratio=3.0, more_is_better=True,
    )  # fmt: skip
    ours, raw = asyncio.run(_slow_at_once())
    yield Row(
        part="W3", what=f"decisions of 50 ms nodes, {RUNS:,} at once", value=ours / IDEAL_S,
        unit="wall over one run alone", ratio=ours / raw, asked=1.5, note=f"by hand {raw / IDEAL_S:.2f}",
    )  # fmt: skip


async def _in_sequence() -> tuple[float, float]:
    async with Swarm(deciding(classify, work), listeners=[listen]) as swarm:
        numbers = iter(range(10**9))
        await _check(swarm.run(x=0))
        return await in_turn(
            lambda: cpu(lambda: swarm.run(x=next(numbers)), 500),
            lambda: cpu(lambda: raw_deciding(next(numbers), classify.function, work.function), 500),
        )


async def _at_once() -> tuple[float, float]:
    async with Swarm(deciding(classify, work), listeners=[listen]) as swarm:
        await _check(swarm.run(x=0))
        return await in_turn(
            lambda: gathered_cpu(_many(lambda x: swarm.run(x=x))),
            lambda: gathered_cpu(_many(lambda x: raw_deciding(x, classify.function, work.function))),
        )


async def _slow_at_once() -> tuple[float, float]:
    async with Swarm(deciding(slow_classify, slow_work), listeners=[listen]) as swarm:
        await _check(swarm.run(x=0))
        return await in_turn(
            lambda: wall(_many(lambda x: swarm.run(x=x))),
            lambda: wall(_many(lambda x: raw_deciding(x, slow_classify.function, slow_work.function))),
            rounds=5,
        )


def _many(one: Callable[[int], Coroutine[Any, Any, Any]]) -> Work:
    return lambda: asyncio.gather(*(one(number) for number in range(RUNS)))
