"""What `run`, `chat` and `demo` share: a loaded graph, a loop, the run log, and who hears of events."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import swarm.events as ev
from swarm._app.detect import Ollama, detect_ollama
from swarm._app.facade import Swarm
from swarm._cli import console
from swarm._cli.loop import Loop
from swarm._cli.needs import experts_of, models_of, who_answers
from swarm._cli.settings import RUNS, Settings, use_ollama_of
from swarm._cli.story import Story, tell
from swarm._engine.context import Limits, Observer
from swarm._engine.result import RunResult
from swarm._graph.plan import Plan
from swarm.errors import SwarmError
from swarm.stores.files import FileRunLog
from swarm.stores.memory import MemoryRunLog

__all__ = ["Listener", "Session", "log_listeners"]

Listener = Callable[[ev.Event], None]


class Session:
    """A graph ready to run, and all that has to be closed afterwards; use it in a `with`.

    Args:
        overrides: `path.in.the.file=value`, as `--set` takes them.
        verbose: how often `-v` was given: log lines of runs, or of every step.
        save: keep runs in `.swarm/runs`; None: as the settings say.
        recorders: told what the rungs of every expert answered.
    """

    def __init__(
        self,
        graph: str | Path,
        settings: Settings,
        *,
        overrides: Sequence[str] = (),
        verbose: int = 0,
        save: bool | None = None,
        recorders: Sequence[Observer] = (),
    ) -> None:
        self.settings = settings
        use_ollama_of(settings)
        self._memory = MemoryRunLog(keep=1)
        self._closing = ExitStack()
        listeners: list[Listener] = [self._memory.append]
        if settings.save if save is None else save:
            log = FileRunLog(RUNS, keep=settings.keep_runs, warn=console.warn)
            self._closing.callback(log.close)
            listeners.append(log.append)
        listeners += log_listeners(verbose)
        limits = Limits(run_s=settings.timeout)
        with console.tools_talk_to_stderr():  # importing the tools runs their files
            self.swarm = Swarm.load(
                graph, overrides=overrides, limits=limits, listeners=listeners, recorders=recorders
            )
        self.loop = Loop()

    def __enter__(self) -> Self:
        self._closing.enter_context(self.loop)
        self._closing.callback(lambda: self.loop.run(self.swarm.aclose()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def plan(self) -> Plan:
        """Return what runs."""
        return self.swarm.plan

    def detect(self, *, with_models: bool = False) -> Ollama:
        """Return what was found of Ollama."""
        return self.loop.run(detect_ollama(with_models=with_models))

    def announce(self) -> None:
        """Say which backends answer."""
        experts = experts_of(self.plan)
        asks_ollama = any(model.backend == "ollama" for model in models_of(experts))
        for line in who_answers(experts, self.detect() if asks_ollama else None):
            console.say(line, "dim")

    def run(self, given: Mapping[str, Any], *, listeners: Sequence[Listener] = ()) -> RunResult:
        """Run the graph once."""
        return self.loop.run(self.swarm.run_input(given, listeners=listeners))

    def resume(self, paused: RunResult, answer: Mapping[str, Any]) -> RunResult:
        """Give a person's answer to a paused run."""
        return self.loop.run(self.swarm.resume(paused, **answer))

    def story(self, run_id: str) -> Story:
        """Return what happened in the last run."""
        return tell(self._memory.read(run_id).events)


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
