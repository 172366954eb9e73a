"""The runs of one graph in a store: begun, gone on with, answered, forked."""

from __future__ import annotations

import json
import re
import reprlib
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import swarm.events as ev
from swarm._engine.ending import saved_result
from swarm._engine.execute import check_input
from swarm._engine.journal import RunJournal
from swarm._engine.past import Past
from swarm._engine.result import RunResult
from swarm._graph.plan import Plan
from swarm._graph.signature import changes, signature, version
from swarm.errors import AnsweredError, GraphChangedError, InputError, StoreError
from swarm.messages import ToolSignature
from swarm.stores.base import (
    DONE,
    ENDED,
    EVENTS,
    INTENT,
    OPEN,
    TRIED,
    NewRun,
    Question,
    Record,
    RunHead,
    RunStore,
    SavedRun,
)
from swarm.stores.shapes import check_run, check_signature, read_json

__all__ = ["TOKEN", "Begun", "DurableRuns", "result_of_ended", "signature_of"]

TOKEN = re.compile(r"[0-9a-f]{32}")  # of a question; no id of a run looks like that
NAME_CHARS = 1_000  # of an id or a key: a database's index takes less than 2,700 bytes

KEPT = (DONE, INTENT, TRIED)  # records of a node that a fork takes over
TOLD_AGAIN = (ev.NodeSkipped.type, ev.NodeFailed.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that is ours: its input, its journal, what was done of it before."""

    id: str
    input: Mapping[str, Any]
    journal: RunJournal
    past: Past


class DurableRuns:
    """What a `Swarm` does with its store.

    Args:
        tools: signatures of the tools the graph may call. source: the graph's file, or "".
    """

    def __init__(
        self, store: RunStore, plan: Plan, tools: Mapping[str, ToolSignature], *, source: str = ""
    ) -> None:
        self.store, self._plan, self._tools, self._source = store, plan, tools, source
        self._has_graph = False

    @cached_property
    def signed(self) -> dict[str, Any]:
        """Return the graph's signature, as it is kept with its runs."""
        return signature(self._plan, self._tools)

    @cached_property
    def version(self) -> str:
        """Return the graph's version."""
        return version(self.signed)

    async def begin(
        self, run_id: str, given: Mapping[str, Any], at: float, *, key: str | None = None
    ) -> Begun | str:
        """Keep a new run; it is durable when this returns.

        Returns:
            The run, or the id of the run that was begun with the same `key` before.

        Raises:
            InputError: that run was begun with another input.

        Raises:
            InputError: the id, or the key, is none that can be kept.
        """
        _check_name("id of a run", run_id)
        if TOKEN.fullmatch(run_id):
            raise InputError(f"{run_id!r} cannot be the id of a run: tokens of questions look like that")
        if key is not None:
            _check_name("key", key)
        text = json.dumps(given, ensure_ascii=False, default=str)
        new = NewRun(
            id=run_id, graph=self._plan.name, version=await self._graph(), input=text, at=at, key=key,
            source=self._source,
        )  # fmt: skip
        kept = await self.store.create(new)
        if kept != run_id:
            if json.loads((await self.load(kept)).input) != json.loads(text):
                raise InputError(
                    f"a run of key {key!r} was begun with another input", where=kept,
                    hint="give this run a key of its own",
                )  # fmt: skip
            return kept
        return Begun(id=run_id, input=given, journal=RunJournal(self.store, run_id, 1), past=Past())

    async def load(self, run_id: str) -> SavedRun:
        """Return a run as it is kept, looked through: whoever wrote the file, all of it can be built on.

        Raises:
            StoreError: there is none; `corrupt`: it is not what a run writes.
        """
        saved = await self.store.load(run_id)
        check_run(saved)
        return saved

    async def again(self, saved: SavedRun) -> Begun:
        """Make a run that was cut off, paused or failed ours, to go on with it.

        Args:
            saved: the run, as `load` returned it.

        Raises:
            StoreError: `ended`. GraphChangedError: with all that is different.
            InputError: the graph takes another input now.
        """
        run_id = saved.head.id
        self.fits(saved, await self._signed_of(saved.head))
        given = self._input_of(saved)
        claimed = await self.store.claim(run_id)
        past = Past(claimed.run)
        journal = RunJournal(self.store, run_id, claimed.epoch, past)
        return Begun(id=run_id, input=given, journal=journal, past=past)

    def _input_of(self, saved: SavedRun) -> dict[str, Any]:
        """Return a run's input, with what the graph may do without and did not know then filled in."""
        run_id = saved.head.id
        try:
            return check_input(self._plan, json.loads(saved.input), sys.maxsize)  # the store bounded it
        except InputError as error:
            hint = f"begin anew with the input it takes now: swarm runs fork {run_id} --input NAME=VALUE"
            raise InputError(error.what, where=run_id, hint=hint) from error

    def fits(
        self, saved: SavedRun, signed: Mapping[str, Any], *, only: Collection[str] | None = None
    ) -> None:
        """Raise if the graph is no longer what the run went through.

        Args:
            signed: the signature of the graph it began with.
            only: names of the nodes whose results are used; None: all that were reached.

        Raises:
            GraphChangedError: with all that is different, or it is a run of another graph.
        """
        head = saved.head
        self.is_ours(head)
        if head.version == self.version:
            return
        reached = frozenset(_reached(saved) if only is None else only)
        if different := changes(signed, self.signed, reached):
            raise GraphChangedError(
                "the graph changed where the run has been", changes=different, where=head.id,
                hint=f"undo that, or begin anew from there: swarm runs fork {head.id} --from NODE",
            )  # fmt: skip

    def is_ours(self, head: RunHead) -> None:
        """Raise GraphChangedError if it is a run of another graph."""
        if head.graph != self._plan.name:
            raise GraphChangedError(
                f"this is a run of graph {head.graph!r}, not of {self._plan.name!r}", where=head.id,
                hint="give it the graph it is a run of",
            )  # fmt: skip

    async def question(self, token: str) -> Question:
        """Return an open question of a run that this graph can go on with.

        Raises:
            AnsweredError: it has its answer. InputError: there is no such question.
        """
        try:
            found = await self.store.question(token)
        except StoreError as error:
            if error.code != "no_question":
                raise
            raise InputError(
                f"no run waits for an answer to {token!r}", hint="each question is answered once"
            ) from error
        if found.answer is not None:
            raise answered_before(found)
        saved = await self.load(found.run)
        self.fits(saved, await self._signed_of(saved.head))
        return found

    async def answer(self, token: str, answer: Mapping[str, Any], at: float) -> Question:
        """Keep the answer to a question; durable when this returns.

        Raises:
            AnsweredError: another answer came first.
        """
        came = await self.store.answer(token, json.dumps(answer, ensure_ascii=False, default=str), at)
        if not came.first:
            raise answered_before(came.question)
        return came.question

    async def unfinished(self) -> list[RunHead]:
        """Return the runs of this graph that have not ended, the oldest first."""
        heads = await self.store.runs(status=OPEN)
        return [head for head in reversed(heads) if head.graph == self._plan.name]

    async def fork(
        self, old: SavedRun, new_id: str, given: Mapping[str, Any], again: frozenset[str], at: float
    ) -> str:
        """Keep a new run that takes over what an old one did, except of the nodes `again`.

        Args:
            given: its whole input, checked. again: names of the nodes that are to run anew.

        Raises:
            GraphChangedError: in what is taken over.
        """
        kept = _reached(old) - again
        self.fits(old, await self._signed_of(old.head), only=kept)
        new = NewRun(
            id=new_id, graph=self._plan.name, version=await self._graph(), at=at, source=self._source,
            input=json.dumps(given, ensure_ascii=False, default=str), forked_from=old.head.id,
            records=tuple(_taken_over(old.records, kept, new_id)),
        )  # fmt: skip
        return await self.store.create(new)

    async def _graph(self) -> str:
        if not self._has_graph:
            await self.store.put_graph(self.version, json.dumps(self.signed))
            self._has_graph = True
        return self.version

    async def _signed_of(self, head: RunHead) -> Mapping[str, Any]:
        return self.signed if head.version == self.version else await signature_of(self.store, head)


async def signature_of(store: RunStore, head: RunHead) -> Mapping[str, Any]:
    """Return the signature of the graph that a run began with.

    Raises:
        StoreError: it is not kept; `corrupt`: it is none.
    """
    try:
        signed = read_json(await store.graph(head.version))
    except StoreError as error:
        error.where = error.where or head.id
        raise
    except ValueError as error:
        signed = str(error)
    return check_signature(signed, head.id)


def _check_name(what: str, name: Any) -> None:
    """Raise InputError for a name that not every store can keep, or nobody can type."""
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARS:
        raise InputError(f"the {what} is text of 1 to {NAME_CHARS:,} characters, not {_brief(name)}")
    if "\0" in name or any("\ud800" <= char <= "\udfff" for char in name):
        raise InputError(f"the {what} has characters that are no text: {_brief(name)}")


def _brief(value: Any) -> str:
    return reprlib.repr(value)


def answered_before(question: Question) -> AnsweredError:
    """Return the error of a second answer."""
    answer: dict[str, Any] = json.loads(question.answer or "{}")
    shown = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in answer.items())
    return AnsweredError(
        f"this question was answered before: {shown}", answer=answer, where=question.run,
        hint=f"see what became of it: swarm runs show {question.run}",
    )  # fmt: skip


