"""What a durable run writes down as it goes, and what it finds written from before it was cut off.

A run is resumed by running it again: what the journal knows is not done a second time. A node's path
names the visit (`better[2]/judge`), so nothing else is needed to tell one round from the next.
Decision record 0009.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import swarm.events as ev
from swarm._engine.past import Past
from swarm._engine.result import Ask, Outcome
from swarm.errors import LimitExceededError, StoreError, SwarmError
from swarm.stores.base import DONE, END, EVENTS, INTENT, TRIED, Question, Record, RunStore
from swarm.stores.failpoint import FAILPOINT, reached
from swarm.stores.log import ENDS, is_kept

__all__ = ["Journal", "RunJournal", "failure_body", "outcome_body"]

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class Journal(Protocol):
    """The memory of a run, as the engine sees it.

    `place` is a node's path; `call` names a call inside the node (`ollama/qwen3:4b#1`).
    """

    broken: StoreError | None

    def settled(self, place: str, kind: str) -> Mapping[str, Any] | None:
        """Return what the node came to before, or None: then it is to be run."""
        ...

    async def settle(self, place: str, body: Mapping[str, Any]) -> None:
        """Write down what the node came to; nothing that builds on it may begin before this returns."""
        ...

    def call(self, place: str, name: str) -> str:
        """Return the name of the next call of this sort inside the node: `name#1`, `name#2` ..."""
        ...

    def recalled(self, place: str, call: str) -> Mapping[str, Any] | None:
        """Return what a call inside a node gave before, or None: then it is to be made."""
        ...

    def jot(self, place: str, call: str, body: Mapping[str, Any], *, tried: bool = False) -> None:
        """Note what a call gave, to be written with what is written next; `tried`: it gave no result."""
        ...

    async def flush(self) -> None:
        """Write down what was noted of calls so far; a further model is asked only then."""
        ...

    async def keep(self, place: str, call: str, body: Mapping[str, Any]) -> None:
        """Write down what a call gave, before anything builds on it."""
        ...

    def intents(self, place: str, call: str) -> int:
        """Return how often this effect was about to happen without any word of what became of it."""
        ...

    async def intend(self, place: str, call: str, body: Mapping[str, Any]) -> None:
        """Write down that an effect is about to happen."""
        ...

    def question(self, place: str, call: str) -> Question | None:
        """Return what a person was asked there before, answered or not."""
        ...

    async def ask(self, ask: Ask, call: str, expires: float) -> None:
        """Write down a question to a person, before anybody sees it."""
        ...

    def answered(self, question: Question) -> None:
        """Take note of an answer that was written down by somebody else, before the run asked again."""
        ...

    def hear(self, event: ev.Event) -> None:
        """Note an event, to be written with what is written next."""
        ...

    async def end(self, status: str, body: Mapping[str, Any]) -> None:
        """Write down how the run ended."""
        ...


class RunJournal:
    """The journal of one run in a store, under one epoch.

    Attributes:
        broken: why nothing can be written any more; the run may not go on then.
    """

    __slots__ = ("_calls", "_epoch", "_past", "_pending", "_run", "_store", "_told", "broken")

    def __init__(self, store: RunStore, run_id: str, epoch: int, past: Past | None = None) -> None:
        self._store, self._run, self._epoch = store, run_id, epoch
        self._past = past or Past()
        self._calls: dict[str, dict[str, int]] = {}
        self._pending: list[Record] = []  # written with the next record that is waited for
        self._told: list[ev.Event] = []  # likewise
        self.broken: StoreError | None = None

    def settled(self, place: str, kind: str) -> Mapping[str, Any] | None:
        """Return what the node came to before."""
        return self._past.result(place)

    async def settle(self, place: str, body: Mapping[str, Any]) -> None:
        """Write down what the node came to."""
        if FAILPOINT:
            reached("before_done")
        self._calls.pop(place, None)
        await self._write(Record(DONE, place, "", _encode(body)))
        if FAILPOINT:
            reached("after_done")

    def call(self, place: str, name: str) -> str:
        """Return the name of the next call of this sort inside the node."""
        counts = self._calls.setdefault(place, {})
        counts[name] = counts.get(name, 0) + 1
        return f"{name}#{counts[name]}"

    def recalled(self, place: str, call: str) -> Mapping[str, Any] | None:
        """Return what a call inside a node gave before."""
        return self._past.result(place, call)

    def jot(self, place: str, call: str, body: Mapping[str, Any], *, tried: bool = False) -> None:
        """Note what a call gave."""
        self._pending += (*self._pack(), Record(TRIED if tried else DONE, place, call, _encode(body)))

    async def flush(self) -> None:
        """Write down what was noted of calls; what was only heard waits for the next record."""
        if self._pending:
            await self._done(self._store.append(self._run, self._epoch, tuple(self._take())))

    async def keep(self, place: str, call: str, body: Mapping[str, Any]) -> None:
        """Write down what a call gave."""
        await self._write(Record(DONE, place, call, _encode(body)))

    def intents(self, place: str, call: str) -> int:
        """Return how often this effect was about to happen."""
        return self._past.intents.get((place, call), 0)

    async def intend(self, place: str, call: str, body: Mapping[str, Any]) -> None:
        """Write down that an effect is about to happen."""
        await self._write(Record(INTENT, place, call, _encode(body)))
        if FAILPOINT:
            reached("after_intent")

    def question(self, place: str, call: str) -> Question | None:
        """Return what a person was asked there before."""
        return self._past.questions.get((place, call))

    async def ask(self, ask: Ask, call: str, expires: float) -> None:
        """Write down a question to a person."""
        question = Question(
            token=ask.token, run=self._run, place=ask.node, call=call, text=ask.text,
            fields=_encode(dict(ask.answer)), expires=expires,
        )  # fmt: skip
        records = self._take()
        await self._done(self._store.ask(self._run, self._epoch, question, records))

    def answered(self, question: Question) -> None:
        """Take note of an answer that was written down by somebody else."""
        self._past.questions[question.place, question.call] = question

    def hear(self, event: ev.Event) -> None:
        """Note an event; what the records themselves say is not written twice."""
        if type(event) in _IN_RECORDS or not is_kept(event) or self._past.has_told(event):
            return
        self._told.append(event)

    async def end(self, status: str, body: Mapping[str, Any]) -> None:
        """Write down how the run ended."""
        records = [*self._take(), Record(END, "", "", _encode(body))]
        await self._done(self._store.end(self._run, self._epoch, status, records, float(body["at"])))

    async def _write(self, record: Record) -> None:
        if self._pending or self._told:
            await self._done(self._store.append(self._run, self._epoch, (*self._take(), record)))
        else:
            await self._done(self._store.append(self._run, self._epoch, (record,)))

    async def _done(self, writing: Any) -> None:
        try:
            await writing
        except StoreError as error:
            self.broken = error
            raise

    def _take(self) -> list[Record]:
        taken = [*self._pending, *self._pack()]
        self._pending = []
        return taken

    def _pack(self) -> list[Record]:
        """Return the events noted since the last pack, as one record."""
        if not self._told:
            return []
        told, self._told = self._told, []
        return [Record(EVENTS, "", "", _encode([ev.to_json(event) for event in told]))]


def _encode(body: Any) -> str:
    try:
        return _ENCODE(body)
    except RecursionError as error:  # a loop can put its value into a list, round after round
        hint = "keep what a loop carries flat"
        raise LimitExceededError("its value nests too deep to be written down", hint=hint) from error


_IN_RECORDS = frozenset({ev.RunStarted, ev.NodeFinished, *ENDS})


def outcome_body(kind: str, outcome: Outcome, latency_ms: float, at: float) -> dict[str, Any]:
    """Return what is written of a node that has its value."""
    body: dict[str, Any] = {"kind": kind, "at": at, "latency_ms": latency_ms}
    if outcome.skipped:
        return {**body, "skipped": outcome.skipped}
    if outcome.marks is not None:
        body["marks"] = outcome.marks.full()
    return {**body, "output": outcome.output}


def failure_body(kind: str, error: SwarmError, latency_ms: float, at: float) -> dict[str, Any]:
    """Return what is written of a node whose failure the graph handles."""
    said = {"code": error.code, "message": error.what, "where": error.where, "hint": error.hint}
    return {"kind": kind, "at": at, "latency_ms": latency_ms, "error": said}
