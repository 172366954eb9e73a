"""W4: a random layered graph of 10,000 nodes, in a process of its own; `python -m benchmarks.engine.large`.

Memory is the highest the process ever held (`ru_maxrss`) less what it held when Python, our modules and the
code of this file had been imported. It covers the graph as composed, its plan, and one run.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.engine.measure import child
from benchmarks.engine.table import Row

__all__ = ["rows"]

LAYERS = WIDTH = 100
SEED = 4
RUNS = 5


def rows() -> Iterator[Row]:
    """Measure W4."""
    found = child("benchmarks.engine.large")
    what = f"layered graph of {LAYERS * WIDTH:,} nodes"
    yield Row(
        part="W4", what=f"{what}: compile", value=found["compile_s"], unit="s", asked=0.8,
        note=f"composing it in Python before: {found['compose_s']:.2f} s",
    )  # fmt: skip
    yield Row(
        part="W4", what=f"{what}: run", value=found["run_s"], unit="s",
        ratio=found["run_s"] / found["raw_s"], asked=0.14,
    )  # fmt: skip
    yield Row(
        part="W4", what=f"{what}: peak memory", value=found["peak_mb"], unit="MB", asked=60.0,
        note=f"over {found['base_mb']:.0f} MB of imported modules",
    )  # fmt: skip


def parents() -> list[list[list[int]]]:
    """Return for each node of each layer the one to three nodes of the layer before that it waits for."""
    rng = random.Random(SEED)
    return [
        [rng.sample(range(WIDTH), rng.randint(1, 3)) if layer else [] for _ in range(WIDTH)]
        for layer in range(LAYERS)
    ]


async def _run(graph: Any, shape: list[list[list[int]]]) -> dict[str, float]:
    from benchmarks.engine.small import listen, step
    from swarm import Swarm

    async def raw() -> int:
        above: list[int] = []
        for layer in shape:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(step.function(above[names[0]] if names else 1)) for names in layer]
            above = [task.result() for task in tasks]
        return above[-1]

    started = time.process_time()
    swarm = Swarm(graph, listeners=[listen])
    compile_s = time.process_time() - started
    ours, by_hand = list[float](), list[float]()
    async with swarm:
        for _ in range(RUNS):
            at = time.process_time()
            result = await swarm.run(x=1)
            ours.append(time.process_time() - at)
            at = time.process_time()
            value = await raw()
            by_hand.append(time.process_time() - at)
            if result.output != value:
                raise SystemExit(f"ours gave {result.output!r}, by hand it is {value!r}: {result.error}")
    return {
        "compile_s": compile_s,
        "run_s": statistics.median(ours),
        "raw_s": statistics.median(by_hand),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Measure and print one JSON object."""
    from benchmarks.engine.small import chain, step
    from swarm import Graph, Swarm

    Swarm(chain(2))  # so that all that is imported when it is first needed is
    base = _peak_mb()
    started = time.process_time()
    shape = parents()
    graph = Graph("layered", input={"x": int})
    above: list[Any] = []
    for number, layer in enumerate(shape):
        above = [
            graph.tool(
                f"n{number}_{place}", step, x=above[names[0]] if names else graph.input.x,
                after=[above[name] for name in names[1:]],
            )
            for place, names in enumerate(layer)
        ]  # fmt: skip
    graph.output(above[-1])
    compose_s = time.process_time() - started
    found = asyncio.run(_run(graph, shape))
    print(json.dumps({**found, "compose_s": compose_s, "base_mb": base, "peak_mb": _peak_mb() - base}))


if __name__ == "__main__":
    main()
