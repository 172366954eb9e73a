"""Reading runs from a file: plain functions of a connection; each row is checked against its checksum."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores._sqlite.faults import corrupt
from swarm.stores._sqlite.rows import RunRow, checksum, is_record, open_question, text_of
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
]

RUN = f"SELECT {', '.join(RunRow._fields)}, crc FROM runs"
# What an ended run had is in its row; of an open one it is counted.
IN_SPAN = f"FROM journal AS j WHERE j.id >= r.number << {SEQ_BITS} AND j.id < r.number + 1 << {SEQ_BITS}"
SIZE = "CASE typeof({0}) WHEN 'blob' THEN (SELECT size FROM blobs WHERE sha256 = {0}) ELSE length(CAST({0} AS BLOB)) END"
BYTES = f"coalesce(r.bytes, (SELECT coalesce(sum({SIZE.format('j.body')}), 0) {IN_SPAN}))"
RECORDS = f"coalesce(r.records, (SELECT count(*) {IN_SPAN}))"
QUESTION = (
    "SELECT q.token, r.id, q.place, q.call, q.text, q.fields, q.expires, q.answer, q.crc"
    " FROM questions AS q JOIN runs AS r ON r.number = q.run"
)
RECORD = "SELECT id, kind, place, call, body, crc FROM journal"
MAX_SEQ = (1 << SEQ_BITS) - 1
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
    size, records = file.execute(
        f"SELECT {BYTES}, {RECORDS} FROM runs AS r WHERE number = ?", (row.number,)
    ).fetchone()
    done = f"SELECT place, call FROM journal WHERE id >= ? AND id < ? AND kind = '{DONE}'"
    found = set(file.execute(done, span(row.number)))
    return rules.RunState(epoch=row.epoch, status=row.status, bytes=size, records=records, done=found)


def load(file: sqlite3.Connection, run_id: str) -> SavedRun:
    """Return a run as it is now."""
    file.execute("BEGIN")
    try:
        row = run_row(file, run_id)
        records = tuple(_records(file, row))
        query = f"{QUESTION} WHERE q.run = ? ORDER BY q.rowid"
        questions = tuple(open_question(found) for found in file.execute(query, (row.number,)))
        text = text_of(file, row.input, f"the input of run {run_id!r}")
    finally:
        file.execute("COMMIT")  # nothing was changed: it only lets go of the log
    size = sum(rules.size_of(record.body) for record in records)
    return SavedRun(head=row.head(size, len(records)), input=text, records=records, questions=questions)


def _records(file: sqlite3.Connection, row: RunRow) -> Iterator[Record]:
    """Yield the records of a run; none is missing, none is changed."""
    first, after = span(row.number)
    expected = first
    for found in file.execute(f"{RECORD} WHERE id >= ? AND id < ? ORDER BY id", (first, after)):
        what = f"record {expected - first} of run {row.id!r}"
        if found[0] != expected or not is_record(found):
            raise corrupt(f"{what} is damaged: it is not what was written")
        _, kind, place, call, body, _ = found
        yield Record(kind, place, call, text_of(file, body, what))
        expected += 1
    count = expected - first
    if row.records is not None and count != row.records:
        raise corrupt(f"run {row.id!r} is damaged: {count} of {row.records} records are there")
    _check_next(file, row, expected, after)


def _check_next(file: sqlite3.Connection, row: RunRow, expected: int, after: int) -> None:
    """Raise if what follows a run's records is another one of them, under a damaged number."""
    found = file.execute(f"{RECORD} WHERE id >= ? ORDER BY id LIMIT 1", (after,)).fetchone()
    if found is not None and is_record((expected, *found[1:])):
        raise corrupt(f"record {expected & MAX_SEQ} of run {row.id!r} is damaged: it is not what was written")


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
    file: sqlite3.Connection, status: Sequence[str], limit: int, prefix: str, key: str | None
) -> list[RunHead]:
    """Return the heads of runs, the newest first; of a damaged one the status is `corrupt`."""
    where, values = ["1"], list[str | int]()
    if status:
        where.append(f"status IN ({', '.join('?' * len(status))})")
        values += status
    if prefix:
        where.append("id >= ? AND id < ?")
        values += (prefix, prefix + LAST)
    if key is not None:
        where.append("key = ?")
        values.append(key)
    columns = ", ".join(f"r.{name}" for name in RunRow._fields)
    query = (
        f"SELECT {columns}, r.crc, {BYTES}, {RECORDS} FROM runs AS r"
        f" WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?"
    )
    return [_head(row) for row in file.execute(query, (*values, max(0, limit)))]


def _head(row: tuple[Any, ...]) -> RunHead:
    *fields, crc, size, records = row
    if checksum(*fields) != crc:
        return RunHead(
            id=str(row[1]),
            graph="",
            version="",
            source="",
            status="corrupt",
            epoch=0,
            created=0.0,
            updated=0.0,
        )
    return RunRow._make(fields).head(size, records)


def kept(file: sqlite3.Connection) -> list[rules.Kept]:
    """Return what decides which runs are forgotten, of every run."""
    query = f"SELECT id, status, updated, {BYTES} FROM runs AS r"
    return [rules.Kept(*row) for row in file.execute(query)]


def stats(file: sqlite3.Connection) -> StoreStats:
    """Return how much is kept."""
    found = file.execute(
        f"SELECT status, count(*), sum({BYTES}), sum({RECORDS}) FROM runs AS r GROUP BY status"
    )
    by_status, size, records = Counter[str](), 0, 0
    for name, runs, held, lines in found:
        by_status[name] = runs
        size, records = size + held, records + lines
    return StoreStats(runs=by_status.total(), records=records, bytes=size, by_status=dict(by_status))


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
