"""What signals are worth, learned from outcomes."""

import json
import math
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.confidence.calibrate import Calibrator, Fit, default_order, fit_calibrator
from swarm.confidence.metrics import auroc, brier, ece
from swarm.errors import InputError

Rows = list[dict[str, float | None]]
SHAPES: Mapping[str, Callable[[float], float]] = {  # a number -> the probability of being right
    "a probability": lambda x: x,
    "an overconfident one": lambda x: x**3,
    "a step": lambda x: 0.95 if x > 0.5 else 0.4,
}


def draw(n: int, chance: Callable[[float], float] = lambda x: x, seed: int = 0) -> tuple[Rows, list[bool]]:
    """Return outcomes with one signal `score`, uniform in (0, 1)."""
    rng = random.Random(seed)
    scores = [rng.random() for _ in range(n)]
    return [{"score": score} for score in scores], [rng.random() < chance(score) for score in scores]


def said(calibrator: Calibrator, rows: Rows) -> list[float]:
    found = [calibrator(row) for row in rows]
    return [one for one in found if one is not None]


def several(n: int, seed: int = 0) -> tuple[Rows, list[bool]]:
    """Return outcomes with two signals that each tell half, one of them in logarithms, and one of noise."""
    rng = random.Random(seed)
    rows: Rows = []
    right: list[bool] = []
    for _ in range(n):
        one, other = rng.gauss(0, 1.5), rng.gauss(0, 1.5)
        rows.append({"votes": one, "logprob": -math.log1p(math.exp(-other)), "noise": rng.random()})
        right.append(rng.random() < 1 / (1 + math.exp(-one - other - 0.5)))
    return rows, right


@pytest.mark.parametrize("shape", SHAPES)
def test_from_300_outcomes_a_probability_means_what_it_says(shape: str) -> None:
    fit = fit_calibrator(*draw(300, SHAPES[shape]))
    rows, right = draw(4_000, SHAPES[shape], seed=1)
    error = ece(said(fit.calibrator, rows), right)
    assert (fit.calibrator.method, fit.refused) == ("platt", "")
    assert error is not None
    assert error < 0.08  # what 300 outcomes leave open is some 0.03; a step is not seen whole


def test_from_a_thousand_outcomes_even_a_step_is_seen() -> None:
    fit = fit_calibrator(*draw(5_000, SHAPES["a step"]))
    assert fit.calibrator.method == "isotonic"
    assert fit.calibrator({"score": 0.2}) == pytest.approx(0.4, abs=0.05)
    assert fit.calibrator({"score": 0.8}) == pytest.approx(0.95, abs=0.05)


def test_several_signals_are_combined_where_that_tells_more() -> None:
    fit = fit_calibrator(*several(400))
    rows, right = several(2_000, seed=1)
    assert (fit.calibrator.method, fit.calibrator.estimator) == ("logistic", "logprob + votes")
    joint = auroc(said(fit.calibrator, rows), right)
    alone = [auroc([row[name] or 0.0 for row in rows], right) or 0.0 for name in ("votes", "logprob")]
    assert joint is not None
    assert joint > max(alone) + 0.05


def test_more_of_a_signal_is_never_less_sure() -> None:
    calibrator = fit_calibrator(*several(400)).calibrator
    chances = said(calibrator, [{"votes": step / 10, "logprob": -0.5} for step in range(-60, 61)])
    assert all(one < two for one, two in pairwise(chances))


@pytest.mark.parametrize("n", [20, 200, 2_000])
def test_ordered_by_one_signal_the_probability_rises_strictly_with_it(n: int) -> None:
    rows, right = several(n)
    fit = fit_calibrator(rows, right, order="votes")
    ordered = said(fit.calibrator, sorted(rows, key=lambda row: row["votes"] or 0.0))
    assert fit.calibrator.estimator == "votes"
    assert all(one < two for one, two in pairwise(ordered))
    assert len(ordered) == n


