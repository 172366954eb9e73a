"""How far a walk from strict to permissive may go, and that its promises are kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.confidence import risk

np: Any = pytest.importorskip("numpy")
pytest.importorskip("scipy")

DELTA = 0.1
TWO_ERRORS = 2 * (DELTA * (1 - DELTA) / 2_000) ** 0.5  # standard errors of a share of 2,000 tries


def walks(tries: int, rows: int, error: Callable[[float], float], seed: int) -> Any:
    """Return errors among the first 1, 2, ... answers; `error(rank)` is the chance that one is wrong."""
    chances = np.array([error((rank + 0.5) / rows) for rank in range(rows)])
    return np.cumsum(np.random.default_rng(seed).random((tries, rows)) < chances, axis=1)


def surely(sizes: Any, errors: Any, target: float) -> int:
    """Return how far the walk may go with 90 % confidence."""
    return risk.certified(sizes, errors, target, DELTA)


def ends(drawn: Any, target: float) -> list[int]:
    """Return how many answers are accepted in each try."""
    sizes = np.arange(1, drawn.shape[1] + 1)
    return [surely(sizes, errors, target) + 1 for errors in drawn]


def test_applying_and_bounding_import_no_numpy() -> None:
    code = (
        "import sys, swarm.confidence.risk, swarm.confidence.policy, swarm.confidence.tune;"
        " assert not {'numpy', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(("errors", "n", "bound"), [(0, 45, 0.0499), (5, 100, 0.0908), (3, 3, 1.0)])
def test_the_upper_bound_is_that_of_clopper_and_pearson(errors: int, n: int, bound: float) -> None:
    assert risk.upper_bound(errors, n, DELTA) == pytest.approx(bound, abs=2e-4)


@pytest.mark.parametrize(
    ("target", "sure", "rows"), [(0.05, 0.9, 45), (0.1, 0.9, 22), (0.01, 0.9, 230), (0.05, None, 22)]
)
def test_the_fewest_rows_that_can_show_a_target(target: float, sure: float | None, rows: int) -> None:
    assert risk.rows_needed(target, sure) == rows


def test_what_must_escalate_follows_from_the_error_of_the_first_rung() -> None:
    assert risk.must_escalate(0.2, 0.05) == pytest.approx(0.15 / 0.95)
    assert risk.must_escalate(0.03, 0.05) == 0


@pytest.mark.parametrize("target", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("good", [0.3, 0.6, 0.9])
def test_answers_twice_as_often_wrong_as_the_target_are_seldom_reached(target: float, good: float) -> None:
    drawn = walks(2_000, 300, lambda rank: target if rank < good else 2 * target, seed=1)
    violated = np.mean(np.array(ends(drawn, target)) > good * 300)
    assert violated <= DELTA + TWO_ERRORS


@pytest.mark.parametrize("target", [0.05, 0.1, 0.2])
def test_one_set_alone_is_held_against_the_plain_bound(target: float) -> None:
    for errors in range(40):
        taken = risk.certified(np.array([300]), np.array([errors]), target, DELTA) == 0
        assert taken is (risk.upper_bound(errors, 300, DELTA) <= target)


def test_two_hundred_thousand_places_are_walked_within_the_bound() -> None:
    sizes = np.arange(1, 200_001)
    place = risk.certified(sizes, sizes // 25, 0.05, DELTA)
    assert place == 199_999
    assert risk.certified(sizes, sizes // 20, 0.05, DELTA) < 1_000


@pytest.mark.parametrize("target", [0.05, 0.1, 0.2])
def test_a_cliff_behind_the_last_good_answer_is_seldom_passed(target: float) -> None:
    for good in (0.3, 0.5, 0.8):
        drawn = walks(2_000, 300, lambda rank, good=good: target if rank < good else 0.9, seed=2)
        violated = np.mean(np.array(ends(drawn, target)) > good * 300)
        assert violated <= DELTA + TWO_ERRORS, f"cliff at {good}"


@pytest.mark.parametrize("target", [0.05, 0.1, 0.2])
def test_a_rising_error_keeps_the_target_and_most_of_what_could_be_accepted(target: float) -> None:
    drawn = walks(
        2_000, 300, lambda rank: 3 * target * rank**2, seed=3
    )  # on average at the target: all of them
    accepted = np.array(ends(drawn, target))
    assert np.mean(accepted**2 / 300**2 > 1 + 1e-9) <= DELTA + TWO_ERRORS
    assert accepted.mean() >= 0.55 * 300


def test_on_average_the_error_of_fresh_answers_is_at_most_the_target() -> None:
    target, rows, tries = 0.1, 200, 3_000
    rng = np.random.default_rng(4)
    realised: list[float] = []
    for _ in range(tries):
        scores, fresh = rng.random(rows), rng.random(rows)
        wrong, wrong_later = rng.random(rows) < 0.5 * (1 - scores), rng.random(rows) < 0.5 * (1 - fresh)
        down = np.argsort(-scores)
        place = risk.on_average(np.arange(1, rows + 1), np.cumsum(wrong[down]), target)
        accepted = fresh >= (scores[down][place] if place >= 0 else 2.0)
        realised.append(float(wrong_later[accepted].mean()) if accepted.any() else 0.0)
    assert np.mean(realised) <= target + 2 * np.std(realised) / tries**0.5


def test_of_all_rows_one_bound_holds_at_each_place() -> None:
    errors = np.array([0, 0, 1, 2, 9])
    assert risk.on_average_of_all(errors, 100, 0.05) == 3
    assert risk.certified_of_all(errors, 100, 0.05, DELTA) == 2 + (risk.upper_bound(2, 100, DELTA) <= 0.05)
    assert risk.certified_of_all(np.array([50]), 100, 0.05, DELTA) == -1


def test_equal_scores_are_accepted_together_or_not_at_all() -> None:
    assert risk.certified(np.array([10, 200]), np.array([0, 4]), 0.05, DELTA) == 1
    assert risk.certified(np.array([10, 200]), np.array([0, 40]), 0.05, DELTA) == -1


@pytest.mark.parametrize("rule", [risk.on_average, surely])
def test_nothing_to_accept_is_no_accident(rule: Any) -> None:
    assert rule(np.zeros(0, dtype=int), np.zeros(0), 0.05) == -1
    assert rule(np.array([0]), np.array([0.0]), 0.05) == -1


errors_drawn = st.lists(st.booleans(), min_size=1, max_size=400)
shares = st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.5])


@settings(max_examples=60, deadline=None)
@given(errors_drawn, shares, st.data())
def test_one_more_error_never_lets_more_be_accepted(wrong: list[bool], target: float, data: Any) -> None:
    sizes, worse = np.arange(1, len(wrong) + 1), list(wrong)
    worse[data.draw(st.integers(0, len(wrong) - 1))] = True
    for rule in (risk.on_average, surely):
        assert rule(sizes, np.cumsum(worse), target) <= rule(sizes, np.cumsum(wrong), target)


@settings(max_examples=60, deadline=None)
@given(errors_drawn, shares)
def test_what_is_certified_has_its_bound_within_the_target(wrong: list[bool], target: float) -> None:
    errors = np.cumsum(wrong)
    place = risk.certified(np.arange(1, len(wrong) + 1), errors, target, DELTA)
    if place >= 0:
        assert risk.upper_bound(float(errors[place]), place + 1, DELTA) <= target + 1e-9
