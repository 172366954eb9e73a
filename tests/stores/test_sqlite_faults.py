"""What a file of runs does when it is killed, full, damaged or cut off: nothing acknowledged changes."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from swarm.errors import StoreError
from swarm.stores.base import END, Record, SavedRun
from swarm.stores.failpoint import FAILPOINTS
from swarm.stores.sqlite import SqliteStore
from swarm.testing._store.base import NOTHING, begun, done, ended, new_run, question, refused

PAGE_BYTES = 2048
ENGINES = ("after_intent", "before_done", "after_done")  # points that only the engine passes
DAMAGE = ("corrupt", "no_run", "no_question", "schema")

STEPS = """
import asyncio, sys
from swarm.stores.base import DONE, END, NewRun, Question, Record, Retention
from swarm.stores.sqlite import SqliteStore

def told(*words):
    print(*words, flush=True)

async def main():
    store = SqliteStore(sys.argv[1])
    for name in ("a", "b"):
        await store.create(NewRun(id=name, graph="g", version="v", input="{}", at=1.0))
        told("created", name)
        for n in range(3):
            await store.append(name, 1, [Record(DONE, f"n{n}", "", "1")])
            told("appended", name, n)
        epoch = (await store.claim(name)).epoch
        told("claimed", name, epoch)
        asked = Question(token=name, run=name, place="ask", call="", text="?", fields="{}", expires=9.0)
        await store.ask(name, epoch, asked, [Record(DONE, "n3", "", "1")])
        told("appended", name, 3)
        told("asked", name)
        await store.answer(name, "1", 2.0)
        told("answered", name)
        await store.end(name, epoch, "failed", [Record(END, "", "", "{}")], 3.0)
        told("ended", name)
        await store.create(NewRun(id=name * 2, graph="g", version="v", input="{}", at=1.0))
        await store.cancel(name * 2, 4.0)
        told("cancelled", name * 2)
    await store.gc(Retention(failed_s=1e9, finished_s=0.0), 9.0)
    told("forgotten")

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "runs.db"


def run_steps(path: Path, failpoint: str) -> tuple[int, list[list[str]]]:
    """Run the steps in a process that dies at the point; return how it ended and what it was told."""
    environment = {**os.environ, "SWARM_FAILPOINT": failpoint}
    command = [sys.executable, "-c", STEPS, str(path)]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return finished.returncode, [line.split() for line in finished.stdout.splitlines()]


async def check_acknowledged(path: Path, told: list[list[str]]) -> None:
    """Assert that all that a dead process was told is there."""
    store = SqliteStore(path)
    for what, *words in told:
        if what == "forgotten":
            continue
        head = (saved := await store.load(words[0])).head
        if what == "appended":
            assert f"n{words[1]}" in [record.place for record in saved.records]
        elif what == "claimed":
            assert head.epoch >= int(words[1])
        elif what == "asked":
            assert [one.token for one in saved.questions] == [words[0]]
        elif what == "answered":
            assert saved.questions[0].answer == "1"
        elif what in ("ended", "cancelled"):
            assert head.status == {"ended": "failed", "cancelled": "cancelled"}[what]
    for head in await store.runs():
        places = [record.place for record in (await store.load(head.id)).records if record.place]
        assert places == [f"n{n}" for n in range(len(places))], "in order, each once"
    assert await store.check() == []
    await store.aclose()


@pytest.mark.parametrize("point", [point for point in FAILPOINTS if point not in ENGINES])
async def test_nothing_acknowledged_is_lost_when_the_process_is_killed_at(point: str, path: Path) -> None:
    code, told = await asyncio.to_thread(run_steps, path, point)
    assert code == -signal.SIGKILL, "the point was not passed"
    await check_acknowledged(
        path, [line for line in told if line[0] != "cancelled"] if "forget" in point else told
    )


@pytest.mark.parametrize("number", [2, 5, 9, 14])
async def test_nothing_acknowledged_is_lost_when_the_process_is_killed_after_the_commit(
    number: int, path: Path
) -> None:
    code, told = await asyncio.to_thread(run_steps, path, f"after_commit:{number}")
    assert code == -signal.SIGKILL
    await check_acknowledged(path, told)


# a full disk


async def fill(store: SqliteStore) -> list[str]:
    """Append until there is no room; return the places that were acknowledged."""
    told: list[str] = []
    for n in range(500):
        try:
            await store.append("r1", 1, [done(f"n{n}", body=json.dumps("x" * 900))])
        except StoreError as error:
            return told if error.code == "storage_full" else [error.code]
        told.append(f"n{n}")
    raise AssertionError("it never was full")


