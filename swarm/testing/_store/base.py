"""What the tests of a store begin with: a place for its data, and short words for what they write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from swarm.errors import StoreError
from swarm.stores.base import DONE, END, NewRun, Question, Record, Retention, RunStore
from swarm.stores.limits import StoreLimits

__all__ = [
    "DAY_S",
    "FOREVER",
    "NOTHING",
    "StoreTests",
    "begun",
    "done",
    "ended",
    "new_run",
    "question",
    "refused",
]

DAY_S = 86_400.0
FOREVER = Retention(finished_s=1e12, failed_s=1e12, runs=10**9, bytes=10**15)
NOTHING = Retention(finished_s=0.0, failed_s=0.0, runs=0, bytes=0)


class StoreTests(ABC):
    """Tests of one kind of store."""

    @abstractmethod
    def begin(self, folder: Path) -> None:
        """Let `open_store` open new, empty data from now on; `folder` may be used, and may have to be made."""

    @abstractmethod
    async def open_store(self, limits: StoreLimits | None = None) -> RunStore:
        """Return a store of the data of this test; it is closed before this is called again."""

    @pytest.fixture(autouse=True)
    def empty_place(self, tmp_path: Path) -> None:
        """Begin each test with nothing kept."""
        self.begin(tmp_path)

    @pytest_asyncio.fixture
    async def store(self, empty_place: None) -> AsyncIterator[RunStore]:
        """Give an empty store, closed after the test."""
        opened = await self.open_store()
        yield opened
        await opened.aclose()


def new_run(
    run_id: str = "r1",
    *,
    at: float = 100.0,
    key: str | None = None,
    version: str = "v1",
    input: str = '{"message":"hi"}',  # the contract's own word
    source: str = "",
    forked_from: str = "",
) -> NewRun:
    """Return a run about to begin."""
    return NewRun(
        id=run_id, graph="shop", version=version, input=input, at=at,
        source=source, key=key, forked_from=forked_from,
    )  # fmt: skip


def done(place: str, call: str = "", body: str = '{"output":1}') -> Record:
    """Return a result of a node, or of a call inside it."""
    return Record(DONE, place, call, body)


def question(token: str, run_id: str = "r1", *, place: str = "ask", expires: float = 1000.0) -> Question:
    """Return a question to a person."""
    fields = '{"text":"string"}'
    return Question(
        token=token, run=run_id, place=place, call="", text="Shall we?", fields=fields, expires=expires
    )


async def begun(
    store: RunStore,
    run_id: str = "r1",
    records: Sequence[Record] = (),
    *,
    version: str = "v1",
    input: str = "{}",
) -> None:
    """Create a run, and add records to it."""
    await store.create(new_run(run_id, version=version, input=input))
    if records:
        await store.append(run_id, 1, records)


async def ended(store: RunStore, run_id: str, status: str = "completed", *, at: float = 200.0) -> None:
    """Create a run and end it."""
    await begun(store, run_id, [done("a")])
    await store.end(run_id, 1, status, [Record(END, "", "", "{}")], at)


@contextmanager
def refused(code: str) -> Generator[None]:
    """Expect a `StoreError` of this code."""
    with pytest.raises(StoreError) as caught:
        yield
    assert caught.value.code == code, f"a {code!r} was to be refused: {caught.value}"
