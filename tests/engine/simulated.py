"""The engine in a simulated loop: random graphs, several runs, few slots, and people who come late.

`story(seed)` tells one seed: which graph, which runs, what happens to them and when. All of it is drawn
from the seed, and every draw belongs to a run or a place, so the interleaving changes none of them.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from agreement import check_events, check_nothing_else_happened, check_result
from oracle import Expected, expected
from random_graphs import Taste, is_contradiction, random_case
from shapes import Case, composed
from workload import returned

import swarm.events as ev
from swarm import InputError, Limits, RunPaused, RunResult, SpecError, Swarm, SwarmError, tool
from swarm._app.check import Checked
from swarm.testing.simulation import Simulated, simulate

__all__ = ["check_seed"]

SEEDS_A_GRAPH = 4  # compiling a graph takes longer than simulating it
TASTE = Taste(asks=True, retries=True, timeouts=True)
NEVER_S = 1_000_000.0


@dataclass(frozen=True, kw_only=True)
class Fate:
    """One run: when it begins; when it is cancelled, if it is; whether its questions are answered."""

    starts_s: float
    cancelled_s: float | None
    gives_up: float
    seed: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is to happen in one simulation.

    Attributes:
        slots: nodes at work at once. run_s: the deadline of a run. slow: see `SimulatedLoop`.
        closed_s: when the swarm is closed, whatever is still at work.
    """

    seed: int
    case: Case
    fates: Sequence[Fate]
    slots: int
    run_s: float
    slow: float
    closed_s: float | None

    @property
    def is_exact(self) -> bool:
        """Return whether no deadline can come between a run and what the oracle says."""
        late = self.slow and any(node.timeout_s is not None for node in self.case.all_nodes())
        return self.run_s == NEVER_S and not late


def story(seed: int) -> Story:
    """Draw what happens under a seed."""
    draw = random.Random(f"story {seed}")
    closed_s = draw.uniform(0, 3) if draw.random() < 0.1 else None
    at = seed // SEEDS_A_GRAPH
    case = random_case(at, 1 + at % 10, TASTE)
    fates = [
        Fate(
            starts_s=draw.choice([0.0, 0.0, draw.uniform(0, 2)]),
            cancelled_s=draw.uniform(0, 3) if closed_s is None and draw.random() < 0.2 else None,
            gives_up=draw.choice([0.0, 0.0, 0.2]),
            seed=f"run {number} of {seed}",
        )
        for number in range(draw.randint(1, 4))
    ]
    return Story(
        seed=seed, case=case, fates=fates, slots=draw.randint(1, 3),
        run_s=draw.uniform(0.1, 5) if draw.random() < 0.15 else NEVER_S,
        slow=draw.choice([0.0, 0.0, 0.05, 0.3]), closed_s=closed_s,
    )  # fmt: skip


@dataclass(kw_only=True)
class World:
    """Where the tools of one simulation are: who is inside, and how often each place was tried."""

    seed: int
    slots: int
    inside: int = 0
    most: int = 0
    tries: Counter[str] = field(default_factory=Counter[str])

    async def work(self, work: dict[str, Any], x: object, key: str) -> object:
        """Take as long as the seed says, and fail as often as the arguments say."""
        self.tries[key] += 1
        attempt = self.tries[key]
        place = key.partition("/")[2]
        draw = zlib.crc32(f"{self.seed} {place} {attempt}".encode())
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self._wait(5.0 if work["slow"] else [None, 0.0, 0.0, 0.1, 0.1, 0.25, 0.5][draw % 7])
            if attempt <= work["flaky"]:
                raise ValueError("not yet")
            return returned(work, x)
        except asyncio.CancelledError:
            if draw % 5 == 0:
                await asyncio.sleep(0.2)  # it tidies up
            raise
        finally:
            self.inside -= 1

    async def _wait(self, seconds: float | None) -> None:
        if seconds is not None:
            await asyncio.sleep(seconds)


