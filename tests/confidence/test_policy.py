"""What a policy says of an answer, and how it is read and written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from swarm.confidence.calibrator import Calibrator, Term
from swarm.confidence.curves import Curve
from swarm.confidence.policy import ChosenOn, Expected, Fits, Policy, RungPolicy
from swarm.errors import InputError

CURVE = Curve((0.0, 1.0), (-4.0, 4.0))
CALIBRATOR = Calibrator(method="platt", n=300, intercept=0.0, terms=(Term("margin", CURVE),))
POLICY = Policy(
    rungs=(
        RungPolicy(
            model="small", at_least=0.9, groups={"refund": 0.97, "spam": None}, estimator="margin", calibrator=CALIBRATOR
        ),
        RungPolicy(model="middle", use=False),
        RungPolicy(model="large"),
    ),
    target_error=0.05,
    with_confidence=0.9,
    expert="triage",
    reason="because",
    chosen_on=ChosenOn(n=300, certified_on=300, outcomes="ab12", date="2026-11-22"),
    expected=Expected(accepted_error=0.02, bound=0.05, escalated=0.4, accuracy=0.9, saving=-0.1),
    fits=Fits(version="v1", digests={"small": "d1"}),
)  # fmt: skip


def test_an_answer_is_accepted_from_the_threshold_on() -> None:
    sure, unsure = (
        POLICY.judge(0, "small", {"margin": 0.9}, None),
        POLICY.judge(0, "small", {"margin": 0.6}, None),
    )
    assert sure.accepted
    assert sure.at_least == 0.9
    assert sure.estimator == "margin"
    assert not unsure.accepted
    assert unsure.probability is not None


def test_a_label_can_have_a_threshold_of_its_own() -> None:
    answer = {"margin": 0.8}
    accepted = {
        label: POLICY.judge(0, "small", answer, label).accepted for label in ("order", "refund", "spam", None)
    }
    assert accepted == {"order": True, "refund": False, "spam": False, None: True}


@pytest.mark.parametrize("signals", [{}, {"margin": None}, {"margin": float("nan")}, {"other": 1.0}])
def test_what_was_not_measured_is_not_accepted(signals: dict[str, float | None]) -> None:
    judgement = POLICY.judge(0, "small", signals, None)
    assert judgement.probability is None
    assert not judgement.accepted


def test_the_last_rung_is_never_accepted_but_delivered() -> None:
    assert not POLICY.judge(2, "large", {"margin": 1.0}, None).accepted


def test_a_rung_that_the_policy_does_not_know_accepts_nothing() -> None:
    assert POLICY.rung_of(0, "new") is None
    assert not POLICY.judge(0, "new", {"margin": 1.0}, None).accepted


def test_a_rung_is_found_by_its_model_wherever_it_stands() -> None:
    assert POLICY.rung_of(7, "small") is POLICY.rungs[0]


def test_of_two_rungs_with_one_model_the_place_decides() -> None:
    first, second = RungPolicy(model="m", at_least=0.1), RungPolicy(model="m", at_least=0.2)
    policy = Policy(rungs=(first, second), target_error=0.1)
    assert policy.rung_of(1, "m") is second
    assert policy.rung_of(5, "m") is None


def test_a_policy_survives_its_file() -> None:
    assert Policy.from_json(json.loads(json.dumps(POLICY.to_json()))) == POLICY


def test_a_policy_needs_no_more_than_its_rungs_and_target() -> None:
    policy = Policy.from_json({"swarm_policy": 1, "target_error": 0.1, "rungs": [{"model": "m"}]})
    assert policy.rungs[0].use
    assert policy.rungs[0].at_least is None
    assert policy.feasible


WRONG: list[tuple[str, Any, str]] = [
    ("swarm_policy", 2, "swarm_policy"),
    ("target_error", None, "target_error"),
    ("target_error", "5 %", "target_error"),
    ("target_error", 10**400, "target_error"),
    ("with_confidence", 90, "with_confidence"),
    ("loss", "right", "loss"),
    ("of", "some", "of"),
    ("feasible", "yes", "feasible"),
    ("rungs", [], "rungs"),
    ("rungs", [1], "rungs[0]"),
    ("rungs", [{}], "rungs[0].model"),
    ("rungs", [{"model": "m", "at_least": 1.5}], "rungs[0].at_least"),
    ("rungs", [{"model": "m", "at_last": 0.5}], "rungs[0].at_last"),
    ("rungs", [{"model": "m", "groups": {"a": "b"}}], "rungs[0].groups.a"),
    ("rungs", [{"model": "m", "calibrator": {"method": "magic"}}], "rungs[0].calibrator"),
    ("chosen_on", {"n": -1}, "chosen_on.n"),
    ("expected", {"bound": 2}, "expected.bound"),
    ("fits", {"digests": {"m": 1}}, "fits.digests.m"),
    ("surprise", 1, "surprise"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), WRONG)
def test_a_file_edited_by_hand_is_refused_by_the_key_that_is_wrong(path: str, value: Any, said: str) -> None:
    data = POLICY.to_json() | {path: value}
    with pytest.raises(InputError) as caught:
        Policy.from_json(data, where="policy.json")
    assert f"`{said}`" in caught.value.what
    assert caught.value.where == "policy.json"
    assert "swarm calibrate" in caught.value.hint


@pytest.mark.parametrize("data", [None, [], "policy", 1])
def test_what_is_no_object_is_no_policy(data: object) -> None:
    with pytest.raises(InputError, match="no policy"):
        Policy.from_json(data)


@pytest.mark.parametrize("key", ["swarm_policy", "target_error", "rungs"])
def test_a_missing_key_is_named(key: str) -> None:
    data = {name: value for name, value in POLICY.to_json().items() if name != key}
    with pytest.raises(InputError, match=key):
        Policy.from_json(data)
