"""A store that has no room, is damaged, or belongs to somebody else: what the runs in it come to.

Through the engine: what a store itself does then is tested beside it (`tests/stores`).
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.faults.finding import Finding
from swarm import Graph, RunResult, StoreError, Swarm, tool
from swarm.stores.sqlite import SqliteStore

__all__ = ["flipped_bytes", "foreign_lock", "full_disk", "second_process"]

PAGE_BYTES = 2048
LEAST_PAGES, MOST_PAGES = 10, 400  # the least holds not even the tables
RUNS = 8
# What damage is called; a page number that was damaged may ask for a file larger than there may be.
NAMED = ("corrupt", "no_run", "no_question", "schema", "store", "recorded_twice", "storage_full")
SECOND = """
import asyncio, sys
from benchmarks.faults.storage import steps
from swarm import StoreError, Swarm
from swarm.stores.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    async with Swarm(steps(), store=store) as swarm:
        try:
            await swarm.run(x=1)
        except StoreError as error:
            print(error.code)
    await store.aclose()

asyncio.run(main())
"""


@tool(effect="pure")
async def grow(x: int) -> dict[str, Any]:
    """Return a value that takes more than a page."""
    await asyncio.sleep(0)
    return {"x": 3 * x + 1, "text": f"{x}," * (3000 // len(f"{x},"))}


def steps(*, asks: bool = False) -> Graph:
    """Return three nodes in a row, each with a value of more than a page; with a question before the last."""
    graph = Graph("steps", input={"x": int, "note": str | None})
    one = graph.tool("one", grow, x=graph.input.x)
    two = graph.tool("two", grow, x=one.x)
    when: dict[str, Any] = (
        {"when": graph.ask("sure", "{{ two.x }}?", answer={"yes": bool}).yes} if asks else {}
    )
    graph.output(value=graph.tool("three", grow, x=two.x, **when).x)
    return graph


def _value(x: int) -> dict[str, int]:
    return {"value": 27 * x + 13}


def full_disk(*, every: int = 1) -> dict[str, Finding]:
    """Let the room end at each page in turn, then give more; a row.

    Args:
        every: try only each n-th page.
    """
    codes = Counter[str]()
    broken: list[str] = []
    tried = 0
    for pages in range(LEAST_PAGES, MOST_PAGES, every):
        with tempfile.TemporaryDirectory(prefix="faults-") as name:
            said, wrong = asyncio.run(_until_full(Path(name) / "runs.db", pages))
        tried += 1
        codes += said
        broken += [f"with {pages} pages: {one}" for one in wrong]
        if said == {"completed": RUNS}:  # there was room for all
            break
    if not codes["failed: storage_full"] or not codes["refused: storage_full"]:
        broken.append(f"the room never ended for a run at work and for a new one: {dict(codes)}")
    note = ", ".join(f"{what} {count:,}" for what, count in sorted(codes.items()))
    return {"disk full at each page": Finding(tried=tried, broken=tuple(broken), note=note)}


async def _until_full(path: Path, pages: int) -> tuple[Counter[str], list[str]]:
    """Run with too little room, and again with enough; return what runs came to, and what is wrong."""
    codes = Counter[str]()
    store = SqliteStore(path, file_bytes=pages * PAGE_BYTES, keep=None, durability="relaxed", warn=_fail)
    first: list[RunResult | StoreError] = []
    async with Swarm(steps(), store=store) as swarm:
        started = (_started(swarm, x) for x in range(RUNS))
        first += await asyncio.gather(*started)
        if any(_said(one) != "completed" for one in first):
            codes[_said(await _started(swarm, RUNS))] += 1  # a run that comes when there is no room
    await store.aclose()
    codes.update(map(_said, first))
    wrong = [f"it said {code}" for code in codes if code not in _HONEST]
    store = SqliteStore(path, keep=None, durability="relaxed", warn=_fail)
    async with Swarm(steps(), store=store) as swarm:
        await swarm.runs.recover()
        for x, before in enumerate(first):
            result = await _again(swarm, x, before)
            if (result.status, result.output) != ("completed", _value(x)):
                wrong.append(f"run {x}, {_said(before)}, is {result.status} {result.output} with more room")
        wrong += await store.check()
    await store.aclose()
    return codes, wrong


_HONEST = ("completed", "failed: storage_full", "refused: storage_full")


async def _started(swarm: Swarm, x: int) -> RunResult | StoreError:
    try:
        return await swarm.run_input(_input(x), key=f"k{x}")
    except StoreError as error:
        return error


async def _again(swarm: Swarm, x: int, before: RunResult | StoreError) -> RunResult:
    if isinstance(before, RunResult):
        return await swarm.resume(before.id)
    return await swarm.run_input(_input(x), key=f"k{x}")


def _input(x: int) -> dict[str, object]:
    return {"x": x, "note": "an input takes room, too " * 100}


def _said(came: RunResult | StoreError) -> str:
    if isinstance(came, StoreError):
        return f"refused: {came.code}"
    return f"failed: {came.error.code}" if came.error is not None else came.status


def _fail(text: str) -> None:
    raise AssertionError(f"a file that was not damaged was set aside: {text}")


def flipped_bytes(count: int, *, seed: int = 0) -> dict[str, Finding]:
    """Flip one bit of the file, or of its log, `count` times, and go on with the runs in it; two rows."""
    draw = random.Random(seed)
    rows: dict[str, Finding] = {}
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        files, ids = asyncio.run(_made(folder))
        for which, share in (("runs.db", count * 3 // 4), ("runs.db-wal", count - count * 3 // 4)):
            codes, broken = Counter[str](), list[str]()
            for number in range(share):
                at, bit = draw.randrange(len(files[which])), draw.randrange(8)
                place = folder / f"{which}-{number}"
                _write_flipped(place, files, which, at, bit)
                for said in asyncio.run(_gone_on_with(place / "runs.db", ids)):
                    codes[said.partition(":")[0]] += 1
                    broken += [f"bit {bit} of byte {at:,} of {which}: {said}"] if ":" in said else []
            shown = ", ".join(f"{what} {number:,}" for what, number in sorted(codes.items()))
            rows[f"flipped bit of {which}"] = Finding(tried=share, broken=tuple(broken), note=f"runs {shown}")
    return rows


def _write_flipped(place: Path, files: Mapping[str, bytes], which: str, at: int, bit: int) -> None:
    place.mkdir()
    for name, content in files.items():
        flipped = bytearray(content)
        if name == which:
            flipped[at] ^= 1 << bit
        (place / name).write_bytes(flipped)


async def _made(folder: Path) -> tuple[dict[str, bytes], dict[int, str]]:
    """Return a file of runs and its log, as a killed process leaves them, and the ids of the runs by number.

    Half of the runs have ended; the others wait for a person. The first of them are in the file, the others in the log.
    """
    store = SqliteStore(folder / "runs.db", durability="relaxed")
    ids: dict[int, str] = {}
    for lot in (range(6), range(6, 10)):
        if lot.start:
            await store.aclose()  # the log is folded into the file
            store = SqliteStore(folder / "runs.db", durability="relaxed")
        async with Swarm(steps(asks=True), store=store) as swarm:
            for x in lot:
                paused = await swarm.run_input(_input(x), key=f"k{x}")
                ids[x] = paused.id
                if x % 2:
                    await swarm.resume(paused, yes=True)
    files = {name: (folder / name).read_bytes() for name in ("runs.db", "runs.db-wal")}
    await store.aclose()
    return files, ids


async def _gone_on_with(path: Path, ids: Mapping[int, str]) -> list[str]:
    """Return what became of each run: `right`, `told` (its damage), or `wrong: ...`."""
    aside: list[str] = []
    store = SqliteStore(path, durability="relaxed", warn=aside.append)
    said: list[str] = []
    async with Swarm(steps(asks=True), store=store) as swarm:
        for x, run_id in ids.items():
            said.append(await _gone_on(swarm, x, run_id))
    await store.aclose()
    return said


async def _gone_on(swarm: Swarm, x: int, run_id: str) -> str:
    try:
        result = await swarm.resume(run_id)
        if result.status == "paused":
            result = await swarm.resume(result, yes=True)
    except StoreError as error:
        return f"told {error.code}" if error.code in NAMED else f"wrong: run {x}: {error.code} {error.what}"
    if isinstance(result.error, StoreError) and result.error.code in NAMED:
        return f"told {result.error.code}"
    if (result.status, result.output) != ("completed", _value(x)):
        return f"wrong: run {x} is {result.status} {result.output} {result.error}"
    return "right"


def second_process() -> dict[str, Finding]:
    """Open a file of runs in a second process while the first is at work; a row."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        said, result = asyncio.run(_shared(Path(name) / "runs.db"))
    broken: list[str] = []
    if said != "owned":
        broken.append(f"the second process was told {said!r}")
    if (result.status, result.output) != ("completed", _value(2)):
        broken.append(f"the first came to {result.status} {result.output}")
    return {"second process on one file": Finding(tried=1, broken=tuple(broken), note=f"it is told: {said}")}