def test_ten_outcomes_do_not_make_it_certain() -> None:
    rows: Rows = [{"probability": 0.5 + place / 20} for place in range(10)]
    fit = fit_calibrator(rows, [place > 2 for place in range(10)])
    chances = said(fit.calibrator, [{"probability": 0.0}, {"probability": 1.0}])
    assert fit.calibrator.method == "prior"
    assert 0.03 < min(chances) < max(chances) < 0.97


def test_a_handful_of_outcomes_leaves_a_probability_nearly_what_it_is() -> None:
    rows: Rows = [{"probability": value} for value in (0.1, 0.3, 0.5, 0.7, 0.9)]
    fit = fit_calibrator(rows, [False, False, True, True, True])
    for value in (0.2, 0.5, 0.8):
        assert fit.calibrator({"probability": value}) == pytest.approx(value, abs=0.15)


def test_noise_is_refused_and_the_base_rate_said_instead() -> None:
    rng = random.Random(0)
    rows: Rows = [{"score": rng.random()} for _ in range(300)]
    fit = fit_calibrator(rows, [rng.random() < 0.8 for _ in rows])
    assert "better than chance" in fit.refused
    assert fit.calibrator.estimator == "base rate"
    assert fit.calibrator(rows[0]) == fit.calibrator({}) == pytest.approx(0.8, abs=0.05)


def test_of_many_signals_of_noise_none_is_taken_by_luck() -> None:
    refused = 0
    for seed in range(20):
        rng = random.Random(seed)
        rows: Rows = [{f"noise {k}": rng.random() for k in range(20)} for _ in range(200)]
        refused += bool(fit_calibrator(rows, [rng.random() < 0.7 for _ in rows]).refused)
    assert refused >= 18


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("n", [5, 300])
def test_where_all_are_right_or_all_wrong_nothing_is_told_apart(right: bool, n: int) -> None:
    rows, _ = draw(n)
    fit = fit_calibrator(rows, [right] * n)
    assert f"all {n} answers were {'right' if right else 'wrong'}" in fit.refused
    assert (fit.auroc, fit.auroc_low, fit.auroc_high) == (None, None, None)
    assert fit.calibrator(rows[0]) == pytest.approx((n * right + 1) / (n + 2))


def test_without_outcomes_it_is_a_coin_toss() -> None:
    fit = fit_calibrator([], [])
    assert (fit.refused, fit.calibrator({}), fit.held_out) == ("there are no outcomes", 0.5, ())


def test_a_signal_that_separates_perfectly_is_not_believed_to_the_letter() -> None:
    rows, _ = draw(300)
    fit = fit_calibrator(rows, [(row["score"] or 0) > 0.4 for row in rows])
    assert fit.refused == ""
    assert 0.001 < min(said(fit.calibrator, rows)) < max(said(fit.calibrator, rows)) < 0.999


def test_a_signal_that_was_not_measured_gives_no_probability() -> None:
    calibrator = fit_calibrator(*draw(300)).calibrator
    for row in ({}, {"score": None}, {"score": math.nan}, {"other": 0.9}):
        assert calibrator(row) is None
        assert calibrator.many([row]) == [None]


def test_one_missing_signal_of_several_does_not_hide_the_other() -> None:
    rows, right = several(600)
    for place, row in enumerate(rows):
        if place % 3 == 0:
            row["votes"] = None
    fit = fit_calibrator(rows, right)
    assert {"logprob", "votes"} <= {term.name for term in fit.calibrator.terms}
    low, high = said(fit.calibrator, [{"logprob": -3.0}, {"logprob": -0.05}])
    assert low < 0.5 < high


def test_a_signal_that_is_often_missing_is_learned_from_where_it_is() -> None:
    rows, right = draw(3_000)
    for row in rows[::2]:
        row["score"] = None
    fit = fit_calibrator(rows, right)
    assert fit.calibrator({"score": 0.7}) == pytest.approx(0.7, abs=0.1)
    assert sum(one is None for one in fit.held_out) == 1_500


