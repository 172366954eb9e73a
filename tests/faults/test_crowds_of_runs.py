"""Very many runs at once."""

from __future__ import annotations

from benchmarks.faults.crowd import crowd, fair_share


def test_all_of_many_runs_at_once_come_to_their_output() -> None:
    (row,) = crowd(500, wait_s=0.1, timed=False).values()
    assert row.broken == ()


def test_runs_that_share_few_slots_each_have_their_share() -> None:
    (row,) = fair_share(runs=20, nodes=50, slots=8).values()
    assert row.broken == ()
