"""Runs in an SQLite file keep every promise of a store; what only the file does follows below."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from swarm.errors import StoreError
from swarm.stores._sqlite.connect import filesystem_of
from swarm.stores.base import Retention, RunStore, StoreStats
from swarm.stores.limits import StoreLimits
from swarm.stores.sqlite import SqliteStore
from swarm.testing import BackupConformance, DurableStoreConformance
from swarm.testing._store.base import NOTHING, begun, done, ended, new_run, question, refused

OWNER = """
import asyncio, sys
from swarm.stores.base import DONE, NewRun, Record
from swarm.stores.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    await store.create(NewRun(id="theirs", graph="g", version="v", input="{}", at=1.0))
    number = 0
    print("ready", flush=True)
    while sys.stdin.readline():
        await store.append("theirs", 1, [Record(DONE, f"n{number}", "", "1")])
        number += 1
        print(number, flush=True)

asyncio.run(main())
"""


class TestSqliteStore(DurableStoreConformance, BackupConformance):
    path: Path

    def begin(self, folder: Path) -> None:
        self.path = folder / "kept" / "runs.db"

    async def open_store(self, limits: StoreLimits | None = None) -> RunStore:
        return SqliteStore(self.path, limits=limits)

    async def open_backup(self, path: Path) -> RunStore:
        return SqliteStore(path, read_only=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "runs.db"


@contextmanager
def owner(path: Path) -> Generator[subprocess.Popen[str]]:
    """Run another process that owns the file, and appends a record for each line it is sent."""
    command = [sys.executable, "-c", OWNER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str]) -> None:
    """Let the other process append a record, and wait until it has."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline().strip().isdigit()


def size_of(file: Path) -> int:
    return file.stat().st_size


def opened_under(folder: Path) -> list[str]:
    """Return the files of a folder that this process has open, where the system tells."""
    handles = Path("/proc/self/fd")
    opened = (
        [os.readlink(handle) for handle in handles.iterdir() if handle.exists()] if handles.exists() else []
    )
    return [name for name in opened if name.startswith(str(folder))]


# privacy


