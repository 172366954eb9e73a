"""What the measures of confidence say, against values worked out by hand and against scikit-learn."""

import math
import random
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.confidence.metrics import (
    aurc,
    auroc,
    auroc_bounds,
    auroc_interval,
    average_precision,
    brier,
    ece,
    wilson,
)

reference: Any = import_module("sklearn.metrics")  # untyped
rows = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40)


def test_auroc_is_the_chance_that_a_right_answer_scores_higher() -> None:
    assert auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == 0.75


def test_equal_scores_count_half() -> None:
    assert auroc([0.5, 0.5], [True, False]) == 0.5


@pytest.mark.parametrize("right", [[], [True, True], [False, False]])
def test_auroc_is_not_defined_for_a_single_class(right: list[bool]) -> None:
    assert auroc([0.3] * len(right), right) is None
    assert auroc_interval([0.3] * len(right), right) is None


@settings(deadline=None)
@given(rows)
def test_auroc_and_average_precision_are_those_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    scores, right = [s for s, _ in pairs], [r for _, r in pairs]
    if len(set(right)) == 2:
        assert auroc(scores, right) == pytest.approx(reference.roc_auc_score(right, scores))
        assert average_precision(scores, right) == pytest.approx(
            reference.average_precision_score(right, scores)
        )


@given(rows)
def test_no_measure_depends_on_the_order_of_rows(pairs: list[tuple[float, bool]]) -> None:
    other = random.Random(0).sample(pairs, len(pairs))
    for measure in (auroc, aurc, average_precision, ece, brier):
        one = measure([s for s, _ in pairs], [r for _, r in pairs])
        two = measure([s for s, _ in other], [r for _, r in other])
        assert (one is None and two is None) or one == pytest.approx(two)


def test_the_interval_of_an_auroc_holds_it_nineteen_times_in_twenty() -> None:
    rng = random.Random(1)
    true = 0.7602  # of two normal distributions one standard deviation apart: Phi(1 / sqrt 2)
    missed = 0
    for _ in range(400):
        right = [rng.random() < 0.8 for _ in range(60)]
        interval = auroc_interval([rng.gauss(float(one), 1) for one in right], right)
        assert interval is not None
        missed += not interval[0] <= true <= interval[1]
    assert missed / 400 < 0.08


@pytest.mark.parametrize(
    ("value", "rights", "wrongs"), [(1.0, 3, 2), (0.0, 3, 2), (1.0, 1, 1), (0.5, 1, 299)]
)
def test_a_perfect_auroc_on_few_rows_is_far_from_certain(value: float, rights: int, wrongs: int) -> None:
    low, high = auroc_bounds(value, rights, wrongs)
    assert 0 <= low <= value <= high <= 1
    assert high - low > 0.3


def test_of_a_single_class_an_auroc_can_be_anything() -> None:
    assert auroc_bounds(0.5, 10, 0) == auroc_bounds(0.5, 0, 10) == (0.0, 1.0)


def test_more_rows_narrow_the_interval() -> None:
    few, many = auroc_bounds(0.8, 30, 20), auroc_bounds(0.8, 3_000, 2_000)
    assert few[0] < many[0] < 0.8 < many[1] < few[1]


def test_aurc_averages_the_error_of_the_surest() -> None:
    assert aurc([0.9, 0.8, 0.7], [True, False, True]) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_aurc_of_equal_scores_is_the_share_of_wrong_answers() -> None:
    assert aurc([0.5] * 4, [True, False, True, True]) == pytest.approx(0.25)


def test_ece_compares_each_bin_with_what_came_true() -> None:
    assert ece([0.95, 0.95, 0.05, 0.05], [True, False, False, False]) == pytest.approx((0.9 + 0.1) / 4)


def test_a_probability_of_one_belongs_to_the_last_bin() -> None:
    assert ece([1.0, 0.99], [True, True]) == pytest.approx(0.005)


def test_brier_is_the_mean_squared_distance() -> None:
    assert brier([0.8, 0.4], [True, False]) == pytest.approx((0.04 + 0.16) / 2)


def test_without_rows_nothing_is_measured() -> None:
    assert (aurc([], []), ece([], []), brier([], []), average_precision([], [])) == (None,) * 4
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_is_the_published_interval() -> None:
    low, high = wilson(81, 263)  # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@given(n=st.integers(1, 1_000), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_a_share_lies_in_its_interval(n: int, share: float, level: float) -> None:
    k = round(n * share)
    low, high = wilson(k, n, level)
    assert 0 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1


def test_lists_of_different_lengths_are_a_mistake() -> None:
    for measure in (auroc, aurc, average_precision, ece, brier):
        with pytest.raises(ValueError, match=r"zip\(\)"):
            measure([0.5, math.pi], [True])
