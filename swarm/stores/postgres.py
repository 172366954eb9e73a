"""Runs in PostgreSQL: a store that several processes, on several machines, share.

A run belongs to whoever claimed it last: its row holds the epoch, every write locks that row first,
and what an older epoch writes is refused. "Once for each place and call" is a unique index as well.
What many runs write at once is committed together.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm.errors import StoreError
from swarm.stores import _rules as rules
from swarm.stores._postgres.timeouts import Timeouts
from swarm.stores._postgres.writes import Write
from swarm.stores.base import (
    ENDED,
    OPEN,
    Answered,
    Claimed,
    NewRun,
    Question,
    Record,
    Retention,
    RunHead,
    SavedRun,
    StoreStats,
)
from swarm.stores.limits import StoreLimits

if TYPE_CHECKING:
    from swarm.stores._postgres.link import Connection

__all__ = ["PostgresStore", "Timeouts"]

ALL = 1 << 40  # no limit
FORGET_AT_ONCE = (
    100_000  # records and runs in one transaction of `gc`: about a second, so that nobody waits for it
)

HEAD = """
    SELECT id, graph, version, source, status, epoch, created, updated, key, forked_from, bytes, records FROM runs
"""
FIND_HEADS = (
    HEAD
    + """
    WHERE (%(status)s::text[] = '{}' OR status = ANY(%(status)s)) AND starts_with(id, %(prefix)s)
        AND (%(key)s::text IS NULL OR key = %(key)s)
    ORDER BY number DESC LIMIT %(limit)s
"""
)
FIND_QUESTION = "SELECT token, run, place, call, text, fields, expires, answer FROM questions "
FIND_RECORDS = "SELECT kind, place, call, body FROM journal WHERE run = %s ORDER BY seq"
COUNT = "SELECT status, count(*), sum(records), sum(bytes) FROM runs GROUP BY status"
PUT_GRAPH = """
    INSERT INTO graphs (version, body, fresh) VALUES (%s, %s, true)
    ON CONFLICT (version) DO UPDATE SET fresh = true
"""
CLAIM = "UPDATE runs SET epoch = epoch + 1, status = 'running' WHERE id = %s"
LOCK = "SELECT status FROM runs WHERE id = %s FOR NO KEY UPDATE"
ANSWER = "UPDATE questions SET answer = %s WHERE token = %s AND answer IS NULL"
GO_ON = """
    UPDATE runs SET updated = %(at)s, status = CASE WHEN EXISTS (
        SELECT FROM questions WHERE run = %(run)s AND answer IS NULL) THEN status ELSE 'running' END
    WHERE id = %(run)s
"""
CANCEL = """
    UPDATE runs SET status = 'cancelled', epoch = epoch + 1, updated = %s WHERE id = %s AND status = ANY(%s)
"""
FORGET = """
    DELETE FROM runs USING unnest(%s::text[], %s::double precision[]) AS w (id, updated)
    WHERE runs.id = w.id AND runs.updated = w.updated AND status = ANY(%s)
    RETURNING runs.id, status, records, bytes
