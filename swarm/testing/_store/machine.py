"""Any order of calls: a store against a model of it that is a dict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from swarm.errors import StoreError
from swarm.stores.base import ENDED, Record, RunStore
from swarm.testing._store.base import NOTHING, StoreTests, done, new_run, question

__all__ = ["MachineTests"]

T = TypeVar("T")

IDS = st.sampled_from(["r1", "r2", "r3"])
PLACES = st.sampled_from(["a", "b", "c[0]/d", "c[1]/d"])
TOKENS = st.sampled_from(["t1", "t2", "t3"])
BEHIND = st.sampled_from([0, 0, 0, 1])  # mostly the owner, sometimes who was it before


@dataclass(slots=True)
class _Run:
    """What the model knows of a run."""

    status: str = "running"
    epoch: int = 1
    records: list[Record] = field(default_factory=list[Record])
    tokens: list[str] = field(default_factory=list[str])

    def refusal(self, epoch: int, records: list[Record]) -> str:
        """Return why the records cannot be added, or ""."""
        if self.status in ENDED:
            return "ended"
        if epoch != self.epoch:
            return "stale_epoch"
        return "recorded_twice" if any(record in self.records for record in records) else ""


class _Machine(RuleBasedStateMachine):
    """Does to a store what it does to the model, and compares what each says."""

    tests: MachineTests
    folders: Iterator[Path]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.tests.begin(next(self.folders))
        self.store: RunStore = self.wait(self.tests.open_store())
        self.runs: dict[str, _Run] = {}
        self.answers: dict[str, str | None] = {}

    def wait(self, doing: Awaitable[T]) -> T:
        async def waiting() -> T:
            return await doing

        return self.runner.run(waiting())

    def outcome(self, doing: Awaitable[Any]) -> Any:
        """Return what a call returns, or the code of its refusal."""
        try:
            return self.wait(doing)
        except StoreError as error:
            return error.code

    def teardown(self) -> None:
        self.wait(self.store.aclose())
        self.runner.close()

    @rule(run_id=IDS)
    def create(self, run_id: str) -> None:
        expected = "recorded_twice" if run_id in self.runs else run_id
        assert self.outcome(self.store.create(new_run(run_id))) == expected
        self.runs.setdefault(run_id, _Run())

    @rule(run_id=IDS)
    def claim(self, run_id: str) -> None:
        got = self.outcome(self.store.claim(run_id))
        run = self.runs.get(run_id)
        if run is None or run.status in ("completed", "refused", "cancelled"):
            assert got == ("no_run" if run is None else "ended")
            return
        run.epoch, run.status = run.epoch + 1, "running"
        assert got.epoch == run.epoch
        assert list(got.run.records) == run.records

    @rule(run_id=IDS, places=st.lists(PLACES, max_size=2, unique=True), behind=BEHIND)
    def append(self, run_id: str, places: list[str], behind: int) -> None:
        self._add(run_id, [done(place) for place in places], behind, "append")

    @rule(run_id=IDS, place=PLACES, behind=BEHIND, status=st.sampled_from(ENDED))
    def end(self, run_id: str, place: str, behind: int, status: str) -> None:
        if self._add(run_id, [done(place)], behind, "end", status):
            self.runs[run_id].status = status

    @rule(run_id=IDS, place=PLACES, behind=BEHIND, token=TOKENS)
    def ask(self, run_id: str, place: str, behind: int, token: str) -> None:
        if self._add(run_id, [done(place)], behind, "ask", token):
            self.runs[run_id].status = "paused"
            self.runs[run_id].tokens.append(token)
            self.answers[token] = None

    def _add(self, run_id: str, records: list[Record], behind: int, how: str, word: str = "") -> bool:
        """Add records in one of three ways, and return whether they are to be there."""
        run = self.runs.get(run_id)
        epoch = (run.epoch if run else 1) - behind
        refusal = "no_run" if run is None else run.refusal(epoch, records)
        if how == "ask":
            asked = question(word, run_id)
            refusal = refusal or ("recorded_twice" if word in self.answers else "")
            got = self.outcome(self.store.ask(run_id, epoch, asked, records))
        elif how == "end":
            got = self.outcome(self.store.end(run_id, epoch, word, records, 200.0))
        else:
            got = self.outcome(self.store.append(run_id, epoch, records))
        assert got == (refusal or None)
        if refusal or run is None:
            return False
        run.records += records
        return True

    @rule(token=TOKENS, answer=st.sampled_from(["1", "2"]))
    def answer(self, token: str, answer: str) -> None:
        got = self.outcome(self.store.answer(token, answer, 150.0))
        if token not in self.answers:
            assert got == "no_question"
            return
        run = next(run for run in self.runs.values() if token in run.tokens)
        before = self.answers[token]
        if before is None and run.status in ENDED:
            assert got == "ended"
            return
        self.answers[token] = before or answer
        assert (got.first, got.question.answer) == (before is None, before or answer)
        if before is None and all(self.answers[other] for other in run.tokens):
            run.status = "running"

    @rule(run_id=IDS)
    def cancel(self, run_id: str) -> None:
        got = self.outcome(self.store.cancel(run_id, 150.0))
        run = self.runs.get(run_id)
        if run is None or run.status in ENDED:
            assert got == ("no_run" if run is None else False)
            return
        assert got is True
        run.status, run.epoch = "cancelled", run.epoch + 1

    @rule()
    def gc(self) -> None:
        self.wait(self.store.gc(NOTHING, 1e9))
        for run_id in [name for name, run in self.runs.items() if run.status in ENDED]:
            for token in self.runs.pop(run_id).tokens:
                del self.answers[token]

    @rule()
    def open_again(self) -> None:
        if self.tests.survives:
            self.wait(self.store.aclose())
            self.store = self.wait(self.tests.open_store())

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        heads = self.wait(self.store.runs())
        assert {head.id for head in heads} == set(self.runs)
        for run_id, run in self.runs.items():
            saved = self.wait(self.store.load(run_id))
            assert (saved.head.status, saved.head.epoch) == (run.status, run.epoch)
            assert list(saved.records) == run.records
            assert {one.token: one.answer for one in saved.questions} == {
                t: self.answers[t] for t in run.tokens
            }


class MachineTests(StoreTests):
    """Any order of calls."""

    survives = False  # whether `open_store` opens the same data again
    examples, steps = 30, 30

    async def test_any_order_of_calls_agrees_with_a_model_that_is_a_dict(self, tmp_path: Path) -> None:
        folders = (tmp_path / f"example{n}" for n in count())
        machine = type("Machine", (_Machine,), {"tests": self, "folders": folders})
        chosen = settings(
            max_examples=self.examples,
            stateful_step_count=self.steps,
            deadline=None,  # how long a disk takes is not the question
            suppress_health_check=[HealthCheck.too_slow],
        )
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
