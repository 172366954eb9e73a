"""`python -m benchmarks faults`."""

from __future__ import annotations

import pytest

from benchmarks.faults import run
from benchmarks.faults.finding import Finding


def test_an_experiment_that_does_not_exist_is_told_with_those_there_are() -> None:
    with pytest.raises(
        SystemExit, match="kill, points, power, disk, flips, locks, cancel, crowd, clock, mutations"
    ):
        run(only="earthquake")


def test_one_experiment_gives_its_rows_alone_and_flipped_bits_are_told_or_harmless() -> None:
    rows = run(only="flips", count=24)
    assert list(rows) == ["flipped bit of runs.db", "flipped bit of runs.db-wal"]
    found = [row for row in rows.values() if isinstance(row, Finding)]
    assert [(row.tried, row.broken) for row in found] == [(18, ()), (6, ())]
