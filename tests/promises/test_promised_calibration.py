"""A saved calibration decides: its probabilities, its thresholds, its rungs; and it is dropped when it no longer fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swarm import Expert, Graph, RunResult, Swarm
from swarm._engine.result import Marks
from swarm.backends.scripted import ScriptedBackend
from swarm.confidence.calibrate import fit_calibrator
from swarm.confidence.outcomes import Outcome, read_outcomes
from swarm.confidence.policy import ChosenOn, Fits, Policy, RungPolicy
from swarm.errors import SpecError
from swarm.events import ConfidenceDrifted, ConfidenceScored, Event
from swarm.spec.registry import Registry
from swarm.spec.version import parts_of

Save = Callable[..., Path]
SMALL, LARGE = "scripted/small", "scripted/large"


def overconfident() -> Any:
    """Return a calibrator that learned: `probability` 0.9 is right half of the time, 1.0 nearly always."""
    rows = [{"probability": 0.9}] * 200 + [{"probability": 0.999}] * 200
    right = [index % 2 == 0 for index in range(200)] + [index % 50 != 0 for index in range(200)]
    return fit_calibrator(rows, right).calibrator


def expert(**confidence: Any) -> Expert:
    fields: dict[str, Any] = {
        "use": "intent",
        "labels": {"refund": "Money", "other": None},
        "cascade": [SMALL, LARGE],
    }
    return Expert.model_validate(fields | ({"confidence": confidence} if confidence else {}))


def rungs(**changes: Any) -> tuple[RungPolicy, ...]:
    first = RungPolicy(model=SMALL, calibrator=overconfident(), estimator="probability", at_least=0.9)
    return replace(first, **changes), RungPolicy(model=LARGE)


def marks(result: RunResult) -> Marks:
    found = result["it"].marks
    assert found is not None
    return found


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Save:
    """Return how a policy is saved where a graph of the working directory finds it."""
    monkeypatch.chdir(tmp_path)

    def saved(**changes: Any) -> Path:
        policy = replace(Policy(rungs=rungs(), target_error=0.1, chosen_on=ChosenOn(n=400)), **changes)
        folder = tmp_path / "artefacts"
        folder.mkdir(exist_ok=True)
        file = folder / "triage.json"
        file.write_text(json.dumps(policy.to_json()), encoding="utf-8")
        return file

    return saved


def triage(own: Expert, replies: dict[str, Any], **more: Any) -> Swarm:
    graph = Graph("desk", input={"text": str})
    registry = Registry(experts={"triage": own})
    graph.output(graph.expert("it", "triage", text=graph.input.text))
    return Swarm(graph, registry=registry, backends={"scripted": ScriptedBackend(replies)}, **more)


def sure(probability: float, label: str = "refund") -> dict[str, Any]:
    rest = "other" if label == "refund" else "refund"
    return {"label": {label: probability, rest: 1 - probability}}


async def test_the_calibrated_probability_decides_and_not_the_score_of_the_model(save: Save) -> None:
    save()
    async with triage(expert(target_error=0.1), {"small": sure(0.9), "large": sure(0.8)}) as swarm:
        result = await swarm.run(text="money back?")
    assert (result["it"].model, marks(result).escalated) == (LARGE, True)
    async with triage(expert(target_error=0.1), {"small": sure(0.999), "large": sure(0.8)}) as swarm:
        result = await swarm.run(text="money back?")
    assert (result["it"].model, result.confident) == (SMALL, True)
    assert marks(result).source == "calibrated"
    assert 0.9 < (result.confidence or 0) < 0.999, "it was right less often than it says"


async def test_the_events_say_where_the_threshold_came_from(save: Save) -> None:
    save()
    events: list[Event] = []
    async with triage(expert(target_error=0.1), {"small": sure(0.999)}, listeners=[events.append]) as swarm:
        await swarm.run(text="money back?")
    scored = next(event for event in events if isinstance(event, ConfidenceScored))
    assert scored.policy == "artefacts/triage.json: target_error 0.1 on average, from 400 outcomes"
    assert (scored.label, scored.source, scored.threshold) == ("refund", "calibrated", 0.9)
    assert scored.alternatives == {"other": pytest.approx(0.001)}
    assert scored.signals["probability"] == pytest.approx(0.999)


async def test_a_rung_that_the_policy_leaves_out_is_not_asked(save: Save) -> None:
    save(rungs=rungs(use=False), bypass=True)
    async with triage(expert(target_error=0.1), {"large": sure(0.95)}) as swarm:
        result = await swarm.run(text="money back?")
    assert (result["it"].model, marks(result).rung) == (LARGE, 1)


async def test_a_rung_that_nobody_can_vouch_for_is_asked_and_never_believed(save: Save) -> None:
    save(rungs=rungs(at_least=None), feasible=False)
    async with triage(expert(target_error=0.1), {"small": sure(1.0), "large": sure(0.8)}) as swarm:
        result = await swarm.run(text="money back?")
    assert result["it"].model == LARGE


async def test_labels_may_have_thresholds_of_their_own(save: Save) -> None:
    save(rungs=rungs(at_least=0.5, groups={"refund": 0.99999}))
    async with triage(expert(target_error=0.1), {"small": sure(0.999), "large": sure(0.9)}) as swarm:
        assert (await swarm.run(text="money back?"))["it"].model == LARGE
    async with triage(expert(target_error=0.1), {"small": sure(0.999, "other"), "large": sure(0.9)}) as swarm:
        assert (await swarm.run(text="money back?"))["it"].model == SMALL


async def test_a_calibration_of_another_prompt_is_not_used_and_the_run_says_so(save: Save) -> None:
    parts = parts_of(Registry(experts={"triage": expert(target_error=0.1)}).get("triage"))
    save(fits=Fits(parts={**parts, "prompt": "another"}))
    async with triage(expert(target_error=0.1), {"small": sure(0.92), "large": sure(0.8)}) as swarm:
        result = await swarm.run(text="money back?")
        warnings = [problem.code for problem in swarm.warnings]
    assert (result["it"].model, marks(result).source) == (SMALL, "raw")
    assert "made before the prompt changed" in result.notes[0]
    assert "SW095" in warnings


async def test_a_calibration_that_fits_is_used_without_a_word(save: Save) -> None:
    parts = parts_of(Registry(experts={"triage": expert(target_error=0.1)}).get("triage"))
    save(fits=Fits(parts=parts))
    async with triage(expert(target_error=0.1), {"small": sure(0.999)}) as swarm:
        result = await swarm.run(text="money back?")
        assert [problem.code for problem in swarm.warnings] == []
    assert (marks(result).source, result.notes) == ("calibrated", ())


async def test_a_calibration_for_another_target_is_not_used(save: Save) -> None:
    save(target_error=0.2)
    async with triage(expert(target_error=0.1), {"small": sure(0.92)}) as swarm:
        result = await swarm.run(text="money back?")
    assert marks(result).source == "raw"
    assert "made for target_error: 0.2, and target_error: 0.1 is asked for" in result.notes[0]


def test_a_calibration_edited_by_hand_is_refused_by_the_key_that_is_wrong(save: Save) -> None:
    file = save()
    data = json.loads(file.read_text())
    data["rungs"][0]["at_least"] = "high"
    file.write_text(json.dumps(data))
    with pytest.raises(SpecError, match=r"triage\.json: `rungs\[0\]\.at_least` is 'high'"):
        triage(expert(target_error=0.1), {})


async def test_a_threshold_by_hand_is_held_against_the_calibrated_probability(save: Save) -> None:
    save()
    async with triage(expert(at_least=0.6), {"small": sure(0.9), "large": sure(0.8)}) as swarm:
        assert (await swarm.run(text="money back?"))["it"].model == LARGE


async def test_an_expert_that_learns_keeps_what_its_rungs_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = expert(target_error=0.1).model_copy(update={"learn": True})
    async with triage(own, {"small": sure(0.6), "large": sure(0.95, "other")}) as swarm:
        for number in range(3):
            await swarm.run(text=f"money back? {number}")
    logged = read_outcomes(tmp_path / ".swarm/outcomes.jsonl")
    assert [one.input for one in logged] == ["money back? 0", "money back? 1", "money back? 2"]
    assert [rung.label for rung in logged[0].rungs] == ["refund", "other"]
    assert logged[0].propensity == 1.0
    assert logged[0].rungs[0].signals["probability"] == pytest.approx(0.6)


async def test_now_and_then_an_accepted_answer_is_compared_and_still_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = expert(target_error=0.1).model_copy(update={"learn": True})
    async with triage(own, {"small": sure(0.99), "large": sure(0.95, "other")}) as swarm:
        results = [await swarm.run_input({"text": "money"}, run_id=f"run-{number}") for number in range(400)]
    assert {result["it"].model for result in results} == {SMALL}
    logged = read_outcomes(tmp_path / ".swarm/outcomes.jsonl")
    compared = [one for one in logged if len(one.rungs) == 2]
    assert 0.01 < len(compared) / 400 < 0.06
    assert {one.propensity for one in compared} == {0.03}


async def test_an_expert_that_does_not_learn_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with triage(expert(target_error=0.1), {"small": sure(0.99)}) as swarm:
        await swarm.run(text="money back?")
    assert not (tmp_path / ".swarm").exists()


async def test_a_recorder_hears_of_every_rung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    heard: list[Outcome] = []
    replies = {"small": sure(0.6), "large": sure(0.95)}
    async with triage(expert(target_error=0.1), replies, recorders=[heard.append]) as swarm:
        result = await swarm.run(text="money back?")
    assert [one.id for one in heard] == [f"{result.id}/it"]
    assert [rung.model for rung in heard[0].rungs] == [SMALL, LARGE]


async def test_scores_that_drift_are_told_once_and_make_the_thresholds_stricter(save: Save) -> None:
    even = tuple(0.9 + 0.004 * step for step in range(21))
    save(rungs=rungs(at_least=0.5, reference=even))
    drifts: list[ConfidenceDrifted] = []

    def listen(event: Event) -> None:
        drifts.extend([event] if isinstance(event, ConfidenceDrifted) else [])

    replies = {"small": sure(0.9), "large": sure(0.9)}
    async with triage(expert(target_error=0.1), replies, listeners=[listen]) as swarm:
        results = [await swarm.run(text="money back?") for _ in range(60)]
    assert [one.what for one in drifts] == ["the scores of scripted/small fell"]
    told = next(place for place, result in enumerate(results) if result.notes)
    assert 5 < told < 60
    assert "calibrate it again" in results[told].notes[0]
    assert (results[0]["it"].model, results[-1]["it"].model) == (SMALL, LARGE)


async def test_a_log_that_cannot_be_written_costs_a_note_and_not_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".swarm").write_text("a file where a folder should be", encoding="utf-8")
    own = expert(target_error=0.1).model_copy(update={"learn": True})
    async with triage(own, {"small": sure(0.99)}) as swarm:
        result = await swarm.run(text="money back?")
    assert (result.status, result["it"].model) == ("completed", SMALL)
    assert "outcome cannot be written" in result.notes[0]


async def test_a_rung_that_the_policy_never_saw_is_not_believed_on_its_raw_score(save: Save) -> None:
    save(rungs=rungs(calibrator=None, at_least=None))
    events: list[Event] = []
    replies = {"small": sure(1.0), "large": sure(0.95)}
    async with triage(expert(target_error=0.1), replies, listeners=[events.append]) as swarm:
        result = await swarm.run(text="money back?")
    assert (result["it"].model, result.confident) == (LARGE, True)
    scored = next(event for event in events if isinstance(event, ConfidenceScored))
    assert (scored.accepted, scored.threshold) == (False, None)
