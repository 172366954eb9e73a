"""A wall clock that jumps an hour while runs are at work: deadlines keep to a clock that does not.

There is no way to set a machine's clock for a test, so a process of its own is started whose `time.time`
can be moved; everything of ours in it reads the wall clock there. The clocks that do not jump (`monotonic`,
`perf_counter`) are left alone, as a machine leaves them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.faults.finding import Finding

__all__ = ["clock_jumps"]

HOUR_S = 3600.0
RUN_S, TOOL_S, WORK_S = 0.5, 0.2, 0.3  # a run's deadline, a tool's, and work within the one, beyond the other


def clock_jumps() -> dict[str, Finding]:
    """Let the clock jump an hour forwards, and backwards, in the midst of runs; a row."""
    broken: list[str] = []
    tried = 0
    for jump_s in (HOUR_S, -HOUR_S):
        command = [sys.executable, "-m", "benchmarks.faults.clock", str(jump_s)]
        root = Path(__file__).parents[2]
        said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
        checks: dict[str, bool] = json.loads(said.stdout)
        tried += len(checks)
        broken += [f"{jump_s:+g} s: {what} is not so" for what, held in checks.items() if not held]
    return {"clock jumps of an hour": Finding(tried=tried, broken=tuple(broken))}


class _Wall:
    """The wall clock of the process."""

    def __init__(self) -> None:
        self._real, self.ahead_s = time.time, 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead_s


async def _with_jumps(wall: _Wall, jump_s: float, folder: Path) -> dict[str, bool]:
    import asyncio

    from swarm import Graph, Limits, Swarm, tool

    def jumps() -> None:
        wall.ahead_s += jump_s

    @tool(effect="pure")
    async def work(seconds: float) -> float:
        """Work, while the clock jumps."""
        jumps()
        began = time.monotonic()
        await asyncio.sleep(seconds)
        return time.monotonic() - began

    def graph(timeout_s: float | None = None) -> Graph:
        one = Graph("one", input={"seconds": float})
        one.output(took=one.tool("work", work, seconds=one.input.seconds, timeout=timeout_s))
        return one

    def asking() -> Graph:
        one = Graph("asking", input={})
        one.output(one.reply("end", "ended", when=one.ask("sure", "Sure?", answer={"yes": bool}).yes))
        return one

    held: dict[str, bool] = {}
    limits = Limits(run_s=RUN_S)
    async with Swarm(graph(), limits=limits) as swarm:
        held["a run within its deadline ends well"] = (await swarm.run(seconds=WORK_S)).status == "completed"
        began = time.monotonic()
        late = await swarm.run(seconds=60.0)
        held["a run beyond its deadline is ended"] = late.error is not None and late.error.code == "deadline"
        held["neither early nor late"] = RUN_S * 0.9 < time.monotonic() - began < RUN_S + 5.0
        held["its time is told right"] = RUN_S * 0.9 < late.latency_ms / 1000 < RUN_S + 5.0
    async with Swarm(graph(TOOL_S)) as swarm:
        result = await swarm.run(seconds=60.0)
        held["a tool beyond its deadline is ended"] = (
            result.error is not None and result.error.code == "timeout"
        )
    kept: Any = folder / "runs.db"
    async with Swarm(asking(), store=kept) as swarm:
        paused = await swarm.run()
        jumps()
        held["an answer after a jump is taken"] = (await swarm.resume(paused, yes=True)).status == "completed"
        paused = await swarm.run()
    jumps()
    async with Swarm(asking(), store=kept) as swarm:
        (again,) = await swarm.runs.recover()
        held["a question outlives a restart and a jump"] = again.ask == paused.ask
        held["and takes its answer"] = (await swarm.resume(again, yes=True)).status == "completed"
        heads = await swarm.runs.ls()
        held["runs are told in the order in which they began"] = heads[0].id == paused.id
    return held


def _main() -> None:
    wall = _Wall()
    time.time = wall  # before anything of ours is imported
    import asyncio
    import tempfile

    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        print(json.dumps(asyncio.run(_with_jumps(wall, float(sys.argv[1]), Path(name)))))


if __name__ == "__main__":
    _main()
