"""Creating, claiming, appending, loading: what every store must do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from swarm.stores.base import EVENTS, INTENT, TRIED, Record, RunStore
from swarm.stores.limits import StoreLimits
from swarm.testing._store.base import StoreTests, begun, done, ended, new_run, refused

__all__ = ["JournalTests"]


class JournalTests(StoreTests):
    """A run's records: each is kept once, in order, from its owner only."""

    # create

    async def test_a_new_run_is_running_under_epoch_one(self, store: RunStore) -> None:
        assert await store.create(new_run("r1")) == "r1"
        head = (await store.load("r1")).head
        assert (head.status, head.epoch, head.records) == ("running", 1, 0)

    async def test_what_was_said_of_a_new_run_is_read_back(self, store: RunStore) -> None:
        run = new_run("r1", at=123.25, key="order-7", source="shop.swarm.yaml", forked_from="r0")
        await store.create(run)
        saved = await store.load("r1")
        head = saved.head
        assert saved.input == run.input
        assert (head.graph, head.version, head.source) == (run.graph, run.version, run.source)
        assert (head.key, head.forked_from, head.created, head.updated) == ("order-7", "r0", 123.25, 123.25)

    async def test_the_same_key_never_makes_a_second_run(self, store: RunStore) -> None:
        await store.create(new_run("r1", key="order-7"))
        assert await store.create(new_run("r2", key="order-7")) == "r1"
        assert [head.id for head in await store.runs()] == ["r1"]

    async def test_runs_of_one_key_begun_at_once_are_one_run(self, store: RunStore) -> None:
        ids = await asyncio.gather(*(store.create(new_run(f"r{n}", key="one")) for n in range(20)))
        assert len(set(ids)) == 1
        assert len(await store.runs()) == 1

    async def test_runs_without_a_key_are_different_runs(self, store: RunStore) -> None:
        assert [await store.create(new_run(name)) for name in ("r1", "r2")] == ["r1", "r2"]

    async def test_a_key_of_an_ended_run_still_names_it(self, store: RunStore) -> None:
        await store.create(new_run("r1", key="once"))
        await store.end("r1", 1, "completed", [], 101.0)
        assert await store.create(new_run("r2", key="once")) == "r1"

    async def test_an_id_that_is_there_already_is_refused(self, store: RunStore) -> None:
        await store.create(new_run("r1", input='"first"'))
        with refused("recorded_twice"):
            await store.create(new_run("r1", input='"second"'))
        assert (await store.load("r1")).input == '"first"'

    async def test_a_fork_begins_with_the_records_it_is_given(self, store: RunStore) -> None:
        records = (done("a"), done("b", "m#1"))
        await store.create(replace(new_run("r2", forked_from="r1"), records=records))
        assert (await store.load("r2")).records == records
        with refused("recorded_twice"):
            await store.append("r2", 1, [done("a")])

    async def test_a_fork_that_begins_with_a_result_twice_is_refused_whole(self, store: RunStore) -> None:
        with refused("recorded_twice"):
            await store.create(replace(new_run("r2"), records=(done("a"), done("a"))))
        with refused("no_run"):
            await store.load("r2")

    # claim

    async def test_a_claim_raises_the_epoch_and_returns_the_run(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        claimed = await store.claim("r1")
        assert claimed.epoch == 2
        assert claimed.run == await store.load("r1")
        assert claimed.run.records == (done("a"),)

    async def test_after_a_claim_the_owner_before_can_write_nothing(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        await store.claim("r1")
        with refused("stale_epoch"):
            await store.append("r1", 1, [done("b")])
        with refused("stale_epoch"):
            await store.end("r1", 1, "completed", [], 102.0)
        assert (await store.load("r1")).records == (done("a"),)

    async def test_the_new_owner_goes_on(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        epoch = (await store.claim("r1")).epoch
        await store.append("r1", epoch, [done("b")])
        assert (await store.load("r1")).records == (done("a"), done("b"))

    async def test_an_epoch_that_was_never_handed_out_is_refused(self, store: RunStore) -> None:
        await begun(store, "r1")
        with refused("stale_epoch"):
            await store.append("r1", 2, [done("a")])

    async def test_claims_at_once_hand_out_different_epochs(self, store: RunStore) -> None:
        await begun(store, "r1")
        claims = await asyncio.gather(*(store.claim("r1") for _ in range(10)))
        assert sorted(claimed.epoch for claimed in claims) == list(range(2, 12))

    @pytest.mark.parametrize("status", ["completed", "refused", "cancelled"])
    async def test_a_run_that_is_over_cannot_be_claimed(self, store: RunStore, status: str) -> None:
        await ended(store, "r1", status)
        with refused("ended"):
            await store.claim("r1")

    async def test_a_failed_run_can_be_claimed_and_its_end_stays_in_the_journal(
        self, store: RunStore
    ) -> None:
        await ended(store, "r1", "failed")
        before = (await store.load("r1")).records
        claimed = await store.claim("r1")
        assert claimed.run.head.status == "running"
        await store.append("r1", claimed.epoch, [done("b")])
        assert (await store.load("r1")).records == (*before, done("b"))

    async def test_a_failed_run_that_was_taken_up_can_end_again(self, store: RunStore) -> None:
        await ended(store, "r1", "failed")
        epoch = (await store.claim("r1")).epoch
        await store.append("r1", epoch, [done("b")])
        await store.end("r1", epoch, "completed", [done("c")], 300.0)
        head = (await store.load("r1")).head
        assert (head.status, head.records, head.updated) == ("completed", 4, 300.0)

    # append

    async def test_records_come_back_as_they_were_in_their_order(self, store: RunStore) -> None:
        records = [
            Record(INTENT, "notes[17]/send", "mail#1", '{"key":"k"}'),
            done("notes[17]/send", "mail#1", "null"),
            Record(TRIED, "better[2]/judge", "ollama/qwen3:4b#1", '{"error":"timeout"}'),
            Record(EVENTS, "", "", "[]"),
            done("notes[17]/send"),
        ]
        await begun(store, "r1")
        await store.append("r1", 1, records[:2])
        await store.append("r1", 1, records[2:])
        assert list((await store.load("r1")).records) == records

    async def test_a_second_result_of_a_place_is_refused(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a", body="1")])
        with refused("recorded_twice"):
            await store.append("r1", 1, [done("a", body="2")])
        assert (await store.load("r1")).records == (done("a", body="1"),)

    async def test_a_result_twice_in_one_append_is_refused(self, store: RunStore) -> None:
        await begun(store, "r1")
        with refused("recorded_twice"):
            await store.append("r1", 1, [done("a"), done("a")])
        assert (await store.load("r1")).records == ()

    async def test_an_append_is_all_or_none(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        with refused("recorded_twice"):
            await store.append("r1", 1, [done("b"), done("a"), done("c")])
        await store.append("r1", 1, [done("b")])
        assert (await store.load("r1")).records == (done("a"), done("b"))

    async def test_calls_of_a_node_have_results_of_their_own(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a"), done("a", "m#1"), done("a", "m#2")])
        with refused("recorded_twice"):
            await store.append("r1", 1, [done("a", "m#2")])

    async def test_a_place_and_call_that_only_look_alike_are_different(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a", "b"), done("ab"), done("", "ab"), done("a b")])
        assert len((await store.load("r1")).records) == 4

    async def test_what_is_no_result_may_be_there_more_than_once(self, store: RunStore) -> None:
        again = [Record(kind, "a", "m#1", "{}") for kind in (INTENT, TRIED, EVENTS)]
        await begun(store, "r1", again)
        await store.append("r1", 1, again)
        assert len((await store.load("r1")).records) == 6

    async def test_runs_with_the_same_places_do_not_mix(self, store: RunStore) -> None:
        for name in ("r1", "r2"):
            await begun(store, name, [done("a", body=f'"{name}"')])
        assert [(await store.load(name)).records[0].body for name in ("r1", "r2")] == ['"r1"', '"r2"']

    async def test_an_append_of_nothing_changes_nothing(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        await store.append("r1", 1, [])
        assert (await store.load("r1")).records == (done("a"),)

    async def test_a_run_that_is_not_there_is_said_so(self, store: RunStore) -> None:
        with refused("no_run"):
            await store.append("nobody", 1, [done("a")])
        with refused("no_run"):
            await store.claim("nobody")
        with refused("no_run"):
            await store.load("nobody")
        with refused("no_run"):
            await store.end("nobody", 1, "completed", [], 1.0)
        with refused("no_run"):
            await store.cancel("nobody", 1.0)

    async def test_appends_begun_together_are_kept_in_the_order_in_which_they_began(
        self, store: RunStore
    ) -> None:
        await begun(store, "r1")
        await asyncio.gather(*(store.append("r1", 1, [done(f"n{n}")]) for n in range(300)))
        places = [record.place for record in (await store.load("r1")).records]
        assert places == [f"n{n}" for n in range(300)]

    async def test_of_results_of_one_place_begun_together_one_is_kept(self, store: RunStore) -> None:
        await begun(store, "r1")
        appends = (store.append("r1", 1, [done("a", body=str(n))]) for n in range(20))
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 1
        assert (await store.load("r1")).records == (done("a", body="0"),)

    async def test_a_refused_append_does_not_hurt_those_beside_it(self, store: RunStore) -> None:
        for n in range(10):
            await begun(store, f"r{n}", [done("a")])
        appends = [store.append(f"r{n}", 1, [done("a" if n % 2 else "b")]) for n in range(10)]
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        assert [outcome is None for outcome in outcomes] == [n % 2 == 0 for n in range(10)]
        assert [len((await store.load(f"r{n}")).records) for n in range(10)] == [2, 1] * 5

    async def test_hundreds_of_runs_at_once_keep_all_their_records(self, store: RunStore) -> None:
        async def chain(run_id: str) -> None:
            await store.create(new_run(run_id))
            for n in range(5):
                await store.append(run_id, 1, [done(f"n{n}", body=f'"{run_id}"')])
            await store.end(run_id, 1, "completed", [], 300.0)

        names = [f"r{n}" for n in range(200)]
        await asyncio.gather(*(chain(name) for name in names))
        for name in names:
            saved = await store.load(name)
            assert [record.body for record in saved.records] == [f'"{name}"'] * 5

    async def test_an_append_whose_caller_was_cancelled_hurts_nobody(self, store: RunStore) -> None:
        await begun(store, "r1")
        lost = asyncio.ensure_future(store.append("r1", 1, [done("a")]))
        await asyncio.sleep(0)
        lost.cancel()
        await store.append("r1", 1, [done("b")])
        places = [record.place for record in (await store.load("r1")).records]
        assert places in (["a", "b"], ["b"]), "whole or not at all, and in order"

    # bodies

    @pytest.mark.parametrize(
        "value",
        ["hé 🜚 \u202e עברית", "\x00 and \x1f", "", "quotes \"'` -- ; DROP", "\ud800 half", "x" * 100_000],
    )
    async def test_any_json_comes_back_with_the_same_value(self, store: RunStore, value: str) -> None:
        for escaped in (True, False):
            run_id = f"r{escaped}"
            body = json.dumps(value, ensure_ascii=escaped)
            await begun(store, run_id, [done("a", body=body)], input=body)
            saved = await store.load(run_id)
            assert json.loads(saved.records[0].body) == value
            assert json.loads(saved.input) == value

    async def test_a_large_body_that_occurs_often_comes_back_each_time(self, store: RunStore) -> None:
        body = json.dumps("large " * 50_000)
        await begun(store, "r1", [done(f"n{n}", body=body) for n in range(5)], input=body)
        await begun(store, "r2", [done("n", body=body)])
        assert {record.body for record in (await store.load("r1")).records} == {body}
        assert (await store.load("r2")).records[0].body == body

    async def test_bytes_and_records_of_a_run_are_counted(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a", body='"é"'), done("b", body='"' + "x" * 20_000 + '"')])
        counted = (4 + 20_002, 2)
        head = (await store.load("r1")).head
        assert (head.bytes, head.records) == counted
        await store.end("r1", 1, "completed", [], 200.0)
        head = (await store.load("r1")).head
        assert (head.bytes, head.records) == counted
        assert [(one.bytes, one.records) for one in await store.runs()] == [counted]

    # limits

    async def test_a_record_that_is_too_large_is_refused(self) -> None:
        store = await self.open_store(StoreLimits(record_bytes=100))
        await begun(store, "r1")
        with refused("too_large"):
            await store.append("r1", 1, [done("a", body='"' + "é" * 60 + '"')])
        await store.append("r1", 1, [done("a", body='"' + "x" * 98 + '"')])
        with refused("too_large"):
            await store.create(new_run("r2", input='"' + "x" * 100 + '"'))
        await store.aclose()

    async def test_a_run_that_is_too_large_can_still_end(self) -> None:
        store = await self.open_store(StoreLimits(run_bytes=200, records=3))
        await begun(store, "r1", [done("a", body='"' + "x" * 150 + '"')])
        with refused("too_large"):
            await store.append("r1", 1, [done("b", body='"' + "x" * 150 + '"')])
        await store.append("r1", 1, [done("b", body="1"), done("c", body="1")])
        with refused("too_large"):
            await store.append("r1", 1, [done("d", body="1")])
        await store.end("r1", 1, "failed", [done("end", body='"' + "x" * 150 + '"')], 200.0)
        assert (await store.load("r1")).head.status == "failed"
        await store.aclose()
