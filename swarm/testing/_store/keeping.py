"""Listing, forgetting, counting, closing, and opening again: what a store must do."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from pathlib import Path

import pytest

from swarm.errors import StoreError
from swarm.stores.base import Retention, RunStore, StoreStats
from swarm.testing._store.base import (
    DAY_S,
    FOREVER,
    NOTHING,
    StoreTests,
    begun,
    done,
    ended,
    new_run,
    question,
    refused,
)

__all__ = ["BackupTests", "DurableTests", "KeepingTests"]


class KeepingTests(StoreTests):
    """What is kept can be found; what need not be kept goes, and nothing else."""

    # runs

    async def test_runs_are_listed_the_newest_first(self, store: RunStore) -> None:
        for n in range(5):
            await store.create(new_run(f"r{n}", at=100.0 + n))
        assert [head.id for head in await store.runs()] == ["r4", "r3", "r2", "r1", "r0"]
        assert [head.id for head in await store.runs(limit=2)] == ["r4", "r3"]
        assert await store.runs(limit=0) == []

    async def test_runs_are_found_by_state(self, store: RunStore) -> None:
        await begun(store, "r1")
        await ended(store, "r2", "failed")
        await ended(store, "r3", "completed")
        assert [head.id for head in await store.runs(status=["failed"])] == ["r2"]
        assert [head.id for head in await store.runs(status=["running", "completed"])] == ["r3", "r1"]
        assert await store.runs(status=["paused"]) == []

    async def test_runs_are_found_by_the_beginning_of_their_id(self, store: RunStore) -> None:
        for name in ("20-a", "20-b", "21-a", "2%", "2_"):
            await begun(store, name)
        assert [head.id for head in await store.runs(prefix="20-")] == ["20-b", "20-a"]
        assert [head.id for head in await store.runs(prefix="2%")] == ["2%"]
        assert await store.runs(prefix="3") == []

    async def test_a_run_is_found_by_its_key(self, store: RunStore) -> None:
        await store.create(new_run("r1", key="order-7"))
        await store.create(new_run("r2", key="order-8"))
        assert [head.id for head in await store.runs(key="order-8")] == ["r2"]
        assert await store.runs(key="order-9") == []

    async def test_a_listed_head_is_the_head_of_the_loaded_run(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        await ended(store, "r2")
        for head in await store.runs():
            assert head == (await store.load(head.id)).head

    async def test_an_empty_store_has_nothing(self, store: RunStore) -> None:
        assert await store.runs() == []
        assert await store.stats() == StoreStats()

    # graphs

    async def test_a_graph_comes_back_and_may_be_given_again(self, store: RunStore) -> None:
        body = json.dumps({"nodes": "é" * 20_000}, ensure_ascii=False)
        for _ in range(2):
            await store.put_graph("v1", body)
        assert await store.graph("v1") == body

    async def test_a_graph_that_is_not_there_is_said_so(self, store: RunStore) -> None:
        with refused("no_run"):
            await store.graph("v9")

    # stats

    async def test_what_is_kept_is_counted(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a", body="12"), done("b", body="345")])
        await begun(store, "r2", [done("a", body="6")])
        await store.end("r2", 1, "completed", [done("b", body="7")], 200.0)
        assert await store.stats() == StoreStats(
            runs=2, records=4, bytes=7, by_status={"running": 1, "completed": 1}
        )

    # gc

    async def test_ended_runs_go_after_their_time_and_open_ones_never(self, store: RunStore) -> None:
        await begun(store, "open")
        await begun(store, "asking")
        await store.ask("asking", 1, question("t1", "asking"), [])
        await ended(store, "done", "completed", at=1000.0)
        gone = await store.gc(NOTHING, 1e9)
        assert (gone.runs, gone.by_status) == (1, {"completed": 1})
        assert {head.id for head in await store.runs()} == {"open", "asking"}
        assert await store.question("t1")
        with refused("no_run"):
            await store.load("done")

    async def test_failed_runs_are_kept_longer(self, store: RunStore) -> None:
        await ended(store, "done", "completed", at=0.0)
        await ended(store, "failed", "failed", at=0.0)
        assert (await store.gc(Retention(), 6 * DAY_S)).runs == 0
        assert (await store.gc(Retention(), 8 * DAY_S)).by_status == {"completed": 1}
        assert (await store.gc(Retention(), 31 * DAY_S)).by_status == {"failed": 1}

    async def test_only_so_many_ended_runs_are_kept_those_that_ended_last(self, store: RunStore) -> None:
        for n, at in enumerate((300.0, 100.0, 200.0)):
            await ended(store, f"r{n}", at=at)
        keep = Retention(finished_s=1e12, failed_s=1e12, runs=2)
        assert (await store.gc(keep, 400.0)).runs == 1
        assert {head.id for head in await store.runs()} == {"r0", "r2"}

    async def test_only_so_many_bytes_are_kept_the_oldest_ended_runs_go_first(self, store: RunStore) -> None:
        for n in range(3):
            await begun(store, f"r{n}", [done("a", body='"' + "x" * 998 + '"')])
            await store.end(f"r{n}", 1, "completed", [], 100.0 + n)
        keep = Retention(finished_s=1e12, failed_s=1e12, bytes=2500)
        gone = await store.gc(keep, 400.0)
        assert (gone.runs, gone.bytes, gone.records) == (1, 1000, 1)
        assert {head.id for head in await store.runs()} == {"r1", "r2"}

    async def test_what_went_is_gone_with_its_questions_and_its_key(self, store: RunStore) -> None:
        await store.create(new_run("r1", key="order-7"))
        await store.ask("r1", 1, question("t1"), [])
        await store.cancel("r1", 100.0)
        await store.gc(NOTHING, 1e9)
        with refused("no_question"):
            await store.question("t1")
        assert await store.create(new_run("r2", key="order-7")) == "r2"

    async def test_a_large_body_goes_with_the_last_run_that_has_it(self, store: RunStore) -> None:
        body = json.dumps("large " * 50_000)
        await begun(store, "r1", [done("a", body=body)], input=body)
        await begun(store, "r2", [done("a", body=body)])
        await store.end("r1", 1, "completed", [], 100.0)
        await store.gc(NOTHING, 1e9)
        assert (await store.load("r2")).records == (done("a", body=body),)

    async def test_a_graph_goes_with_its_last_run(self, store: RunStore) -> None:
        for version in ("v1", "v2"):
            await store.put_graph(version, "{}")
        await begun(store, "open", version="v1")
        await begun(store, "over", version="v2")
        await store.end("over", 1, "completed", [], 100.0)
        for _ in range(2):  # a graph that was given just now may stay until the next time
            await store.gc(NOTHING, 1e9)
        assert await store.graph("v1")
        with refused("no_run"):
            await store.graph("v2")

    async def test_a_graph_given_for_a_run_that_is_about_to_begin_stays(self, store: RunStore) -> None:
        await store.put_graph("v1", "{}")
        await store.gc(NOTHING, 1e9)
        assert await store.graph("v1") == "{}"

    async def test_runs_go_on_while_others_are_forgotten(self, store: RunStore) -> None:
        for n in range(30):
            await ended(store, f"old{n}", at=1.0)

        async def chain(run_id: str) -> None:
            await store.create(new_run(run_id))
            for n in range(10):
                await store.append(run_id, 1, [done(f"n{n}")])

        names = [f"new{n}" for n in range(10)]
        await asyncio.gather(store.gc(NOTHING, 1e9), *(chain(name) for name in names))
        assert {head.id for head in await store.runs()} == set(names)
        assert [len((await store.load(name)).records) for name in names] == [10] * 10

    async def test_forgetting_twice_at_once_counts_each_run_once(self, store: RunStore) -> None:
        for n in range(20):
            await ended(store, f"r{n}", at=1.0)
        gone = await asyncio.gather(store.gc(NOTHING, 1e9), store.gc(NOTHING, 1e9))
        assert sum(one.runs for one in gone) == 20

    async def test_nothing_goes_that_is_to_be_kept(self, store: RunStore) -> None:
        await ended(store, "r1")
        assert await store.gc(FOREVER, 1e9) == StoreStats()
        assert await store.load("r1")

    # aclose

    async def test_a_closed_store_refuses_everything_and_may_be_closed_again(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.aclose()
        await store.aclose()
        with refused("closed"):
            await store.append("r1", 1, [done("a")])
        with refused("closed"):
            await store.create(new_run("r2"))
        with refused("closed"):
            await store.load("r1")
        with refused("closed"):
            await store.runs()


class DurableTests(StoreTests):
    """What was acknowledged is there when the store is opened again."""

    async def test_everything_is_there_after_opening_again(self, store: RunStore) -> None:
        await store.put_graph("v1", '{"nodes":[]}')
        await store.create(new_run("r1", key="order-7"))
        await store.append("r1", 1, [done("a", body='"é"'), done("b", body='"' + "x" * 50_000 + '"')])
        await store.ask("r1", 1, question("t1"), [])
        await ended(store, "r2", "failed")
        before = [await store.load(name) for name in ("r1", "r2")]
        await store.aclose()
        again = await self.open_store()
        assert [await again.load(name) for name in ("r1", "r2")] == before
        assert await again.graph("v1") == '{"nodes":[]}'
        assert await again.question("t1") == question("t1")
        assert await again.create(new_run("r9", key="order-7")) == "r1"
        await again.aclose()

    async def test_a_result_stays_recorded_once_after_opening_again(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a"), done("b", "m#1")])
        await store.aclose()
        again = await self.open_store()
        for record in (done("a"), done("b", "m#1")):
            with refused("recorded_twice"):
                await again.append("r1", 1, [record])
        await again.append("r1", 1, [done("b")])
        assert len((await again.load("r1")).records) == 3
        await again.aclose()

    async def test_an_epoch_stays_over_after_opening_again(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.claim("r1")
        await store.aclose()
        again = await self.open_store()
        with refused("stale_epoch"):
            await again.append("r1", 1, [done("a")])
        assert (await again.claim("r1")).epoch == 3
        await again.aclose()

    async def test_a_question_is_answered_after_opening_again(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        await store.aclose()
        again = await self.open_store()
        assert (await again.answer("t1", "1", 150.0)).first
        assert (await again.load("r1")).head.status == "running"
        await again.aclose()

    async def test_a_cancelled_run_stays_cancelled_after_opening_again(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.cancel("r1", 150.0)
        await store.aclose()
        again = await self.open_store()
        with refused("ended"):
            await again.append("r1", 1, [done("a")])
        with refused("ended"):
            await again.claim("r1")
        await again.aclose()

    async def test_what_was_begun_before_closing_is_there_or_was_refused(self, store: RunStore) -> None:
        await begun(store, "r1")
        appends = [asyncio.ensure_future(store.append("r1", 1, [done(f"n{n}")])) for n in range(50)]
        await asyncio.sleep(0)
        await store.aclose()
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        told = [f"n{n}" for n, outcome in enumerate(outcomes) if outcome is None]
        again = await self.open_store()
        kept = [record.place for record in (await again.load("r1")).records]
        assert kept == told
        await again.aclose()


class BackupTests(StoreTests):
    """A copy is consistent, and nobody's file is replaced by it."""

    @abstractmethod
    async def open_backup(self, path: Path) -> RunStore:
        """Return a store of the copy at `path`."""

    async def test_a_copy_holds_what_was_kept(self, store: RunStore, tmp_path: Path) -> None:
        await begun(store, "r1", [done("a", body='"' + "x" * 50_000 + '"')])
        await store.ask("r1", 1, question("t1"), [])
        await store.backup(tmp_path / "copy")
        await store.append("r1", 1, [done("later")])
        copy = await self.open_backup(tmp_path / "copy")
        saved = await copy.load("r1")
        assert [record.place for record in saved.records] == ["a"]
        assert saved.questions == (question("t1"),)
        await copy.aclose()

    async def test_a_copy_is_made_while_runs_go_on(self, store: RunStore, tmp_path: Path) -> None:
        async def chain(run_id: str) -> None:
            await store.create(new_run(run_id))
            for n in range(20):
                await store.append(run_id, 1, [done(f"n{n}")])

        chains = [asyncio.ensure_future(chain(f"r{n}")) for n in range(10)]
        await store.create(new_run("first"))
        await store.backup(tmp_path / "copy")
        await asyncio.gather(*chains)
        copy = await self.open_backup(tmp_path / "copy")
        for head in await copy.runs():
            places = [record.place for record in (await copy.load(head.id)).records]
            assert places == [f"n{n}" for n in range(len(places))]
        await copy.aclose()

    async def test_a_copy_replaces_nothing(self, store: RunStore, tmp_path: Path) -> None:
        (tmp_path / "copy").write_text("mine")
        with pytest.raises(StoreError, match="copy"):
            await store.backup(tmp_path / "copy")
        assert (tmp_path / "copy").read_text() == "mine"
