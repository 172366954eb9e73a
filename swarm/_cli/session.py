"""What `run`, `chat`, `demo` and `runs resume` share: a graph, a loop, where runs are kept, who hears of events."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import swarm.events as ev
from swarm._app.check import check_graph
from swarm._app.detect import Ollama, detect_ollama
from swarm._app.facade import Swarm
from swarm._cli import console
from swarm._cli.keeping import open_to_write, typed
from swarm._cli.loop import Loop
from swarm._cli.needs import experts_of, models_of, who_answers
from swarm._cli.settings import RUNS, Settings, use_ollama_of
from swarm._cli.signals import term_is_ctrl_c
from swarm._cli.story import Story, tell
from swarm._engine.context import Limits, Observer
from swarm._engine.result import RunResult
from swarm._graph.plan import Plan
from swarm.errors import StoreError, SwarmError
from swarm.stores.base import RunStore, SavedRun
from swarm.stores.files import FileRunLog
from swarm.stores.history import recorded_run
from swarm.stores.memory import MemoryRunLog

__all__ = ["Listener", "Session", "log_listeners"]

Listener = Callable[[ev.Event], None]
PLAIN = ("owned", "busy", "schema", "unsupported")  # no store is to be had, but the disk can be written
UNWRITABLE = ("storage_full", "read_only")  # a store is to be had, but nothing can be written to it


class Session:
    """A graph that was checked; in a `with` it is ready to run, and all is closed afterwards.

    Args:
        overrides: `path.in.the.file=value`, as `--set` takes them.
        verbose: how often `-v` was given: log lines of runs, or of every step.
        save: keep runs in the store of the settings; None: as the settings say.
        store: keep them in this one, which is opened, and closed by whoever opened it.
        loop: the one that the store is used in, entered and left by whoever made it.
        recorders: told what the rungs of every expert answered.

    Attributes:
        swarm: inside the `with`. store: where its runs are kept so that they can go on, or None.
        settings: as given. open_run: the id of the run that began last here, "" when it has ended.

    Raises:
        SpecError: everything that is wrong with the graph, before anything is imported or opened.
    """

    swarm: Swarm

    def __init__(
        self,
        graph: str | Path,
        settings: Settings,
        *,
        overrides: Sequence[str] = (),
        verbose: int = 0,
        save: bool | None = None,
        store: RunStore | None = None,
        loop: Loop | None = None,
        recorders: Sequence[Observer] = (),
    ) -> None:
        self.settings = settings
        use_ollama_of(settings)
        self._checked = check_graph(graph, overrides=overrides)
        self.plan: Plan = self._checked.require()
        self._source, self._recorders = str(Path(graph).resolve()), recorders
        self._memory = MemoryRunLog(keep=1)
        self._listeners: list[Listener] = [self._memory.append, self._follow, *log_listeners(verbose)]
        self._saves = store is None and (settings.save if save is None else save)
        self.store = store
        self._owns_loop, self.loop = loop is None, loop or Loop()
        self.open_run = ""
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as closing:
            if self._owns_loop:
                closing.enter_context(self.loop)
            closing.enter_context(term_is_ctrl_c())
            if self._saves:
                self._open_store(closing)
            self.swarm = self._made()
            closing.callback(lambda: self.loop.run(self.swarm.aclose()))
            self._closing = closing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is KeyboardInterrupt and self.open_run and self.store is not None:
            console.say(f"\nthe run can go on where it is: {self.to_go_on(self.open_run)}")

    def close(self) -> None:
        """Stop what runs, and let go of all; again is fine."""
        self._closing.close()

    def _made(self) -> Swarm:
        with console.tools_talk_to_stderr():  # importing the tools runs their files
            return Swarm(
                self._checked, limits=Limits(run_s=self.settings.timeout), listeners=self._listeners,
                recorders=self._recorders, store=self.store, source=self._source,
            )  # fmt: skip

    def _open_store(self, closing: ExitStack) -> None:
        """Open the store; where none is to be had, keep plain records, or say that nothing is kept."""
        try:
            store = self.store = self.loop.run(open_to_write(self.settings))
        except StoreError as error:
            if error.code not in PLAIN:
                console.warn(f"runs are not saved: {error.where}: {error.what}")
                return
            console.say(f"kept as a plain record only, which cannot be resumed: {error.what}", "dim")
            log = FileRunLog(RUNS, keep=self.settings.keep_runs, warn=console.warn)
            closing.callback(log.close)
            self._listeners.append(log.append)
            return
        closing.callback(lambda: self.loop.run(store.aclose()))

    def _follow(self, event: ev.Event) -> None:
        """Remember which run has begun and not ended."""
        self.open_run = "" if isinstance(event, ev.RunFinished | ev.RunFailed) else event.run

    def detect(self, *, with_models: bool = False) -> Ollama:
        """Return what was found of Ollama."""
        return self.loop.run(detect_ollama(with_models=with_models))

    def announce(self) -> None:
        """Say which backends answer."""
        experts = experts_of(self.plan)
        asks_ollama = any(model.backend == "ollama" for model in models_of(experts))
        for line in who_answers(experts, self.detect() if asks_ollama else None):
            console.say(line, "dim")

    def run(self, given: Mapping[str, Any]) -> RunResult:
        """Run the graph once."""
        return self.loop.run(self.run_input(given))

    async def run_input(
        self, given: Mapping[str, Any], *, listeners: Sequence[Listener] = (), streams: bool = False
    ) -> RunResult:
        """Run the graph once, as `Swarm.run_input`; where nothing can be written, this run and later ones are not kept.

        Raises:
            StoreError: the run could not be kept for another reason; then it has not begun.
        """
        try:
            return self.advised(await self.swarm.run_input(given, listeners=listeners, streams=streams))
        except StoreError as error:  # raised before a run begins, never by one that has begun
            if error.code not in UNWRITABLE:
                raise
            console.warn(f"runs are not saved: {error.where}: {error.what}")
        self.store, before = None, self.swarm
        self.swarm = self._made()
        await before.aclose()
        return await self.swarm.run_input(given, listeners=listeners, streams=streams)

    def advised(self, result: RunResult) -> RunResult:
        """Return the result; the error of a run that could not be written any further says how it goes on."""
        error = result.error
        if isinstance(error, StoreError) and error.code in UNWRITABLE and self.store is not None:
            error.hint = f"{error.hint}; then: {self.to_go_on(result.id)}"
        return result

    def to_go_on(self, run_id: str) -> str:
        """Return the command that goes on with a run of this store."""
        return typed(f"swarm runs resume {run_id}", self.settings)

    def resume(self, paused: RunResult, answer: Mapping[str, Any]) -> RunResult:
        """Give a person's answer to a paused run."""
        return self.advised(self.loop.run(self.swarm.resume(paused, **answer)))

    def give_up(self) -> None:
        """Cancel the run that was stopped: nobody wants it to go on."""
        if self.open_run and self.store is not None:
            self.loop.run(self.swarm.cancel(self.open_run))

    def saved(self, run_id: str) -> SavedRun | None:
        """Return a run as it is kept; None where runs cannot go on."""
        return None if self.store is None else self.loop.run(self.store.load(run_id))

    def story(self, run_id: str) -> Story:
        """Return what happened in a run: the last one, or any that is in the store."""
        heard = self._heard(run_id)
        if heard and isinstance(heard[0], ev.RunStarted):
            return tell(heard)
        saved = self.saved(run_id)  # it began before, elsewhere
        return tell(heard if saved is None else recorded_run(saved).events)

    def _heard(self, run_id: str) -> Sequence[ev.Event]:
        known = any(one.id == run_id for one in self._memory.runs())
        return self._memory.read(run_id).events if known else ()


def log_listeners(verbose: int) -> list[Listener]:
    """Return who writes log lines: nobody, unless `-v` was given or SWARM_LOG names a level."""
    level = "debug" if verbose > 1 else "info" if verbose else os.environ.get("SWARM_LOG", "")
    if not level:
        return []
    from swarm._app.logs import log_events

    try:
        return [log_events(level)]
    except ValueError as error:
        raise SwarmError(str(error), where="SWARM_LOG", code="usage") from error