"""  # a run that was taken up again meanwhile is not what was looked at
FORGET_PARTS = (
    "DELETE FROM journal WHERE run = ANY(%s)",
    "DELETE FROM inputs WHERE run = ANY(%s)",
    "DELETE FROM questions WHERE run = ANY(%s)",
)
FORGET_GRAPHS = (
    "DELETE FROM graphs AS g WHERE NOT fresh AND NOT EXISTS (SELECT FROM runs WHERE runs.version = g.version)",
    "UPDATE graphs SET fresh = false WHERE fresh",
)  # a graph given since the last `gc` stays: a run of it may be about to begin


class PostgresStore:
    """Keeps runs in one schema of a PostgreSQL database: a `RunStore` for many processes.

    Nothing is connected before the first call; the tables are made then. A store belongs to the
    event loop that uses it first. While the server is away, calls wait up to
    `timeouts.patience_s`; a commit that was cut off is neither lost nor done twice.

    Args:
        dsn: `postgresql://...`, or `env:NAME` for what that environment variable holds.
        schema: lower-case letters, digits and `_`; one for each application.
        limits: of one run.
        connections: at most so many at once.
        timeouts: of the server, in seconds.
        env: where `env:NAME` is read.

    Raises:
        StoreError: psycopg is not installed (`unsupported`), or `dsn` is no such address.
        ValueError: `schema` is no such name.
    """

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "swarm",
        limits: StoreLimits | None = None,
        connections: int = 4,
        timeouts: Timeouts | None = None,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        try:
            from swarm.stores._postgres.database import Database
        except ImportError as error:
            raise StoreError(
                "runs in PostgreSQL need psycopg",
                hint="pip install 'swarm-slm[postgres]'",
                code="unsupported",
            ) from error
        self._schema = schema
        self._limits = limits or StoreLimits()
        self._variable = dsn.removeprefix("env:") if dsn.startswith("env:") else "DATABASE_URL"
        self._database = Database(
            dsn, schema=schema, limits=self._limits, connections=connections,
            timeouts=timeouts or Timeouts(), env=env,
        )  # fmt: skip

    async def put_graph(self, version: str, body: str) -> None:
        """Keep a compiled graph (JSON) under its hash; again is fine."""
        rules.check_body("the graph", body, self._limits)

        async def put(connection: Connection, again: bool) -> None:
            found = await connection.execute("SELECT FROM graphs WHERE version = %s AND fresh", (version,))
            if await found.fetchone() is None:  # else it would be a write for each run
                await connection.execute(PUT_GRAPH, (version, rules.clean(body)))

        await self._database.run(put)

    async def graph(self, version: str) -> str:
        """Return the graph kept under `version`; `no_run` if there is none."""

        async def read(connection: Connection, again: bool) -> str | None:
            found = await connection.execute("SELECT body FROM graphs WHERE version = %s", (version,))
            row = await found.fetchone()
            return row[0] if row else None

        body = await self._database.run(read)
        if body is None:
            raise rules.no_graph(version)
        return body

    async def create(self, run: NewRun) -> str:
        """Keep a new run and return its id; of a run of the same `key` the id it has."""
        rules.check_body("the input", run.input, self._limits)
        rules.admit(run.id, rules.RunState(epoch=1, status="running"), 1, run.records, self._limits)
        return await self._database.create(run)

    async def claim(self, run_id: str) -> Claimed:
        """Make the run ours: its epoch grows by one, its state becomes `running`."""

        async def take(connection: Connection, again: bool) -> SavedRun:
            async with connection.transaction():
                rules.check_claimable(run_id, await _lock(connection, run_id))
                await connection.execute(CLAIM, (run_id,))
                return await _saved(connection, run_id)

        run = await self._database.run(take)
        return Claimed(epoch=run.head.epoch, run=run)

    async def append(self, run_id: str, epoch: int, records: Sequence[Record]) -> None:
        """Add records, all or none, in this order; return when they are durable."""
        await self._database.write(Write(run=run_id, epoch=epoch, records=tuple(records)))

    async def ask(self, run_id: str, epoch: int, question: Question, records: Sequence[Record]) -> None:
        """Add records and open a question; the run's state becomes `paused`."""
        rules.check_question(run_id, question, self._limits)
        write = Write(run=run_id, epoch=epoch, records=tuple(records), question=question)
        await self._database.write(write)

    async def answer(self, token: str, answer: str, at: float) -> Answered:
        """Answer a question, durably; the first answer stands."""
        text = rules.clean(answer)

        async def put(connection: Connection, again: bool) -> Answered:
            async with connection.transaction():
                asked = await _question(connection, token)
                status = await _lock(connection, asked.run)
                question = await _question(connection, token)  # the row of its run is ours now
                if question.answer is not None:
                    return Answered(question=question, first=again and question.answer == text)
                rules.check_answerable(question, status, at)
                rules.check_body("the answer", answer, self._limits)
                await connection.execute(ANSWER, (text, token))
                await connection.execute(GO_ON, {"run": question.run, "at": at})
                return Answered(question=await _question(connection, token), first=True)

        return await self._database.run(put)

    async def end(self, run_id: str, epoch: int, status: str, records: Sequence[Record], at: float) -> None:
        """Add the last records and set how the run ended; durable."""
        rules.check_end(status)
        write = Write(run=run_id, epoch=epoch, records=tuple(records), status=status, at=at)
        await self._database.write(write)

    async def cancel(self, run_id: str, at: float) -> bool:
        """End an open run as `cancelled`, whoever owns it: its epoch grows. False if it had ended."""

        async def stop(connection: Connection, again: bool) -> bool:
            done = await connection.execute(CANCEL, (at, run_id, list(OPEN)))
            if done.rowcount:
                return True
            head = await _head(connection, run_id)
            return again and head.status == "cancelled" and head.updated == at  # an earlier try was committed

        return await self._database.run(stop)

    async def load(self, run_id: str) -> SavedRun:
        """Return a run as it is now; `no_run` if there is none."""

        async def read(connection: Connection, again: bool) -> SavedRun:
            async with connection.transaction():
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                return await _saved(connection, run_id)

        return await self._database.run(read)

    async def question(self, token: str) -> Question:
        """Return a question, answered or not; `no_question` if there is none."""
        return await self._database.run(lambda connection, _: _question(connection, token))

    async def runs(
        self, *, status: Sequence[str] = (), limit: int = 1_000_000, prefix: str = "", key: str | None = None
    ) -> Sequence[RunHead]:
        """Return the heads of runs, the newest first; only those of these states, ids, key."""
        wanted = {"status": list(status), "prefix": prefix, "key": key, "limit": max(0, limit)}

        async def read(connection: Connection, again: bool) -> list[RunHead]:
            found = await connection.execute(FIND_HEADS, wanted)
            return [_to_head(row) for row in await found.fetchall()]

        return await self._database.run(read)

    async def gc(self, keep: Retention, now: float) -> StoreStats:
        """Forget ended runs past their time, and graphs nobody refers to; return what went."""
        heads = {head.id: head for head in await self.runs(limit=ALL)}
        kept = [rules.Kept(head.id, head.status, head.updated, head.bytes) for head in heads.values()]
        past = [heads[run_id] for run_id in rules.expired_runs(kept, keep, now)]
        gone: list[tuple[str, int, int, int]] = []
        for heads_at_once in _portions(past):
            gone += await self._forget(heads_at_once)

        async def forget_graphs(connection: Connection, again: bool) -> None:
            async with connection.transaction():
                for statement in FORGET_GRAPHS:
                    await connection.execute(statement)

        await self._database.run(forget_graphs)
        return _to_stats(gone)

    async def stats(self) -> StoreStats:
        """Return what is kept."""

        async def read(connection: Connection, again: bool) -> list[tuple[Any, ...]]:
            return await (await connection.execute(COUNT)).fetchall()

        return _to_stats(await self._database.run(read))

    async def backup(self, path: Path) -> None:
        """Refuse with `unsupported`, and name the command: PostgreSQL's own tool copies a schema best."""
        command = f'pg_dump --format=custom --schema={self._schema} --file={shlex.quote(str(path))} "${self._variable}"'
        raise StoreError("PostgreSQL copies runs by a program of its own", hint=command, code="unsupported")

    async def aclose(self) -> None:
        """Make all that was appended durable and let go; calling it twice is fine."""
        await self._database.aclose()

    async def _forget(self, heads: Sequence[RunHead]) -> list[tuple[str, int, int, int]]:
        """Delete runs that are as they were seen; return state, number, records and bytes of each."""
        ids, updated = [head.id for head in heads], [head.updated for head in heads]

        async def forget(connection: Connection, again: bool) -> list[tuple[Any, ...]]:
            async with connection.transaction():
                found = await connection.execute(FORGET, (ids, updated, list(ENDED)))
                rows = await found.fetchall()
                for statement in FORGET_PARTS:
                    await connection.execute(statement, ([row[0] for row in rows],))
            return rows

        return [(status, 1, records, size) for _, status, records, size in await self._database.run(forget)]


