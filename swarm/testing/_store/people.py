"""Asking people, ending and cancelling: what every store must do."""

from __future__ import annotations

import asyncio

import pytest

from swarm.stores.base import END, Record, RunStore
from swarm.testing._store.base import StoreTests, begun, done, ended, new_run, question, refused

__all__ = ["PeopleTests"]


class PeopleTests(StoreTests):
    """A question is answered once; a run ends once."""

    # ask

    async def test_a_question_pauses_the_run_and_is_kept_with_its_records(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        await store.ask("r1", 1, question("t1"), [done("b")])
        saved = await store.load("r1")
        assert saved.head.status == "paused"
        assert saved.records == (done("a"), done("b"))
        assert saved.questions == (question("t1"),)
        assert await store.question("t1") == question("t1")

    async def test_a_question_of_a_former_owner_is_refused_whole(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.claim("r1")
        with refused("stale_epoch"):
            await store.ask("r1", 1, question("t1"), [done("b")])
        with refused("no_question"):
            await store.question("t1")
        assert (await store.load("r1")).records == ()

    async def test_a_question_with_a_result_that_is_there_already_is_refused_whole(
        self, store: RunStore
    ) -> None:
        await begun(store, "r1", [done("a")])
        with refused("recorded_twice"):
            await store.ask("r1", 1, question("t1"), [done("a")])
        assert (await store.load("r1")).questions == ()
        assert (await store.load("r1")).head.status == "running"

    async def test_a_token_is_used_once(self, store: RunStore) -> None:
        for name in ("r1", "r2"):
            await begun(store, name)
        await store.ask("r1", 1, question("t1"), [])
        with refused("recorded_twice"):
            await store.ask("r2", 1, question("t1", "r2"), [done("a")])
        assert (await store.load("r2")).records == ()

    async def test_an_ended_run_asks_nobody(self, store: RunStore) -> None:
        await ended(store, "r1")
        with refused("ended"):
            await store.ask("r1", 1, question("t1"), [])

    async def test_a_paused_run_still_takes_the_results_of_its_other_branches(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        await store.append("r1", 1, [done("other")])
        saved = await store.load("r1")
        assert (saved.head.status, saved.records) == ("paused", (done("other"),))

    async def test_a_run_may_ask_several_questions(self, store: RunStore) -> None:
        await begun(store, "r1")
        for token in ("t1", "t2"):
            await store.ask("r1", 1, question(token, place=token), [])
        assert [one.token for one in (await store.load("r1")).questions] == ["t1", "t2"]

    # answer

    async def test_an_answer_is_kept_and_the_run_goes_on(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        answered = await store.answer("t1", '{"text":"yes"}', 150.0)
        assert (answered.first, answered.question.answer) == (True, '{"text":"yes"}')
        assert await store.question("t1") == answered.question
        saved = await store.load("r1")
        assert saved.questions == (answered.question,)
        assert (saved.head.status, saved.head.updated) == ("running", 150.0)

    async def test_the_first_answer_stands(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        await store.answer("t1", '"first"', 150.0)
        second = await store.answer("t1", '"second"', 151.0)
        assert (second.first, second.question.answer) == (False, '"first"')
        assert (await store.question("t1")).answer == '"first"'

    async def test_of_answers_given_at_once_one_is_the_first(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        given = await asyncio.gather(*(store.answer("t1", str(n), 150.0) for n in range(20)))
        assert sum(one.first for one in given) == 1
        assert len({one.question.answer for one in given}) == 1

    async def test_a_run_is_paused_until_every_question_is_answered(self, store: RunStore) -> None:
        await begun(store, "r1")
        for token in ("t1", "t2"):
            await store.ask("r1", 1, question(token), [])
        await store.answer("t1", "1", 150.0)
        assert (await store.load("r1")).head.status == "paused"
        await store.answer("t2", "2", 151.0)
        assert (await store.load("r1")).head.status == "running"

    async def test_an_answer_needs_no_owner_and_changes_none(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        await store.answer("t1", "1", 150.0)
        await store.append("r1", 1, [done("a")])
        assert (await store.load("r1")).head.epoch == 1

    async def test_an_unknown_token_is_said_so_without_repeating_it(self, store: RunStore) -> None:
        with pytest.raises(Exception, match="question") as caught:
            await store.answer("secret-token", "1", 150.0)
        assert getattr(caught.value, "code", "") == "no_question"
        assert "secret-token" not in str(caught.value)
        with refused("no_question"):
            await store.question("secret-token")

    async def test_an_answer_after_its_time_is_refused(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1", expires=150.0), [])
        with refused("expired"):
            await store.answer("t1", "1", 150.5)
        assert (await store.question("t1")).answer is None
        assert (await store.answer("t1", "1", 150.0)).first

    async def test_whoever_is_late_after_an_answer_is_told_the_answer(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1", expires=150.0), [])
        await store.answer("t1", "1", 149.0)
        await store.end("r1", 1, "completed", [], 160.0)
        late = await store.answer("t1", "2", 170.0)
        assert (late.first, late.question.answer) == (False, "1")

    async def test_nobody_waits_for_an_answer_of_a_run_that_ended(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        await store.cancel("r1", 140.0)
        with refused("ended"):
            await store.answer("t1", "1", 150.0)

    async def test_a_run_that_was_asking_can_be_claimed_and_its_question_still_answered(
        self, store: RunStore
    ) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        claimed = await store.claim("r1")
        assert claimed.run.questions == (question("t1"),)
        assert (await store.answer("t1", "1", 150.0)).first

    # end

    @pytest.mark.parametrize("status", ["completed", "refused", "failed", "cancelled"])
    async def test_a_run_ends_once_with_its_last_records(self, store: RunStore, status: str) -> None:
        await begun(store, "r1", [done("a")])
        last = [done("b"), Record(END, "", "", '{"text":"bye"}')]
        await store.end("r1", 1, status, last, 222.5)
        saved = await store.load("r1")
        assert (saved.head.status, saved.head.updated) == (status, 222.5)
        assert saved.records == (done("a"), *last)
        with refused("ended"):
            await store.end("r1", 1, "failed", [], 223.0)

    async def test_nothing_is_added_after_the_end(self, store: RunStore) -> None:
        await ended(store, "r1")
        before = await store.load("r1")
        with refused("ended"):
            await store.append("r1", 1, [done("late")])
        assert await store.load("r1") == before

    async def test_an_end_that_is_refused_ends_nothing(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        with refused("recorded_twice"):
            await store.end("r1", 1, "completed", [done("a")], 200.0)
        assert (await store.load("r1")).head.status == "running"

    async def test_a_run_cannot_end_in_an_unknown_way(self, store: RunStore) -> None:
        await begun(store, "r1")
        with pytest.raises(ValueError, match="running"):
            await store.end("r1", 1, "running", [], 200.0)

    # cancel

    async def test_cancelling_ends_a_run_whoever_owns_it(self, store: RunStore) -> None:
        await begun(store, "r1", [done("a")])
        assert await store.cancel("r1", 150.0)
        head = (await store.load("r1")).head
        assert (head.status, head.epoch, head.updated, head.records) == ("cancelled", 2, 150.0, 1)
        with refused("ended"):
            await store.append("r1", 1, [done("b")])

    async def test_cancelling_what_has_ended_says_so_and_changes_nothing(self, store: RunStore) -> None:
        await ended(store, "r1", "completed", at=200.0)
        assert not await store.cancel("r1", 300.0)
        head = (await store.load("r1")).head
        assert (head.status, head.epoch, head.updated) == ("completed", 1, 200.0)

    async def test_cancelling_twice_is_true_once(self, store: RunStore) -> None:
        await begun(store, "r1")
        given = await asyncio.gather(*(store.cancel("r1", 150.0) for _ in range(10)))
        assert sum(given) == 1

    async def test_a_paused_run_can_be_cancelled(self, store: RunStore) -> None:
        await begun(store, "r1")
        await store.ask("r1", 1, question("t1"), [])
        assert await store.cancel("r1", 150.0)

    # end against cancel: whichever comes first decides

    async def test_a_run_that_is_ended_and_cancelled_at_once_has_one_end(self, store: RunStore) -> None:
        for n in range(10):
            await store.create(new_run(f"r{n}"))
            end = store.end(f"r{n}", 1, "completed", [], 150.0)
            outcome, cancelled = await asyncio.gather(
                end, store.cancel(f"r{n}", 150.0), return_exceptions=True
            )
            status = (await store.load(f"r{n}")).head.status
            assert status == ("cancelled" if cancelled else "completed")
            assert (outcome is None) is (status == "completed")
