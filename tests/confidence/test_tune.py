"""What is promised for outcomes of a cascade, and what is said when nothing can be."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.confidence.outcomes import Outcome, RungOutcome
from swarm.confidence.policy import Policy
from swarm.confidence.resplit import resplit
from swarm.confidence.tune import goal_of, tune
from swarm.errors import InputError

pytest.importorskip("numpy")
pytest.importorskip("scipy")

COSTS = (1.0, 5.0, 40.0)


def rung(model: str, correct: bool | None, signal: float | None = None, **more: Any) -> RungOutcome:
    signals = {} if signal is None else {"margin": signal}
    return RungOutcome(model=model, correct=correct, signals=signals, **more)


def two_rungs(
    rows: int,
    error: Callable[[float], float] = lambda u: 0.45 * (1 - u),
    *,
    seed: int = 0,
    large: float = 0.97,
) -> list[Outcome]:
    """Return outcomes of a small model whose signal u is wrong with chance `error(u)`, and a large one."""
    rng = random.Random(seed)
    found: list[Outcome] = []
    for name in range(rows):
        u = rng.random()
        first = rung("small", rng.random() >= error(u), u, cost=1.0, output=rng.choice(["a", "b", "c"]))
        found.append(Outcome(id=str(name), rungs=(first, rung("large", rng.random() < large, cost=40.0))))
    return found


def three_rungs(rows: int, *, useful: Sequence[bool] = (True, True), seed: int = 0) -> list[Outcome]:
    """Return outcomes of two small models, the signals of which may be useless, and a large one."""
    rng = random.Random(seed)
    found: list[Outcome] = []
    for name in range(rows):
        rungs: list[RungOutcome] = []
        for place, told in enumerate(useful):
            u = rng.random()
            wrong = (0.7 - 0.2 * place) * (1 - u if told else 0.5)
            rungs.append(rung(f"m{place}", rng.random() >= wrong, u, cost=COSTS[place]))
        rungs.append(rung("large", rng.random() < 0.97, cost=COSTS[2]))
        found.append(Outcome(id=str(name), rungs=tuple(rungs)))
    return found


def accepted(policy: Policy, outcomes: Sequence[Outcome]) -> list[tuple[int, RungOutcome]]:
    """Return the answers accepted before the last rung, with their place."""
    found: list[tuple[int, RungOutcome]] = []
    for outcome in outcomes:
        for place, one in enumerate(outcome.rungs[:-1]):
            said = policy.rung_of(place, one.model)
            if (
                said is not None
                and said.use
                and policy.judge(place, one.model, one.signals, one.label).accepted
            ):
                found.append((place, one))
                break
    return found


def test_a_policy_accepts_what_it_says_it_accepts() -> None:
    outcomes = two_rungs(500)
    tuned = tune(outcomes, target_error=0.1, with_confidence=0.9)
    taken = accepted(tuned.policy, outcomes)
    wrong = sum(not one.correct for _, one in taken)
    expected = tuned.policy.expected
    assert tuned.policy.feasible
    assert expected.escalated == pytest.approx(1 - len(taken) / 500)
    assert expected.accepted_error == pytest.approx(wrong / len(taken))
    assert expected.bound is not None
    assert wrong / len(taken) < expected.bound <= 0.1
    assert expected.saving == pytest.approx(1 - (500 + 40 * (500 - len(taken))) / (500 * 40))


def test_all_rows_certify_where_there_is_nothing_to_choose() -> None:
    chosen = tune(two_rungs(300), target_error=0.1).policy.chosen_on
    assert (chosen.n, chosen.certified_on) == (300, 300)


def test_some_rows_choose_the_rungs_and_the_others_certify_them() -> None:
    chosen = tune(three_rungs(500), target_error=0.1).policy.chosen_on
    assert (chosen.n, chosen.certified_on) == (500, 300)


def test_the_same_outcomes_give_the_same_policy() -> None:
    outcomes = three_rungs(400)
    assert tune(outcomes, target_error=0.1, seed=3).policy == tune(outcomes, target_error=0.1, seed=3).policy


def test_a_promise_with_confidence_is_seldom_broken_on_other_rows() -> None:
    report = resplit(two_rungs(4_000), goal_of(0.1, 0.9), 80, chosen_on=300)
    assert report.violated <= 0.1 + 2 * (0.09 / 80) ** 0.5
    assert report.escalated < 0.9


def test_a_promise_on_average_holds_on_average_and_escalates_less() -> None:
    outcomes = two_rungs(3_000)
    mean = resplit(outcomes, goal_of(0.1), 50, chosen_on=300)
    assert mean.realised <= 0.1
    assert mean.escalated < resplit(outcomes, goal_of(0.1, 0.9), 50, chosen_on=300).escalated


def test_a_promise_for_a_cascade_is_seldom_broken_though_its_rungs_were_chosen() -> None:
    report = resplit(three_rungs(3_000), goal_of(0.1, 0.9), 40, chosen_on=500)
    assert report.violated <= 0.1 + 2 * (0.09 / 40) ** 0.5
    assert report.escalated < 0.8


def test_several_signals_are_certified_by_fits_that_did_not_see_the_row() -> None:
    rng = random.Random(5)
    outcomes = [
        replace(one, rungs=(replace(one.rungs[0], signals={**one.rungs[0].signals, **{f"noise{i}": rng.random() for i in range(5)}}), one.rungs[1]))
        for one in two_rungs(3_000)
    ]  # fmt: skip
    report = resplit(outcomes, goal_of(0.1, 0.9), 30, chosen_on=300)
    assert report.violated <= 0.1 + 2 * (0.09 / 30) ** 0.5
    assert report.empty < 0.5


def test_a_rung_whose_signal_says_nothing_is_left_out() -> None:
    policy = tune(three_rungs(1_000, useful=(False, True)), target_error=0.1).policy
    assert [one.use for one in policy.rungs] == [False, True, True]
    assert policy.rungs[0].at_least is None


def test_a_cascade_dearer_than_its_last_rung_is_bypassed() -> None:
    outcomes = [
        replace(one, rungs=(replace(one.rungs[0], cost=39.0), one.rungs[1])) for one in two_rungs(500)
    ]
    policy = tune(outcomes, target_error=0.1).policy
    assert policy.bypass
    assert policy.feasible
    assert [one.use for one in policy.rungs] == [False, True]
    assert not accepted(policy, outcomes)
    assert "cost more" in policy.reason


def test_regret_forgives_what_the_large_model_would_not_have_known_either() -> None:
    outcomes = two_rungs(800, large=0.3)
    strict = tune(outcomes, target_error=0.1).policy.expected.escalated
    regret = tune(outcomes, target_error=0.1, loss="regret").policy.expected.escalated
    assert strict is not None
    assert regret is not None
    assert regret < strict


def test_of_all_rows_more_may_be_accepted() -> None:
    outcomes = two_rungs(500)
    expected = tune(outcomes, target_error=0.1, with_confidence=0.9, of="all").policy.expected
    share = (expected.accepted_error or 0) * (1 - (expected.escalated or 0))
    assert share <= 0.1 < (expected.accepted_error or 0)
    assert expected.bound is not None
    assert share < expected.bound <= 0.1


def test_a_target_holds_within_each_label_that_has_rows_enough() -> None:
    rng = random.Random(1)
    outcomes: list[Outcome] = []
    for name in range(1_200):
        u, label = rng.random(), rng.choice(["easy", "easy", "hard", "hard", f"rare{rng.randrange(40)}"])
        wrong = (0.1 if label == "easy" else 0.4) * (1 - u)
        first = rung("small", rng.random() >= wrong, u, output={"label": label}, cost=1.0)
        outcomes.append(Outcome(id=str(name), rungs=(first, rung("large", True, cost=40.0))))
    policy = tune(outcomes, target_error=0.1, with_confidence=0.9, groups=True).policy
    groups = policy.rungs[0].groups
    assert set(groups) == {"easy", "hard"}
    assert groups["easy"] is not None
    assert groups["hard"] is not None
    assert groups["easy"] < groups["hard"]
    for label in groups:
        taken = [one for _, one in accepted(policy, outcomes) if one.label == label]
        assert sum(not one.correct for one in taken) <= 0.1 * len(taken)


def test_too_few_rows_are_an_honest_refusal_with_the_number_that_would_do() -> None:
    tuned = tune(two_rungs(5), target_error=0.05, with_confidence=0.9)
    assert not tuned.policy.feasible
    assert all(one.at_least is None for one in tuned.policy.rungs)
    assert "45 accepted answers" in tuned.helps[0]
    assert "nothing is accepted" in tuned.policy.reason


def test_a_target_that_no_method_can_meet_is_said_with_its_bound() -> None:
    tuned = tune(two_rungs(500, lambda _: 0.6), target_error=0.05)
    assert not tuned.policy.feasible
    assert tuned.must_escalate == pytest.approx(0.58, abs=0.06)
    assert any("must be escalated" in line for line in tuned.helps)


@pytest.mark.parametrize(("right", "feasible"), [(True, True), (False, False)])
def test_all_right_or_all_wrong_is_no_trouble(right: bool, feasible: bool) -> None:
    outcomes = two_rungs(200, lambda _: 0.0 if right else 1.0)
    policy = tune(outcomes, target_error=0.05, with_confidence=0.9).policy
    assert policy.feasible is feasible
    assert len(accepted(policy, outcomes)) == (200 if right else 0)


def test_what_was_not_measured_is_escalated() -> None:
    outcomes = [
        replace(one, rungs=(replace(one.rungs[0], signals={"margin": None}), one.rungs[1]))
        if place % 2
        else one
        for place, one in enumerate(two_rungs(600, lambda u: 0.5 * (1 - u) ** 2))
    ]
    tuned = tune(outcomes, target_error=0.1)
    assert tuned.policy.feasible
    assert all(one.signals["margin"] is not None for _, one in accepted(tuned.policy, outcomes))


def test_no_signal_at_all_is_said() -> None:
    bare = [replace(one, rungs=(replace(one.rungs[0], signals={}), one.rungs[1])) for one in two_rungs(100)]
    tuned = tune(bare, target_error=0.1)
    assert not tuned.policy.feasible
    assert tuned.rungs[0].refused
    assert any("record a signal of small" in line for line in tuned.helps)


def test_equal_signals_are_accepted_together() -> None:
    outcomes = two_rungs(400, lambda u: 0.02 if u > 0.5 else 0.6)
    coarse = [
        replace(one, rungs=(replace(one.rungs[0], signals={"margin": round(one.rungs[0].signals["margin"] or 0)}), one.rungs[1]))
        for one in outcomes
    ]  # fmt: skip
    taken = accepted(tune(coarse, target_error=0.1, with_confidence=0.9).policy, coarse)
    assert {one.signals["margin"] for _, one in taken} == {1}
    assert len(taken) == sum(one.rungs[0].signals["margin"] == 1 for one in coarse)


def test_outcomes_that_cannot_be_used_are_counted_by_why() -> None:
    outcomes = [replace(one, rungs=(rung("first", True, 0.5), *one.rungs)) for one in two_rungs(300)]
    first, *others = outcomes[1].rungs
    outcomes[0] = replace(outcomes[0], rungs=outcomes[0].rungs[:1])
    outcomes[1] = replace(outcomes[1], rungs=(replace(first, correct=None), *others))
    outcomes[2] = replace(outcomes[2], rungs=(rung("other", True), *outcomes[2].rungs[1:]))
    tuned = tune(outcomes, target_error=0.1)
    assert tuned.policy.chosen_on.n == 297
    assert sorted(tuned.left_out.values()) == [1, 1, 1]


def test_rows_seldom_seen_to_the_end_count_for_those_that_were_not() -> None:
    rng = random.Random(2)
    everything = two_rungs(6_000)
    seen = [
        replace(one, propensity=chance)
        for one in everything
        if rng.random() < (chance := 0.2 if (one.rungs[0].signals["margin"] or 0) > 0.6 else 1.0)
    ]
    policy = tune(seen, target_error=0.1, with_confidence=0.9).policy
    taken = accepted(policy, everything)
    assert sum(not one.correct for _, one in taken) / len(taken) <= 0.1
    assert policy.expected.escalated == pytest.approx(1 - len(taken) / len(everything), abs=0.05)


def test_a_single_rung_is_accepted_or_not() -> None:
    alone = [replace(one, rungs=one.rungs[:1]) for one in two_rungs(500)]
    policy = tune(alone, target_error=0.1).policy
    assert policy.feasible
    assert not policy.bypass
    assert policy.judge(0, "small", {"margin": 1.0}, None).accepted
    assert not policy.judge(0, "small", {"margin": 0.0}, None).accepted


def test_without_costs_calls_are_counted_and_that_is_said() -> None:
    bare = [replace(one, rungs=tuple(replace(r, cost=None) for r in one.rungs)) for one in two_rungs(300)]
    tuned = tune(bare, target_error=0.1)
    assert tuned.unit == "calls"
    assert tuned.policy.expected.saving is None
    assert "neither cost nor latency" in tuned.policy.reason


def test_what_a_policy_fits_is_noted_where_the_outcomes_agree() -> None:
    outcomes = [
        replace(one, version="v1", expert="triage", rungs=(replace(one.rungs[0], digest="d1"), one.rungs[1]))
        for one in two_rungs(100)
    ]
    policy = tune(outcomes, target_error=0.1, date="2026-11-22").policy
    assert (policy.expert, policy.fits.version, dict(policy.fits.digests)) == (
        "triage",
        "v1",
        {"small": "d1"},
    )
    assert policy.chosen_on.date == "2026-11-22"
    mixed = [*outcomes[1:], replace(outcomes[0], version="v2")]
    assert tune(mixed, target_error=0.1).policy.fits.version == ""


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_that_cannot_be_promised_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="strictly between 0 and 1"):
        tune(two_rungs(50), target_error=share)
    with pytest.raises(InputError, match="confidence"):
        tune(two_rungs(50), target_error=0.1, with_confidence=share)


def test_no_outcomes_are_refused() -> None:
    with pytest.raises(InputError, match="no outcomes"):
        tune([], target_error=0.1)


def test_outcomes_too_few_to_split_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be split"):
        resplit(two_rungs(1), goal_of(0.1), 10)


def test_splits_are_told_as_they_are_done() -> None:
    done: list[int] = []
    resplit(two_rungs(60), goal_of(0.1), 3, progress=done.append)
    assert done == [1, 2, 3]


signal = st.none() | st.floats(allow_nan=False, allow_infinity=False)
answers = st.builds(
    RungOutcome, model=st.just("m"), signals=st.dictionaries(st.sampled_from(["a", "b"]), signal, max_size=2),
    correct=st.none() | st.booleans(), cost=st.none() | st.floats(0, 1e6), output=st.none() | st.sampled_from("xyz"),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(answers, min_size=1, max_size=3), min_size=1, max_size=12),
    st.sampled_from([None, 0.9]), st.booleans(), st.sampled_from(["wrong", "regret"]), st.sampled_from(["accepted", "all"]),
)  # fmt: skip
def test_whatever_the_outcomes_there_is_a_policy(
    rows: list[list[RungOutcome]], sure: float | None, groups: bool, loss: Any, of: Any
) -> None:
    outcomes = [
        Outcome(id=str(name), rungs=tuple(replace(one, model=f"m{i}") for i, one in enumerate(rungs)))
        for name, rungs in enumerate(rows)
    ]
    policy = tune(outcomes, target_error=0.3, with_confidence=sure, loss=loss, of=of, groups=groups).policy
    assert Policy.from_json(policy.to_json()) == policy


def test_the_first_rung_in_use_keeps_what_later_scores_are_compared_with() -> None:
    outcomes = [
        Outcome(
            id=str(number),
            rungs=(
                RungOutcome(model="small", signals={"margin": number / 400}, correct=number >= 40, cost=1),
                RungOutcome(model="large", signals={"margin": 0.5}, correct=True, cost=100),
            ),
        )
        for number in range(400)
    ]
    first, last = tune(outcomes, target_error=0.1).policy.rungs
    assert len(first.reference) == 41
    assert list(first.reference) == sorted(first.reference)
    assert last.reference == ()