def _portions(heads: Sequence[RunHead]) -> Iterator[list[RunHead]]:
    """Yield runs to forget in one transaction each: any number of small ones, or a large one alone."""
    portion: list[RunHead] = []
    weight = 0
    for head in heads:
        if portion and weight + head.records + 1 > FORGET_AT_ONCE:
            yield portion
            portion, weight = [], 0
        portion.append(head)
        weight += head.records + 1
    if portion:
        yield portion


async def _lock(connection: Connection, run_id: str) -> str:
    """Lock the row of a run for this transaction, and return the run's state."""
    row = await (await connection.execute(LOCK, (run_id,))).fetchone()
    if row is None:
        raise rules.no_run(run_id)
    return row[0]


async def _head(connection: Connection, run_id: str) -> RunHead:
    row = await (await connection.execute(HEAD + "WHERE id = %s", (run_id,))).fetchone()
    if row is None:
        raise rules.no_run(run_id)
    return _to_head(row)


async def _saved(connection: Connection, run_id: str) -> SavedRun:
    """Read a run inside a transaction that sees one state of it."""
    head = await _head(connection, run_id)
    inputs = await connection.execute("SELECT body FROM inputs WHERE run = %s", (run_id,))
    (body,) = await inputs.fetchone() or ("",)
    records = await connection.execute(FIND_RECORDS, (run_id,))
    questions = await connection.execute(FIND_QUESTION + "WHERE run = %s ORDER BY number", (run_id,))
    return SavedRun(
        head=head,
        input=body,
        records=tuple(Record(*row) for row in await records.fetchall()),
        questions=tuple(_to_question(row) for row in await questions.fetchall()),
    )


async def _question(connection: Connection, token: str) -> Question:
    row = await (await connection.execute(FIND_QUESTION + "WHERE token = %s", (token,))).fetchone()
    if row is None:
        raise rules.no_question()
    return _to_question(row)


def _to_head(row: tuple[Any, ...]) -> RunHead:
    run_id, graph, version, source, status, epoch, created, updated, key, forked_from, size, records = row
    return RunHead(
        id=run_id, graph=graph, version=version, source=source, status=status, epoch=epoch, created=created,
        updated=updated, key=key, forked_from=forked_from, bytes=size, records=records,
    )  # fmt: skip


def _to_question(row: tuple[Any, ...]) -> Question:
    token, run, place, call, text, fields, expires, answer = row
    return Question(
        token=token, run=run, place=place, call=call, text=text, fields=fields, expires=expires, answer=answer
    )


def _to_stats(rows: Sequence[tuple[Any, ...]]) -> StoreStats:
    """Sum up rows of (state, runs, records, bytes)."""
    by_status: Counter[str] = Counter()
    for status, runs, _, _ in rows:
        by_status[status] += runs
    return StoreStats(
        runs=by_status.total(),
        records=sum(int(row[2]) for row in rows),
        bytes=sum(int(row[3]) for row in rows),
        by_status=dict(by_status),
    )
