"""A run in a store, as what happened in it: the events that people read, made of its journal.

A journal says some things only in its records (what a node came to, how the run ended, what a person was
asked); here they are events again, in the journal's order. Decision record 0009.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import swarm.events as ev
from swarm.stores._whole import made_whole
from swarm.stores.base import DONE, END, EVENTS, OPEN, Question, Record, SavedRun
from swarm.stores.log import RecordedRun, RunSummary
from swarm.stores.shapes import check_question, check_record, read_json

__all__ = ["recorded_run", "summary_of"]

MARKS = ("confidence", "confident", "model", "rung", "escalated")  # of a record's marks, those of an event
Table = Mapping[str, Any]


def recorded_run(saved: SavedRun) -> RecordedRun:
    """Return what happened in a run; what cannot be read, or is not known to this version, is told in `damaged`."""
    head, damaged = saved.head, list[str]()
    events: list[ev.Event] = [
        ev.RunStarted(run=head.id, at=head.created, graph=head.graph, input=_input_of(saved, damaged))
    ]
    for place, record in enumerate(saved.records):
        try:
            events += _events_of(record, head.id)
        except ValueError as error:
            damaged.append(f"run {head.id}, record {place}: not an event: {error}")
    questions = list(_readable(saved, damaged))
    events = [*made_whole(events, questions)]
    events += _asked(saved, events, questions)
    if head.status == "cancelled":  # whoever cancels a run does not write to its journal
        latency_ms = (head.updated - head.created) * 1000
        events.append(ev.RunCancelled(run=head.id, at=head.updated, latency_ms=latency_ms))
    return RecordedRun(id=head.id, events=tuple(events), damaged=tuple(damaged))


def summary_of(saved: SavedRun) -> RunSummary:
    """Return the line about a run; one that has not ended and asks nothing is `unfinished`."""
    head = saved.head
    line = RunSummary(id=head.id, graph=head.graph, at=head.created, status=head.status)
    if head.status == "paused":
        asks = next((one.text for one in saved.questions if one.answer is None), "")
        return _with(line, text=asks)
    if head.status == "running":
        return _with(line, status="unfinished")
    ends = [record for record in saved.records if record.kind == END]
    if head.status == "cancelled" or not ends:
        return _with(line, latency_ms=(head.updated - head.created) * 1000)
    try:
        end: dict[str, Any] = check_record(ends[-1])
    except ValueError as wrong:
        return _with(line, text=f"its end cannot be read: {wrong}")
    error: dict[str, str] | None = end.get("error")
    text: str = end["text"] if error is None else f"{error['code']}: {error['message']}"
    return _with(line, text=text, latency_ms=end["latency_ms"])


def _input_of(saved: SavedRun, damaged: list[str]) -> Table:
    try:
        given = read_json(saved.input)
        if isinstance(given, dict):
            return cast("Table", given)
        raise ValueError("it is no object")
    except ValueError as error:
        damaged.append(f"run {saved.head.id}, its input: {error}")
        return {}


def _with(
    line: RunSummary, *, status: str = "", text: str = "", latency_ms: float | None = None
) -> RunSummary:
    return RunSummary(
        id=line.id, graph=line.graph, at=line.at, status=status or line.status, text=text,
        latency_ms=latency_ms,
    )  # fmt: skip


def _events_of(record: Record, run_id: str) -> Iterable[ev.Event]:
    """Return the events that a record is, or stands for; ValueError if it is none."""
    body = check_record(record)
    if record.kind == EVENTS:
        return [ev.from_json(table) for table in body]
    if record.kind == DONE and not record.call:
        return _finished(record.place, body, run_id)
    if record.kind == END:
        return [_end(body, run_id)]
    return []


def _finished(place: str, body: Table, run_id: str) -> Iterator[ev.Event]:
    """Yield the end of a node that has its value; that one failed or was left out, its own event says."""
    if "output" not in body:
        return
    marks: Table | None = body.get("marks")
    yield ev.NodeFinished(
        run=run_id, at=body["at"], node=place, value=body["output"], latency_ms=body["latency_ms"],
        marks=None if marks is None else {name: marks.get(name) for name in MARKS},
    )  # fmt: skip


def _end(body: Table, run_id: str) -> ev.Event:
    error: Table | None = body.get("error")
    if error is not None:
        return ev.RunFailed(
            run=run_id, at=body["at"], code=error["code"], message=error["message"],
            node=body.get("error_node"), latency_ms=body["latency_ms"],
        )  # fmt: skip
    return ev.RunFinished(
        run=run_id, at=body["at"], status=body["status"], output=body["output"], text=body["text"],
        confidence=body["confidence"], usage=body["usage"], latency_ms=body["latency_ms"],
    )  # fmt: skip


def _readable(saved: SavedRun, damaged: list[str]) -> Iterator[Question]:
    """Yield the questions that are as runs write them."""
    for place, question in enumerate(saved.questions):
        try:
            check_question(question)
        except ValueError as error:
            damaged.append(f"run {saved.head.id}, question {place}: {error}")
        else:
            yield question


def _asked(saved: SavedRun, events: Iterable[ev.Event], questions: Iterable[Question]) -> Iterator[ev.Event]:
    """Yield the questions, and the answers, that no event tells of yet.

    A question is durable before anybody hears of it, an answer before the run goes on with it: where the
    process ended in between, the event was never written.
    """
    if saved.head.status not in (*OPEN, "cancelled"):
        return
    told = {event.token for event in events if isinstance(event, ev.RunPausedEvent)}
    waiting = _unanswered(events)
    at = saved.head.updated
    for question in questions:
        if question.answer is None and question.token not in told:
            yield _paused(question, at)
        elif question.answer is not None and question.token in waiting:
            answer: dict[str, Any] = json.loads(question.answer)
            yield ev.RunResumed(run=question.run, at=at, node=question.place, answer=answer)


def _unanswered(events: Iterable[ev.Event]) -> set[str]:
    """Return the tokens of the questions after which no answer is told."""
    open_at: dict[str, str] = {}
    for event in events:
        if isinstance(event, ev.RunPausedEvent):
            open_at[event.node] = event.token
        elif isinstance(event, ev.RunResumed):
            open_at.pop(event.node, None)
    return set(open_at.values())


def _paused(question: Question, at: float) -> ev.Event:
    return ev.RunPausedEvent(
        run=question.run, at=at, node=question.place, text=question.text, token=question.token,
        answer=json.loads(question.fields),
    )  # fmt: skip
