"""`swarm replay`: figures for people, JSON for programs, a report for both."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from commandline import swarm

from swarm.confidence.calibrate import fit_calibrator
from swarm.confidence.policy import Policy, RungPolicy


@pytest.fixture
def files(project: Path) -> Path:
    """Write outcomes of two rungs, and a policy."""
    rng = random.Random(5)
    rows: list[dict[str, Any]] = []
    for at in range(200):
        sure = rng.random()
        small = {
            "model": "tiny",
            "signals": {"logprob": -1 + sure, "odd": None},
            "output": "a",
            "correct": rng.random() < sure,
            "cost": 1,
        }
        rows.append(
            {
                "id": at,
                "expected": "a",
                "rungs": [small, {"model": "huge", "output": "a", "correct": True, "cost": 20}],
            }
        )
    (project / "outcomes.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    signals = [row["rungs"][0]["signals"] for row in rows]
    fit = fit_calibrator(signals, [row["rungs"][0]["correct"] for row in rows])
    rungs = (
        RungPolicy(model="tiny", at_least=0.8, calibrator=fit.calibrator, estimator="logprob"),
        RungPolicy(model="huge"),
    )
    policy = Policy(expert="triage", rungs=rungs, target_error=0.1)
    (project / "policy.json").write_text(json.dumps(policy.to_json()), encoding="utf-8")
    return project


REPLAY = ("replay", "--outcomes", "outcomes.jsonl", "--policy", "policy.json")


def test_it_says_how_often_it_is_wrong_whom_it_asks_and_what_it_saves(files: Path) -> None:
    ran = swarm(*REPLAY)
    assert ran.code == 0
    for words in (
        "wrong among the accepted",
        "accepted and wrong",
        "escalated",
        "saving",
        "APGR",
        "95 %:",
        "to huge",
    ):
        assert words in ran.out
    assert "at most 10 % of the accepted answers are wrong, on average" in ran.out


def test_as_json_it_is_one_object_on_stdout(files: Path) -> None:
    found = swarm(*REPLAY, "--json").json
    assert found["n"] == 200
    assert found["accuracy_last"] == 1.0
    assert found["saving"] == pytest.approx(1 - found["cost"] / found["cost_last"])
    assert found["accepted_and_wrong"] == pytest.approx(
        found["accepted_error"] * found["rungs"][0]["accepted"]
    )


def test_the_report_holds_the_command_that_made_it(files: Path) -> None:
    ran = swarm(*REPLAY, "--report", "r.html", "--json")
    assert ran.json["n"] == 200
    assert "report: r.html" in ran.err
    page = (files / "r.html").read_text(encoding="utf-8")
    assert "swarm replay --outcomes outcomes.jsonl --policy policy.json --report r.html" in page
    assert "Confusion matrix" in page


def test_a_policy_edited_by_hand_is_an_error_that_names_the_key(files: Path) -> None:
    data = json.loads((files / "policy.json").read_text())
    data["rungs"][0]["at_lest"] = 0.9
    (files / "policy.json").write_text(json.dumps(data))
    ran = swarm(*REPLAY)
    assert ran.code == 2
    assert "policy.json" in ran.err
    assert "at_lest" in ran.err


def test_a_file_that_is_no_policy_is_an_error_that_says_how_to_make_one(files: Path) -> None:
    (files / "policy.json").write_text("not json")
    ran = swarm(*REPLAY)
    assert ran.code == 2
    assert "swarm calibrate" in ran.err


def test_outcomes_that_are_none_are_named_by_their_lines(files: Path) -> None:
    (files / "outcomes.jsonl").write_text('{"rungs": []}\n')
    ran = swarm(*REPLAY)
    assert ran.code == 2
    assert "outcomes.jsonl:1:" in ran.err


def test_both_files_are_needed() -> None:
    ran = swarm("replay", "--outcomes", "x.jsonl")
    assert ran.code == 2
    assert "--policy" in ran.err
