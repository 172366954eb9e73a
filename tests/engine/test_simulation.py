"""The engine under a virtual clock and seeded interleavings (`simulated.py`); more by command.

python -m benchmarks simulation --seeds 100000
"""

from __future__ import annotations

import os

import pytest
from simulated import check_seed

SEEDS = int(os.environ.get("SWARM_SEEDS", "2000"))
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_runs_keep_their_promises_whatever_the_order_and_the_time(part: int) -> None:
    told = [check_seed(seed) for seed in range(part * SEEDS // PARTS, (part + 1) * SEEDS // PARTS)]
    ends = {end for one in told if one is not None for end in one.value}
    assert ends == {"completed", "failed", "cancelled"}, "the stories are too tame to show anything"


# Out of 100,000: an answer in the turn in which its time is over, a cancellation that met a deadline or a group inside
# just taking back its own, a second cancellation while the first was being waited for.
FOUND = (2373, 23350, 24630, 31366, 47589, 51293, 57953, 65709, 82494, 85204, 97241)


@pytest.mark.parametrize("seed", FOUND)
def test_a_promise_that_was_broken_once_is_kept(seed: int) -> None:
    assert check_seed(seed) is not None
