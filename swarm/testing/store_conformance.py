"""The conformance suite of stores: derive a class from it, and pytest shows whether a store keeps its promises.

    class TestMyStore(DurableStoreConformance):
        def begin(self, folder):
            self.path = folder / "runs"

        async def open_store(self, limits=None):
            return MyStore(self.path, limits=limits or StoreLimits())

Needs pytest, pytest-asyncio and hypothesis (`pip install swarm-slm[dev]`). The promises are those of
`swarm.stores.base.RunStore`.
"""

from __future__ import annotations

import pytest

from swarm.testing._store.base import StoreTests
from swarm.testing._store.journal import JournalTests
from swarm.testing._store.keeping import BackupTests, DurableTests, KeepingTests
from swarm.testing._store.machine import MachineTests
from swarm.testing._store.people import PeopleTests

__all__ = ["BackupConformance", "DurableStoreConformance", "StoreConformance"]


@pytest.mark.asyncio
class StoreConformance(JournalTests, PeopleTests, KeepingTests, MachineTests, StoreTests):
    """What every store must do."""


@pytest.mark.asyncio
class DurableStoreConformance(DurableTests, StoreConformance):
    """What a store must do whose runs outlive it: `open_store` opens the same data again."""

    survives = True


@pytest.mark.asyncio
class BackupConformance(BackupTests):
    """What a store must do that can copy itself; one that cannot refuses with code `unsupported`."""
