"""`python -m benchmarks faults`."""

from __future__ import annotations

import pytest

from benchmarks.faults import run


def test_an_experiment_that_does_not_exist_is_told_with_those_there_are() -> None:
    with pytest.raises(
        SystemExit, match="kill, points, power, disk, flips, locks, cancel, crowd, clock, mutations"
    ):
        run(only="earthquake")


def test_one_experiment_gives_its_rows_alone() -> None:
    assert list(run(only="disk")) == ["disk full at each page"]
