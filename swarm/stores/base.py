"""The seam to durable runs: what a store keeps of a run, and what it promises.

A store keeps the *journal* of each run: a list of records, each a delta, never a whole state. What
`append` has returned from is on the disk: it survives the death of the process and, with a store that
syncs, of the machine. A run has one owner at a time: `claim` hands out a new epoch, and a record of an
older epoch is refused, so that a process that was thought dead can write nothing more.

Source: `reliability.md` §3 (contract), decision record 0009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

__all__ = [
    "DONE",
    "END",
    "ENDED",
    "EVENTS",
    "INTENT",
    "OPEN",
    "SCHEMA",
    "TRIED",
    "Answered",
    "Claimed",
    "NewRun",
    "Question",
    "Record",
    "Retention",
    "RunHead",
    "RunStore",
    "SavedRun",
    "StoreStats",
]

SCHEMA = 1  # the version of what is stored; a store migrates forwards, and refuses a later one

# Kinds of records
DONE = "done"  # what a node, or a call inside it, came to: once for each (place, call)
INTENT = "intent"  # a tool that is not pure is about to be called
TRIED = "tried"  # a call inside a node that gave no result: what a replay must know, and a resume tries again
EVENTS = "events"  # what happened meanwhile, for people: a JSON list of events
END = "end"  # how the run ended: once, the last one

OPEN = ("running", "paused")  # the states of a run that has not ended
ENDED = ("completed", "refused", "failed", "cancelled")


class Record(NamedTuple):
    """One line of a run's journal.

    Attributes:
        kind: one of the kinds above.
        place: the node's path (`notes[17]/summary`, `better[2]/judge`); "" for the run itself.
        call: which call inside the node (`ollama/qwen3:4b#1`); "" for the node's own result.
        body: JSON.
    """

    kind: str
    place: str
    call: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run about to begin.

    Attributes:
        graph: its name. version: the hash of the compiled graph (`put_graph` before).
        source: the file it came from, or "".
        input: JSON. at: seconds since the epoch.
        key: the caller's own name of this run; the same key never makes a second run.
        forked_from: the run it continues, or "". records: what it begins with (of that run).
    """

    id: str
    graph: str
    version: str
    input: str
    at: float
    source: str = ""
    key: str | None = None
    forked_from: str = ""
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """One line about a run.

    Attributes:
        status: `running`, `paused`, or how it ended. `running` without an owner at work: it was cut off.
        epoch: how often it was claimed. created, updated: seconds since the epoch.
        bytes, records: of its journal.
    """

    id: str
    graph: str
    version: str
    source: str
    status: str
    epoch: int
    created: float
    updated: float
    key: str | None = None
    forked_from: str = ""
    bytes: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person was asked.

    Attributes:
        token: answers it, once; unguessable. place, call: who asks.
        fields: JSON, name -> type of each field of the answer. expires: seconds since the epoch.
        answer: JSON, or None while it is open.
    """

    token: str
    run: str
    place: str
    call: str
    text: str
    fields: str
    expires: float
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """A run read back: its head, its input (JSON), its records in order, its questions."""

    head: RunHead
    input: str
    records: tuple[Record, ...]
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A run that is ours from now on, under `epoch`."""

    epoch: int
    run: SavedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of an answer: `first` is false when the question had one already (`question.answer`)."""

    question: Question
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long runs that ended are kept; open ones always are.

    Attributes:
        finished_s, failed_s: seconds after the end. runs: at most so many ended runs, the newest.
        bytes: at most so much disk, the oldest ended runs go first.
    """

    finished_s: float = 7 * 86_400.0
    failed_s: float = 30 * 86_400.0
    runs: int = 100_000
    bytes: int = 4_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """What a store holds, or what `gc` took out: runs, records, bytes; by status."""

    runs: int = 0
    records: int = 0
    bytes: int = 0
    by_status: dict[str, int] = field(default_factory=dict[str, int])


class RunStore(Protocol):
    """Keeps runs so that none that was acknowledged is ever lost.

    All methods raise `StoreError`; its `code` says what kind: `no_run`, `stale_epoch`,
    `recorded_twice`, `ended`, `storage_full`, `too_large`, `busy`, `owned` (by another process),
    `corrupt`, `schema` (written by a later version), `no_question`, `expired`, `read_only`, `closed`.
    """

    async def put_graph(self, version: str, body: str) -> None:
        """Keep a compiled graph (JSON) under its hash; again is fine."""
        ...

    async def graph(self, version: str) -> str:
        """Return the graph kept under `version`; `no_run` if there is none."""
        ...

    async def create(self, run: NewRun) -> str:
        """Keep a new run, state `running`, epoch 1, and return its id once it is durable.

        A run of the same `key` is there already: its id is returned and nothing is written.
        An id that is there already: `recorded_twice`.
        """
        ...

    async def claim(self, run_id: str) -> Claimed:
        """Make the run ours: its epoch grows by one, and what the owner before appends is refused.

        The state becomes `running`. A run that completed, was refused or was cancelled: `ended`
        (one that failed may be claimed; its `end` record stays in the journal).
        """
        ...

    async def append(self, run_id: str, epoch: int, records: Sequence[Record]) -> None:
        """Add records, all or none, in this order; return when they are durable.

        Appends of one run become durable in the order in which they were begun. Raises
        `stale_epoch`, `recorded_twice` (a second `done` for one place and call), `ended`,
        `too_large` (a record, or the run), `storage_full`.
        """
        ...

    async def ask(self, run_id: str, epoch: int, question: Question, records: Sequence[Record]) -> None:
        """Add records, open a question; durable on return. The run's state becomes `paused`."""
        ...

    async def answer(self, token: str, answer: str, at: float) -> Answered:
        """Answer a question, durably; the first answer stands, whoever gives the second is told it.

        The run's state becomes `running` when no question is open any more. Nobody need own the run.
        Raises `no_question`; `expired` after its time; `ended` when the run has ended.
        """
        ...

    async def end(self, run_id: str, epoch: int, status: str, records: Sequence[Record], at: float) -> None:
        """Add the last records and set the state to `completed`, `refused`, `failed` or `cancelled`; durable."""
        ...

    async def cancel(self, run_id: str, at: float) -> bool:
        """End an open run as `cancelled`, whoever owns it: its epoch grows. False if it had ended."""
        ...

    async def load(self, run_id: str) -> SavedRun:
        """Return a run as it is now; `no_run` if there is none."""
        ...

    async def question(self, token: str) -> Question:
        """Return a question, answered or not; `no_question` if there is none."""
        ...

    async def runs(
        self, *, status: Sequence[str] = (), limit: int = 1_000_000, prefix: str = "", key: str | None = None
    ) -> Sequence[RunHead]:
        """Return the heads of runs, the newest (by creation) first; only those of these states, ids, key."""
        ...

    async def gc(self, keep: Retention, now: float) -> StoreStats:
        """Forget ended runs past their time, graphs and values nobody refers to; return what went."""
        ...

    async def stats(self) -> StoreStats:
        """Return what is kept."""
        ...

    async def backup(self, path: Path) -> None:
        """Write a consistent copy while runs go on."""
        ...

    async def aclose(self) -> None:
        """Make all that was appended durable and let go; calling it twice is fine."""
        ...
