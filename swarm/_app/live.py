"""The runs of one swarm that are at work here, or wait here for a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

from swarm._engine.context import Run
from swarm._engine.execute import node_results
from swarm._engine.patience import outlast
from swarm._engine.result import RunPaused, RunResult
from swarm._graph.plan import Plan
from swarm.stores.base import Question

__all__ = ["ENDS_IN_S", "Live", "LiveRuns"]

ENDS_IN_S = 60.0  # a run that is cancelled ends within its own grace of a few seconds


class Live:
    """A run that may be waiting for a person, and its task."""

    __slots__ = ("run", "task")

    def __init__(self, run: Run, task: asyncio.Future[RunResult]) -> None:
        self.run, self.task = run, task

    async def ends_or_pauses(self) -> None:
        """Wait for the one or the other."""
        pause = asyncio.ensure_future(self.run.paused.wait())
        try:
            await asyncio.wait({self.task, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            await outlast(pause, ENDS_IN_S)

    def take(self, answered: Question) -> None:
        """Give the run an answer that is in its store; whether it has asked yet does not matter."""
        if answered.token in self.run.asks:
            self.run.answer(answered.token, json.loads(answered.answer or "{}"))
        elif self.run.journal is not None:
            self.run.journal.answered(answered)

    async def cancel(self) -> None:
        """Stop the run and wait until it has stopped."""
        if not self.task.done():
            self.task.cancel()
            await outlast(self.task, ENDS_IN_S)


class LiveRuns:
    """What is at work, and what waits.

    Attributes:
        at_work: runs that somebody waits for. paused: runs that have paused and not ended.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.at_work: set[Run] = set()
        self.paused: set[Live] = set()
        self._by_id: dict[str, Live] = {}

    def __len__(self) -> int:
        """Return how many runs are open here."""
        return len(self.at_work) + len(self.paused)

    def __bool__(self) -> bool:
        return bool(self.at_work or self.paused)

    def clear(self) -> None:
        """Forget them all: their event loop is gone."""
        self.at_work.clear()
        self.paused.clear()
        self._by_id.clear()

    def begin(self, run: Run, work: Coroutine[Any, Any, RunResult]) -> Live:
        """Give a run a task of its own."""
        live = self._by_id[run.id] = Live(run, asyncio.ensure_future(work))
        live.task.add_done_callback(lambda _: self._forget(live))
        return live

    def _forget(self, live: Live) -> None:
        self.paused.discard(live)
        self._by_id.pop(live.run.id, None)

    async def until_pause(self, live: Live) -> RunResult:
        """Wait until the run ends, or only a person can go on; whoever stops waiting stops the run.

        One that is given up meanwhile gives a result, `cancelled`.
        """
        self.at_work.add(live.run)
        self.paused.discard(live)
        try:
            while not live.task.done():
                if live.run.paused.is_set():
                    self.paused.add(live)
                    return _paused(self._plan, live.run)
                await live.ends_or_pauses()
            if live.task.cancelled():  # not we who wait for it were
                return RunResult(id=live.run.id, graph=self._plan.name, status="cancelled")
            return live.task.result()
        except asyncio.CancelledError:
            await live.cancel()
            raise
        finally:
            self.at_work.discard(live.run)

    def find(self, run_id: str) -> Live | None:
        """Return the run of this id that has a task of its own."""
        return self._by_id.get(run_id)

    async def cancel(self, run_id: str) -> None:
        """Stop the run if it is here, and wait until it has stopped; who waits for it gets a result, `cancelled`."""
        live = self._by_id.get(run_id)
        if live is not None:
            await live.cancel()
            return
        works = [run.work for run in self.at_work if run.id == run_id and run.work is not None]
        for work in works:
            work.stop()
        await asyncio.gather(*(work.ended() for work in works))

    def has(self, run_id: str) -> bool:
        """Return whether the run is here."""
        return run_id in self._by_id or any(run.id == run_id for run in self.at_work)

    def waiting_for(self, token: str) -> Live | None:
        """Return the run that waits for the answer to this question."""
        return next((live for live in self._by_id.values() if token in live.run.asks), None)

    async def close(self) -> None:
        """Stop all of them; one that somebody still waits for gives a result, `cancelled`."""
        for one in tuple(self.paused):
            await one.cancel()
        await asyncio.sleep(0)  # a run that was only just begun gets its task
        works = [run.work for run in self.at_work if run.work is not None]
        for work in works:
            work.stop()
        await asyncio.gather(*(work.ended() for work in works))


def _paused(plan: Plan, run: Run) -> RunPaused:
    ask = next(iter(run.asks.values())).ask
    nodes = node_results(plan, run)
    return RunPaused(
        id=run.id,
        graph=plan.name,
        status="paused",
        nodes=nodes,
        usage=run.usage,
        ask=ask,
        text=ask.text,
        path=tuple(name for name, node in nodes.items() if node.status == "done"),
        notes=tuple(run.notes.values()),
        latency_ms=(run.services.clock() - run.started) * 1000,
    )
