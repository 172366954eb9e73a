"""A change of the world is noticed; a quiet world raises no alarm."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from swarm.confidence.drift import DisagreementWatch, ScoreWatch


def watch(draw: Callable[[], float], n: int = 300) -> ScoreWatch:
    return ScoreWatch(sorted(draw() for _ in range(n)), n)


def test_scores_that_stay_as_they_were_raise_no_alarm() -> None:
    alarms = 0
    for seed in range(20):
        draw = random.Random(seed).random
        watching = watch(draw)
        alarms += any(watching.add(draw()) for _ in range(3_000))
    assert alarms == 0


@pytest.mark.parametrize(("shift", "told"), [(-0.25, "fell"), (0.25, "rose")])
def test_scores_that_shift_are_noticed_within_two_hundred(shift: float, told: str) -> None:
    draw = random.Random(3).random
    watching = watch(draw)
    quiet = [watching.add(draw()) for _ in range(2_000)]
    shifted = [watching.add(draw() + shift) for _ in range(200)]
    assert set(quiet) == {""}
    assert told in shifted


def test_equal_scores_are_ranked_in_the_middle() -> None:
    watching = ScoreWatch([0.9] * 50, 50)
    assert not any(watching.add(0.9) for _ in range(2_000))


def test_contradictions_within_the_target_raise_no_alarm() -> None:
    alarms = 0
    for seed in range(20):
        draw = random.Random(seed).random
        watching = DisagreementWatch(0.05)
        alarms += any(watching.add(draw() >= 0.05) for _ in range(3_000))
    assert alarms <= 1


def test_contradictions_far_beyond_the_target_are_noticed_soon() -> None:
    draw = random.Random(5).random
    watching = DisagreementWatch(0.05)
    assert any(watching.add(draw() >= 0.4) for _ in range(60))