@pytest.mark.parametrize("pages", range(60, 100))
async def test_a_full_file_loses_nothing_and_lets_runs_end(pages: int, path: Path) -> None:
    store = SqliteStore(path, file_bytes=pages * PAGE_BYTES, durability="relaxed")
    await begun(store, "r1")
    told = await fill(store)
    with refused("storage_full"):
        await store.append("r1", 1, [done("more", body=json.dumps("x" * 4000))])
    await store.end("r1", 1, "failed", [Record(END, "", "", '{"error":"storage_full"}')], 200.0)
    await store.aclose()
    store = SqliteStore(path, durability="relaxed")
    saved = await store.load("r1")
    assert [record.place for record in saved.records if record.place] == told
    assert saved.head.status == "failed"
    assert await store.check() == []
    epoch = (await store.claim("r1")).epoch
    await store.append("r1", epoch, [done("more", body=json.dumps("x" * 4000))])  # there is room again
    await store.aclose()


async def test_a_full_file_takes_records_again_when_runs_are_forgotten(path: Path) -> None:
    store = SqliteStore(path, file_bytes=100 * PAGE_BYTES, keep=None)
    await begun(store, "r1")
    await fill(store)
    await store.cancel("r1", 100.0)
    await store.gc(NOTHING, 1e9)
    await begun(store, "r2", [done("a", body=json.dumps("x" * 4000))])
    assert [head.id for head in await store.runs()] == ["r2"]
    await store.aclose()


async def test_a_result_refused_for_want_of_room_may_be_recorded_later(path: Path) -> None:
    store = SqliteStore(path, file_bytes=100 * PAGE_BYTES, keep=None)
    await ended(store, "old")
    await begun(store, "r1")
    large = done("large", body=json.dumps(os.urandom(300_000).hex()))
    with refused("storage_full"):
        await store.append("r1", 1, [large])
    await store.append("r1", 1, [done("small")])
    await store.append("r1", 1, [done("large")])  # it is not remembered as recorded
    assert [record.place for record in (await store.load("r1")).records] == ["small", "large"]
    await store.aclose()


# a log that was cut off


