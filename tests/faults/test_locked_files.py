"""A file of runs that somebody else has."""

from __future__ import annotations

from benchmarks.faults.storage import foreign_lock, second_process


def test_a_second_process_on_the_file_is_told_so_and_the_first_goes_on() -> None:
    (row,) = second_process().values()
    assert row.broken == ()


def test_runs_behind_a_foreign_lock_are_told_busy_and_nothing_is_lost() -> None:
    (row,) = foreign_lock(0.0, busy_s=0.05).values()
    assert row.broken == ()
