"""What the writer does to a file of runs, inside a transaction, on the writer's own thread.

Everything is judged before anything is written, so that one that is refused does not hurt the others
of its transaction. What is needed to judge an append is in memory (`_open`): no other process writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores._sqlite import reading
from swarm.stores._sqlite.rows import (
    INLINE_BYTES,
    Body,
    RunRow,
    blob_of,
    checksum,
    question_crc,
    record_crc,
)
from swarm.stores._sqlite.schema import SEQ_BITS
from swarm.stores.base import ENDED, Answered, NewRun, Question, Record, RunHead
from swarm.stores.failpoint import FAILPOINT, reached
from swarm.stores.limits import StoreLimits

__all__ = ["Changes"]

MAX_OPEN = 20_000  # runs judged from memory; of another one what is needed is read again
SETTINGS = (
    "journal_mode",
    "synchronous",
    "page_size",
    "auto_vacuum",
    "busy_timeout",
    "cell_size_check",
    "foreign_keys",
    "journal_size_limit",
    "max_page_count",
    "trusted_schema",
    "wal_autocheckpoint",
)
MAX_SEQ = 1 << SEQ_BITS
INSERT_RECORD = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)"
INSERT_RUN = f"INSERT INTO runs VALUES ({', '.join('?' * (len(RunRow._fields) + 1))})"
UPDATE_RUN = (
    "UPDATE runs SET status = ?, epoch = ?, updated = ?, bytes = ?, records = ?, crc = ? WHERE number = ?"
)
INSERT_QUESTION = "INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Changes:
    """The changes that can be made to a file; each method is one, and raises `StoreError` if refused.

    Attributes:
        now: when the last run began or ended, in seconds since the epoch. ended: how many did.
    """

    def __init__(self, file: sqlite3.Connection, limits: StoreLimits) -> None:
        self._file, self._limits = file, limits
        self._open: dict[str, tuple[int, rules.RunState]] = {}
        self.now: float | None = None
        self.ended = 0
        self._put: set[str] = (
            set()
        )  # graphs given since the last `forget_unused`: a run is about to need them

    def rolled_back(self) -> None:
        """Forget what was remembered of a transaction that did not come to be."""
        self._open.clear()

    def put_graph(self, version: str, body: str) -> None:
        """Keep a compiled graph."""
        rules.check_body("the graph", body, self._limits)
        body = rules.clean(body)
        row = (version, body, checksum(version, body))
        self._file.execute("INSERT INTO graphs VALUES (?, ?, ?) ON CONFLICT(version) DO NOTHING", row)
        self._put.add(version)

    def create(self, run: NewRun) -> str:
        """Keep a new run, and return its id, or that of the run of the same key."""
        if run.key is not None:
            row = self._file.execute("SELECT id FROM runs WHERE key = ?", (run.key,)).fetchone()
            if row is not None:
                return row[0]
        if self._file.execute("SELECT 1 FROM runs WHERE id = ?", (run.id,)).fetchone():
            raise rules.recorded_twice(f"there is a run {run.id!r} already")
        rules.check_body("the input", run.input, self._limits)
        state = rules.RunState(epoch=1, status="running")
        size = rules.admit(run.id, state, 1, run.records, self._limits)
        at = float(run.at)
        last = self._file.execute("SELECT max(number) FROM runs").fetchone()[0] or 0
        row = RunRow(
            number=last + 1, id=run.id, graph=run.graph, version=run.version, source=run.source, key=run.key,
            forked_from=run.forked_from, created=at, input=self._body(run.input),
            status="running", epoch=1, updated=at, bytes=None, records=None,
        )  # fmt: skip
        self._file.execute(INSERT_RUN, (*row, checksum(*row)))
        self._remember(run.id, row.number, state)
        self._add(row.number, state, run.records, size)
        self.now = at
        return run.id

    def claim(self, run_id: str) -> int:
        """Give the run a new owner, and return its epoch."""
        row = self._row(run_id)
        rules.check_claimable(run_id, row.status)
        self._set(row._replace(status="running", epoch=row.epoch + 1, bytes=None, records=None))
        return row.epoch + 1

    def append(self, run_id: str, epoch: int, records: Sequence[Record]) -> None:
        """Add records."""
        number, state = self._find(run_id)
        self._add(number, state, records, rules.admit(run_id, state, epoch, records, self._limits))

    def ask(self, run_id: str, epoch: int, question: Question, records: Sequence[Record]) -> None:
        """Add records, and open a question."""
        number, state = self._find(run_id)
        size = rules.admit(run_id, state, epoch, records, self._limits)
        rules.check_question(run_id, question, self._limits)
        if self._file.execute("SELECT 1 FROM questions WHERE token = ?", (question.token,)).fetchone():
            raise rules.recorded_twice(f"run {run_id!r} asks with a token that was used before")
        self._add(number, state, records, size)
        q = replace(question, text=rules.clean(question.text), fields=rules.clean(question.fields))
        q = replace(q, expires=float(q.expires), answer=None)
        row = (q.token, number, q.place, q.call, q.text, q.fields, q.expires, q.answer, question_crc(q))
        self._file.execute(INSERT_QUESTION, row)
        self._set(self._row(run_id)._replace(status="paused"))

    def answer(self, token: str, answer: str, at: float) -> Answered:
        """Answer a question, unless it was."""
        question = reading.question(self._file, token)
        if question.answer is not None:
            return Answered(question=question, first=False)
        row = self._row(question.run)
        rules.check_answerable(question, row.status, at)
        rules.check_body("the answer", answer, self._limits)
        question = replace(question, answer=rules.clean(answer))
        change = (question.answer, question_crc(question), token)
        self._file.execute("UPDATE questions SET answer = ?, crc = ? WHERE token = ?", change)
        others = "SELECT count(*) FROM questions WHERE run = ? AND answer IS NULL"
        waiting = self._file.execute(others, (row.number,)).fetchone()[0]
        self._set(row._replace(status=row.status if waiting else "running", updated=float(at)))
        return Answered(question=question, first=True)

    def end(self, run_id: str, epoch: int, status: str, records: Sequence[Record], at: float) -> None:
        """Add the last records, and set how the run ended."""
        number, state = self._find(run_id)
        size = rules.admit(run_id, state, epoch, records, self._limits, last=True)
        self._add(number, state, records, size)
        self._close(run_id, status, at, epoch, state)

    def cancel(self, run_id: str, at: float) -> bool:
        """End an open run, whoever owns it; return False if it had ended."""
        _, state = self._find(run_id)
        if state.status in ENDED:
            return False
        self._close(run_id, "cancelled", at, state.epoch + 1, state)
        return True

    def forget(self, run_ids: Sequence[str]) -> list[RunHead]:
        """Delete those of the runs that have ended, with all that is theirs alone; return them."""
        if FAILPOINT:
            reached("before_forget")
        gone = list(self._forgotten(run_ids))
        for head in gone:
            self._open.pop(head.id, None)
        return gone

    def forget_unused(self) -> None:
        """Delete graphs that no run refers to, nor is about to."""
        marks = ", ".join("?" * len(self._put))
        unused = f"version NOT IN (SELECT version FROM runs) AND version NOT IN ({marks})"
        self._file.execute(f"DELETE FROM graphs WHERE {unused}", tuple(self._put))
        self._put.clear()

    def shrink(self, pages: int) -> int:
        """Give up to `pages` free pages back to the disk, and return how many are left."""
        free = self._pragma("freelist_count")
        for _ in range(min(pages, free)):
            self._file.execute(
                "PRAGMA incremental_vacuum(1)"
            )  # one a call: the library stops after the first
        return max(0, free - pages)

    def settings(self) -> dict[str, str | int]:
        """Return how the file is used, as SQLite says it."""
        return {"version": sqlite3.sqlite_version, **{name: self._pragma(name) for name in SETTINGS}}

    def trim(self) -> None:
        """Bound what is remembered."""
        while len(self._open) > MAX_OPEN:
            del self._open[next(iter(self._open))]

    def _pragma(self, name: str) -> Any:
        return self._file.execute(f"PRAGMA {name}").fetchone()[0]

    def _find(self, run_id: str) -> tuple[int, rules.RunState]:
        found = self._open.get(run_id)
        if found is None:
            row = self._row(run_id)
            found = self._remember(run_id, row.number, reading.state(self._file, row))
        return found

    def _remember(self, run_id: str, number: int, state: rules.RunState) -> tuple[int, rules.RunState]:
        found = (number, state)
        if state.status not in ENDED:
            self._open[run_id] = found
        return found

    def _row(self, run_id: str) -> RunRow:
        return reading.run_row(self._file, run_id)

    def _set(self, row: RunRow) -> None:
        change = (row.status, row.epoch, row.updated, row.bytes, row.records, checksum(*row), row.number)
        self._file.execute(UPDATE_RUN, change)
        if row.id in self._open:
            state = self._open[row.id][1]
            state.status, state.epoch = row.status, row.epoch

    def _close(self, run_id: str, status: str, at: float, epoch: int, state: rules.RunState) -> None:
        row = self._row(run_id)._replace(status=status, epoch=epoch, updated=float(at))
        self._set(row._replace(bytes=state.bytes, records=state.records))
        self._open.pop(run_id, None)
        self.now, self.ended = float(at), self.ended + 1

    def _add(self, number: int, state: rules.RunState, records: Sequence[Record], size: int) -> None:
        seq = state.records
        if seq + len(records) > MAX_SEQ:
            raise StoreError(f"a run has at most {MAX_SEQ} records", code="too_large")
        for offset, (kind, place, call, text) in enumerate(records):
            key = number << SEQ_BITS | seq + offset
            body = self._body(text)
            row = (key, kind, place, call, body, record_crc(key, kind, place, call, body))
            self._file.execute(INSERT_RECORD, row)
        rules.note(state, records, size)

    def _body(self, text: str) -> Body:
        """Return what is written in a row for a body; a large one is put where large ones are."""
        if len(text) <= INLINE_BYTES:
            return text if text.isascii() else rules.clean(text)
        blob = blob_of(text)
        self._file.execute("INSERT INTO blobs VALUES (?, ?, ?) ON CONFLICT(sha256) DO NOTHING", blob)
        return blob.sha256

    def _forgotten(self, run_ids: Sequence[str]) -> Iterator[RunHead]:
        for run_id in run_ids:
            row = reading.find_row(self._file, run_id)
            if row is None or row.status not in ENDED:
                continue  # it was taken up again, or forgotten, meanwhile
            blobs = self._blobs_of(row)
            first, after = reading.span(row.number)
            self._file.execute("DELETE FROM journal WHERE id >= ? AND id < ?", (first, after))
            self._file.execute("DELETE FROM questions WHERE run = ?", (row.number,))
            self._file.execute("DELETE FROM runs WHERE number = ?", (row.number,))
            for blob in blobs:
                self._forget_blob(blob)
            yield row.head(row.bytes or 0, row.records or 0)

    def _blobs_of(self, row: RunRow) -> set[bytes]:
        query = "SELECT body FROM journal WHERE id >= ? AND id < ? AND typeof(body) = 'blob'"
        found = {body for (body,) in self._file.execute(query, reading.span(row.number))}
        return found | ({row.input} if isinstance(row.input, bytes) else set[bytes]())

    def _forget_blob(self, sha256: bytes) -> None:
        """Delete a large body unless another run has it too."""
        self._file.execute(
            "DELETE FROM blobs WHERE sha256 = ?1"
            " AND NOT EXISTS (SELECT 1 FROM journal WHERE typeof(body) = 'blob' AND body = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM runs WHERE typeof(input) = 'blob' AND input = ?1)",
            (sha256,),
        )
