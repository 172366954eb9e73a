"""`Swarm`: a checked graph ready to run, with its models, tools and limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import swarm.events as ev
from swarm._app.check import Checked, check_graph, check_spec
from swarm._app.durable import Begun, DurableRuns
from swarm._app.ids import new_run_id, new_token
from swarm._app.learned import LEARNED, OutcomeFile
from swarm._app.live import Live, LiveRuns
from swarm._app.runs import Runs
from swarm._app.stream import stream_run
from swarm._app.wiring import Backends, file_tools, inner_graphs, open_store, tools_by_name
from swarm._engine.context import Limits, Observer, Run, Services
from swarm._engine.execute import check_input, execute, may_ask
from swarm._engine.gates import Gates
from swarm._engine.result import RunResult
from swarm._engine.runner import run_level
from swarm._engine.slots import Slots
from swarm._engine.urgency import Urgency
from swarm._graph.plan import Plan
from swarm.backends.base import ModelBackend
from swarm.errors import LimitExceededError, Problem, SwarmError
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.compose import Graph
from swarm.spec.graph import GraphSpec
from swarm.spec.registry import Registry
from swarm.stores.base import RunStore
from swarm.tools.base import Tool

__all__ = ["Swarm"]

Listener = Callable[[ev.Event], None]
CLOCKS_APART_S = 1.0  # the loops of asyncio and uvloop tell the machine's monotonic time, to a millisecond


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
        store: where runs are kept so that none is lost (a store, or the file of a SQLite one);
            None: a run lives only in this process. source: the graph's file, kept with its runs.
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
        store: RunStore | str | Path | None = None,
        source: str = "",
    ) -> None:
        graph, own = _checked(graph, tools, registry, list(backends or ()))
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
            new_id=new_token,
            limits=self.limits,
            slots=Slots(self.limits.concurrency),
            gates=Gates(self.limits.model_calls),
            urgency=Urgency(self.plan),
            recorders=tuple(recorders),
            learners=(OutcomeFile(learned),),
        )
        self._asks = may_ask(self.plan)
        self._store, self._source = store, source
        self._durable: DurableRuns | None = None
        self._live = LiveRuns(self.plan)
        self.runs = Runs(
            self.plan,
            self.limits,
            self._live,
            self._kept,
            self._again,
            tools=self._tools,
            has_store=store is not None,
        )
        self._detached: set[asyncio.Future[Any]] = set()  # runs whose reader left, and that nobody waits for
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
        store: RunStore | str | Path | None = None,
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
            checked, tools=tools, backends=backends, limits=limits, listeners=listeners, recorders=recorders,
            store=store, source=str(Path(path).resolve()),
        )  # fmt: skip

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

        Paused runs are cancelled (with a store they wait on, for whoever opens it next); one that somebody still waits for gives a result, `cancelled`.
        """
        self._enter_loop()
        self._closed = True
        await self._live.close()
        self._services.deadlines.close()
        await asyncio.gather(*self._detached, return_exceptions=True)
        await self._backends.aclose()
        if self._durable is not None and self._store is not self._durable.store:
            await self._durable.store.aclose()  # it was opened here

    def _enter_loop(self) -> None:
        """Note which event loop runs this swarm; questions, slots and connections belong to one.

        Raises:
            SwarmError: it is at work in another one.
        """
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is not None and not self._loop.is_closed() and self._live:
            raise SwarmError(
                "this swarm is at work in another event loop", where=self.name, code="loop",
                hint="make one Swarm for each event loop, and so for each thread",
            )  # fmt: skip
        self._loop = loop
        self._live.clear()
        self._services = replace(
            self._services, clock=_clock_beside(loop), slots=Slots(self.limits.concurrency),
            gates=Gates(self.limits.model_calls),
        )  # fmt: skip

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
        key: str | None = None,
    ) -> RunResult:
        """Run the graph on an input given as a mapping; otherwise as `run`.

        Args:
            key: your own name of this run. With a store, the same key never makes a second run: one
                that ended gives its result again, one that was cut off goes on.

        Raises:
            StoreError: the run could not be kept; then it has not begun.
        """
        self._enter_loop()
        self._refuse_when_closed()
        self._admit()
        checked = check_input(self.plan, given, self.limits.input_bytes)
        run_id, journal = run_id or new_run_id(), None
        if self._store is not None:
            begun = await self._kept().begin(run_id, checked, self._services.wall(), key=key)
            if isinstance(begun, str):
                return await self.runs.go_on(begun, listeners=listeners, failed=False)
            journal = begun.journal
        elif key is not None:
            raise SwarmError("a key needs a store", where=self.name, hint='Swarm(graph, store="runs.db")')
        run = Run(
            run_id, self._services, (*self.listeners, *listeners), run_level, streams=streams, journal=journal
        )  # fmt: skip
        if self._asks or key is not None:
            return await self._live.until_pause(self._live.begin(run, execute(self.plan, checked, run)))
        self._live.at_work.add(run)
        try:
            return await execute(self.plan, checked, run)
        finally:
            self._live.at_work.discard(run)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            hint = "run it inside its `async with`, or make another one"
            raise SwarmError("this swarm is closed", where=self.name, hint=hint, code="closed")

    def _admit(self) -> None:
        """Refuse a run where too much is at work or waits already: better a plain no than a queue without end."""
        slots, limits = self._services.slots, self.limits
        waiting = 0 if slots is None else slots.waiting
        if len(self._live) >= limits.runs or waiting >= limits.waiting:
            raise LimitExceededError(
                f"{len(self._live):,} runs are open and {waiting:,} nodes wait for their turn", where=self.name,
                code="overloaded", hint="begin it when some have ended, or raise Limits(runs=..., waiting=...)",
            )  # fmt: skip

    def _again(self, begun: Begun, listeners: Sequence[Listener]) -> Live:
        """Go on with a run that was cut off."""
        self._refuse_when_closed()
        sinks = [*self.listeners, *listeners]
        run = Run(begun.id, self._services, sinks, run_level, journal=begun.journal)
        run.usage, run.tool_calls = begun.past.usage, begun.past.tool_calls
        return self._live.begin(run, execute(self.plan, begun.input, run, again=True))

    def _kept(self) -> DurableRuns:
        """Return the runs in the store, opened when it is first needed; whatever is done with them begins here."""
        self._enter_loop()
        if self._durable is None:
            if self._store is None:
                raise SwarmError(
                    "this swarm keeps no runs", where=self.name, hint='Swarm(graph, store="runs.db")'
                )
            signatures = {name: tool.signature for name, tool in self._tools.items()}
            store = open_store(self._store)
            self._durable = DurableRuns(store, self.plan, signatures, source=self._source)
        return self._durable

    async def resume(self, paused: RunResult | str, **answer: Any) -> RunResult:
        """Answer what a paused run asked, and let it go on; or pick up a run that was cut off.

        Args:
            paused: the paused result, the token of its question, or (with a store) the run's id.
            answer: the fields it asked for.

        Raises:
            InputError: the answer does not fit, or no run waits for it.
            AnsweredError: it was answered before; the first answer stands.
            StoreError: there is no such run, or the graph changed where it has been.
        """
        self._enter_loop()
        return await self.runs.resume(paused, answer)

    async def cancel(self, run: RunResult | str) -> None:
        """Give up a run that has not ended: one that is here, or (with a store) any; else nothing happens.

        With a store this is durable: after it returns, nothing of the run begins.
        """
        self._enter_loop()
        await self.runs.cancel(run)

    def stream(self, **given: Any) -> AsyncGenerator[ev.Event, None]:
        """Run the graph and yield its events as they happen; the last one ends the run.

        Closing the generator cancels the run. A slow reader never holds the run up: text pieces
        that wait are joined. A run that stops for a person ends its stream with `run.paused`.
        """
        return self.stream_input(given)

    def stream_input(
        self,
        given: Mapping[str, Any],
        *,
        listeners: Sequence[Listener] = (),
        run_id: str = "",
        detach: bool = False,
    ) -> AsyncGenerator[ev.Event, None]:
        """Stream a run on an input given as a mapping; otherwise as `stream`.

        Args:
            detach: when the generator is closed the run goes on, to its end or to that of this swarm.
        """

        def start(put: Listener) -> Coroutine[Any, Any, RunResult]:
            return self.run_input(given, listeners=[*listeners, put], run_id=run_id, streams=True)

        return stream_run(start, self._detached if detach else None)


