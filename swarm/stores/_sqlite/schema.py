"""The tables of a file of runs, and how older files are brought up to date.

A record's id is `run << 20 | seq`: one B-tree in the order in which a run is read, and no second index,
so that a commit of one record writes one page. Pages are small for the same reason (measured with
records of 0.15, 0.6 and 2 KB: 2.7, 4.2 and 8.5 KB of log a commit; with a primary key of two columns
and pages of 4 KB it is 7.2, 12 and 22 KB).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from swarm.errors import StoreError
from swarm.stores.base import SCHEMA

__all__ = ["APPLICATION", "MIGRATIONS", "PAGE_BYTES", "SEQ_BITS", "begin_layout", "check_version", "migrate"]

APPLICATION = 0x53574D52  # "SWMR": in the file's header, for `file(1)` and for us
PAGE_BYTES = 2048
SEQ_BITS = 20  # a run has at most a million records, a file 8.8e12 runs

TABLES = """
CREATE TABLE runs(
    number INTEGER PRIMARY KEY,  -- in the order of creation
    id TEXT NOT NULL UNIQUE, graph TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL,
    key TEXT, forked_from TEXT NOT NULL, created REAL NOT NULL,
    input NOT NULL,  -- JSON, or the sha256 of a blob
    status TEXT NOT NULL, epoch INTEGER NOT NULL, updated REAL NOT NULL,
    bytes INTEGER, records INTEGER,  -- of the journal, once the run has ended
    crc INTEGER NOT NULL);
CREATE UNIQUE INDEX runs_key ON runs(key) WHERE key IS NOT NULL;
CREATE INDEX runs_input ON runs(input) WHERE typeof(input) = 'blob';

CREATE TABLE journal(
    id INTEGER PRIMARY KEY,  -- run << 20 | seq
    kind TEXT NOT NULL, place TEXT NOT NULL, call TEXT NOT NULL,
    body NOT NULL,  -- JSON, or the sha256 of a blob
    crc INTEGER NOT NULL);
CREATE INDEX journal_blobs ON journal(body) WHERE typeof(body) = 'blob';

CREATE TABLE blobs(sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, body BLOB NOT NULL /* zlib */);

CREATE TABLE questions(
    token TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(number),
    place TEXT NOT NULL, call TEXT NOT NULL, text TEXT NOT NULL, fields TEXT NOT NULL,
    expires REAL NOT NULL, answer TEXT, crc INTEGER NOT NULL);
CREATE INDEX questions_run ON questions(run);

CREATE TABLE graphs(version TEXT PRIMARY KEY, body TEXT NOT NULL, crc INTEGER NOT NULL);
"""


def _first_tables(file: sqlite3.Connection) -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            file.execute(statement)
    file.execute(f"PRAGMA application_id = {APPLICATION}")


# The n-th one brings a file from version n to n + 1; they are only ever added to.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first_tables,)
assert len(MIGRATIONS) == SCHEMA


def begin_layout(file: sqlite3.Connection) -> None:
    """Set what can only be set while a file is empty."""
    file.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    file.execute("PRAGMA auto_vacuum = INCREMENTAL")


def check_version(file: sqlite3.Connection, path: Path) -> int:
    """Return the version of a file's tables, 0 if it has none.

    Raises:
        StoreError: `schema`, a later version wrote it, or it is a database of something else.
    """
    version = _pragma(file, "user_version")
    if version > SCHEMA:
        what = f"the runs were written by a later version (their schema is {version}, this knows {SCHEMA})"
        raise StoreError(what, where=str(path), hint="pip install --upgrade swarm-slm", code="schema")
    tables = file.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and _pragma(file, "application_id") != APPLICATION:
        hint = "name another file for the runs"
        raise StoreError("this is a database of something else", where=str(path), hint=hint, code="schema")
    return version


def migrate(file: sqlite3.Connection, path: Path) -> None:
    """Bring the file up to date, each step whole or not at all."""
    for version in range(check_version(file, path), SCHEMA):
        file.execute("BEGIN IMMEDIATE")
        MIGRATIONS[version](file)
        file.execute(f"PRAGMA user_version = {version + 1}")
        file.execute("COMMIT")


def _pragma(file: sqlite3.Connection, name: str) -> int:
    return file.execute(f"PRAGMA {name}").fetchone()[0]
