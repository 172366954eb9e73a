"""Runs that crash at a random step and go on in another process come to what they would have come to."""

from __future__ import annotations

import os

import pytest
from crashed import check_crashes

SEEDS = int(os.environ.get("SWARM_SEEDS", "2000")) // 5
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_what_was_recorded_never_runs_again_and_nothing_acknowledged_is_lost(part: int) -> None:
    crashes = [check_crashes(seed) for seed in range(part * SEEDS // PARTS, (part + 1) * SEEDS // PARTS)]
    assert sum(crashes) > len(crashes) // 2, "too few of them crashed to show anything"
