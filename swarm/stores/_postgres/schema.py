"""The tables in PostgreSQL: made at the first use, migrated forwards, one step for each version.

`search_path` names the schema, so no statement holds a name that came from outside.
"""

from __future__ import annotations

import re
import zlib
from typing import LiteralString

from psycopg import sql

from swarm.errors import StoreError
from swarm.stores._postgres.link import Connection

__all__ = ["check_name", "prepare"]

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")  # PostgreSQL cuts longer names off in silence
LOCK = 0x5357524D  # "SWRM": the first half of the advisory lock that one migration at a time holds

# Not `to_regclass`: it remembers that there was no table, and does not see one that was committed meanwhile.
FIND_TABLE = """
    SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = 'schema_version'
"""

# The input of a run is apart from its row, because every append writes a new version of the row. Free space on its
# pages keeps these versions there, and out of the indexes, none of whose columns an append changes. The journal has
# no foreign key: whoever writes to it holds the row of the run.
MIGRATIONS: tuple[LiteralString, ...] = (
    """
    CREATE TABLE graphs (
        version text PRIMARY KEY,
        body text NOT NULL,
        fresh boolean NOT NULL
    );
    CREATE TABLE runs (
        id text PRIMARY KEY,
        number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        graph text NOT NULL,
        version text NOT NULL,
        source text NOT NULL,
        status text NOT NULL,
        epoch integer NOT NULL,
        created double precision NOT NULL,
        updated double precision NOT NULL,
        key text UNIQUE,
        forked_from text NOT NULL,
        bytes bigint NOT NULL,
        records integer NOT NULL
    ) WITH (fillfactor = 60);
    CREATE TABLE inputs (
        run text PRIMARY KEY,
        body text NOT NULL
    );
    CREATE TABLE journal (
        run text NOT NULL,
        seq integer NOT NULL,
        kind text NOT NULL,
        place text NOT NULL,
        call text NOT NULL,
        body text NOT NULL,
        PRIMARY KEY (run, seq)
    );
    CREATE UNIQUE INDEX done_once ON journal (run, place, call) WHERE kind = 'done';
    CREATE TABLE questions (
        token text PRIMARY KEY,
        number bigint GENERATED ALWAYS AS IDENTITY,
        run text NOT NULL,
        place text NOT NULL,
        call text NOT NULL,
        text text NOT NULL,
        fields text NOT NULL,
        expires double precision NOT NULL,
        answer text
    );
    CREATE INDEX questions_of ON questions (run);
    """,
)


def check_name(schema: str) -> str:
    """Return the name of a schema; ValueError unless it is a plain lower-case one."""
    if not NAME.match(schema) or schema.startswith("pg_"):
        raise ValueError(f"{schema!r} cannot name a schema: lower-case letters, digits and `_`, at most 63")
    return schema


async def prepare(connection: Connection, schema: str) -> None:
    """Make the tables, or bring them up to date; a role that may only read and write can do without.

    Raises:
        StoreError: `schema` when a later version of swarm wrote them.
    """
    if await _version(connection, schema) == len(MIGRATIONS):
        return
    async with connection.transaction():
        await connection.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", (LOCK, _signed(zlib.crc32(schema.encode())))
        )
        version = await _version(connection, schema)  # another process may have been first
        if version > len(MIGRATIONS):
            raise StoreError(
                f"the tables in schema {schema!r} are of version {version}, this swarm knows {len(MIGRATIONS)}",
                code="schema", hint="pip install -U 'swarm-slm[postgres]'",
            )  # fmt: skip
        if version == 0:
            await _create_schema(connection, schema)
            await connection.execute("CREATE TABLE schema_version (version integer NOT NULL)")
            await connection.execute("INSERT INTO schema_version VALUES (0)")
        for step in MIGRATIONS[version:]:
            await connection.execute(step)
        await connection.execute("UPDATE schema_version SET version = %s", (len(MIGRATIONS),))


async def _version(connection: Connection, schema: str) -> int:
    """Return the version of the tables; 0 when there are none."""
    asked = await connection.execute(FIND_TABLE, (schema,))
    if await asked.fetchone() is None:
        return 0
    (version,) = await (await connection.execute("SELECT max(version) FROM schema_version")).fetchone() or (
        0,
    )
    return version


async def _create_schema(connection: Connection, schema: str) -> None:
    """Make the schema; where an administrator made it, the right to make one is not needed."""
    asked = await connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,))
    if await asked.fetchone() is None:
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))


def _signed(number: int) -> int:
    """Return 32 bits as PostgreSQL's `integer` holds them."""
    return number - (1 << 32) if number >= 1 << 31 else number
