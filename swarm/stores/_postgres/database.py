"""A schema of a PostgreSQL database: prepared at the first use, written to in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from swarm.errors import StoreError
from swarm.stores._postgres.group_commit import GroupCommit
from swarm.stores._postgres.link import Connection, Interrupted, Link
from swarm.stores._postgres.schema import check_name, prepare
from swarm.stores._postgres.timeouts import Timeouts
from swarm.stores._postgres.writes import Write, create_runs, write_records
from swarm.stores._rules import closed
from swarm.stores.base import NewRun, Record
from swarm.stores.limits import StoreLimits

__all__ = ["Database"]

T = TypeVar("T")

OF_ONE = ("invalid", "too_large", "recorded_twice", "busy")  # errors that one item of a group may have caused
PER_RECORD_BYTES = 300  # about what a record takes in memory beside its body


class Database:
    """What a store asks for and writes; see `PostgresStore` for the arguments."""

    def __init__(
        self,
        dsn: str,
        *,
        schema: str,
        limits: StoreLimits,
        connections: int,
        timeouts: Timeouts,
        env: Mapping[str, str],
    ) -> None:
        self._schema = check_name(schema)
        self._limits = limits
        self._link = Link(dsn, schema=schema, size=connections, timeouts=timeouts, env=env)
        self._writes = GroupCommit(self._write_all, size=_size_of_write, is_of_all=_is_of_all)
        self._creates = GroupCommit(self._create_all, size=_size_of_run, is_of_all=_is_of_all)
        self._preparing = asyncio.Lock()
        self._prepared = False
        self._closed = False

    async def run(self, work: Callable[[Connection, bool], Awaitable[T]]) -> T:
        """Return what `work(connection, again)` returns; see `Link.run`."""
        if self._closed:
            raise closed()
        return await self._run(work)

    async def write(self, write: Write) -> None:
        """Add records to a run, durably."""
        if self._closed:
            raise closed()
        await self._writes.add(write)

    async def create(self, run: NewRun) -> str:
        """Make a run, durably; return its id or that of the run of its key."""
        if self._closed:
            raise closed()
        return await self._creates.add(run)

    async def aclose(self) -> None:
        """Refuse what comes from now on, write what was begun, and let go."""
        self._closed = True
        await self._creates.drain()
        await self._writes.drain()
        await self._link.aclose()

    async def _run(self, work: Callable[[Connection, bool], Awaitable[T]]) -> T:
        async with self._preparing:
            if not self._prepared:
                await self._link.run(self._prepare)
                self._prepared = True
        return await self._link.run(work)

    async def _prepare(self, connection: Connection, again: bool) -> None:
        await prepare(connection, self._schema)

    async def _write_all(self, batch: Sequence[Write]) -> Sequence[StoreError | None]:
        return await self._run(lambda connection, _: write_records(connection, batch, self._limits))

    async def _create_all(self, batch: Sequence[NewRun]) -> Sequence[str | StoreError]:
        return await self._run(lambda connection, again: create_runs(connection, batch, again=again))


def _is_of_all(error: StoreError) -> bool:
    """Return whether an error would have met any other item of the group."""
    return isinstance(error, Interrupted) or error.code not in OF_ONE


def _size_of_write(write: Write) -> int:
    return _size(write.records)


def _size_of_run(run: NewRun) -> int:
    return _size(run.records) + len(run.input)


def _size(records: Sequence[Record]) -> int:
    return PER_RECORD_BYTES + sum(PER_RECORD_BYTES + len(record.body) for record in records)
