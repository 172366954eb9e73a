"""What may be written to a run and what may be forgotten: decided on values, the same in every store.

Each guard is a function of its own, so that each can be tested, and missed, by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from swarm.errors import StoreError
from swarm.stores.base import DONE, ENDED, Question, Record, Retention, RunHead, StoreStats
from swarm.stores.limits import StoreLimits

__all__ = [
    "Kept",
    "RunState",
    "admit",
    "check_answerable",
    "check_body",
    "check_claimable",
    "check_end",
    "check_question",
    "clean",
    "closed",
    "expired_runs",
    "no_graph",
    "no_question",
    "no_run",
    "note",
    "recorded_twice",
    "size_of",
    "stats_of",
]

FINAL = ("completed", "refused", "cancelled")  # a failed run may be taken up again


@dataclass(slots=True, kw_only=True)
class RunState:
    """What a store must know of a run to judge what is written to it.

    Attributes:
        done: place and call of every result. bytes, records: of the journal so far.
    """

    epoch: int
    status: str
    bytes: int = 0
    records: int = 0
    done: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


def admit(
    run_id: str,
    run: RunState,
    epoch: int,
    records: Sequence[Record],
    limits: StoreLimits,
    *,
    last: bool = False,
) -> int:
    """Return the bytes of `records` if they may be added to the run.

    Args:
        last: the run ends with them, so the bounds of the run do not hold.

    Raises:
        StoreError: `ended`, `stale_epoch`, `recorded_twice`, `too_large`.
    """
    check_open(run_id, run)
    check_epoch(run_id, run, epoch)
    check_once(run_id, run, records)
    return check_size(run_id, run, records, limits, last=last)


def note(run: RunState, records: Sequence[Record], size: int) -> None:
    """Remember records that were added."""
    run.bytes += size
    run.records += len(records)
    for record in records:
        if record.kind == DONE:
            run.done.add((record.place, record.call))


def check_open(run_id: str, run: RunState) -> None:
    """Raise `ended` if nothing may be added to the run any more."""
    if run.status in ENDED:
        raise StoreError(f"run {run_id!r} has ended: it is {run.status}", code="ended", hint="swarm runs ls")


def check_epoch(run_id: str, run: RunState, epoch: int) -> None:
    """Raise `stale_epoch` if somebody else owns the run by now."""
    if epoch != run.epoch:
        what = f"run {run_id!r} was taken over: this is epoch {epoch}, it is at {run.epoch}"
        raise StoreError(what, code="stale_epoch", hint="leave it to its new owner, or claim it again")


def check_once(run_id: str, run: RunState, records: Sequence[Record]) -> None:
    """Raise `recorded_twice` if one of the records is a result that is there already."""
    fresh: set[tuple[str, str]] = set()
    for record in records:
        if record.kind == DONE:
            place = (record.place, record.call)
            if place in run.done or place in fresh:
                raise recorded_twice(f"run {run_id!r} has a result of {' '.join(place).strip()!r} already")
            fresh.add(place)


def check_size(
    run_id: str, run: RunState, records: Sequence[Record], limits: StoreLimits, *, last: bool
) -> int:
    """Return the bytes of the records; raise `too_large` if one of them, or the run, is too large."""
    size = 0
    for record in records:
        own = size_of(record.body)
        if own > limits.record_bytes:  # asked here too, so that only what is refused is given words
            check_body(f"a record of run {run_id!r} ({record.place or record.kind})", record.body, limits)
        size += own
    if last:
        return size
    if run.bytes + size > limits.run_bytes:
        raise _too_large(f"run {run_id!r} would be larger than {limits.run_bytes} bytes")
    if run.records + len(records) > limits.records:
        raise _too_large(f"run {run_id!r} would have more than {limits.records} records")
    return size


def check_body(what: str, body: str, limits: StoreLimits) -> int:
    """Return the bytes of a body; raise `too_large` if there are too many."""
    size = size_of(body)
    if size > limits.record_bytes:
        raise _too_large(f"{what} has {size} bytes, more than {limits.record_bytes}")
    return size


def check_end(status: str) -> None:
    """Raise ValueError if a run cannot end with this status."""
    if status not in ENDED:
        raise ValueError(f"a run cannot end as {status!r}: one of {', '.join(ENDED)}")


def check_claimable(run_id: str, status: str) -> None:
    """Raise `ended` if nobody can take up the run again."""
    if status in FINAL:
        raise StoreError(
            f"run {run_id!r} has ended: it is {status}", code="ended", hint=f"swarm runs show {run_id}"
        )


def check_answerable(question: Question, status: str, at: float) -> None:
    """Raise if a question without an answer cannot get one: its run `ended`, or it `expired`."""
    if status in ENDED:
        what = f"run {question.run!r} has ended ({status}): nobody waits for the answer"
        raise StoreError(what, code="ended", hint=f"swarm runs show {question.run}")
    if at > question.expires:
        what = f"the question of run {question.run!r} expired before the answer came"
        raise StoreError(what, code="expired", hint=f"swarm runs resume {question.run}")


def check_question(run_id: str, question: Question, limits: StoreLimits) -> None:
    """Raise ValueError for a question of another run, `too_large` for one of too many bytes."""
    if question.run != run_id:
        raise ValueError(f"the question is of run {question.run!r}, not of {run_id!r}")
    for text in (question.text, question.fields):
        check_body("the question", text, limits)


class Kept(NamedTuple):
    """What decides whether a run is forgotten; `bytes` of its journal."""

    id: str
    status: str
    updated: float
    bytes: int


def expired_runs(runs: Sequence[Kept], keep: Retention, now: float) -> Iterator[str]:
    """Yield the ids of the ended runs that need not be kept at the time `now`, the oldest end first."""
    ended = sorted((run for run in runs if run.status in ENDED), key=lambda run: run.updated)
    count, size = len(ended), sum(run.bytes for run in runs)
    for run in ended:
        kept_s = keep.failed_s if run.status == "failed" else keep.finished_s
        if not now - run.updated > kept_s and count <= keep.runs and size <= keep.bytes:
            continue
        count, size = count - 1, size - run.bytes
        yield run.id


def stats_of(heads: Sequence[RunHead]) -> StoreStats:
    """Return how much these runs are."""
    return StoreStats(
        runs=len(heads),
        records=sum(head.records for head in heads),
        bytes=sum(head.bytes for head in heads),
        by_status=dict(Counter(head.status for head in heads)),
    )


def size_of(text: str) -> int:
    """Return the length of a text as it is kept (`clean`), in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))


def clean(body: str) -> str:
    """Return JSON that UTF-8 can hold: half a surrogate pair becomes its escape, the value is the same."""
    if body.isascii():
        return body
    return body.encode("utf-8", "backslashreplace").decode("utf-8")


def no_run(run_id: str) -> StoreError:
    """Return the error of a run that is not kept."""
    return StoreError(f"no run {run_id!r} is kept", code="no_run", hint="swarm runs ls")


def no_graph(version: str) -> StoreError:
    """Return the error of a graph that is not kept."""
    return StoreError(f"no graph {version!r} is kept", code="no_run", hint="give the graph's file")


def no_question() -> StoreError:
    """Return the error of a token that belongs to no question; the token is a secret."""
    return StoreError("no question has this token", code="no_question", hint="swarm runs ls --status paused")


def recorded_twice(what: str) -> StoreError:
    """Return the error of what is there already."""
    return StoreError(what, code="recorded_twice")


def closed() -> StoreError:
    """Return the error of a store that was closed."""
    return StoreError("the store of runs is closed", code="closed")


def _too_large(what: str) -> StoreError:
    return StoreError(what, code="too_large", hint="keep large values in a file, and pass its name")
