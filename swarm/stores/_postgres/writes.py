"""What is written to PostgreSQL in groups: new runs, and records of runs, many of them in one transaction.

Each function takes a batch and returns, for each of it, what became of it: a bad one is refused alone.
Each bears being called again after a commit of which nobody knows whether it happened (`again`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores.base import DONE, NewRun, Question, Record
from swarm.stores.limits import StoreLimits

if TYPE_CHECKING:
    from swarm.stores._postgres.link import Connection

__all__ = ["Write", "create_runs", "write_records"]

# Arrays go in binary form (`%b`): as text each quote in them is escaped, one by one, in Python.
LOCK_RUNS = """
    SELECT id, epoch, status, bytes, records FROM runs WHERE id = ANY(%s)
    ORDER BY id FOR NO KEY UPDATE
"""  # in one order everywhere, so that two batches never wait for each other
FIND_DONE = """
    SELECT w.run, w.place, w.call FROM unnest(%b::text[], %b::text[], %b::text[]) AS w (run, place, call)
    CROSS JOIN LATERAL (
        SELECT FROM journal AS j
        WHERE j.run = w.run AND j.place = w.place AND j.call = w.call AND j.kind = 'done' LIMIT 1
    ) AS found
"""
FIND_TOKENS = "SELECT token FROM questions WHERE token = ANY(%s)"
ADD_RECORDS = """
    INSERT INTO journal (run, seq, kind, place, call, body)
    SELECT * FROM unnest(%b::text[], %b::integer[], %b::text[], %b::text[], %b::text[], %b::text[])
"""
ADD_QUESTION = """
    INSERT INTO questions (token, run, place, call, text, fields, expires) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
SET_RUNS = """
    UPDATE runs SET status = w.status, bytes = w.bytes, records = w.records, updated = coalesce(w.at, updated)
    FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::integer[], %b::double precision[])
        AS w (id, status, bytes, records, at)
    WHERE runs.id = w.id
"""
ADD_RUNS = """
    INSERT INTO runs (id, graph, version, source, status, epoch, created, updated, key, forked_from, bytes, records)
    SELECT id, graph, version, source, 'running', 1, at, at, key, forked_from, bytes, records
    FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::double precision[], %b::text[], %b::text[],
        %b::bigint[], %b::integer[]) AS w (id, graph, version, source, at, key, forked_from, bytes, records)
    ON CONFLICT DO NOTHING RETURNING id
"""
FIND_RUNS = "SELECT id, key, version, created FROM runs WHERE id = ANY(%s) OR key = ANY(%s)"
ADD_INPUTS = "INSERT INTO inputs (run, body) SELECT * FROM unnest(%b::text[], %b::text[])"


