"""Runs in PostgreSQL keep every promise of a store."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from swarm.stores.base import RunStore
from swarm.stores.limits import StoreLimits
from swarm.stores.postgres import PostgresStore
from swarm.testing.store_conformance import DurableStoreConformance

_schemas = (f"conformance_{n}" for n in itertools.count())


class TestPostgresStore(DurableStoreConformance):
    dsn: str
    schema: str

    @pytest.fixture(autouse=True)
    def server_of_the_store(self, server: PostgresServer) -> None:
        self.dsn = server.dsn

    def begin(self, folder: Path) -> None:
        self.schema = next(_schemas)

    async def open_store(self, limits: StoreLimits | None = None) -> RunStore:
        return PostgresStore(self.dsn, schema=self.schema, limits=limits)
