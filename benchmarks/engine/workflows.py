"""Real workflows as graphs: how close the makespan comes to what 16 slots allow at best.

The graphs and runtimes of 61 scientific workflows (WfInstances, `../shared/data/workflows`; 5 to 1,738 tasks).
Each task is a tool that sleeps for its runtime, scaled so that the bound of every workflow, the larger of critical
path and work / slots, takes `BOUND_S` seconds: a task of the largest then sleeps 150 ms on average, and the engine's
own time does not show. All workflows run at once, each with slots of its own; each runs twice, because a swarm
that has run a graph before knows how long its nodes take.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.engine.measure import ROOT
from benchmarks.engine.table import Row
from swarm import Graph, Limits, Swarm, tool

__all__ = ["rows"]

DATA = ROOT / "../shared/data/workflows/wfinstances/dags_dev.jsonl"
SLOTS = 16
BOUND_S = 16.0
RUNS = ("first run", "second run")
Workflow = Mapping[str, Any]


@tool(effect="pure")
async def task(seconds: float) -> None:
    """Take so long."""
    await asyncio.sleep(seconds)


def rows() -> Iterator[Row]:
    """Measure the makespans."""
    if not DATA.is_file():
        return
    with DATA.open(encoding="utf-8") as file:
        workflows = [json.loads(line) for line in file]
    found = asyncio.run(_all(workflows))
    for which, name in enumerate(RUNS):
        over = [times[which] for times in found]
        yield Row(
            part="workflows", what=f"{len(over)} of them, {SLOTS} slots, {name}", value=statistics.mean(over),
            unit="x the bound", asked=1.10, note=f"worst {max(over):.2f}",
        )  # fmt: skip


async def _all(workflows: list[Workflow]) -> list[list[float]]:
    swarms = [
        Swarm(_graph(workflow, BOUND_S / _bound_s(workflow)), limits=Limits(concurrency=SLOTS))
        for workflow in workflows  # all are compiled before the first runs: that would hold up the others
    ]
    return await asyncio.gather(*(_makespans(swarm) for swarm in swarms))


async def _makespans(swarm: Swarm) -> list[float]:
    """Return the makespan of each run over the bound."""
    async with swarm:
        return [await _makespan(swarm) / BOUND_S for _ in RUNS]


async def _makespan(swarm: Swarm) -> float:
    started = time.perf_counter()
    result = await swarm.run()
    if result.status != "completed":
        raise SystemExit(f"{swarm.name} {result.status}: {result.error}")
    return time.perf_counter() - started


def _bound_s(workflow: Workflow) -> float:
    """Return the larger of the critical path and of the work over the slots, in seconds as recorded."""
    tasks: list[tuple[str, float, list[int]]] = workflow["tasks"]
    ends: list[float] = []
    for _, runtime_s, above in tasks:
        ends.append(runtime_s + max((ends[index] for index in above), default=0.0))
    return max(max(ends), sum(runtime_s for _, runtime_s, _ in tasks) / SLOTS)


def _graph(workflow: Workflow, scale: float) -> Graph:
    graph = Graph("workflow", description=Path(workflow["id"]).name)
    nodes: list[Any] = []
    for index, (_, runtime_s, above) in enumerate(workflow["tasks"]):
        after = [nodes[parent] for parent in above]
        nodes.append(graph.tool(f"task_{index}", task, seconds=runtime_s * scale, after=after))
    waited_for = {parent for _, _, above in workflow["tasks"] for parent in above}
    ends = [node for index, node in enumerate(nodes) if index not in waited_for]
    graph.output(graph.reply("end", "done", after=ends))
    return graph
