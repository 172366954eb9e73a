"""What runs leave behind tells of all messages, not only of the hard ones; and of every rung that answered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swarm import Expert, Graph, Swarm
from swarm._eval.fallbacks import judged_by_agreement
from swarm.backends.scripted import ScriptedBackend
from swarm.confidence.outcomes import Outcome, RungOutcome, read_outcomes
from swarm.confidence.policy import RungPolicy
from swarm.confidence.tune import tune
from swarm.spec.registry import Registry
from swarm.testing import FakeModel, OllamaServer

SMALL, MIDDLE, LARGE = "scripted/small", "scripted/middle", "scripted/large"
CASCADE = (SMALL, MIDDLE, LARGE)
RAW = {"use": "intent", "labels": {"refund": "Money", "other": None}, "confidence": {"target_error": 0.1}}


def sure(probability: float, label: str = "refund") -> dict[str, Any]:
    rest = "other" if label == "refund" else "refund"
    return {"label": {label: probability, rest: 1 - probability}}


async def logged(folder: Path, replies: dict[str, Any], runs: int) -> list[Outcome]:
    """Return what an expert that learns leaves behind of so many equal runs."""
    own = Expert.model_validate({**RAW, "cascade": list(CASCADE), "learn": True})
    graph = Graph("desk", input={"text": str})
    graph.output(graph.expert("it", "triage", text=graph.input.text))
    backends = {"scripted": ScriptedBackend(replies)}
    async with Swarm(graph, registry=Registry(experts={"triage": own}), backends=backends) as swarm:
        for number in range(runs):
            await swarm.run_input({"text": "money"}, run_id=f"run-{number}")
    return list(read_outcomes(folder / ".swarm/outcomes.jsonl"))


def rows(count: int) -> list[Outcome]:
    """Return outcomes of a rung that is wrong with chance (1 - margin) / 2, and of one that is always right."""
    rng = random.Random(0)
    found: list[Outcome] = []
    for name in range(count):
        u = rng.random()
        last = RungOutcome(model="last", correct=True, cost=100.0)
        found.append(Outcome(id=str(name), rungs=(rung("small", u, rng.random() > (1 - u) / 2), last)))
    return found


def rung(model: str, margin: float, correct: bool) -> RungOutcome:
    return RungOutcome(model=model, signals={"margin": margin}, correct=correct, cost=1.0)


def ended_where_sure(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [
        replace(one, rungs=one.rungs[:1]) if (one.rungs[0].signals["margin"] or 0) > 0.7 else one
        for one in outcomes
    ]


async def test_an_accepted_answer_that_is_compared_goes_up_to_the_last_rung(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = await logged(tmp_path, {"small": sure(0.99), "middle": sure(0.99), "large": sure(0.99)}, 300)
    compared = [one for one in found if len(one.rungs) > 1]
    assert {tuple(rung.model for rung in one.rungs) for one in compared} == {(SMALL, MIDDLE, LARGE)}
    assert {one.propensity for one in compared} == {0.03}


def test_a_rung_is_never_judged_by_itself() -> None:
    settled = Outcome(id="1", rungs=(said(SMALL, "other"), said(MIDDLE, "refund")))
    climbed = Outcome(id="2", rungs=(said(SMALL, "other"), said(MIDDLE, "refund"), said(LARGE, "other")))
    (judged,) = judged_by_agreement([settled, climbed], kind="classify", models=CASCADE)
    assert judged.id == "2"
    assert [one.correct for one in judged.rungs] == [True, False, True]


def test_a_rung_that_a_policy_leaves_out_stays_left_out_when_runs_are_calibrated_on() -> None:
    skipped = [
        Outcome(id=str(number), rungs=(said(SMALL, "other", number / 300), said(LARGE, "other")))
        for number in range(300)
    ]
    policy = tune(judged_by_agreement(skipped, kind="classify", models=CASCADE), target_error=0.1).policy
    assert [(one.model, one.use) for one in policy.rungs] == [(SMALL, True), (MIDDLE, False), (LARGE, True)]


def test_a_model_that_was_not_there_is_left_out_and_the_others_are_calibrated() -> None:
    absent = [
        replace(one, rungs=(one.rungs[0], RungOutcome(model="absent"), one.rungs[1])) for one in rows(600)
    ]
    policy = tune(absent, target_error=0.1).policy
    assert policy.feasible
    assert policy.rungs[0].at_least is not None
    assert policy.rungs[1] == RungPolicy(model="absent", use=False)


def test_the_error_of_a_rung_counts_each_row_as_often_as_it_stands_for_others() -> None:
    rng = random.Random(1)
    every = rows(6_000)
    seen = [
        replace(one, propensity=chance)
        for one in every
        if rng.random() < (chance := 0.05 if (one.rungs[0].signals["margin"] or 0) > 0.5 else 1.0)
    ]
    told, truth = tune(seen, target_error=0.1), tune(every, target_error=0.1)
    assert told.rungs[0].error == pytest.approx(truth.rungs[0].error, abs=0.03)
    assert told.policy.expected.saving == pytest.approx(truth.policy.expected.saving, abs=0.08)


def test_runs_that_ended_at_the_small_model_count_too_where_it_is_known_what_is_right() -> None:
    every = rows(1_000)
    ended = ended_where_sure(every)
    assert tune(ended, target_error=0.1).policy.rungs == tune(every, target_error=0.1).policy.rungs


def test_where_some_rows_stand_for_others_those_do_not_count_again() -> None:
    ended = ended_where_sure(rows(1_000))
    drawn = [replace(ended[0], propensity=0.5), *ended[1:]]
    assert tune(drawn, target_error=0.1).left_out == {
        "ended before the last rung": sum(len(one.rungs) == 1 for one in ended)
    }


def said(model: str, label: str, margin: float = 0.5) -> RungOutcome:
    return RungOutcome(model=model, output={"label": label}, signals={"margin": margin}, cost=1.0)


async def test_what_is_logged_names_the_weights_that_answered(
    ollama_server: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_HOST", ollama_server.url)
    ollama_server.serve(
        "small", FakeModel(decide={"label": {"refund": 0.9, "other": 0.1}}, capabilities=("decision",))
    )
    fields = {
        "use": "intent",
        "labels": {"refund": None, "other": None},
        "cascade": ["ollama/small"],
        "learn": True,
    }
    graph = Graph("desk", input={"text": str})
    graph.output(graph.expert("it", Expert.model_validate(fields), text=graph.input.text))
    async with Swarm(graph) as swarm:
        await swarm.run(text="money back?")
    (outcome,) = read_outcomes(tmp_path / ".swarm/outcomes.jsonl")
    assert outcome.rungs[0].digest
