"""A store that somebody else wrote, or a file that is none: a typed error that says what and where, and no harm."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import zlib
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from swarm import Graph, RunResult, StoreError, Swarm, SwarmError, tool
from swarm.stores.base import DONE, END, EVENTS, INTENT, TRIED, NewRun, Question, Record, Retention
from swarm.stores.history import recorded_run, summary_of
from swarm.stores.memory import MemoryStore
from swarm.stores.sqlite import SqliteStore

RESULT = '{"kind":"tool","at":0,"latency_ms":1,"output":4}'
JUNK = [
    "", "x", "null", "1", "true", "NaN", '"a"', "[]", "{}", "[1]", "[null]", "[{}]", "[" * 100_000, '{"a":' * 100_000,
    "[" * 700 + "]" * 700, "1" * 5_000, '[{"type":1}]', '[{"type":"node.skipped"}]', '[{"type":"node.failed","node":5}]',
    '{"kind":1}', '{"kind":"tool","output":1}', '{"kind":"tool","output":1,"latency_ms":"x","at":0}',
    '{"kind":"tool","output":1,"latency_ms":1e400,"at":0}', '{"kind":"tool","output":1,"latency_ms":1,"at":0,"marks":[]}',
    '{"kind":"expert","output":1,"latency_ms":1,"at":0,"marks":{"zzz":1}}',
    '{"kind":"tool","error":{},"latency_ms":1,"at":0}', '{"kind":"tool","skipped":1,"latency_ms":1,"at":0}',
    '{"usage":{"x":1}}', '{"usage":1}', '{"invalid":"a","usage":{"input_tokens":"a"}}', '{"failure":{"kind":"X"}}',
    '{"nodes":1}', '{"nodes":{"a":{"kind":"tool"}},"status":"completed","output":1,"text":1,"usage":{},"notes":[]}',
]  # fmt: skip


@tool(effect="pure")
async def double(n: int) -> int:
    """Return twice the number."""
    return n * 2


def graph() -> Graph:
    made = Graph("g", input={"n": int})
    doubled = made.tool("a", double, n=made.input.n)
    asked = made.ask("b", "ok {{ a }}?", answer={"ok": "boolean"}, a=doubled)
    made.output(made.reply("c", "{{ a }} {{ ok }}", a=doubled, ok=asked.ok))
    return made


async def version_of(store: MemoryStore) -> str:
    async with Swarm(graph(), store=store) as swarm:
        paused = await swarm.run(n=2)
        return (await swarm.runs.show(paused.id)).head.version


Attack = Callable[[MemoryStore, str, str], Awaitable[None]]
DEEDS: list[Callable[[Swarm, str], Awaitable[Any]]] = [
    lambda swarm, run: swarm.resume(run),
    lambda swarm, run: swarm.resume(run, ok=True),
    lambda swarm, run: swarm.runs.fork(run, at=["b"]),
    lambda swarm, run: swarm.runs.fork(run, changed={"n": 3}),
    lambda swarm, run: swarm.runs.replay(run),
    lambda swarm, run: swarm.runs.export(run),
    lambda swarm, run: swarm.runs.cancel(run),
    lambda swarm, run: swarm.runs.recover(),
]


def new_run(version: str, name: str, given: str = '{"n":2}', **more: Any) -> NewRun:
    return NewRun(id=name, graph="g", version=version, input=given, at=0.0, **more)


async def survives(attack: Attack) -> None:
    """Do everything that can be done with a run that somebody wrote; each ends well, or says which run is wrong."""
    store = MemoryStore()
    version = await version_of(store)
    async with asyncio.timeout(5), Swarm(graph(), store=store) as swarm:
        for number, deed in enumerate(DEEDS):
            name = f"evil{number}"
            await attack(store, version, name)
            failure: SwarmError | None = None
            try:
                came = await deed(swarm, name)
                failure = came.error if isinstance(came, RunResult) else None
            except SwarmError as error:
                failure = error
                assert "evil" in str(failure), "it names the run"
            assert failure is None or failure.code != "internal", failure
            saved = await swarm.runs.show(name)
            recorded_run(saved)  # what people look at is shown as far as it goes
            summary_of(saved)


@pytest.mark.parametrize("status", ["running", "failed", "completed"])
@pytest.mark.parametrize(
    ("kind", "call"), [(DONE, ""), (DONE, "m#1"), (TRIED, "m#1"), (INTENT, ""), (EVENTS, ""), (END, "")]
)
async def test_a_journal_that_somebody_else_wrote_breaks_nothing(kind: str, call: str, status: str) -> None:
    for body in JUNK:

        async def attack(store: MemoryStore, version: str, name: str, body: str = body) -> None:
            await store.create(new_run(version, name))
            record = Record(kind, "" if kind in (END, EVENTS) else "a", call, body)
            if status == "running":
                await store.append(name, 1, [record])
            else:
                await store.end(name, 1, status, [record], 1.0)

        await survives(attack)


@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
async def test_an_input_a_graph_and_questions_that_somebody_else_wrote_break_nothing(body: str) -> None:
    async def bad_input(store: MemoryStore, version: str, name: str) -> None:
        await store.create(new_run(version, name, body))

    async def bad_graph(store: MemoryStore, version: str, name: str) -> None:
        await store.put_graph("v", body)
        await store.create(new_run("v", name, records=(Record(DONE, "a", "", RESULT),)))

    async def bad_fields(store: MemoryStore, version: str, name: str) -> None:
        await store.create(new_run(version, name))
        await store.ask(name, 1, asked(name, fields=body), [])

    async def bad_answer(store: MemoryStore, version: str, name: str) -> None:
        await store.create(new_run(version, name))
        await store.ask(name, 1, asked(name), [])
        await store.answer(asked(name).token, body, 1.0)

    for attack in (bad_input, bad_graph, bad_fields, bad_answer):
        await survives(attack)


@pytest.mark.parametrize("expires", [float("nan"), float("inf"), -1.0, 1e308])
async def test_a_question_that_expires_at_no_time_breaks_nothing(expires: float) -> None:
    async def attack(store: MemoryStore, version: str, name: str) -> None:
        await store.create(new_run(version, name))
        await store.ask(name, 1, asked(name, expires=expires), [])

    await survives(attack)


async def test_a_run_whose_graph_is_not_kept_is_named() -> None:
    async def attack(store: MemoryStore, version: str, name: str) -> None:
        await store.create(new_run("gone", name))

    await survives(attack)


def asked(name: str, *, fields: str = '{"ok":"boolean"}', expires: float = 4e9) -> Question:
    return Question(
        token=name.rjust(32, "0"), run=name, place="b", call="ask#1", text="?", fields=fields, expires=expires
    )


@pytest.mark.parametrize("found", ["letter.txt", "other.db"])
async def test_a_file_that_never_held_runs_is_refused_and_stays_as_it_is(found: str, tmp_path: Path) -> None:
    file = tmp_path / found
    if found == "other.db":
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE runs(x)")
            other.commit()
    else:
        file.write_text("Dear customer, " * 500)
    before = file.read_bytes()
    for _ in range(2):  # what the first attempt leaves behind does not make it ours
        async with Swarm(graph(), store=file) as swarm:
            with pytest.raises(StoreError, match="something else") as refused:
                await swarm.run(n=1)
        assert refused.value.code == "schema"
        assert str(file) in str(refused.value)
    assert file.read_bytes() == before


async def test_what_is_no_file_holds_no_runs_and_is_not_waited_for(tmp_path: Path) -> None:
    pipe, loop, lost = tmp_path / "pipe.db", tmp_path / "loop.db", tmp_path / "lost.db"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    lost.symlink_to(tmp_path / "no" / "such" / "folder")
    async with asyncio.timeout(5):
        for path in (tmp_path, pipe, loop, lost):
            async with Swarm(graph(), store=path) as swarm:
                with pytest.raises(StoreError, match=path.name):
                    await swarm.run(n=1)
        for path in (tmp_path, pipe):
            reading = SqliteStore(path, read_only=True)
            with pytest.raises(StoreError, match="this is"):
                await reading.runs()
            await reading.aclose()


async def test_an_empty_file_is_an_empty_store_to_read_and_to_write(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    file.touch()
    reading = SqliteStore(file, read_only=True)
    assert await reading.runs() == []
    async with Swarm(graph(), store=file) as swarm:
        paused = await swarm.run(n=1)
    assert [head.id for head in await reading.runs()] == [paused.id]
    await reading.aclose()


async def test_a_file_that_claims_more_than_it_holds_takes_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    store = SqliteStore(file)
    version = "v"
    await store.put_graph(version, "{}")
    await store.create(new_run(version, "evil", "[" + "0," * 10_000 + "0]"))
    await store.aclose()
    with closing(sqlite3.connect(file)) as bomb:
        body = zlib.compress(b"0" * 10_000_000)
        bomb.execute("UPDATE blobs SET size = ?, body = ?", (1_000_000_000, body))
        bomb.commit()
    reading = SqliteStore(file, read_only=True)
    with pytest.raises(StoreError, match="1,000,000,000 bytes") as refused:
        await reading.load("evil")
    assert refused.value.code == "corrupt"
    await reading.aclose()


async def test_a_time_that_is_none_forgets_nothing() -> None:
    store = MemoryStore()
    async with Swarm(graph(), store=store) as swarm:
        paused = await swarm.run(n=1)
        await swarm.cancel(paused)
        nan = float("nan")
        assert (await swarm.runs.gc(Retention(finished_s=nan, failed_s=nan))).runs == 0
        assert [head.id for head in await swarm.runs.ls()] == [paused.id]


@pytest.mark.parametrize(
    "name", ["\ud800", "a\0b", "x" * 100_000, "../../etc/passwd", "'; drop table runs;--", ""]
)
async def test_a_name_of_any_kind_is_no_run(name: str, tmp_path: Path) -> None:
    for store in (MemoryStore(), SqliteStore(tmp_path / "runs.db")):
        async with Swarm(graph(), store=store) as swarm:
            await swarm.run(n=1)
            for deed in (
                swarm.resume,
                swarm.runs.show,
                swarm.runs.cancel,
                swarm.runs.export,
                swarm.runs.replay,
            ):
                with pytest.raises(StoreError):
                    await deed(name)
            assert len(await swarm.runs.ls(limit=10**30)) == 1
        await store.aclose()


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "no/such/folder/x", "."])
async def test_a_copy_that_cannot_be_written_says_so(path: str, tmp_path: Path) -> None:
    async with Swarm(graph(), store=tmp_path / "runs.db") as swarm:
        await swarm.run(n=1)
        with pytest.raises(StoreError, match="cannot be written"):
            await swarm.runs.backup(path)
