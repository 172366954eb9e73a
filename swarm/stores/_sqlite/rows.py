"""Rows of the file as values, each with a checksum: what is not as it was written is never returned.

SQLite checks the frames of its log and, roughly, the shape of its pages, but no byte of what is in them.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from typing import NamedTuple

from swarm.stores._rules import clean
from swarm.stores._sqlite.faults import corrupt
from swarm.stores.base import Question, RunHead

__all__ = [
    "INLINE_BYTES",
    "Blob",
    "Body",
    "RunRow",
    "Totals",
    "blob_of",
    "checksum",
    "is_record",
    "open_question",
    "question_crc",
    "record_crc",
    "text_of",
    "unpack",
]

INLINE_BYTES = 8192  # larger bodies are compressed, and kept once however often they occur
BODY_BYTES = 256_000_000  # a file may claim any size: no body that is read back takes more memory than this
LEVEL = 1  # of zlib: the writer waits for it (100 MB/s; level 6 gains a tenth of the size at a third of the speed)
SEP = "\x1f"

Body = str | bytes  # JSON as it is, or the sha256 of a blob


class Blob(NamedTuple):
    """A large body: its name, its length in bytes, and its bytes compressed."""

    sha256: bytes
    size: int
    body: bytes


class Totals(NamedTuple):
    """What the journal of a run holds: records, and bytes of their bodies."""

    run: int
    records: int
    bytes: int


class RunRow(NamedTuple):
    """The line about a run, as it is in the file."""

    number: int
    id: str
    graph: str
    version: str
    source: str
    key: str | None
    forked_from: str
    created: float
    input: Body
    status: str
    epoch: int
    updated: float

    def head(self, totals: Totals) -> RunHead:
        """Return it for whoever asks."""
        return RunHead(
            id=self.id, graph=self.graph, version=self.version, source=self.source, key=self.key,
            forked_from=self.forked_from, created=self.created, updated=self.updated,
            status=self.status, epoch=self.epoch, bytes=totals.bytes, records=totals.records,
        )  # fmt: skip


def checksum(*values: str | float | bytes | None) -> int:
    """Return the CRC-32 of values as they are kept."""
    parts = ["" if v is None else v.hex() if isinstance(v, bytes) else str(v) for v in values]
    return zlib.crc32(SEP.join(parts).encode("utf-8", "surrogatepass"))


def record_crc(number: int, kind: str, place: str, call: str, body: Body) -> int:
    """Return the checksum of one record, its place in the journal included."""
    if isinstance(body, bytes):
        return checksum(number, kind, place, call, body)
    return zlib.crc32(
        f"{number}{SEP}{kind}{SEP}{place}{SEP}{call}{SEP}{body}".encode("utf-8", "surrogatepass")
    )


def is_record(row: tuple[int, str, str, str, Body, int]) -> bool:
    """Return whether a row of the journal (id, kind, place, call, body, crc) is as it was written."""
    return record_crc(*row[:5]) == row[5]


def question_crc(question: Question) -> int:
    """Return the checksum of a question."""
    q = question
    return checksum(q.token, q.run, q.place, q.call, q.text, q.fields, q.expires, q.answer)


def open_question(row: tuple[str, str, str, str, str, str, float, str | None, int]) -> Question:
    """Return the question of a row (token, id of the run, place, call, text, fields, expires, answer, crc)."""
    token, run, place, call, text, fields, expires, answer, crc = row
    question = Question(
        token=token, run=run, place=place, call=call, text=text, fields=fields, expires=expires, answer=answer
    )
    if question_crc(question) != crc:
        raise corrupt(f"a question of run {run!r} is damaged")
    return question


def blob_of(body: str) -> Blob:
    """Return a large body as it is kept."""
    raw = clean(body).encode()
    return Blob(hashlib.sha256(raw).digest(), len(raw), zlib.compress(raw, LEVEL))


def unpack(blob: Blob, what: str) -> str:
    """Return a large body; `what` names whose it is if it is damaged."""
    if blob.size > BODY_BYTES:
        raise corrupt(f"{what} is damaged: it would have {blob.size:,} bytes")
    try:
        raw = zlib.decompressobj().decompress(blob.body, blob.size + 1)  # never more than it says
    except zlib.error as error:
        raise corrupt(f"{what} is damaged: {error}") from error
    if hashlib.sha256(raw).digest() != blob.sha256:
        raise corrupt(f"{what} is damaged: it is not what was written")
    return raw.decode()


def text_of(file: sqlite3.Connection, body: Body, what: str) -> str:
    """Return a body as text, wherever it is kept."""
    if isinstance(body, str):
        return body
    row = file.execute("SELECT sha256, size, body FROM blobs WHERE sha256 = ?", (body,)).fetchone()
    if row is None:
        raise corrupt(f"{what} is damaged: its text is gone")
    return unpack(Blob(*row), what)