def _top(place: str) -> str:
    return re.split(r"[/\[]", place, maxsplit=1)[0]


def _reached(saved: SavedRun) -> set[str]:
    """Return the nodes that have a result, were skipped, or began an effect."""
    found = {_top(place) for kind, place, _, _ in saved.records if kind in (DONE, INTENT)}
    for kind, _, _, body in saved.records:
        if kind == EVENTS:
            told: list[dict[str, Any]] = json.loads(body)
            found |= {_top(event["node"]) for event in told if event["type"] in TOLD_AGAIN}
    found |= {_top(question.place) for question in saved.questions}
    return found


def _taken_over(records: Iterable[Record], kept: Collection[str], new_id: str) -> Iterable[Record]:
    """Yield the records of the nodes that are kept; what running again tells again is left out."""
    for record in records:
        if record.kind in KEPT and _top(record.place) in kept:
            yield record
        elif record.kind == EVENTS:
            told: list[dict[str, Any]] = json.loads(record.body)
            events = [
                {**event, "run": new_id}
                for event in told
                if _top(event.get("node") or "") in kept and event["type"] not in TOLD_AGAIN
            ]
            if events:
                yield Record(EVENTS, "", "", json.dumps(events, ensure_ascii=False))


def result_of_ended(saved: SavedRun) -> RunResult | None:
    """Return the result of a run that ended; None of one that did not."""
    return saved_result(saved) if saved.head.status in ENDED else None
