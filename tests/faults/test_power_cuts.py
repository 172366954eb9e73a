"""States that a power cut could leave a file of runs in."""

from __future__ import annotations

import random

import pytest

from benchmarks.faults.disk import Disk
from benchmarks.faults.power import power_cuts
from benchmarks.faults.trace import Step, is_available


@pytest.mark.skipif(not is_available(), reason="needs strace: apt install strace")
def test_nothing_acknowledged_is_lost_by_a_power_cut() -> None:
    rows = power_cuts(20)
    assert {name: row.broken for name, row in rows.items()} == {
        "power cut, full": (),
        "power cut, relaxed": (),
    }
    assert all(row.tried == 20 for row in rows.values())


def cuts(*steps: Step) -> list[dict[str, bytes]]:
    """Return what a hundred power cuts after these steps leave."""
    disk = Disk()
    for step in steps:
        disk.do(step)
    return [disk.after_a_cut(random.Random(seed)) for seed in range(100)]


CREATED = Step(what="create", name="a")
FOLDER_SYNCED = Step(what="sync", name="")


def test_what_was_synced_is_there_and_what_was_not_may_be_missing() -> None:
    kept = Step(what="write", name="a", at=0, data=b"one")
    later = Step(what="write", name="a", at=3, data=b"two")
    states = cuts(CREATED, FOLDER_SYNCED, kept, Step(what="sync", name="a"), later)
    assert {state["a"] for state in states} == {b"one", b"onetwo"}


def test_of_two_writes_the_later_may_be_there_without_the_earlier() -> None:
    writes = [Step(what="write", name="a", at=at, data=b"x") for at in (0, 1)]
    assert b"\0x" in {state["a"] for state in cuts(CREATED, FOLDER_SYNCED, *writes)}


def test_a_file_may_be_missing_until_its_folder_is_synced() -> None:
    synced = Step(what="sync", name="a")
    assert any("a" not in state for state in cuts(CREATED, synced))
    assert all("a" in state for state in cuts(CREATED, synced, FOLDER_SYNCED))


def test_a_write_may_be_torn_between_sectors() -> None:
    states = cuts(CREATED, FOLDER_SYNCED, Step(what="write", name="a", at=0, data=b"x" * 1024))
    assert b"x" * 512 in {state["a"] for state in states}
