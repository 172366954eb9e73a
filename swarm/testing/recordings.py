"""Runs that a test makes once with real models, and replays offline ever after: the fixture `recorded`.

    async def test_a_refund_is_recognised(recorded):
        result = await recorded("support.swarm.yaml", message="I want my money back")
        assert result["triage"].output["label"] == "refund"

The first time the graph runs, with its models and tools, and the run is written beside the test, to
`recordings/<test file>/<test>.json`. From then on it is executed again from that file: prompts, policies
and thresholds are those of today, models, tools and people say what they said. The test fails with what is
different when the path or an output is another.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from swarm._app.facade import Swarm
from swarm._engine.execute import check_input
from swarm._engine.result import RunResult
from swarm.backends.base import ModelBackend
from swarm.errors import BackendUnavailable, InputError, ModelMissing, StoreError, SwarmError
from swarm.spec.compose import Graph
from swarm.stores.base import SavedRun
from swarm.stores.memory import MemoryStore
from swarm.stores.recording import Recording, read_recording, write_recording

__all__ = ["Mode", "Recorded", "file_name", "mode_of"]

Mode = Literal["all", "new", "none"]
UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
NAME_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One run that a test asks for: its input, what people answer, the file of its recording."""

    file: Path
    given: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]]


class Recorded:
    """Runs graphs for one test: live where there is no recording yet, offline where there is.

    Args:
        folder: where the recordings of the test's file are. name: the test's.
        mode: `new` records what is missing, `all` records everything again, `none` records nothing.
        again: what to type to record anew, for messages.
    """

    def __init__(self, folder: Path, name: str, mode: Mode, *, again: str = "--swarm-record=all") -> None:
        self._folder, self._name, self._again = folder, name, again
        self._mode: Mode = mode
        self._runs = 0

    async def __call__(
        self,
        graph: str | Path | Graph | Swarm,
        /,
        *,
        tools: Sequence[Any] = (),
        backends: Mapping[str, ModelBackend] | None = None,
        answers: Mapping[str, Mapping[str, Any]] | None = None,
        **given: Any,
    ) -> RunResult:
        """Return the result of a run of this graph on this input.

        Args:
            graph: a file, a `Graph`, or a `Swarm` (to record it needs a store: `store=MemoryStore()`).
            tools, backends: as `Swarm` takes them; replaying reaches no backend and calls no tool.
            answers: what a person says, by the node that asks: `{"approve": {"approved": True}}`.
            given: the input, by name.

        Raises:
            ReplayDiffersError: the path or an output is not the recorded one.
            StoreError: `no_recording`, in mode `none`; `input_changed`: it was recorded with another input.
            BackendError: no model answered the run that was to be recorded.
        """
        self._runs += 1
        number = "" if self._runs == 1 else f"-{self._runs}"
        case = _Case(
            file=self._folder / f"{self._name}{number}.json", given=given, answers=answers or {}
        )  # fmt: skip
        if isinstance(graph, Swarm):
            return await self._result(graph, case)
        options: dict[str, Any] = {"tools": tools, "backends": backends, "store": MemoryStore()}
        made = Swarm(graph, **options) if isinstance(graph, Graph) else Swarm.load(graph, **options)
        async with made as swarm:
            return await self._result(swarm, case)

    async def _result(self, swarm: Swarm, case: _Case) -> RunResult:
        if _is_to_record(case.file, self._mode):
            return await _record(swarm, case)
        recording = read_recording(case.file)
        if changed := _changes(swarm, recording.saved, case):
            raise StoreError(
                f"the test changed since it was recorded: {', '.join(changed)}", where=str(case.file),
                code="input_changed", hint=f"record it again: {self._again}",
            )  # fmt: skip
        replayed = await swarm.runs.replay(recording)
        replayed.check(hint=f"undo the change, or take it over: {self._again}")
        return replayed.result


def _is_to_record(file: Path, mode: Mode) -> bool:
    """Return whether the run is to be made live.

    Raises:
        StoreError: `no_recording`.
    """
    is_there = file.exists()
    if mode == "none" and not is_there:
        raise StoreError(
            "this run is not recorded, and nothing is recorded here", where=str(file), code="no_recording",
            hint="run the test once where its models are, with --swarm-record=new, and commit the file",
        )  # fmt: skip
    return mode == "all" or not is_there


async def _record(swarm: Swarm, case: _Case) -> RunResult:
    """Run the graph live and write down what happened; a run that no model answered is not worth it."""
    if not swarm.runs.are_kept:
        raise SwarmError(
            "a swarm that keeps no runs cannot be recorded", where=swarm.name,
            hint="Swarm.load(path, store=MemoryStore()), or give the graph itself",
        )  # fmt: skip
    result = await swarm.run_input(case.given)
    while (ask := result.ask) is not None:
        if ask.node not in case.answers:
            raise InputError(
                f"node {ask.node!r} asks {ask.text!r}", where=str(case.file),
                hint=f"say what a person answers: answers={{{ask.node!r}: {{...}}}}",
            )  # fmt: skip
        result = await swarm.resume(result, **case.answers[ask.node])
    if isinstance(result.error, BackendUnavailable | ModelMissing):
        raise result.error
    _write(case.file, await swarm.runs.export(result.id))
    return result


def _changes(swarm: Swarm, saved: SavedRun, case: _Case) -> list[str]:
    """Return what is asked for that the recording is not of; [] if it is of this run.

    Raises:
        InputError: the graph does not take the input, that of the test or that of the recording.
    """
    limit = swarm.limits.input_bytes
    now = check_input(swarm.plan, case.given, limit)
    then = check_input(swarm.plan, json.loads(saved.input), limit)
    changed = [f"input {name!r}" for name in now if now[name] != then[name]]
    for question in saved.questions:
        said: Mapping[str, Any] = json.loads(question.answer or "{}")
        wanted = case.answers.get(question.place, {})
        if any(said.get(name) != value for name, value in wanted.items()):
            changed.append(f"the answer to {question.place!r}")
    return changed


def _write(file: Path, recording: Recording) -> None:
    """Write a recording beside its test, without the place where the graph lay on this machine."""
    saved = recording.saved
    file.parent.mkdir(parents=True, exist_ok=True)
    write_recording(file, replace(recording, saved=replace(saved, head=replace(saved.head, source=""))))


def mode_of(option: str | None, environ: Mapping[str, str]) -> Mode:
    """Return the mode: as `--swarm-record` says, else `none` where `CI` is set, else `new`."""
    if option == "all" or option == "new" or option == "none":
        return option
    return "none" if environ.get("CI", "").lower() not in ("", "0", "false") else "new"


def file_name(test: str) -> str:
    """Return the name of a test's recording; different tests have different ones.

    Args:
        test: its name, with its class before it and its parameters behind.
    """
    safe = UNSAFE.sub("_", test).strip("_")[:NAME_LENGTH]
    return safe if safe == test else f"{safe}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"