def test_a_signal_measured_only_of_right_answers_is_refused() -> None:
    rows, right = draw(200)
    fit = fit_calibrator(
        [row if one else {} for row, one in zip(rows, right, strict=True)], right, order="score"
    )
    assert "better than chance" in fit.refused


def test_a_signal_that_was_always_there_is_worth_its_worst_when_it_is_not() -> None:
    calibrator = fit_calibrator(*several(400)).calibrator
    without, worst = said(calibrator, [{"logprob": -0.05}, {"logprob": -0.05, "votes": -4.0}])
    assert without == pytest.approx(worst, abs=0.05)


def test_held_out_probabilities_are_of_calibrators_that_had_not_seen_the_row() -> None:
    rows, right = draw(500)
    fit = fit_calibrator(rows, right)
    held_out = [one for one in fit.held_out if one is not None]
    assert len(held_out) == 500
    loss, seen = brier(held_out, right), brier(said(fit.calibrator, rows), right)
    assert loss is not None
    assert seen is not None
    assert loss > seen
    assert fit.auroc is not None
    assert fit.auroc_low is not None
    assert fit.auroc_high is not None
    assert 0.5 < fit.auroc_low < fit.auroc < fit.auroc_high


def test_a_row_of_weight_three_counts_as_three() -> None:
    rows, right = draw(200)
    weights = [3.0 if one else 1.0 for one in right]
    heavy = fit_calibrator(rows, right, weights=weights).calibrator
    thrice = fit_calibrator(
        [row for row, one in zip(rows, right, strict=True) for _ in range(3 if one else 1)],
        [one for one in right for _ in range(3 if one else 1)],
    ).calibrator
    for score in (0.2, 0.5, 0.8):
        assert heavy({"score": score}) == pytest.approx(thrice({"score": score}), abs=0.03)


def test_fitting_again_gives_the_same() -> None:
    assert fit_calibrator(*several(300)) == fit_calibrator(*several(300))


def test_one_call_and_many_say_the_same_to_the_last_bit() -> None:
    rows, right = several(1_500)
    rows[3]["votes"] = None
    rows[4] = {"votes": 1e9, "logprob": -1e9}
    rows[5] = {}
    for part in (20, 300, 1_500):
        calibrator = fit_calibrator(rows[6 : 6 + part], right[6 : 6 + part]).calibrator
        assert calibrator.many(rows) == [calibrator(row) for row in rows]


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, math.nan], [1.0, -1.0]])
def test_weights_that_make_no_sense_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"weight"):
        fit_calibrator([{"a": 0.1}, {"a": 0.9}], [False, True], weights=weights)


odd = st.none() | st.floats() | st.sampled_from([0.0, 1.0, -1e308, 1e308, 5e-324, math.nan])


@settings(deadline=None, max_examples=60)
@given(
    outcomes=st.lists(st.tuples(odd, odd, odd, st.booleans()), max_size=12),
    times=st.sampled_from([1, 8]),
    order=st.sampled_from([None, "a", "margin"]),
)
def test_whatever_was_measured_it_neither_fails_nor_is_certain(
    outcomes: list[tuple[float | None, float | None, float | None, bool]], times: int, order: str | None
) -> None:
    rows: Rows = [{"a": a, "margin": b, "": c} for a, b, c, _ in outcomes] * times
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_calibrator(rows, [right for *_, right in outcomes] * times, order=order)
    for found in (fit.calibrator.many([*rows, {}]), fit.held_out, [fit.calibrator(row) for row in rows]):
        assert all(one is None or 0 < one < 1 for one in found)
    assert fit.calibrator.many(rows) == [fit.calibrator(row) for row in rows]
    assert Calibrator.from_json(json.loads(json.dumps(fit.calibrator.to_json()))) == fit.calibrator


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["probability", "margin", "logprob"], "margin"),
        (["logprob_min", "logprob_low", "logprob"], "logprob"),
        (["votes", "cosine"], "cosine"),
    ],
)
def test_where_labels_may_not_choose_the_order_is_given(names: Sequence[str], order: str) -> None:
    assert default_order(names) == order


