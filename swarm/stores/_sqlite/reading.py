"""Reading runs from a file: plain functions of a connection; each row is checked against its checksum."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores._sqlite.faults import corrupt
from swarm.stores._sqlite.rows import RunRow, Totals, checksum, is_record, open_question, text_of
from swarm.stores._sqlite.schema import SEQ_BITS
from swarm.stores.base import DONE, Question, Record, RunHead, SavedRun, StoreStats

__all__ = [
    "check",
    "find_row",
    "graph",
    "heads",
    "kept",
    "load",
    "question",
    "run_row",
    "span",
    "state",
    "stats",
    "totals",
]

RUN = f"SELECT {', '.join(RunRow._fields)}, crc FROM runs"
WITH_TOTALS = "runs AS r LEFT JOIN totals AS t ON t.run = r.number"
QUESTION = (
    "SELECT q.token, r.id, q.place, q.call, q.text, q.fields, q.expires, q.answer, q.crc"
    " FROM questions AS q JOIN runs AS r ON r.number = q.run"
)
RECORD = "SELECT id, kind, place, call, body, crc FROM journal"
ALL = 2**62
RUN_BYTES = 512_000_000  # of a run that is read back: eight times what one may be by default
LAST = "\U0010ffff"


def span(number: int) -> tuple[int, int]:
    """Return the ids of a run's records: the first, and one past the last."""
    return number << SEQ_BITS, number + 1 << SEQ_BITS


def run_row(file: sqlite3.Connection, run_id: str) -> RunRow:
    """Return the line about a run; `no_run` if there is none."""
    row = find_row(file, run_id)
    if row is None:
        raise rules.no_run(run_id)
    return row