class Outcome:
    """What a run came to: its events, and its result unless it was cancelled or given up."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.result: RunResult | None = None


def check_seed(seed: int) -> Simulated[list[str]] | None:
    """Simulate a seed twice; return how its runs ended, or None when its graph is refused.

    Raises:
        AssertionError: a promise was broken, or the second time differed; says how to see it again.
    """
    one = story(seed)
    try:
        first, again = run_story(one), run_story(one)
        if one.closed_s is None:  # closing goes through the open runs as a set gives them
            assert first == again, f"the second time differed: {first}, {again}"
    except Exception as error:
        raise AssertionError(f"{error}\n  again: python -m benchmarks simulation --seed {seed}") from error
    return first


def run_story(one: Story) -> Simulated[list[str]] | None:
    """Simulate a story and check it; return how its runs ended, or None when its graph is refused.

    Raises:
        AssertionError: a promise was broken.
    """
    if (checked := _checked(one.seed // SEEDS_A_GRAPH)) is None:
        return None
    world = World(seed=one.seed, slots=one.slots)

    @tool(effect="idempotent")
    async def work(
        tag: str, shape: str, fails: int, error: str, flaky: int, slow: bool, x: object, idempotency_key: str
    ) -> object:
        constants = {"tag": tag, "shape": shape, "fails": fails, "error": error, "flaky": flaky, "slow": slow}
        return await world.work(constants, x, idempotency_key)

    limits = Limits(concurrency=one.slots, run_s=one.run_s)
    swarm = Swarm(checked, tools=[work], limits=limits)
    told = expected(one.case)

    async def main() -> list[str]:
        outcomes = await _all_runs(one, swarm)
        assert world.inside == 0, f"{world.inside} tools are still at work"
        assert world.most <= one.slots, f"{world.most} nodes at work with {one.slots} slots"
        slots = swarm._services.slots  # pyright: ignore[reportPrivateUsage]  # no door tells how many are free
        assert slots is not None
        assert slots.free == one.slots, f"{slots.free} of {one.slots} slots came back"
        for outcome in outcomes:
            _check(outcome, told, one)
        return [outcome.result.status if outcome.result else "cancelled" for outcome in outcomes]

    return simulate(one.seed, main, slow=one.slow)


@lru_cache(maxsize=2)
def _checked(at: int) -> Checked | None:
    """Return the graph of a few seeds, compiled; None if its conditions contradict each other."""

    @tool(effect="idempotent")
    async def work(
        tag: str, shape: str, fails: int, error: str, flaky: int, slow: bool, x: object, idempotency_key: str
    ) -> object:
        raise AssertionError("each simulation has a tool of its own")

    case = random_case(at, 1 + at % 10, TASTE)
    try:
        return Swarm(composed(case, random.Random(at), tools=[work])).checked
    except SpecError as error:
        if not is_contradiction(error):
            raise
        return None


async def _all_runs(one: Story, swarm: Swarm) -> list[Outcome]:
    outcomes = [Outcome() for _ in one.fates]
    async with swarm:
        tasks = [
            asyncio.ensure_future(_one_run(one, fate, swarm, outcome))
            for fate, outcome in zip(one.fates, outcomes, strict=True)
        ]
        await asyncio.wait(tasks, timeout=one.closed_s)
    await asyncio.gather(*tasks)
    return outcomes


async def _one_run(one: Story, fate: Fate, swarm: Swarm, outcome: Outcome) -> None:
    await asyncio.sleep(fate.starts_s)
    playing = asyncio.ensure_future(_play(one, fate, swarm, outcome))
    await asyncio.wait({playing}, timeout=fate.cancelled_s)
    playing.cancel()
    await asyncio.wait({playing})
    if not playing.cancelled() and (error := playing.exception()) is not None:
        raise error


async def _play(one: Story, fate: Fate, swarm: Swarm, outcome: Outcome) -> None:
    """Run the graph, and answer what it asks after some time, or give it up."""
    draw = random.Random(fate.seed)
    try:
        result = await swarm.run_input(one.case.given, listeners=[outcome.events.append])
        while isinstance(result, RunPaused):
            assert result.ask is not None
            _check_paused(outcome.events)
            await asyncio.sleep(draw.choice([0.0, 0.1, 1.0, 86_400.0]))
            if draw.random() < fate.gives_up:
                await swarm.cancel(result)
                return
            result = await swarm.resume(result, text=f"answer to {result.ask.node}")
        outcome.result = result
    except SwarmError as error:  # the swarm was closed before it began, or while it waited for the person
        if one.closed_s is None or not (isinstance(error, InputError) or error.code == "closed"):
            raise


def _check_paused(events: Sequence[ev.Event]) -> None:
    """Check that nothing is at work but questions, and the bodies around them."""
    open_ = set[str]()
    asked = set[str]()
    for event in events:
        match event:
            case ev.NodeStarted():
                open_.add(event.node)
            case ev.NodeFinished() | ev.NodeFailed() | ev.NodeCancelled():
                open_.discard(event.node)
                asked.discard(event.node)
            case ev.RunPausedEvent():
                asked.add(event.node)
            case ev.RunResumed():
                asked.discard(event.node)
            case _:
                pass
    others = {p for p in open_ - asked if not any(a.startswith((f"{p}[", f"{p}/")) for a in asked)}
    assert asked, "paused, and nobody was asked"
    assert not others, f"paused although {sorted(others)} can go on"


def _check(outcome: Outcome, told: Expected, one: Story) -> None:
    if not outcome.events:  # the swarm was closed, or the run cancelled, before it began
        assert outcome.result is None
        return
    check_events(outcome.events)
    result = outcome.result
    if result is None or result.status == "cancelled":
        assert isinstance(outcome.events[-1], ev.RunCancelled | ev.RunFinished | ev.RunFailed)
    elif one.is_exact:
        check_result(result, told)
        check_nothing_else_happened(outcome.events, told)
    else:
        assert result.status in ("completed", "failed")
