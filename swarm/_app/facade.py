"""`Swarm`: a checked graph ready to run, with its models, tools and limits."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import swarm.events as ev
from swarm._app.check import Checked, check_graph, check_spec
from swarm._app.learned import LEARNED, OutcomeFile
from swarm._app.stream import EventQueue
from swarm._app.wiring import Backends, file_tools, inner_graphs, tools_by_name
from swarm._engine.context import Limits, Observer, Run, Services
from swarm._engine.execute import check_input, execute, may_ask, node_results
from swarm._engine.nodes.plain import check_answer
from swarm._engine.result import RunPaused, RunResult
from swarm._engine.runner import run_level
from swarm._engine.slots import Slots
from swarm._graph.plan import Plan
from swarm.backends.base import ModelBackend
from swarm.errors import InputError, Problem, SwarmError
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.compose import Graph
from swarm.spec.graph import GraphSpec
from swarm.spec.registry import Registry
from swarm.spec.types import parse_type
from swarm.tools.base import Tool

__all__ = ["Swarm", "new_run_id"]

Listener = Callable[[ev.Event], None]


_RANDOM = random.Random()  # seeded by the system; asking it for each id takes 1 us more
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_RANDOM.seed)  # or parent and child would make the same ids


def new_run_id() -> str:
    """Return an id that sorts by time: `20260314-092653-3f9a2c7155d0`."""
    return (
        f"{_second(int(time.time()))}-{_RANDOM.getrandbits(48):012x}"  # of 10,000 in a second none are alike
    )


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))


def _new_token() -> str:
    return secrets.token_hex(16)


class Swarm:
    """A graph, checked and ready to run; use it in an `async with`.

    Args:
        graph: composed in Python, or read with `Swarm.load`.
        tools: tools the graph names that no file gives.
        backends: by name (`ollama`, `scripted`), instead of those made from the environment.
        limits: how far a run may go.
        listeners: called with every event of every run, in order.
        registry: where experts are found.
        recorders: called with what the rungs of each expert answered (`Outcome`), run by run.
        learned: the file to which experts with `learn: true` add what their rungs answered.

    Raises:
        SpecError: everything that is wrong with the graph, at once.
    """

    def __init__(
        self,
        graph: Graph | GraphSpec | Checked,
        *,
        tools: Sequence[Any] = (),
        backends: Mapping[str, ModelBackend] | None = None,
        limits: Limits | None = None,
        listeners: Sequence[Listener] = (),
        registry: Registry | None = None,
        recorders: Sequence[Observer] = (),
        learned: str | Path = LEARNED,
    ) -> None:
        graphs = inner_graphs(graph) if isinstance(graph, Graph) else {}
        composed = [graph, *graphs.values()] if isinstance(graph, Graph) else []
        own = tools_by_name([*(one for part in composed for one in part.tools), *tools])
        if not isinstance(graph, Checked):
            graph = check_spec(
                graph.spec if isinstance(graph, Graph) else graph,
                registry=registry,
                tools=[one.signature for one in own.values()],
                backends=list(backends or ()),
                graphs={name: part.spec for name, part in graphs.items()},
            )
        self.checked = graph
        self.plan: Plan = graph.require()
        self.limits = limits or Limits()
        self.listeners = list(listeners)
        self._backends = Backends(backends)
        self._tools: dict[str, Tool] = {**file_tools(graph.spec, graph.folder, graph.catalogue), **own}
        self._services = Services(
            backend=self._backends,
            tools=self._tools,
            choose=_choose,
            clock=time.perf_counter,
            wall=time.time,
            new_id=_new_token,
            limits=self.limits,
            slots=Slots(self.limits.concurrency),
            recorders=tuple(recorders),
            learners=(OutcomeFile(learned),),
        )
        self._asks = may_ask(self.plan)
        self._live: set[_Live] = set()  # runs that have paused and not ended
        self._runs: set[Run] = set()  # runs that somebody waits for
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        tools: Sequence[Any] = (),
        overrides: Sequence[str] = (),
        backends: Mapping[str, ModelBackend] | None = None,
        limits: Limits | None = None,
        listeners: Sequence[Listener] = (),
        registry: Registry | None = None,
        recorders: Sequence[Observer] = (),
    ) -> Swarm:
        """Read a graph's file.

        Args:
            overrides: `path.in.the.file=value`, as `--set` takes them.

        Raises:
            SpecError: everything that is wrong with the file, at once, each at its line.
            ToolError: its tools could not be imported.
        """
        signatures = [one.signature for one in tools_by_name(tools).values()]
        checked = check_graph(
            path, registry=registry, tools=signatures, backends=list(backends or ()), overrides=overrides
        )
        return cls(
            checked, tools=tools, backends=backends, limits=limits, listeners=listeners, recorders=recorders
        )

    @property
    def name(self) -> str:
        """Return the graph's name."""
        return self.plan.name

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Return what is doubtful about the graph, but no error."""
        return tuple(problem for problem in self.checked.problems if problem.severity == "warning")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every run and close connections; calling it twice is fine.

        Paused runs are cancelled; one that somebody still waits for gives a result, `cancelled`.
        """
        self._enter_loop()
        self._closed = True
        for one in tuple(self._live):
            if one.run not in self._runs:  # one that was resumed has somebody who waits for it
                await one.cancel()
        await asyncio.sleep(0)  # a run that was only just begun gets its task
        works = [run.work for run in self._runs if run.work is not None]
        for work in works:
            work.stop()
        await asyncio.gather(*(work.ended() for work in works))
        self._services.deadlines.close()
        await self._backends.aclose()

    def _enter_loop(self) -> None:
        """Note which event loop runs this swarm; questions, slots and connections belong to one.

        Raises:
            SwarmError: it is at work in another one.
        """
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is not None and not self._loop.is_closed() and (self._runs or self._live):
            raise SwarmError(
                "this swarm is at work in another event loop", where=self.name, code="loop",
                hint="make one Swarm for each event loop, and so for each thread",
            )  # fmt: skip
        self._loop = loop
        self._runs.clear()
        self._live.clear()
        self._services = replace(self._services, slots=Slots(self.limits.concurrency))

    async def run(self, **given: Any) -> RunResult:
        """Run the graph on an input, by name.

        Returns:
            The result. A failed run is a result too (`status`, `error`); a run that waits for a
            person has status `paused`: `await swarm.resume(result, approved=True)`.

        Raises:
            InputError: the input does not fit; every misfit is named.
        """
        return await self.run_input(given)

    async def run_input(
        self,
        given: Mapping[str, Any],
        *,
        listeners: Sequence[Listener] = (),
        run_id: str = "",
        streams: bool = False,
    ) -> RunResult:
        """Run the graph on an input given as a mapping; otherwise as `run`."""
        self._enter_loop()
        if self._closed:
            hint = "run it inside its `async with`, or make another one"
            raise SwarmError("this swarm is closed", where=self.name, hint=hint, code="closed")
        checked = check_input(self.plan, given, self.limits.input_bytes)
        sinks = [*self.listeners, *listeners]
        run = Run(run_id or new_run_id(), self._services, sinks, run_level, streams=streams)
        if self._asks:
            live = _Live(run, asyncio.ensure_future(execute(self.plan, checked, run)))
            live.task.add_done_callback(lambda _: self._live.discard(live))
            return await self._until_pause(live)
        self._runs.add(run)
        try:
            return await execute(self.plan, checked, run)
        finally:
            self._runs.discard(run)

    async def _until_pause(self, live: _Live) -> RunResult:
        """Wait until the run ends, or only a person can go on."""
        self._runs.add(live.run)
        try:
            while not live.task.done():
                if live.run.paused.is_set():
                    self._live.add(live)
                    return _paused(self.plan, live.run)
                await live.ends_or_pauses()
            return live.task.result()
        finally:
            self._runs.discard(live.run)

    async def resume(self, paused: RunResult | str, **answer: Any) -> RunResult:
        """Answer what a paused run asked, and let it go on.

        Args:
            paused: the paused result, or the token of its question.
            answer: the fields it asked for.

        Raises:
            InputError: the answer does not fit, or no run waits for it.
        """
        self._enter_loop()
        token = paused if isinstance(paused, str) else (paused.ask.token if paused.ask else "")
        live = self._waiting_for(token)
        if live is None:
            raise InputError(
                f"no run waits for an answer to {token!r}", hint="each question is answered once"
            )
        fields = {name: parse_type(raw) for name, raw in live.run.asks[token].ask.answer.items()}
        live.run.answer(token, check_answer(answer, fields, self.limits.input_bytes))
        return await self._until_pause(live)

    async def cancel(self, paused: RunResult) -> None:
        """Give up a paused run; nothing happens if it is not waiting any more."""
        live = self._waiting_for(paused.ask.token) if paused.ask else None
        if live is not None:
            await live.cancel()

    def _waiting_for(self, token: str) -> _Live | None:
        return next((live for live in self._live if token in live.run.asks), None)

    async def stream(self, **given: Any) -> AsyncGenerator[ev.Event, None]:
        """Run the graph and yield its events as they happen; the last one ends the run.

        Closing the generator cancels the run. A slow reader never holds the run up: text pieces
        that wait are joined.
        """
        queue = EventQueue()
        task = asyncio.ensure_future(self.run_input(given, listeners=[queue.put], streams=True))
        task.add_done_callback(queue.end)
        try:
            async for event in queue:
                yield event
            task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})


async def _choose(
    request: str, choices: Sequence[ResolvedExpert], run: Run, path: str
) -> tuple[ResolvedExpert | None, Mapping[str, float], str]:
    from swarm.routing.choose import choose_expert  # the classifier comes with it: only where graphs route

    return await choose_expert(request, choices, run, path)


class _Live:
    """A run that may be waiting for a person, and its task."""

    def __init__(self, run: Run, task: asyncio.Future[RunResult]) -> None:
        self.run, self.task = run, task

    async def ends_or_pauses(self) -> None:
        paused = asyncio.ensure_future(self.run.paused.wait())
        try:
            await asyncio.wait({self.task, paused}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.cancel()
            raise
        finally:
            paused.cancel()
            await asyncio.wait({paused})

    async def cancel(self) -> None:
        if not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task})


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