async def test_the_files_are_readable_by_their_owner_only(path: Path) -> None:
    store = SqliteStore(path)
    await begun(store)
    rights = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await store.aclose()
    assert rights == dict.fromkeys(["runs.db", "runs.db-wal", "runs.db-shm", "runs.db.lock"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_copy_is_readable_by_its_owner_only(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    await begun(store)
    await store.backup(tmp_path / "copy.db")
    await store.aclose()
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


# one owner


async def test_a_second_store_on_the_file_in_this_process_is_refused(path: Path) -> None:
    first, second = SqliteStore(path), SqliteStore(path)
    await begun(first)
    with refused("owned"):
        await second.create(new_run("r2"))
    await first.append("r1", 1, [done("a")])
    await first.aclose()
    await second.append("r1", 1, [done("b")])  # it is free now
    await second.aclose()


async def test_a_second_process_on_the_file_is_refused_and_told_who_has_it(path: Path) -> None:
    with owner(path) as process:
        store = SqliteStore(path)
        with pytest.raises(StoreError) as caught:
            await store.open()
        await store.aclose()
    assert caught.value.code == "owned"
    assert str(process.pid) in caught.value.what
    assert caught.value.hint


async def test_the_file_is_free_when_its_owner_was_killed_and_nothing_is_lost(path: Path) -> None:
    with owner(path) as process:
        for _ in range(3):
            tell(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = SqliteStore(path)
        places = [record.place for record in (await store.load("theirs")).records]
        await store.aclose()
    assert places == ["n0", "n1", "n2"]


# reading beside the owner


async def test_reading_works_while_another_process_owns_and_writes(path: Path) -> None:
    with owner(path) as process:
        store = SqliteStore(path, read_only=True)
        for expected in (1, 2, 3):
            tell(process)
            assert len((await store.load("theirs")).records) == expected
        assert [head.id for head in await store.runs()] == ["theirs"]
        with refused("read_only"):
            await store.append("theirs", 1, [done("mine")])
        await store.aclose()
        tell(process)  # and the owner goes on


async def test_reading_a_file_that_is_not_there_is_like_reading_an_empty_one(path: Path) -> None:
    reader = SqliteStore(path, read_only=True)
    assert await reader.runs() == []
    assert await reader.stats() == StoreStats()
    with refused("no_run"):
        await reader.load("r1")
    with refused("no_question"):
        await reader.question("t1")
    assert not path.parent.exists(), "reading makes nothing"
    writer = SqliteStore(path)
    await begun(writer)
    assert [head.id for head in await reader.runs()] == ["r1"], "it is there now"
    await reader.aclose()
    await writer.aclose()


async def test_reading_keeps_nobody_from_owning_the_file(path: Path) -> None:
    writer = SqliteStore(path)
    await begun(writer)
    await writer.aclose()
    reader = SqliteStore(path, read_only=True)
    assert await reader.load("r1")
    again = SqliteStore(path)
    await again.append("r1", 1, [done("a")])
    assert len((await reader.load("r1")).records) == 1
    await again.aclose()
    await reader.aclose()


async def test_a_store_to_read_refuses_every_change(path: Path) -> None:
    store = SqliteStore(path, read_only=True)
    with refused("read_only"):
        await store.create(new_run("r1"))
    with refused("read_only"):
        await store.cancel("r1", 1.0)
    with refused("read_only"):
        await store.gc(NOTHING, 1.0)
    await store.aclose()


# a lock of another tool


async def test_a_foreign_lock_is_waited_for_and_then_told_of_and_nothing_is_lost(path: Path) -> None:
    store = SqliteStore(path, busy_s=0.01)
    await begun(store, "r1", [done("a")])
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN EXCLUSIVE")
        with refused("busy"):
            await store.append("r1", 1, [done("b")])
        assert len((await store.load("r1")).records) == 1
    await store.append("r1", 1, [done("b")])
    assert [record.place for record in (await store.load("r1")).records] == ["a", "b"]
    await store.aclose()


async def test_what_waits_for_a_foreign_lock_is_written_when_it_goes(path: Path) -> None:
    store = SqliteStore(path, busy_s=60.0)
    await begun(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN EXCLUSIVE")
        waiting = [asyncio.ensure_future(store.append("r1", 1, [done(f"n{n}")])) for n in range(5)]
        await asyncio.sleep(0)
        foreign.execute("ROLLBACK")
        await asyncio.gather(*waiting)
    assert len((await store.load("r1")).records) == 5
    await store.aclose()


# durability, as it is set


async def test_every_commit_waits_for_the_disk(path: Path) -> None:
    store = SqliteStore(path)
    settings = await store.settings()
    await store.aclose()
    full = 2
    assert (settings["journal_mode"], settings["synchronous"]) == ("wal", full)


async def test_relaxed_durability_does_not_wait_for_the_disk(path: Path) -> None:
    store = SqliteStore(path, durability="relaxed")
    settings = await store.settings()
    await store.aclose()
    normal = 1
    assert (settings["journal_mode"], settings["synchronous"]) == ("wal", normal)


async def test_a_durability_that_does_not_exist_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="sometimes"):
        SqliteStore(path, durability="sometimes")  # type: ignore[arg-type]


async def test_the_file_cannot_call_functions_and_is_checked_as_it_is_read(path: Path) -> None:
    store = SqliteStore(path, busy_s=1.5)
    settings = await store.settings()
    await store.aclose()
    safe = {"trusted_schema": 0, "cell_size_check": 1, "foreign_keys": 1, "busy_timeout": 1500}
    assert settings == settings | safe


async def test_a_step_writes_less_than_8_kilobytes(path: Path) -> None:
    store = SqliteStore(path)
    await begun(store, "other", [done("a")])
    await begun(store)
    log = path.with_name("runs.db-wal")
    before = size_of(log)
    for n in range(20):
        await store.append("r1", 1, [done(f"n{n}", body=json.dumps("x" * 600))])
    written = (size_of(log) - before) / 20
    await store.aclose()
    assert written < 8192


# versions


@pytest.fixture
def empty_file(path: Path) -> Path:
    path.parent.mkdir()
    path.touch()
    return path


async def test_an_empty_file_is_filled(empty_file: Path) -> None:
    path = empty_file
    store = SqliteStore(path)
    await begun(store)
    await store.aclose()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (1,)


async def test_a_file_of_a_later_version_is_refused_and_left_as_it_is(path: Path) -> None:
    store = SqliteStore(path)
    await begun(store)
    await store.aclose()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 99")
    for read_only in (False, True):
        store = SqliteStore(path, read_only=read_only)
        with pytest.raises(StoreError, match="later version") as caught:
            await store.load("r1")
        assert (caught.value.code, bool(caught.value.hint)) == ("schema", True)
        await store.aclose()
    assert [file.name for file in path.parent.glob("*corrupt*")] == []


async def test_a_database_of_something_else_is_refused_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE mine(a)")
    store = SqliteStore(path)
    with refused("schema"):
        await begun(store)
    await store.aclose()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT name FROM sqlite_schema").fetchall() == [("mine",)]


# where files may be


def test_the_file_system_of_a_file_is_that_of_the_folder_mounted_nearest_to_it() -> None:
    mounts = (
        "/dev/sda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n"
        "/dev/sdb /home/me/local\\040disk ext4 rw 0 0\nnone /home2 cifs rw 0 0\n"
    )
    found = [
        filesystem_of(Path(name), mounts)
        for name in (
            "/var/runs.db",
            "/home/me/runs.db",
            "/home/me/local disk/runs.db",
            "/homes/x",
            "/home2/x",
        )
    ]
    assert found == ["ext4", "nfs4", "ext4", "ext4", "cifs"]


async def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqliteStore(tmp_path / "file" / "runs.db")
    with pytest.raises(StoreError, match=r"runs\.db") as caught:
        await begun(store)
    assert caught.value.hint
    await store.aclose()


async def test_a_name_that_is_not_text_is_refused_beside_others_that_are(path: Path) -> None:
    store = SqliteStore(path)
    await begun(store)
    names = ["a", "half \ud800", "b"]
    outcomes = await asyncio.gather(
        *(store.append("r1", 1, [done(name)]) for name in names), return_exceptions=True
    )
    assert [getattr(outcome, "code", None) for outcome in outcomes] == [None, "invalid", None]
    assert [record.place for record in (await store.load("r1")).records] == ["a", "b"]
    await store.aclose()


# room


async def test_a_large_body_takes_its_room_once(path: Path) -> None:
    store = SqliteStore(path)
    body = json.dumps(os.urandom(100_000).hex())
    for n in range(20):
        await begun(store, f"r{n}", [done("a", body=body)], input=body)
    await store.aclose()
    assert size_of(path) < 2 * len(body)


async def test_room_of_forgotten_runs_is_given_back_to_the_disk(path: Path) -> None:
    store = SqliteStore(path)
    for n in range(20):
        await begun(store, f"r{n}", [done("a", body=json.dumps(os.urandom(20_000).hex()))])
        await store.cancel(f"r{n}", 1.0)
    await store.gc(NOTHING, 1e9)
    await store.aclose()
    assert size_of(path) < 100_000


async def test_the_log_is_folded_into_the_file_when_the_store_is_closed(path: Path) -> None:
    store = SqliteStore(path)
    await begun(store)
    await store.aclose()
    assert not path.with_name("runs.db-wal").exists()


async def test_old_runs_are_forgotten_without_being_asked_for(path: Path) -> None:
    keep = Retention(finished_s=10.0, failed_s=10.0)
    store = SqliteStore(path, keep=keep)
    for n in range(100):
        await ended(store, f"old{n}", at=100.0)
    await store.aclose()
    store = SqliteStore(path, keep=keep)
    await begun(store, "r1")  # of the time 100: nothing is old
    assert (await store.stats()).runs == 101
    await store.aclose()
    store = SqliteStore(path, keep=keep)
    await store.create(new_run("r2", at=1000.0))
    while (await store.stats()).runs > 2:  # the writer does it between the changes it is asked for
        await store.put_graph("v1", "{}")
    assert {head.id for head in await store.runs()} == {"r1", "r2"}
    await store.aclose()


async def test_without_a_retention_nothing_is_forgotten_unasked(path: Path) -> None:
    store = SqliteStore(path, keep=None)
    await ended(store, "old", at=1.0)
    await store.aclose()
    store = SqliteStore(path, keep=None)
    await store.create(new_run("r1", at=1e12))
    for _ in range(3):
        await store.put_graph("v1", "{}")
    assert (await store.stats()).runs == 2
    await store.aclose()


# threads and loops


async def test_closing_leaves_no_thread_and_no_open_file(path: Path) -> None:
    before = threading.enumerate()
    store = SqliteStore(path)
    await begun(store)
    await store.load("r1")
    await asyncio.gather(store.aclose(), store.aclose())
    assert threading.enumerate() == before
    assert not opened_under(path.parent)


def test_one_store_serves_several_event_loops(path: Path) -> None:
    store = SqliteStore(path)

    def serve(run_id: str) -> None:
        async def chain() -> None:
            await store.create(new_run(run_id))
            for n in range(20):
                await store.append(run_id, 1, [done(f"n{n}")])

        asyncio.run(chain())

    threads = [threading.Thread(target=serve, args=(f"r{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def counted() -> StoreStats:
        stats = await store.stats()
        await store.aclose()
        return stats

    assert asyncio.run(counted()).records == 80


async def test_an_error_names_the_file_and_never_a_token(path: Path) -> None:
    store = SqliteStore(path)
    await begun(store)
    await store.ask("r1", 1, question("secret-token"), [])
    with pytest.raises(StoreError) as caught:
        await store.ask("r1", 1, question("secret-token"), [])
    assert not re.search("secret-token", str(caught.value))
    await store.aclose()
