"""The suite of stores is there for others: found in `swarm.testing`, loaded when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import swarm.testing
from swarm.stores.limits import StoreLimits
from swarm.stores.memory import MemoryStore
from swarm.testing._store.base import begun, done, refused

BROKEN = """
from swarm.stores.memory import MemoryStore
from swarm.testing import StoreConformance

class Forgetful(MemoryStore):
    async def append(self, run_id, epoch, records):
        await super().append(run_id, epoch, records[:1])

class TestForgetful(StoreConformance):
    def begin(self, folder):
        pass

    async def open_store(self, limits=None):
        return Forgetful(limits=limits)
"""


def test_the_doubles_are_imported_without_the_tools_of_the_suite() -> None:
    program = "import sys, swarm.testing; print({'pytest', 'hypothesis'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_suite_is_found_among_the_doubles() -> None:
    for name in ("StoreConformance", "DurableStoreConformance", "BackupConformance"):
        assert getattr(swarm.testing, name).__doc__


def test_a_name_that_is_not_there_is_said_so() -> None:
    with pytest.raises(AttributeError, match="StoreConfirmation"):
        swarm.testing.StoreConfirmation  # type: ignore[attr-defined]


def test_a_store_that_breaks_a_promise_fails_by_the_name_of_the_promise(tmp_path: Path) -> None:
    file = tmp_path / "test_forgetful.py"
    file.write_text(BROKEN, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "asyncio_mode=strict",
        file,
    ]
    found = subprocess.run(
        [*command, "-k", "in_their_order or epoch_one"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in found.stdout, found.stdout
    assert "FAILED test_forgetful.py::TestForgetful::test_records_come_back_as_they_were" in found.stdout


async def test_limits_hold_for_graphs_and_answers_too() -> None:
    store = MemoryStore(limits=StoreLimits(record_bytes=10))
    with refused("too_large"):
        await store.put_graph("v1", '"0123456789"')
    await begun(store, "r1", [done("a", body='"01234567"')])
    await store.aclose()