def find_row(file: sqlite3.Connection, run_id: str) -> RunRow | None:
    """Return the line about a run, or None."""
    row = file.execute(f"{RUN} WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    if checksum(*row[:-1]) != row[-1]:
        raise corrupt(f"run {run_id!r} is damaged: the line about it is not what was written")
    return RunRow(*row[:-1])


def state(file: sqlite3.Connection, row: RunRow) -> rules.RunState:
    """Return what is needed to judge what is written to a run."""
    held = totals(file, row)
    done = f"SELECT place, call FROM journal WHERE id >= ? AND id < ? AND kind = '{DONE}'"
    found = set(file.execute(done, span(row.number)))
    return rules.RunState(
        epoch=row.epoch, status=row.status, bytes=held.bytes, records=held.records, done=found
    )


def totals(file: sqlite3.Connection, row: RunRow) -> Totals:
    """Return how much a run has."""
    found = file.execute("SELECT records, bytes, crc FROM totals WHERE run = ?", (row.number,)).fetchone()
    held = _totals(row.number, *(found or (None, None, None)))
    if held is None:
        raise corrupt(f"run {row.id!r} is damaged: how many records it has is not what was written")
    return held


def _totals(run: int, records: int | None, size: int | None, crc: int | None) -> Totals | None:
    """Return totals, or None if they are damaged, or gone."""
    if records is None or size is None or checksum(run, records, size) != crc:
        return None
    return Totals(run, records, size)


def load(file: sqlite3.Connection, run_id: str) -> SavedRun:
    """Return a run as it is now."""
    file.execute("BEGIN")
    try:
        row = run_row(file, run_id)
        held = totals(file, row)
        records = tuple(_records(file, row, held.records))
        query = f"{QUESTION} WHERE q.run = ? ORDER BY q.rowid"
        questions = tuple(open_question(found) for found in file.execute(query, (row.number,)))
        text = text_of(file, row.input, f"the input of run {run_id!r}")
    finally:
        file.execute("COMMIT")  # nothing was changed: it only lets go of the log
    return SavedRun(head=row.head(held), input=text, records=records, questions=questions)


def _records(file: sqlite3.Connection, row: RunRow, count: int) -> Iterator[Record]:
    """Yield the records of a run, which are so many; none is missing, none is changed."""
    first, last = span(row.number)
    expected, size = first, 0
    for found in file.execute(f"{RECORD} WHERE id >= ? AND id < ? ORDER BY id", (first, last)):
        what = f"record {expected - first} of run {row.id!r}"
        if found[0] != expected or not is_record(found):
            raise corrupt(f"{what} is damaged: it is not what was written")
        _, kind, place, call, body, _ = found
        record = Record(kind, place, call, text_of(file, body, what))
        size += len(record.body)
        if size > RUN_BYTES:  # a file that somebody wrote may name one large body a million times
            raise corrupt(f"run {row.id!r} is damaged: it would have more than {RUN_BYTES:,} bytes")
        yield record
        expected += 1
    if expected - first != count:
        raise corrupt(f"run {row.id!r} is damaged: {expected - first} of {count} records are there")


def question(file: sqlite3.Connection, token: str) -> Question:
    """Return a question; `no_question` if there is none."""
    row = file.execute(f"{QUESTION} WHERE q.token = ?", (token,)).fetchone()
    if row is None:
        raise rules.no_question()
    return open_question(row)


def graph(file: sqlite3.Connection, version: str) -> str:
    """Return a compiled graph; `no_run` if there is none."""
    row = file.execute("SELECT body, crc FROM graphs WHERE version = ?", (version,)).fetchone()
    if row is None:
        raise rules.no_graph(version)
    if checksum(version, row[0]) != row[1]:
        raise corrupt(f"the graph {version!r} is damaged: it is not what was written")
    return row[0]


def heads(
    file: sqlite3.Connection,
    status: Sequence[str] = (),
    limit: int = ALL,
    prefix: str = "",
    key: str | None = None,
) -> list[RunHead]:
    """Return the heads of runs, the newest first; of a damaged one the status is `corrupt`."""
    where, values = ["1"], list[str | int]()
    if status:
        where.append(f"r.status IN ({', '.join('?' * len(status))})")
        values += status
    if prefix:
        where.append("r.id >= ? AND r.id < ?")
        values += (prefix, prefix + LAST)
    if key is not None:
        where.append("r.key = ?")
        values.append(key)
    columns = ", ".join(f"r.{name}" for name in RunRow._fields)
    query = (
        f"SELECT {columns}, r.crc, t.records, t.bytes, t.crc FROM {WITH_TOTALS}"
        f" WHERE {' AND '.join(where)} ORDER BY r.number DESC LIMIT ?"
    )
    return [_head(row) for row in file.execute(query, (*values, min(max(0, limit), ALL)))]


def _head(found: tuple[Any, ...]) -> RunHead:
    *fields, crc, records, size, totals_crc = found
    held = _totals(fields[0], records, size, totals_crc) if checksum(*fields) == crc else None
    if held is None:
        return RunHead(
            id=str(fields[1]),
            graph="",
            version="",
            source="",
            status="corrupt",
            epoch=0,
            created=0.0,
            updated=0.0,
        )
    return RunRow._make(fields).head(held)


def kept(file: sqlite3.Connection) -> list[rules.Kept]:
    """Return what decides which runs are forgotten, of every run; a damaged one never is."""
    return [rules.Kept(head.id, head.status, head.updated, head.bytes) for head in heads(file)]


def stats(file: sqlite3.Connection) -> StoreStats:
    """Return how much is kept."""
    sums = "coalesce(sum(t.records), 0), coalesce(sum(t.bytes), 0)"
    found = file.execute(f"SELECT r.status, count(*), {sums} FROM {WITH_TOTALS} GROUP BY r.status").fetchall()
    return StoreStats(
        runs=sum(runs for _, runs, _, _ in found),
        records=sum(records for _, _, records, _ in found),
        bytes=sum(size for _, _, _, size in found),
        by_status={status: runs for status, runs, _, _ in found},
    )


def check(file: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the file, in sentences: its structure, and every run and graph in it."""
    wrong = [line for (line,) in file.execute("PRAGMA integrity_check") if line != "ok"]
    runs = file.execute("SELECT id FROM runs ORDER BY number").fetchall()
    graphs = file.execute("SELECT version FROM graphs").fetchall()
    for read, names in ((load, runs), (graph, graphs)):
        for (name,) in names:
            try:
                read(file, name)
            except StoreError as error:
                wrong.append(error.what)
    return wrong
