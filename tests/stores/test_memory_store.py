"""Runs in memory keep every promise but that of outliving the process."""

from __future__ import annotations

from pathlib import Path

from swarm.stores.base import RunStore
from swarm.stores.limits import StoreLimits
from swarm.stores.memory import MemoryStore
from swarm.testing._store.base import refused
from swarm.testing.store_conformance import StoreConformance


class TestMemoryStore(StoreConformance):
    def begin(self, folder: Path) -> None:
        pass

    async def open_store(self, limits: StoreLimits | None = None) -> RunStore:
        return MemoryStore(limits=limits)

    async def test_it_cannot_be_copied_to_a_file(self, store: RunStore, tmp_path: Path) -> None:
        with refused("unsupported"):
            await store.backup(tmp_path / "copy")