def _clock_beside(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Return what durations are measured by: the machine's clock, or the loop's own where that is another.

    What a run does may depend on how long nodes took before (`Urgency`): in a loop with a virtual clock that
    has to be virtual, too, or the same seed would not give the same run twice.
    """
    is_virtual = abs(loop.time() - time.monotonic()) > CLOCKS_APART_S
    return loop.time if is_virtual else time.perf_counter


def _checked(
    graph: Graph | GraphSpec | Checked,
    tools: Sequence[Any],
    registry: Registry | None,
    backends: Sequence[str],
) -> tuple[Checked, dict[str, Tool]]:
    """Return the graph checked, and the tools that no file gives: those it was composed with, and `tools`."""
    graphs = inner_graphs(graph) if isinstance(graph, Graph) else {}
    composed = [graph, *graphs.values()] if isinstance(graph, Graph) else []
    own = tools_by_name([*(one for part in composed for one in part.tools), *tools])
    if isinstance(graph, Checked):
        return graph, own
    checked = check_spec(
        graph.spec if isinstance(graph, Graph) else graph,
        registry=registry,
        tools=[one.signature for one in own.values()],
        backends=backends,
        graphs={name: part.spec for name, part in graphs.items()},
    )
    return checked, own


async def _choose(
    request: str, choices: Sequence[ResolvedExpert], run: Run, path: str
) -> tuple[ResolvedExpert | None, Mapping[str, float], str]:
    from swarm.routing.choose import choose_expert  # the classifier comes with it: only where graphs route

    return await choose_expert(request, choices, run, path)
