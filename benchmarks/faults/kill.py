"""kill -9, at random moments and at every named point, and again while what was killed is recovered."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.finding import Finding, bound
from benchmarks.faults.lives import finish, recovering, working
from benchmarks.faults.scenes import SCENES, checked
from swarm.stores.failpoint import FAILPOINTS

__all__ = ["at_points", "at_random"]

TIMES = (1, 2, 3)  # the process dies when it passes a point for the n-th time
AGAIN = 0.4  # of the recoveries are killed, too
MOST_AGAIN = 3
TIMINGS = 3  # of each scene, with nobody killed


@dataclass(frozen=True, kw_only=True)
class Killed:
    """What became of one trial. `kills`: of its first process, and of those that recovered it."""

    scene: str
    kills: tuple[int, int]
    broken: tuple[str, ...]
    repeats: dict[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0


def at_random(count: int, *, scenes: Sequence[str] = tuple(SCENES), seed: int = 0) -> dict[str, Finding]:
    """Kill `count` processes at work at random moments; return a row for each scene, and one for all.

    A process that has ended before its moment came is not counted, and another one is tried.
    """
    with _pool() as pool:
        lasts = dict(zip(scenes, pool.map(_duration, scenes), strict=True))
        started = time.perf_counter()
        killed = list(_enough(pool, count, lasts, seed))
        took = time.perf_counter() - started
    rows = {f"kill -9, {name}": _finding([one for one in killed if one.scene == name]) for name in scenes}
    total = _finding(killed)
    rate = f"{sum(map(sum, (one.kills for one in killed))) / took:.1f} kills a second"
    rows["kill -9 at random moments, all"] = Finding(
        tried=total.tried, broken=total.broken, note=f"{total.note}; {rate}; {bound(total.tried)}"
    )
    return {name: row for name, row in rows.items() if row.tried}


def at_points(
    points: Sequence[str] = FAILPOINTS, *, times: Sequence[int] = TIMES, scenes: Sequence[str] = tuple(SCENES)
) -> dict[str, Finding]:
    """Kill a process at each named point, the n-th time for each n, in each scene that passes it; a row."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    cases = [(folder, point, number, tuple(scenes)) for point in points for number in times]
    try:
        with _pool() as pool:
            died = [one for some in pool.map(_die_at, cases) for one in some]
            killed = list(pool.map(_recovered, died))
    finally:
        shutil.rmtree(folder)
    passed = Counter(point for _, _, point in died)
    never = tuple(f"no process passed {point}" for point in points if not passed[point])
    found = _finding(killed)
    note = f"{len(passed)} of {len(points)} points, n = {', '.join(map(str, times))}, {len(scenes)} scenes; {found.note}"
    return {"kill -9 at named points": Finding(tried=found.tried, broken=(*never, *found.broken), note=note)}


def _pool() -> ProcessPoolExecutor:
    for scene in SCENES.values():
        checked(scene.graph)  # those that are forked have it
    return ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork"))


def _enough(pool: ProcessPoolExecutor, count: int, lasts: dict[str, float], seed: int) -> Iterator[Killed]:
    """Yield trials until as many first processes were killed as asked for."""
    names, killed = list(lasts), 0
    while killed < count:
        trials = [(names[(seed + n) % len(names)], seed + n, lasts) for n in range(count - killed)]
        seed += len(trials)
        for one in pool.map(_trial, trials, chunksize=4):
            if sum(one.kills) or one.broken:
                killed += one.kills[0]
                yield one


def _trial(given: tuple[str, int, dict[str, float]]) -> Killed:
    scene, seed, lasts = given
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        first = working(folder, scene).kill_after(draw.uniform(0, lasts[scene]))
        again = life = 0
        while again < MOST_AGAIN and draw.random() < AGAIN:
            life += 1
            again += recovering(folder, scene, life).kill_after(draw.uniform(0, lasts[scene]))
        return _judged(folder, scene, life + 1, (int(first), again), f"seed {seed}")


def _judged(folder: Path, scene: str, life: int, kills: tuple[int, int], which: str) -> Killed:
    told = finish(folder, scene, life, sum(kills))
    return Killed(
        scene=scene, kills=kills, broken=tuple(f"{scene}, {which}: {one}" for one in told["broken"]),
        repeats=told["repeats"], seconds=told["seconds"],
    )  # fmt: skip


def _duration(scene: str) -> float:
    """Return how many seconds a scene lasts when nobody is killed."""
    took: list[float] = []
    for _ in range(TIMINGS):
        with tempfile.TemporaryDirectory(prefix="faults-") as name:
            child = working(Path(name), scene)
            started = time.perf_counter()
            if child.told() != (0, None):
                raise RuntimeError(f"{scene} fails without being killed")
            took.append(time.perf_counter() - started)
    return statistics.median(took)


def _die_at(case: tuple[Path, str, int, tuple[str, ...]]) -> list[tuple[Path, str, str]]:
    """Run every scene in processes that die at a point; return the folders of those that did."""
    folder, point, number, scenes = case
    where = {scene: folder / f"{point}-{number}-{scene}" for scene in scenes}
    for one in where.values():
        one.mkdir()
    environment = {**os.environ, "SWARM_FAILPOINT": f"{point}:{number}"}
    command = [sys.executable, "-m", "benchmarks.faults.kill", *(f"{k}={v}" for k, v in where.items())]
    root = Path(__file__).parents[2]
    said = subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True, text=True)
    died: dict[str, bool] = json.loads(said.stdout)
    return [(where[scene], scene, point) for scene in scenes if died[scene]]


def _recovered(died: tuple[Path, str, str]) -> Killed:
    folder, scene, _ = died
    return _judged(folder, scene, 1, (1, 0), folder.name)


def _finding(killed: Sequence[Killed]) -> Finding:
    repeats = sum((Counter(one.repeats) for one in killed), Counter[str]())
    again = sum(one.kills[1] for one in killed)
    shown = ", ".join(f"{count} {effect}" for effect, count in sorted(repeats.items()) if count)
    note = f"{again:,} more while recovering; done again: {shown or 'nothing'}"
    slowest = max((one.seconds for one in killed), default=0.0)
    return Finding(
        tried=sum(one.kills[0] for one in killed), broken=tuple(text for one in killed for text in one.broken),
        note=f"{note}; slowest recovery {slowest:.2f} s",
    )  # fmt: skip


def _die() -> None:
    """Be the process under a failpoint: run each scene in a process of its own, and say which died of it."""
    died: dict[str, bool] = {}
    for word in sys.argv[1:]:
        scene, _, folder = word.partition("=")
        code, told = working(Path(folder), scene).told()
        if told is not None:
            raise RuntimeError(f"{scene}: {told}")
        died[scene] = code is None
    print(json.dumps(died))


if __name__ == "__main__":
    _die()