def test_without_signals_there_is_no_order() -> None:
    with pytest.raises(ValueError, match="the outcomes have none"):
        default_order([])


@pytest.fixture
def saved() -> dict[str, Any]:
    return fit_calibrator(*several(300)).calibrator.to_json()


def test_a_calibrator_is_the_same_after_it_was_saved() -> None:
    for n in (0, 20, 300, 1_500):
        calibrator = fit_calibrator(*several(n)).calibrator
        again = Calibrator.from_json(json.loads(json.dumps(calibrator.to_json())))
        assert again == calibrator
        assert again.many(several(50)[0]) == calibrator.many(several(50)[0])


EDITS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("calibrator", lambda data: [data]),
    ("method", lambda data: {**data, "method": "guess"}),
    ("method", lambda data: {**data, "method": ["platt"]}),
    ("n", lambda data: {**data, "n": -3}),
    ("n", lambda data: {**data, "n": True}),
    ("edge", lambda data: {**data, "edge": 0.5}),
    ("intercept", lambda data: {**data, "intercept": "0.3"}),
    ("intercept", lambda data: {**data, "intercept": math.inf}),
    ("intercept", lambda data: {**data, "intercept": 10**400}),
    ("link", lambda data: {key: value for key, value in data.items() if key != "link"}),
    ("link", lambda data: {**data, "link": []}),
    ("link[1]", lambda data: {**data, "link": [[0, 0], [1, -1]]}),
    ("signals", lambda data: {**data, "signals": {}}),
    ("signals[0].name", lambda data: {**data, "signals": [{**data["signals"][0], "name": 3}]}),
    ("signals[1].name", lambda data: {**data, "signals": [data["signals"][0]] * 2}),
    ("signals[0].weight", lambda data: {**data, "signals": [{**data["signals"][0], "weight": 1}]}),
    (
        "signals[0].curve[1]",
        lambda data: {**data, "signals": [{**data["signals"][0], "curve": [[0, 0], [0, 1]]}]},
    ),
    ("signals[0].curve[0]", lambda data: {**data, "signals": [{**data["signals"][0], "curve": [[0]]}]}),
    ("signals[0].missing", lambda data: {**data, "signals": [{**data["signals"][0], "missing": None}]}),
    ("threshold", lambda data: {**data, "threshold": 0.9}),
]


@pytest.mark.parametrize(
    ("key", "edit"), EDITS, ids=[f"{place} {key}" for place, (key, _) in enumerate(EDITS)]
)
def test_a_calibration_edited_by_hand_is_refused_by_the_name_of_the_key(
    saved: dict[str, Any], key: str, edit: Callable[[dict[str, Any]], Any]
) -> None:
    with pytest.raises(InputError, match="swarm calibrate") as caught:
        Calibrator.from_json(edit(saved))
    assert f"`{key}`" in caught.value.what


def test_a_fit_says_how_well_it_tells() -> None:
    fit: Fit = fit_calibrator(*draw(300))
    assert fit.auroc == pytest.approx(
        auroc([row["score"] or 0 for row in draw(300)[0]], draw(300)[1]), abs=0.03
    )


def test_applying_needs_no_numpy_and_fitting_says_what_to_install(saved: dict[str, Any]) -> None:
    program = f"""
import sys
sys.modules["numpy"] = None  # as if it were not installed
from swarm.confidence.calibrate import Calibrator, fit_calibrator
print(Calibrator.from_json({saved!r})({{"votes": 2.0, "logprob": -0.1}}))
fit_calibrator([{{"a": 0.1}}], [True])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert float(done.stdout) == Calibrator.from_json(saved)({"votes": 2.0, "logprob": -0.1})
    assert "pip install 'swarm-slm[eval]'" in done.stderr
