"""Power cuts: what a file of runs could be after one, at every moment, and what must still be in it.

A process writes runs, sync by sync, under strace; each state that a power cut could have left is made and
opened. `full`: all that was acknowledged is there. `relaxed`: only the last commits may be missing. With
both what is there is a beginning of what was written, and nothing is damaged.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.faults.disk import Disk
from benchmarks.faults.finding import Finding
from benchmarks.faults.trace import Step, is_available, recorded
from swarm.errors import StoreError
from swarm.stores.base import DONE, END, NewRun, Record, SavedRun
from swarm.stores.sqlite import SqliteStore

__all__ = ["power_cuts"]

FILE = "runs.db"
NAMES = (FILE, f"{FILE}-wal", f"{FILE}-journal", "acks")
RUNS = 12
RECORDS = 6  # of a run; the last but one is large, so that the log is folded into the file meanwhile
LARGE = 200_000
LIVES = 3  # the store is closed and opened again between some runs
MISSING = "no strace here, or it may not trace: power cuts were not tried"

Op = tuple[str, str, str]  # what, run, place


def power_cuts(count: int, *, seed: int = 0) -> dict[str, Finding]:
    """Open `count` states that a power cut could leave, with each durability; a row for each."""
    if not is_available():
        return {"power cut": Finding(tried=0, note=MISSING)}
    return {f"power cut, {kind}": _cuts(kind, count, seed) for kind in ("full", "relaxed")}


def _cuts(kind: str, count: int, seed: int) -> Finding:
    draw = random.Random(f"{kind} {seed}")
    broken: list[str] = []
    lost = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        steps = _record(Path(name), kind)
        moments = sorted(draw.randrange(len(steps)) for _ in range(count))
        disk, acked, at = Disk(), 0, 0
        for number, moment in enumerate(moments):
            for step in steps[at : moment + 1]:
                if step.name == "acks":
                    acked += step.what == "write"
                else:
                    disk.do(step)
            at = moment + 1
            folder = Path(name) / f"state-{number}"
            _make_folder(folder, disk.after_a_cut(draw))
            survived, wrong = asyncio.run(_opened(folder))
            shutil.rmtree(folder)
            if kind == "full" and survived < acked:
                wrong = [*wrong, f"{acked - survived} acknowledged commits are lost"]
            lost = max(lost, acked - survived)
            broken += [f"after step {moment} of {len(steps)}: {one}" for one in wrong]
    synced = sum(step.what == "sync" for step in steps)
    note = f"{len(steps):,} writes and syncs ({synced} syncs) of {acked} commits"
    return Finding(
        tried=count, broken=tuple(broken),
        note=note if kind == "full" else f"{note}; at most the last {lost} commits were missing",
    )  # fmt: skip


def _record(folder: Path, kind: str) -> list[Step]:
    kept = folder / "kept"
    kept.mkdir()
    command = [sys.executable, "-m", "benchmarks.faults.power", str(kept), kind]
    return recorded(command, kept, NAMES, log=folder / "strace.log", cwd=Path(__file__).parents[2])


def _make_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


async def _opened(folder: Path) -> tuple[int, list[str]]:
    """Return how many commits are there, of those that were made, and what is wrong."""
    wrong: list[str] = []
    store = SqliteStore(folder / FILE, durability="relaxed", keep=None, warn=wrong.append)
    try:
        saved = {head.id: await store.load(head.id) for head in await store.runs()}
        wrong += await store.check()
        there = [_is_there(op, saved.get(op[1])) for op in _ops()]
        await store.create(NewRun(id="afterwards", graph="g", version="v", input="{}", at=1.0))
    except StoreError as error:
        return 0, [*wrong, f"{error.code}: {error.what}"]
    finally:
        await store.aclose()
    survived = there.index(False) if False in there else len(there)
    if True in there[survived:]:
        wrong.append("a later commit is there, an earlier one is not")
    return survived, wrong


def _is_there(op: Op, saved: SavedRun | None) -> bool:
    what, _, place = op
    if saved is None or what == "create":
        return saved is not None
    if what == "end":
        return saved.head.status == "completed"
    return any(record.place == place for record in saved.records)


def _ops() -> Sequence[Op]:
    """Return the commits in the order in which they are made."""
    return [
        op
        for number in range(RUNS)
        for run in [f"r{number}"]
        for op in [
            ("create", run, ""), *(("append", run, f"n{place}") for place in range(RECORDS)), ("end", run, "")
        ]
    ]  # fmt: skip


async def _write(folder: Path, kind: str) -> None:
    """Make the commits one after the other, and note each that was acknowledged."""
    acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    draw, ops = random.Random(1), _ops()
    a_life = len(ops) // LIVES
    for first in range(0, len(ops), a_life):
        store = SqliteStore(folder / FILE, durability="full" if kind == "full" else "relaxed", keep=None)
        for op in ops[first : first + a_life]:
            await _make(store, op, draw)
            os.write(acks, b"acknowledged\n")
        await store.aclose()
    os.close(acks)


async def _make(store: SqliteStore, op: Op, draw: random.Random) -> None:
    what, run, place = op
    if what == "create":
        await store.create(NewRun(id=run, graph="g", version="v", input="{}", at=1.0))
    elif what == "append":
        size = LARGE if place == f"n{RECORDS - 2}" else 300
        await store.append(run, 1, [Record(DONE, place, "", f'"{draw.randbytes(size // 2).hex()}"')])
    else:
        await store.end(run, 1, "completed", [Record(END, "", "", "{}")], 2.0)


if __name__ == "__main__":
    asyncio.run(_write(Path(sys.argv[1]), sys.argv[2]))