async def test_of_a_log_that_was_cut_off_anywhere_a_beginning_is_read(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    await begun(store)
    for n in range(10):
        await store.append("r1", 1, [done(f"n{n}")])
    copies = copy_live(path, tmp_path / "copies", cuts=30)
    await store.aclose()
    lengths: list[int] = []
    for copy in copies:
        cut = SqliteStore(copy)
        if await cut.runs():
            places = [record.place for record in (await cut.load("r1")).records]
            assert places == [f"n{n}" for n in range(len(places))]
            await cut.append("r1", 1, [done("more")])
            lengths.append(len(places))
        assert await cut.check() == []
        await cut.aclose()
    assert lengths == sorted(lengths)
    assert lengths[-1] == 10, "all of it is read when nothing is cut off"


def copy_live(path: Path, folder: Path, *, cuts: int) -> list[Path]:
    """Copy a file in use as it would be after a crash, its log cut off at so many places, the last one whole."""
    log = path.with_name("runs.db-wal").read_bytes()
    copies: list[Path] = []
    for n in range(cuts + 1):
        copy = folder / str(n) / "runs.db"
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)
        copy.with_name("runs.db-wal").write_bytes(log[: len(log) * n // cuts])
        copies.append(copy)
    return copies


# damage


async def make_runs(path: Path) -> dict[str, SavedRun]:
    """Fill a file with runs of every sort, and return them."""
    store = SqliteStore(path)
    await store.put_graph("v1", json.dumps({"nodes": ["a"] * 100}))
    for n in range(6):
        body = json.dumps("x" * (400 * n))
        await begun(store, f"r{n}", [done(f"n{k}", body=body) for k in range(5)], input=body)
        await store.append(f"r{n}", 1, [done("large", body=json.dumps("large " * 2000 + str(n)))])
        await store.ask(f"r{n}", 1, question(f"t{n}", f"r{n}"), [])
        await store.end(f"r{n}", 1, "completed", [], 200.0)
    saved = {head.id: await store.load(head.id) for head in await store.runs()}
    await store.aclose()
    return saved


async def read_damaged(path: Path, saved: dict[str, SavedRun]) -> int:
    """Read all runs; each is as it was, or its damage is said. Return how many were damaged."""
    codes: list[str] = []
    store = SqliteStore(path, read_only=True)
    for name, expected in saved.items():
        try:
            assert await store.load(name) == expected
        except StoreError as error:
            codes.append(error.code)
    await store.aclose()
    assert set(codes) <= set(DAMAGE)
    return len(codes)


async def test_of_flipped_bytes_none_is_ever_returned_as_data(path: Path) -> None:
    saved = await make_runs(path)
    whole = await asyncio.to_thread(path.read_bytes)
    rng = random.Random(20)
    damaged = 0
    for _ in range(150):
        at = rng.randrange(len(whole))
        flipped = bytes([whole[at] ^ (1 << rng.randrange(8))])
        await asyncio.to_thread(path.write_bytes, whole[:at] + flipped + whole[at + 1 :])
        damaged += bool(await read_damaged(path, saved))
    assert damaged > 30, "most bytes of the file matter"


async def test_a_damaged_run_is_said_and_the_others_are_served(path: Path) -> None:
    store = SqliteStore(path)
    for name in ("r1", "r2", "r3"):
        await begun(store, name, [done("a", body=f'"the text of {name}"')])
    await store.aclose()
    whole = await asyncio.to_thread(path.read_bytes)
    await asyncio.to_thread(path.write_bytes, whole.replace(b"the text of r2", b"the tExt of r2"))
    store = SqliteStore(path)
    with refused("corrupt"):
        await store.load("r2")
    assert (await store.load("r1")).records == (done("a", body='"the text of r1"'),)
    await store.append("r3", 1, [done("b")])
    assert [problem for problem in await store.check() if "r2" in problem]
    await store.aclose()


async def test_the_line_about_a_run_that_is_damaged_does_not_hide_the_others(path: Path) -> None:
    store = SqliteStore(path)
    for name in ("r1", "r2"):
        await store.create(new_run(name, source=f"{name}.swarm.yaml"))
    await store.aclose()
    whole = await asyncio.to_thread(path.read_bytes)
    await asyncio.to_thread(path.write_bytes, whole.replace(b"r2.swarm.yaml", b"r2.sWarm.yaml"))
    store = SqliteStore(path)
    assert [(head.id, head.status) for head in await store.runs()] == [("r2", "corrupt"), ("r1", "running")]
    with refused("corrupt"):
        await store.claim("r2")
    await store.append("r1", 1, [done("a")])
    await store.aclose()


@pytest.mark.parametrize("junk", [b"this is no database" * 300, b"SQLite format 3\0" + b"\xff" * 4096])
async def test_a_damaged_file_is_set_aside_with_its_log_and_new_runs_are_kept(
    junk: bytes, path: Path
) -> None:
    await make_runs(path)
    log = path.with_name("runs.db-wal")
    for file in (path, log):
        await asyncio.to_thread(file.write_bytes, junk)
    warned: list[str] = []
    store = SqliteStore(path, warn=warned.append)
    await begun(store, "new", [done("a")])
    assert [head.id for head in await store.runs()] == ["new"]
    await store.aclose()
    aside = path.with_name("runs.db.corrupt-1")
    assert await asyncio.to_thread(aside.read_bytes) == junk
    assert await asyncio.to_thread(Path(f"{aside}-wal").read_bytes) == junk
    assert len(warned) == 1
    assert str(path) in warned[0]
    assert str(aside) in warned[0]


async def test_a_second_damaged_file_does_not_replace_the_first_that_was_set_aside(path: Path) -> None:
    warned: list[str] = []
    for _ in range(2):
        store = SqliteStore(path, warn=warned.append)
        await begun(store)
        await store.aclose()
        await asyncio.to_thread(path.write_bytes, b"junk" * 1000)
    store = SqliteStore(path, warn=warned.append)
    await begun(store)
    await store.aclose()
    assert sorted(file.name for file in path.parent.glob("*.corrupt-?")) == [
        "runs.db.corrupt-1",
        "runs.db.corrupt-2",
    ]


async def test_a_damaged_file_is_not_touched_by_reading_it(path: Path) -> None:
    await make_runs(path)
    await asyncio.to_thread(path.write_bytes, b"junk" * 1000)
    store = SqliteStore(path, read_only=True)
    with refused("corrupt"):
        await store.runs()
    await store.aclose()
    assert await asyncio.to_thread(path.read_bytes) == b"junk" * 1000


async def test_a_record_that_is_missing_is_noticed(path: Path) -> None:
    await make_runs(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        last = file.execute("SELECT max(id) FROM journal").fetchone()
        file.execute("DELETE FROM journal WHERE id = ?", last)
    store = SqliteStore(path)
    with refused("corrupt"):
        await store.load("r5")
    await store.aclose()
