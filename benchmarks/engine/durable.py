"""W6: chains of 20 nodes, each result durable before the next node starts (SQLite, WAL, `synchronous=FULL`).

By hand: the same journal records inserted into a bare table, a commit where ours has to be durable (the run as
accepted, each result, the end), by `sqlite3` in one thread, in turn with ours and on the same disk. CPU time is that
of all threads. Bytes are what the process hands to the system to write (`wchar` of `/proc/self/io`): write-ahead
log, checkpoints into the database, and all.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine.measure import cpu, in_turn
from benchmarks.engine.small import chain, listen
from benchmarks.engine.table import Row
from swarm import Swarm
from swarm.stores.base import EVENTS, Record
from swarm.stores.sqlite import SqliteStore

__all__ = ["rows"]

STEPS = 20
TIMES = 20  # runs of each measurement
RUNS = 1_000


def rows() -> Iterator[Row]:
    """Measure W6."""
    with tempfile.TemporaryDirectory() as folder:
        yield from asyncio.run(_in_sequence(Path(folder)))
        yield asyncio.run(_at_once(Path(folder)))


async def _in_sequence(folder: Path) -> list[Row]:
    store = SqliteStore(folder / "sequence.db")
    async with Swarm(chain(STEPS), store=store, listeners=[listen]) as swarm:
        records = (await store.load((await swarm.run(x=1)).id)).records
        bare = Bare(folder / "bare.db", records)
        ours, raw = await in_turn(lambda: cpu(lambda: swarm.run(x=1), TIMES), lambda: cpu(bare.run, TIMES))
        written = await _written(lambda: swarm.run(x=1))
        by_hand = await _written(bare.run)
        bare.close()
    await store.aclose()
    what = f"chain of {STEPS} durable nodes"
    return [
        Row(
            part="W6", what=f"{what}: CPU", value=ours / STEPS * 1e6, unit="us a node", ratio=ours / raw,
            asked_ratio=1.3, note=f"bare insert and commit {raw / STEPS * 1e6:.0f} us",
        ),
        Row(
            part="W6", what=f"{what}: written", value=written / 1000, unit="KB a node",
            ratio=written / by_hand, asked=8.0,
        ),
    ]  # fmt: skip


async def _at_once(folder: Path) -> Row:
    store = SqliteStore(folder / "at_once.db")
    async with Swarm(chain(STEPS), store=store, listeners=[listen]) as swarm:
        await swarm.run(x=1)
        started = time.perf_counter()
        results = await asyncio.gather(*(swarm.run(x=number) for number in range(RUNS)))
        seconds = time.perf_counter() - started
    await store.aclose()
    if any(result.status != "completed" for result in results):
        raise SystemExit("a durable run of the benchmark did not complete")
    return Row(
        part="W6", what=f"{RUNS:,} such runs at once", value=RUNS * STEPS / seconds,
        unit="durable results a second (wall)", asked=12_000, more_is_better=True,
    )  # fmt: skip


async def _written(work: Callable[[], Awaitable[Any]]) -> float:
    """Return the bytes written for each node."""
    before = _wchar()
    for _ in range(TIMES):
        await work()
    return (_wchar() - before) / TIMES / STEPS


def _wchar() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar")).split()[1])


class Bare:
    """The records of a run in a table, with a commit for each that has to be durable."""

    def __init__(self, path: Path, records: Sequence[Record]) -> None:
        self._records, self._runs = records, 0
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE runs (id TEXT PRIMARY KEY, input TEXT, status TEXT) WITHOUT ROWID")
        self._db.execute(
            "CREATE TABLE journal (run TEXT, seq INTEGER, kind TEXT, place TEXT, call TEXT, body TEXT,"
            " PRIMARY KEY (run, seq)) WITHOUT ROWID"
        )

    async def run(self) -> None:
        """Write a run, by a coroutine only because ours is one."""
        self._runs += 1
        run, write = f"run-{self._runs:08}", self._db.execute
        write("INSERT INTO runs VALUES (?, ?, ?)", (run, '{"x": 1}', "running"))
        for seq, record in enumerate(self._records):
            if not self._db.in_transaction:
                write("BEGIN IMMEDIATE")
            write("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", (run, seq, *record))
            if record.kind != EVENTS:
                write("COMMIT")
        if self._db.in_transaction:
            write("COMMIT")

    def close(self) -> None:
        self._db.close()
