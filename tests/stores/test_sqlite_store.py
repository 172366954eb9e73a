"""Runs in an SQLite file keep every promise of a store."""

from __future__ import annotations

from pathlib import Path

from swarm.stores.base import RunStore
from swarm.stores.limits import StoreLimits
from swarm.stores.sqlite import SqliteStore
from swarm.testing.store_conformance import BackupConformance, DurableStoreConformance


class TestSqliteStore(DurableStoreConformance, BackupConformance):
    path: Path

    def begin(self, folder: Path) -> None:
        self.path = folder / "kept" / "runs.db"

    async def open_store(self, limits: StoreLimits | None = None) -> RunStore:
        return SqliteStore(self.path, limits=limits)

    async def open_backup(self, path: Path) -> RunStore:
        return SqliteStore(path, read_only=True)
