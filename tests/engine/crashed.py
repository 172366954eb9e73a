"""Runs in a store, cut off at a random step of a simulated loop, and gone on with in another one.

What is on the disk is a `MemoryStore` behind a `Disk`, which takes its time, tells what it has promised,
and takes nothing more once the process is gone.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from oracle import Expected, expected
from random_graphs import Taste, is_contradiction, random_case
from shapes import Case, composed
from workload import returned

from swarm import RunPaused, RunResult, SpecError, StoreError, Swarm, tool
from swarm._app.check import Checked
from swarm.stores.base import DONE
from swarm.stores.memory import MemoryStore
from swarm.testing.simulation import SimulatedLoop, Stopped
from swarm.tools.function import FunctionTool

__all__ = ["check_crashes"]

TASTE = Taste(failing=0.15)
SEEDS_A_GRAPH = 5
CRASHES = 3  # at most, one after the other
RUNS = ("run-a", "run-b")
Effect = Literal["idempotent", "unsafe"]


@dataclass(kw_only=True)
class World:
    """What outlives a crash: the store's content, what was promised, and what tools did.

    Attributes:
        promised: runs whose beginning was acknowledged. recorded: places whose result is in the store.
        calls: of tools, by run and place. allowed: times a person said that one may be called again.
        crashes: so far.
    """

    seed: int
    store: MemoryStore
    promised: set[str] = field(default_factory=set[str])
    recorded: set[str] = field(default_factory=set[str])
    calls: Counter[str] = field(default_factory=Counter[str])
    allowed: Counter[str] = field(default_factory=Counter[str])
    broken: list[str] = field(default_factory=list[str])
    crashes: int = 0


class Disk:
    """The store as one process sees it: each call takes time, before it counts and after."""

    def __init__(self, world: World) -> None:
        self.world, self.is_gone = world, False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.world.store, name)

        async def call(*given: Any, **more: Any) -> Any:
            await asyncio.sleep(0)
            if self.is_gone:
                raise StoreError("the process is gone", code="closed")
            value = await method(*given, **more)
            self._note(name, given)
            await asyncio.sleep(0)
            return value

        return call

    def _note(self, name: str, given: tuple[Any, ...]) -> None:
        if name == "create":
            self.world.promised.add(given[0].id)
        elif name == "append":
            run_id, _, records = given
            self.world.recorded |= {
                f"{run_id}/{one.place}" for one in records if one.kind == DONE and not one.call
            }


def check_crashes(seed: int) -> int:
    """Let two runs of a random graph crash and go on; return how often they crashed.

    Raises:
        AssertionError: a promise of the store's contract was broken; names the seed.
    """
    draw = random.Random(f"crash {seed}")
    effect: Effect = draw.choice(["idempotent", "unsafe"])
    at = seed // SEEDS_A_GRAPH
    case = random_case(at, 1 + at % 8, TASTE)
    if (checked := _checked(at, effect)) is None:
        return 0
    world = World(seed=seed, store=MemoryStore())
    results: dict[str, RunResult] = {}
    while not results:
        stop_at = draw.randint(0, draw.choice([30, 60, 200])) if world.crashes < CRASHES else None
        results = _one_life(world, case, checked, effect, stop_at)
    told = expected(case)
    assert not world.broken, f"seed {seed}: {world.broken}"
    assert results.keys() >= world.promised, (
        f"seed {seed}: acknowledged and lost: {world.promised - results.keys()}"
    )
    for run_id, result in results.items():
        _check(result, told, f"seed {seed}, {run_id}")
    for place, count in world.calls.items():
        most = 1 + (world.allowed[place] if effect == "unsafe" else world.crashes)
        assert count <= most, (
            f"seed {seed}: {place} ({effect}) was called {count} times, {world.crashes} crashes"
        )
    return world.crashes


def _one_life(
    world: World, case: Case, checked: Checked, effect: Effect, stop_at: int | None
) -> dict[str, RunResult]:
    """Go on with whatever there is until the end, or the crash; return the results, {} after a crash."""
    disk = Disk(world)
    swarm = Swarm(checked, tools=[_work(world, disk, effect)], store=disk)  # pyright: ignore[reportArgumentType]  # it passes calls on
    loop = SimulatedLoop(world.seed * 10 + world.crashes, stop_at=stop_at)
    try:
        return loop.run_until_complete(_live(world, case, swarm))
    except Stopped:
        world.crashes += 1
        return {}
    finally:
        disk.is_gone = True
        loop.cancel_all()  # sweeps up: nothing that still moves can reach the store or the world
        loop.close()


async def _live(world: World, case: Case, swarm: Swarm) -> dict[str, RunResult]:
    there = {head.id for head in await world.store.runs()}

    async def one(run_id: str) -> RunResult:
        if run_id in there:
            result = await swarm.runs.go_on(run_id, failed=False)
        else:
            result = await swarm.run_input(case.given, run_id=run_id)
        while isinstance(result, RunPaused):  # an unsafe call may have happened: a person decides
            assert result.ask is not None
            world.allowed[f"{run_id}/{result.ask.node}"] += 1
            result = await swarm.resume(result, action="retry")
        return result

    async with swarm:
        results = await asyncio.gather(*(one(run_id) for run_id in RUNS))
    return dict(zip(RUNS, results, strict=True))


def _work(world: World, disk: Disk, effect: Effect) -> FunctionTool[..., Any]:
    @tool(effect=effect)
    async def work(
        tag: str, shape: str, fails: int, error: str, flaky: int, slow: bool, x: object, idempotency_key: str
    ) -> object:
        if disk.is_gone:
            raise asyncio.CancelledError
        key = idempotency_key
        world.calls[key] += 1
        if key in world.recorded:
            world.broken.append(f"{key} ran again although its result was recorded")
        await asyncio.sleep([0.0, 0.1, 0.2][zlib.crc32(f"{world.seed} {key}".encode()) % 3])
        return returned({"tag": tag, "shape": shape, "fails": fails, "error": error}, x)

    return work


@lru_cache(maxsize=2)
def _checked(at: int, effect: Effect) -> Checked | None:
    case = random_case(at, 1 + at % 8, TASTE)
    world = World(seed=at, store=MemoryStore())
    try:
        return Swarm(composed(case, random.Random(at), tools=[_work(world, Disk(world), effect)])).checked
    except SpecError as error:
        if not is_contradiction(error):
            raise
        return None


def _check(result: RunResult, told: Expected, where: str) -> None:
    """Check that a run came to what it would have come to without the crash."""
    if told.fatal:
        assert result.error is not None, where
        assert result.error_node in told.fatal, f"{where}: {result.error_node}, {told.fatal}"
        assert result.error.code in told.fatal[result.error_node], f"{where}: {result.error}, {told.fatal}"
    elif told.fault is not None:
        assert result.error is not None, where
        assert {result.error.code} == told.fault.codes, f"{where}: {result.error}"
    else:
        assert (result.status, result.output) == ("completed", told.output), f"{where}: {result.error}"
        ran = {name for name, status in told.status.items() if status == "done" and "/" not in name}
        assert set(result.path) == ran, f"{where}: {sorted(set(result.path) ^ ran)}"