async def _shared(path: Path) -> tuple[str, RunResult]:
    store = SqliteStore(path)
    async with Swarm(steps(asks=True), store=store) as swarm:
        paused = await swarm.run(x=2)
        command = [sys.executable, "-c", SECOND, str(path)]
        root = Path(__file__).parents[2]
        second = await asyncio.to_thread(
            subprocess.run, command, cwd=root, check=True, capture_output=True, text=True
        )
        result = await swarm.resume(paused, yes=True)
    await store.aclose()
    return second.stdout.strip(), result


def foreign_lock(held_s: float, *, busy_s: float) -> dict[str, Finding]:
    """Hold a lock of another program on the file for `held_s`, while runs wait at most `busy_s`; a row."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        broken, waited_s = asyncio.run(_locked_out(Path(name) / "runs.db", held_s, busy_s))
    note = f"told busy after {waited_s:.2f} s"
    return {f"foreign lock of {held_s:g} s": Finding(tried=1, broken=tuple(broken), note=note)}


async def _locked_out(path: Path, held_s: float, busy_s: float) -> tuple[list[str], float]:
    store = SqliteStore(path, busy_s=busy_s)
    broken: list[str] = []
    async with Swarm(steps(asks=True), store=store) as swarm:
        paused = await swarm.run(x=2)
        assert paused.ask is not None
        with _held(path):
            began = time.monotonic()
            said: list[RunResult | StoreError] = []
            waited_s = 0.0
            while not said or time.monotonic() - began < held_s:
                began_one = time.monotonic()
                said.append(await _started(swarm, 3))
                waited_s = time.monotonic() - began_one
        broken += [f"a run came to {_said(one)}" for one in said if _said(one) != "refused: busy"]
        result = await swarm.resume(paused, yes=True)
        other = await swarm.run_input(_input(3), key="k3")
        other = await swarm.resume(other, yes=True)
        for x, one in ((2, result), (3, other)):
            if (one.status, one.output) != ("completed", _value(x)):
                broken.append(f"after it, run {x} is {_said(one)}")
    await store.aclose()
    return broken, waited_s


def _held(path: Path) -> closing[sqlite3.Connection]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return closing(other)
