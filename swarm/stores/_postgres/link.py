"""The way to a PostgreSQL server: its address, a few connections, and its errors in our own words.

A connection that was lost is replaced, and what was asked over it is asked again until `patience_s`
has passed: a server that restarts costs time and no run. What is asked must bear being asked twice.
No exception of psycopg leaves this module, and no address: it may hold a password.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from swarm.errors import StoreError
from swarm.stores._postgres.timeouts import Timeouts
from swarm.stores._rules import closed

__all__ = ["Connection", "Interrupted", "Link"]

# It logs what it drops when a connection is lost. We tell that as an error; on a terminal nobody set up it is noise.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

T = TypeVar("T")
Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

SCHEMES = ("postgresql://", "postgres://")
FORM = "postgresql://USER@HOST/DATABASE, or env:NAME for a variable that holds such an address"

# What a server says to one who connects has no SQLSTATE in libpq, and what libpq itself says quotes parts of an
# address: of a password too, when somebody forgot to write its `@` as `%40`. So it is recognised, and never shown.
REFUSED = {  # the first that fits counts
    "certificate": "the certificates do not fit",
    "authentication failed": "the user or the password is wrong",
    "no password supplied": "it wants a password",
    "no pg_hba.conf entry": "its pg_hba.conf lets nobody in from here as this user",
    "does not exist": "there is no such user or database",
    "does not support SSL": "it does not support SSL",
}
UNREACHED = {
    "Connection refused": "nothing listens there",
    "No such file": "there is no such socket",
    "resolve host": "the host's name is not known (a `@`, `/` or `:` in a password is written %40, %2F, %3A)",
    "timeout expired": "it does not answer in time",
    "starting up": "it is starting up",
    "shutting down": "it is shutting down",
    "too many clients": "it has no connection left",
    "connection slots": "it has no connection left",
}

# By the first characters of SQLSTATE; the first that fits counts.
TRANSIENT = (
    "08",
    "57P",
    "40",
    "53300",
    "25P03",
)  # a connection, stop or start, a deadlock, no connection left
CODES = {
    "53": "storage_full", "54": "too_large", "25006": "read_only", "55P03": "busy", "57014": "busy",
    "23505": "recorded_twice", "XX001": "corrupt", "XX002": "corrupt",
    "42P01": "schema", "42703": "schema", "3F000": "schema",
}  # fmt: skip
HINTS = {
    "42501": "grant the role USAGE on the schema, and SELECT, INSERT, UPDATE and DELETE on its tables",
    "53": "free space on the server; cut-off runs go on where they were",
}


class Interrupted(StoreError):
    """The connection was lost, or the server asks to try again: whether the operation was done is open."""

    code = "busy"


class Link:
    """A few connections to one schema of one database, made when they are needed.

    It belongs to the event loop that uses it first.

    Args:
        dsn: `postgresql://...`, or `env:NAME` for what that environment variable holds.
        schema: what unqualified names of tables mean.
        size: at most so many connections.
        env: where `env:NAME` is read, at the first connection.
    """

    def __init__(
        self, dsn: str, *, schema: str, size: int, timeouts: Timeouts, env: Mapping[str, str] = os.environ
    ) -> None:
        if not dsn.startswith((*SCHEMES, "env:")):
            raise StoreError("not the address of a PostgreSQL database", hint=FORM)
        self._dsn, self._schema, self._timeouts, self._env = dsn, schema, timeouts, env
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reached = False
        self._closed = False

    async def run(self, work: Callable[[Connection, bool], Awaitable[T]]) -> T:
        """Return what `work(connection, again)` returns; `again` once an earlier try was cut off.

        Raises:
            StoreError: what `work` raised, or what the server said, translated; `busy` when it
                could not be reached in time, `closed` after `aclose`.
        """
        self._check_usable()
        retrying = AsyncRetrying(
            stop=stop_after_delay(self._timeouts.patience_s),
            wait=wait_random_exponential(multiplier=0.02, max=1.0),
            retry=retry_if_exception(self._is_worth_another_try),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                async with self._connection() as connection:
                    return await work(connection, attempt.retry_state.attempt_number > 1)
        raise AssertionError("tenacity returns or raises")

    async def aclose(self) -> None:
        """Close the connections; those in use when they come back. Calling it twice is fine."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    def _check_usable(self) -> None:
        if self._closed:
            raise closed()
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise StoreError(
                "the store belongs to another event loop", code="closed", hint="make one store for each"
            )

    def _is_worth_another_try(self, error: BaseException) -> bool:
        """Return whether the server was there and may come back; a wrong address is told at once."""
        return isinstance(error, Interrupted) and self._reached and not self._closed

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection]:
        """Lend a connection; one that is in the middle of something afterwards is closed."""
        with self._translated():
            async with asyncio.timeout(self._timeouts.operation_s), self._slots:
                connection = self._idle.pop() if self._idle else await self._connect()
                try:
                    yield connection
                finally:
                    await self._take_back(connection)

    async def _take_back(self, connection: Connection) -> None:
        if connection.info.transaction_status == TransactionStatus.IDLE and not self._closed:
            self._idle.append(connection)
            return
        await connection.close()
        if connection.broken:  # then the others are most likely dead, too: one try finds it out for all
            while self._idle:
                await self._idle.pop().close()

    async def _connect(self) -> Connection:
        connection = await self._reach()
        self._reached = True
        try:
            await self._prepare(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _reach(self) -> Connection:
        """Return a new connection; what libpq says of an address quotes parts of it, and goes no further."""
        try:
            return await psycopg.AsyncConnection.connect(
                self._address(), autocommit=True, connect_timeout=max(2, round(self._timeouts.connect_s)),
                application_name="swarm", keepalives_idle=30, keepalives_interval=10, keepalives_count=3,
            )  # fmt: skip
        except psycopg.ProgrammingError:
            fault = StoreError("the address of the database cannot be read", hint=FORM)
        except psycopg.Error as error:
            fault = cannot_connect(str(error))
        raise fault  # here, so that it does not carry the other as its context

    async def _prepare(self, connection: Connection) -> None:
        """Set what every statement relies on; `synchronous_commit` makes a commit mean the disk."""
        settings = {
            "search_path": self._schema,
            "synchronous_commit": "on",
            "default_transaction_isolation": "read committed",  # a lock taken, the next statement sees what it guards
            "plan_cache_mode": "force_custom_plan",  # a plan of an empty table is no plan for a full one
            "statement_timeout": str(round(self._timeouts.statement_s * 1000)),
            "lock_timeout": str(round(self._timeouts.lock_s * 1000)),
            "idle_in_transaction_session_timeout": str(round(self._timeouts.operation_s * 1000)),
        }
        names, values = list(settings), list(settings.values())
        await connection.execute(
            "SELECT set_config(s.name, s.value, false) FROM unnest(%s::text[], %s::text[]) AS s (name, value)",
            (names, values),
        )

    def _address(self) -> str:
        if not self._dsn.startswith("env:"):
            return self._dsn
        name = self._dsn.removeprefix("env:")
        address = self._env.get(name, "")
        if not address.startswith(SCHEMES):
            fault = "holds no address of a PostgreSQL database" if address else "is not set"
            raise StoreError(f"the environment variable {name!r} {fault}", hint=FORM)
        return address

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except TimeoutError as error:
            raise Interrupted("the database did not answer in time", where=self._place) from error
        except UnicodeEncodeError as error:
            raise StoreError("half a character is no text", where=self._place, code="invalid") from error
        except psycopg.Error as error:
            raise translated(error, self._place) from error

    @property
    def _place(self) -> str:
        return f"postgresql schema {self._schema!r}"


def cannot_connect(text: str) -> StoreError:
    """Return what stands for a connection that was not made; `text` says why, and is not passed on."""
    for sign, meaning in REFUSED.items():
        if sign in text:
            return StoreError(f"the PostgreSQL server lets us not in: {meaning}")
    meanings = (meaning for sign, meaning in UNREACHED.items() if sign in text)
    reason = next(meanings, "it cannot be reached")
    return Interrupted(
        f"no connection to the PostgreSQL server: {reason}", hint="start it, or mend its address"
    )


def translated(error: psycopg.Error, where: str) -> StoreError:
    """Return what stands for an error of a statement."""
    state = error.sqlstate or ""
    what = (error.diag.message_primary or str(error)).strip()
    lost = not state and isinstance(error, psycopg.OperationalError)
    if lost or state.startswith(TRANSIENT):
        return Interrupted(f"the PostgreSQL server cut us off: {what}", where=where)
    if isinstance(error, psycopg.DataError):
        return StoreError(f"PostgreSQL cannot keep this: {what}", where=where, code="invalid")
    code = next((code for start, code in CODES.items() if state.startswith(start)), "")
    hint = next((hint for start, hint in HINTS.items() if state.startswith(start)), "")
    return StoreError(f"the PostgreSQL server refused: {what}", where=where, hint=hint, code=code)