@dataclass(slots=True, kw_only=True)
class Write:
    """Records for a run, and what else goes into the same transaction.

    Attributes:
        question: opened, if there is one; the run is `paused` then.
        status: how the run ends, or "" if it goes on. at: when it ended.
        first: the number its first record was given in a try whose outcome is not known.
    """

    run: str
    epoch: int
    records: Sequence[Record]
    question: Question | None = None
    status: str = ""
    at: float | None = None
    first: int | None = None


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What a batch found in the database, and what it adds; runs by id."""

    runs: dict[str, rules.RunState]
    tokens: set[str]
    rows: list[tuple[str, int, Record]]
    questions: list[Question]
    ended: dict[str, float]
    changed: set[str]


async def write_records(
    connection: Connection, writes: Sequence[Write], limits: StoreLimits
) -> list[StoreError | None]:
    """Add records to many runs in one transaction; return for each what refuses it, or None.

    Two round trips: the rows of the runs are locked and read, then everything is written.
    """
    async with connection.pipeline():
        await connection.execute("BEGIN")
        batch = await _read(connection, writes)
        outcomes = [_admit(batch, write, limits) for write in writes]
        await _write(connection, batch)
        await connection.execute("COMMIT")
    return outcomes


async def _read(connection: Connection, writes: Sequence[Write]) -> _Batch:
    places = [(w.run, r.place, r.call) for w in writes for r in w.records if r.kind == DONE]
    tokens = [write.question.token for write in writes if write.question]
    locked = await connection.execute(LOCK_RUNS, (sorted({write.run for write in writes}),))
    done = await connection.execute(FIND_DONE, _columns(places, 3))
    used = await connection.execute(FIND_TOKENS, (tokens,)) if tokens else None
    runs = {
        run_id: rules.RunState(epoch=epoch, status=status, bytes=size, records=records)
        for run_id, epoch, status, size, records in await locked.fetchall()
    }
    for run_id, place, call in await done.fetchall():
        if run_id in runs:
            runs[run_id].done.add((place, call))
    found = {token for (token,) in await used.fetchall()} if used else set[str]()
    return _Batch(runs=runs, tokens=found, rows=[], questions=[], ended={}, changed=set())


def _admit(batch: _Batch, write: Write, limits: StoreLimits) -> StoreError | None:
    """Take a write into the batch, or return what refuses it."""
    run = batch.runs.get(write.run)
    if run is None:
        return rules.no_run(write.run)
    if _is_there(batch, run, write):
        return None
    try:
        size = rules.admit(write.run, run, write.epoch, write.records, limits, last=bool(write.status))
        _check_token(batch, write)
    except StoreError as error:
        return error
    write.first = run.records + 1
    batch.rows += [(write.run, write.first + n, record) for n, record in enumerate(write.records)]
    rules.note(run, write.records, size)
    batch.changed.add(write.run)
    if write.question:
        batch.questions.append(write.question)
        batch.tokens.add(write.question.token)
        run.status = "paused"
    if write.status:
        run.status = write.status
        if write.at is not None:
            batch.ended[write.run] = write.at
    return None


def _is_there(batch: _Batch, run: rules.RunState, write: Write) -> bool:
    """Return whether an earlier try, of which no answer came, was committed.

    While the epoch is the same nobody but us adds to the run, in order: so its count tells.
    """
    if write.first is None or run.epoch != write.epoch or run.records < write.first - 1 + len(write.records):
        return False
    asked = write.question is None or write.question.token in batch.tokens
    return asked and (not write.status or run.status == write.status)


def _check_token(batch: _Batch, write: Write) -> None:
    if write.question and write.question.token in batch.tokens:
        raise rules.recorded_twice(f"run {write.run!r} asks with a token that was used before")


async def _write(connection: Connection, batch: _Batch) -> None:
    if batch.rows:
        await connection.execute(ADD_RECORDS, _record_columns(batch.rows))
    for question in batch.questions:
        await connection.execute(
            ADD_QUESTION,
            (
                question.token, question.run, question.place, question.call,
                rules.clean(question.text), rules.clean(question.fields), question.expires,
            ),
        )  # fmt: skip
    if batch.changed:
        changed = [(run_id, batch.runs[run_id], batch.ended.get(run_id)) for run_id in sorted(batch.changed)]
        rows = [(run_id, run.status, run.bytes, run.records, at) for run_id, run, at in changed]
        await connection.execute(SET_RUNS, _columns(rows, 5))


async def create_runs(
    connection: Connection, runs: Sequence[NewRun], *, again: bool
) -> list[str | StoreError]:
    """Make many runs in one transaction; return for each its id, or that of the run of its key.

    Their sizes were checked before.
    """
    async with connection.pipeline():
        await connection.execute("BEGIN")
        added = await connection.execute(ADD_RUNS, _run_columns(runs))
        ids, keys = [run.id for run in runs], [run.key for run in runs if run.key is not None]
        known = await connection.execute(FIND_RUNS, (ids, keys))
        outcomes, fresh = _sort_out(
            runs, [i for (i,) in await added.fetchall()], await known.fetchall(), again
        )
        await connection.execute(ADD_INPUTS, _columns([(run.id, rules.clean(run.input)) for run in fresh], 2))
        rows = [(run.id, n, record) for run in fresh for n, record in enumerate(run.records, start=1)]
        await connection.execute(ADD_RECORDS, _record_columns(rows))
        await connection.execute("COMMIT")
    return outcomes


def _sort_out(
    runs: Sequence[NewRun], added: Sequence[str], known: Sequence[tuple[Any, ...]], again: bool
) -> tuple[list[str | StoreError], list[NewRun]]:
    """Return what became of each new run, and those that are really new."""
    made = set(added)
    by_key = {key: run_id for run_id, key, _, _ in known if key is not None}
    by_id = {run_id: (version, created) for run_id, _, version, created in known}
    outcomes: list[str | StoreError] = []
    fresh: list[NewRun] = []
    for run in runs:
        ours = again and by_id.get(run.id) == (
            run.version,
            run.at,
        )  # the commit without an answer had happened
        if run.id in made:
            made.discard(run.id)
            fresh.append(run)
            outcomes.append(run.id)
        elif run.key is not None and run.key in by_key:
            outcomes.append(by_key[run.key])
        else:
            outcomes.append(run.id if ours else rules.recorded_twice(f"there is a run {run.id!r} already"))
    return outcomes, fresh


def _run_columns(runs: Sequence[NewRun]) -> list[list[Any]]:
    rows = [
        (
            run.id, run.graph, run.version, run.source, run.at, run.key, run.forked_from,
            sum(rules.size_of(record.body) for record in run.records), len(run.records),
        )
        for run in runs
    ]  # fmt: skip
    return _columns(rows, 9)


def _record_columns(rows: Sequence[tuple[str, int, Record]]) -> list[list[Any]]:
    flat = [
        (run, n, record.kind, record.place, record.call, rules.clean(record.body)) for run, n, record in rows
    ]
    return _columns(flat, 6)


def _columns(rows: Iterable[tuple[Any, ...]], count: int) -> list[list[Any]]:
    """Return rows as columns, each an array of a statement."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
