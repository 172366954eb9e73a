"""A run log and a store of runs in memory: for one process, and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from swarm.errors import StoreError
from swarm.events import Event
from swarm.stores import _rules as rules
from swarm.stores.base import (
    ENDED,
    Answered,
    Claimed,
    NewRun,
    Question,
    Record,
    Retention,
    RunHead,
    SavedRun,
    StoreStats,
)
from swarm.stores.limits import StoreLimits
from swarm.stores.log import RecordedRun, RunSummary, is_kept, summarize

__all__ = ["MemoryRunLog", "MemoryStore"]


class MemoryRunLog:
    """Keeps the newest `keep` runs of this process."""

    def __init__(self, *, keep: int = 200) -> None:
        self._keep = keep
        self._runs: dict[str, list[Event]] = {}

    def append(self, event: Event) -> None:
        """Add an event to its run."""
        if not is_kept(event):
            return
        if event.run not in self._runs:
            while len(self._runs) >= self._keep:
                del self._runs[min(self._runs)]
            self._runs[event.run] = []
        self._runs[event.run].append(event)

    def runs(self) -> Sequence[RunSummary]:
        """Return a line about every run kept, the newest first."""
        return [summarize(run_id, self._runs[run_id]) for run_id in sorted(self._runs, reverse=True)]

    def read(self, run_id: str) -> RecordedRun:
        """Return a run; StoreError if there is none of that id."""
        if run_id not in self._runs:
            raise StoreError(f"no run {run_id!r} is kept", hint="swarm runs ls")
        return RecordedRun(id=run_id, events=tuple(self._runs[run_id]))

    def close(self) -> None:
        """Do nothing: what is in memory goes with the process."""


@dataclass(slots=True, kw_only=True)
class _Run:
    new: NewRun
    state: rules.RunState
    updated: float
    records: list[Record] = field(default_factory=list[Record])
    questions: list[str] = field(default_factory=list[str])

    def add(self, records: Sequence[Record], size: int) -> None:
        self.records += [record._replace(body=rules.clean(record.body)) for record in records]
        rules.note(self.state, records, size)

    def kept(self) -> rules.Kept:
        return rules.Kept(self.new.id, self.state.status, self.updated, self.state.bytes)

    def head(self) -> RunHead:
        new, state = self.new, self.state
        return RunHead(
            id=new.id, graph=new.graph, version=new.version, source=new.source, key=new.key,
            forked_from=new.forked_from, created=new.at, updated=self.updated,
            status=state.status, epoch=state.epoch, bytes=state.bytes, records=state.records,
        )  # fmt: skip


class MemoryStore:
    """Keeps runs as long as the process lives: a `RunStore` that nothing survives.

    Args:
        limits: of one run.
    """

    def __init__(self, *, limits: StoreLimits | None = None) -> None:
        self._limits = limits or StoreLimits()
        self._runs: dict[str, _Run] = {}  # in the order in which they were created
        self._keys: dict[str, str] = {}
        self._graphs: dict[str, str] = {}
        self._questions: dict[str, Question] = {}
        self._put: set[str] = set()  # graphs given since the last `gc`: a run of theirs may be about to begin
        self._closed = False

    async def put_graph(self, version: str, body: str) -> None:
        """Keep a compiled graph."""
        self._check()
        rules.check_body("the graph", body, self._limits)
        self._graphs.setdefault(version, rules.clean(body))
        self._put.add(version)

    async def graph(self, version: str) -> str:
        """Return the graph kept under `version`."""
        self._check()
        if version not in self._graphs:
            raise rules.no_graph(version)
        return self._graphs[version]

    async def create(self, run: NewRun) -> str:
        """Keep a new run, and return its id."""
        self._check()
        if run.key is not None and run.key in self._keys:
            return self._keys[run.key]
        if run.id in self._runs:
            raise rules.recorded_twice(f"there is a run {run.id!r} already")
        rules.check_body("the input", run.input, self._limits)
        state = rules.RunState(epoch=1, status="running")
        size = rules.admit(run.id, state, 1, run.records, self._limits)
        made = _Run(new=replace(run, input=rules.clean(run.input), records=()), state=state, updated=run.at)
        made.add(run.records, size)
        self._runs[run.id] = made
        if run.key is not None:
            self._keys[run.key] = run.id
        return run.id

    async def claim(self, run_id: str) -> Claimed:
        """Make the run ours."""
        run = self._find(run_id)
        rules.check_claimable(run_id, run.state.status)
        run.state.epoch += 1
        run.state.status = "running"
        return Claimed(epoch=run.state.epoch, run=self._saved(run))

    async def append(self, run_id: str, epoch: int, records: Sequence[Record]) -> None:
        """Add records, all or none."""
        run = self._find(run_id)
        run.add(records, rules.admit(run_id, run.state, epoch, records, self._limits))

    async def ask(self, run_id: str, epoch: int, question: Question, records: Sequence[Record]) -> None:
        """Add records, and open a question."""
        run = self._find(run_id)
        size = rules.admit(run_id, run.state, epoch, records, self._limits)
        rules.check_question(run_id, question, self._limits)
        if question.token in self._questions:
            raise rules.recorded_twice(f"run {run_id!r} asks with a token that was used before")
        run.add(records, size)
        run.questions.append(question.token)
        run.state.status = "paused"
        self._questions[question.token] = replace(question, answer=None)

    async def answer(self, token: str, answer: str, at: float) -> Answered:
        """Answer a question; the first answer stands."""
        question = await self.question(token)
        if question.answer is not None:
            return Answered(question=question, first=False)
        run = self._find(question.run)
        rules.check_answerable(question, run.state.status, at)
        rules.check_body("the answer", answer, self._limits)
        question = self._questions[token] = replace(question, answer=rules.clean(answer))
        run.updated = at
        if all(self._questions[other].answer is not None for other in run.questions):
            run.state.status = "running"
        return Answered(question=question, first=True)

    async def end(self, run_id: str, epoch: int, status: str, records: Sequence[Record], at: float) -> None:
        """Add the last records and set the state."""
        rules.check_end(status)
        run = self._find(run_id)
        run.add(records, rules.admit(run_id, run.state, epoch, records, self._limits, last=True))
        run.state.status, run.updated = status, at

    async def cancel(self, run_id: str, at: float) -> bool:
        """End an open run as `cancelled`."""
        run = self._find(run_id)
        if run.state.status in ENDED:
            return False
        run.state.epoch += 1
        run.state.status, run.updated = "cancelled", at
        return True

    async def load(self, run_id: str) -> SavedRun:
        """Return a run as it is now."""
        return self._saved(self._find(run_id))

    async def question(self, token: str) -> Question:
        """Return a question, answered or not."""
        self._check()
        if token not in self._questions:
            raise rules.no_question()
        return self._questions[token]

    async def runs(
        self, *, status: Sequence[str] = (), limit: int = 1_000_000, prefix: str = "", key: str | None = None
    ) -> Sequence[RunHead]:
        """Return the heads of runs, the newest first."""
        self._check()
        found = [
            run.head()
            for run in reversed(self._runs.values())
            if (not status or run.state.status in status)
            and run.new.id.startswith(prefix)
            and (key is None or run.new.key == key)
        ]
        return found[: max(0, limit)]

    async def gc(self, keep: Retention, now: float) -> StoreStats:
        """Forget ended runs past their time, and graphs that no run refers to."""
        self._check()
        gone = [
            self._forget(run_id)
            for run_id in rules.expired_runs([run.kept() for run in self._runs.values()], keep, now)
        ]
        needed = self._put | {run.new.version for run in self._runs.values()}
        self._graphs = {version: body for version, body in self._graphs.items() if version in needed}
        self._put = set()
        return rules.stats_of(gone)

    async def stats(self) -> StoreStats:
        """Return what is kept."""
        self._check()
        return rules.stats_of([run.head() for run in self._runs.values()])

    async def backup(self, path: Path) -> None:
        """Refuse: what is in memory is not worth a copy."""
        raise StoreError(
            "runs that are kept in memory cannot be copied to a file",
            where=str(path), hint="keep runs in a file: SqliteStore(path)", code="unsupported",
        )  # fmt: skip

    async def aclose(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise rules.closed()

    def _find(self, run_id: str) -> _Run:
        self._check()
        if run_id not in self._runs:
            raise rules.no_run(run_id)
        return self._runs[run_id]

    def _saved(self, run: _Run) -> SavedRun:
        return SavedRun(
            head=run.head(),
            input=run.new.input,
            records=tuple(run.records),
            questions=tuple(self._questions[token] for token in run.questions),
        )

    def _forget(self, run_id: str) -> RunHead:
        run = self._runs.pop(run_id)
        for token in run.questions:
            del self._questions[token]
        if run.new.key is not None:
            del self._keys[run.new.key]
        return run.head()
