"""Timing two ways to do the same work, in turn, and processes whose memory is read."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "Work", "child", "cpu", "gathered_cpu", "in_turn", "resident_bytes", "wall"]

ROOT = Path(__file__).parents[2]
ROUNDS = 7
Work = Callable[[], Awaitable[Any]]
Timed = Callable[[], Awaitable[float]]


async def cpu(work: Work, times: int) -> float:
    """Return the CPU seconds of one call, over `times`."""
    started = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - started) / times


async def gathered_cpu(works: Callable[[], Awaitable[Any]]) -> float:
    """Return the CPU seconds of many runs at once."""
    started = time.process_time()
    await works()
    return time.process_time() - started


async def wall(work: Work) -> float:
    """Return the wall seconds of one call."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def in_turn(ours: Timed, raw: Timed, rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the medians of two measurements that are taken in turn."""
    rows = [(await ours(), await raw()) for _ in range(rounds)]
    return statistics.median(row[0] for row in rows), statistics.median(row[1] for row in rows)


def child(module: str, *arguments: str) -> dict[str, float]:
    """Return what a module prints as JSON, run in a process of its own.

    Raises:
        SystemExit: it failed; its last words are told.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=False, env=dict(os.environ)
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed ({done.returncode}):\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def resident_bytes() -> int:
    """Return how much memory this process holds now (Linux)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
