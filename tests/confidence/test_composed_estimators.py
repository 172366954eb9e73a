"""Estimators made of estimators."""

import math

import pytest

from swarm.confidence.compose import all_of, any_of, weighted
from swarm.confidence.estimators import ESTIMATORS, Signals

LOGPROB, GROUNDING = ESTIMATORS["logprob"], ESTIMATORS["grounding"]
BOTH = Signals(logprobs=(math.log(0.9),), named={"grounding": 0.6})
ONE = Signals(logprobs=(math.log(0.9),))
NOTHING = Signals()


def test_all_of_is_as_sure_as_the_least_sure() -> None:
    assert all_of(LOGPROB, GROUNDING)(BOTH) == 0.6


def test_all_of_needs_all() -> None:
    assert all_of(LOGPROB, GROUNDING)(ONE) is None


def test_any_of_is_as_sure_as_the_surest_that_measured() -> None:
    assert any_of(LOGPROB, GROUNDING)(BOTH) == pytest.approx(0.9)
    assert any_of(LOGPROB, GROUNDING)(ONE) == pytest.approx(0.9)
    assert any_of(LOGPROB, GROUNDING)(NOTHING) is None


def test_weighted_is_the_weighted_mean() -> None:
    estimator = weighted({LOGPROB: 2, GROUNDING: 1})
    assert estimator(BOTH) == pytest.approx((2 * 0.9 + 0.6) / 3)
    assert estimator(ONE) is None


def test_a_composition_is_an_estimator_like_any_other() -> None:
    assert all_of(any_of(LOGPROB, GROUNDING), weighted({GROUNDING: 1}))(BOTH) == pytest.approx(0.6)


def test_of_nothing_nothing_can_be_made() -> None:
    for make in (all_of, any_of, lambda: weighted({})):
        with pytest.raises(ValueError, match="at least one estimator"):
            make()
    with pytest.raises(ValueError, match="above 0"):
        weighted({LOGPROB: 0})
