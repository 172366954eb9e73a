"""`swarm calibrate`: thresholds from outcomes, what they promise, and what becomes of the expert's files."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from commandline import Ran, swarm

from swarm._app.learned import LEARNED
from swarm._eval.subject import find_subject
from swarm.confidence.policy import Policy
from swarm.spec.version import version_of

GRAPH = """\
swarm: 1
name: shop
input: {message: string}
experts:
  triage:
    use: intent
    examples: intents.jsonl
    cascade: [embedded/ngram, ollama/qwen3:4b]
    confidence: {at_least: 0.6}   # ours
nodes:
  sort: {expert: triage, with: {text: input.message}}
  said: {reply: "{{ sort.label }}"}
output: said
"""
WORDS = {
    "order": ("parcel", "tracking", "delivery", "package", "courier"),
    "refund": ("money", "refund", "return", "repay", "reimburse"),
    "account": ("password", "login", "email", "profile", "address"),
}


def texts(count: int, seed: int) -> list[dict[str, str]]:
    """Return labelled messages; some mention a word of another label, so that not all are easy."""
    rng = random.Random(seed)
    rows: list[dict[str, str]] = []
    for at in range(count):
        label = rng.choice(list(WORDS))
        own, other = rng.choice(WORDS[label]), rng.choice(WORDS[rng.choice(list(WORDS))])
        rows.append({"text": f"please help with my {own} and the {other} number {at}", "label": label})
    return rows


def outcomes(count: int = 400, seed: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Return outcomes of two rungs; the first is right the more often the surer it is."""
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for at in range(count):
        sure = rng.random()
        small = {
            "model": "embedded/ngram", "signals": {"margin": sure, "odd": None}, "output": rng.choice(["a", "b"]),
            "correct": rng.random() < sure**0.25, "cost": 0.01,
        }  # fmt: skip
        large = {"model": "ollama/qwen3:4b", "output": "a", "correct": rng.random() < 0.95, "cost": 1}
        rows.append({"id": at, "expert": "triage", "rungs": [small, large]} | more)
    return rows


def write_lines(path: Path, rows: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


@pytest.fixture
def shop(project: Path) -> Path:
    """Give a graph with an expert to calibrate, and outcomes of it."""
    (project / "shop.swarm.yaml").write_text(GRAPH, encoding="utf-8")
    write_lines(project / "intents.jsonl", texts(45, seed=2))
    write_lines(project / "outcomes.jsonl", outcomes())
    return project


def calibrate(*more: str | Path, target: str = "0.1") -> Ran:
    return swarm("calibrate", *more, "--target-error", target)


def test_it_says_in_words_what_was_chosen_and_what_to_expect(shop: Path) -> None:
    ran = calibrate("--outcomes", "outcomes.jsonl", "--with-confidence", "0.9")
    told = " ".join(ran.out.split())
    assert ran.code == 0
    assert (
        "Promised: at most 10 % of the accepted answers are wrong, with 90 % confidence (from 400 outcomes"
        in told
    )
    assert "embedded/ngram is accepted from a probability of" in told
    assert "ollama/qwen3:4b answers the rest" in told
    for figure in ("expected error", "escalated", "saving", "AUROC"):
        assert figure in told


def test_as_json_it_is_the_policy_and_what_else_is_known(shop: Path) -> None:
    found = calibrate("--outcomes", "outcomes.jsonl", "--json").json
    assert found["swarm_policy"] == 1
    assert found["feasible"] is True
    assert found["expected"]["accepted_error"] <= 0.1
    assert found["rungs"][0]["at_least"] is not None
    assert {"expected", "feasible", "bound", "helps", "diff"} <= found.keys()


def test_the_saved_policy_keeps_its_target_on_other_outcomes(shop: Path) -> None:
    calibrate("--outcomes", "outcomes.jsonl", "--with-confidence", "0.9", "--policy-out", "policy.json")
    write_lines(shop / "others.jsonl", outcomes(2_000, seed=9))
    found = swarm("replay", "--outcomes", "others.jsonl", "--policy", "policy.json", "--json").json
    assert found["accepted_error"] <= 0.1
    assert found["rungs"][0]["accepted"] > 0.2
    assert found["saving"] > 0.2


def test_a_target_that_cannot_be_promised_is_no_error(shop: Path) -> None:
    ran = calibrate("--outcomes", "outcomes.jsonl", "--policy-out", "policy.json", "--json", target="0.0001")
    assert ran.code == 0
    assert ran.json["feasible"] is False
    assert ran.json["helps"]
    assert 0 < ran.json["bound"] < 1
    found = swarm("replay", "--outcomes", "outcomes.jsonl", "--policy", "policy.json", "--json").json
    assert (found["accepted_error"], found["escalated"]) == (0.0, [1.0])
    told = calibrate("--outcomes", "outcomes.jsonl", target="0.0001").out
    assert "not to be promised" in told
    assert "what would help:" in told


@pytest.mark.parametrize(
    "rows",
    [
        outcomes(5),
        [{**row, "rungs": [{**rung, "correct": True} for rung in row["rungs"]]} for row in outcomes(60)],
        [{**row, "rungs": [{**rung, "correct": False} for rung in row["rungs"]]} for row in outcomes(60)],
        [
            {**row, "rungs": [{**rung, "signals": {"margin": None}} for rung in row["rungs"]]}
            for row in outcomes(60)
        ],
        [{**row, "rungs": row["rungs"][:1]} for row in outcomes(60)],
    ],
    ids=["five rows", "all right", "all wrong", "no signal", "one rung"],
)
def test_outcomes_that_say_little_are_calibrated_without_a_promise_too_many(
    project: Path, rows: list[Any]
) -> None:
    write_lines(project / "o.jsonl", rows)
    ran = calibrate(
        "--outcomes", "o.jsonl", "--json", "--policy-out", "p.json", "--report", "r.html", target="0.05"
    )
    assert ran.code == 0, ran.err
    assert Policy.from_json(json.loads((project / "p.json").read_text())).target_error == 0.05
    assert calibrate("--outcomes", "o.jsonl", target="0.05").code == 0
    assert swarm("replay", "--outcomes", "o.jsonl", "--policy", "p.json", "--json").code == 0


@pytest.mark.parametrize("target", ["0", "1", "nan", "inf", "-0.1"])
def test_a_target_that_means_nothing_is_a_usage_error_that_says_what_to_type(shop: Path, target: str) -> None:
    ran = calibrate("--outcomes", "outcomes.jsonl", target=target)
    assert ran.code == 2
    assert "fix: --target-error 0.05" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--outcomes", "o.jsonl"], "--target-error 0.05"),
        (["--target-error", "0.05"], "say where outcomes come from"),
        (["--outcomes", "o", "--from-runs", "--target-error", "0.05"], "do not go together"),
        (["--outcomes", "o", "--target-error", "0.05", "--with-confidence", "1"], "--with-confidence 0.9"),
        (["--outcomes", "o", "--target-error", "0.05", "--write"], "GRAPH.swarm.yaml:EXPERT"),
        (["--outcomes", "o", "--target-error", "0.05", "--map", "input=a"], "--data"),
        (["--data", "o.jsonl", "--target-error", "0.05"], "say which expert"),
        (["shop.swarm.yaml", "--outcomes", "outcomes.jsonl", "--target-error", "0.05"], "shop.swarm.yaml:EXPERT (triage)"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_say_what_to_type(shop: Path, words: list[str], said: str) -> None:
    ran = swarm("calibrate", *words)
    assert ran.code == 2
    assert said in ran.err


def test_without_write_nothing_changes_and_the_change_is_shown(shop: Path) -> None:
    ran = calibrate("shop.swarm.yaml:triage", "--outcomes", "outcomes.jsonl")
    assert "-    confidence: {at_least: 0.6}   # ours" in ran.out
    assert "+    confidence: {target_error: 0.1}   # ours" in ran.out
    assert (shop / "shop.swarm.yaml").read_text() == GRAPH
    assert not (shop / "artefacts").exists()


def test_with_write_the_policy_is_saved_beside_the_graph_and_the_graph_reads_it(shop: Path) -> None:
    ran = calibrate("shop.swarm.yaml:triage", "--outcomes", "outcomes.jsonl", "--write")
    assert ran.code == 0, ran.err
    assert (shop / "shop.swarm.yaml").read_text() == GRAPH.replace("{at_least: 0.6}", "{target_error: 0.1}")
    saved = Policy.from_json(json.loads((shop / "artefacts" / "triage.json").read_text()))
    assert saved.fits.version == version_of(_triage())
    assert not [
        one
        for one in swarm("check", "shop.swarm.yaml", "--json").json["problems"]
        if "triage" in one["message"]
    ]
    swarm("run", "shop.swarm.yaml", "--input", "message=where is my parcel")
    assert "artefacts/triage.json: target_error 0.1" in " ".join(swarm("why").out.split())


def test_an_expert_of_the_project_keeps_its_policy_in_its_own_folder(shop: Path) -> None:
    home = shop / "experts" / "sorter"
    home.mkdir(parents=True)
    text = "swarm: 1\nname: sorter\nuse: intent\nexamples: intents.jsonl\ncascade: [embedded/ngram, ollama/qwen3:4b]\n"
    (home / "expert.yaml").write_text(text)
    write_lines(home / "intents.jsonl", texts(45, seed=2))
    write_lines(shop / "o.jsonl", outcomes(expert="sorter"))
    ran = calibrate("sorter", "--outcomes", "o.jsonl", "--write")
    assert ran.code == 0, ran.err
    assert (home / "artefacts" / "sorter.json").is_file()
    assert (home / "expert.yaml").read_text() == text + "confidence: {target_error: 0.1}\n"


def test_a_bundled_expert_is_never_written_into(shop: Path) -> None:
    write_lines(shop / "o.jsonl", outcomes(expert="moderator"))
    ran = calibrate("moderator", "--outcomes", "o.jsonl", "--write")
    assert ran.code == 0, ran.err
    assert (shop / "artefacts" / "moderator.json").is_file()
    assert "a graph in this folder" in ran.err


def test_cases_are_asked_of_every_rung_that_can_be_reached(shop: Path) -> None:
    write_lines(shop / "cases.jsonl", texts(120, seed=3))
    ran = calibrate("shop.swarm.yaml:triage", "--data", "cases.jsonl", "--json", target="0.3")
    assert ran.code == 0, ran.err
    assert [rung["model"] for rung in ran.json["rungs"]] == ["embedded/ngram", "ollama/qwen3:4b"]
    assert ran.json["chosen_on"]["n"] == 120
    assert "nobody answered there" in " ".join(ran.json["notes"])
    assert "+    confidence: {target_error: 0.3}" in ran.json["diff"]


def test_what_runs_logged_is_held_against_the_dearest_answer(shop: Path) -> None:
    rows = outcomes(200, version=version_of(_triage()))
    for row in rows:
        row["rungs"] = [
            {key: value for key, value in rung.items() if key != "correct"} for rung in row["rungs"]
        ]
    write_lines(shop / LEARNED, rows)
    ran = calibrate("shop.swarm.yaml:triage", "--from-runs", "--json", target="0.4")
    assert ran.code == 0, ran.err
    assert ran.json["chosen_on"]["n"] == 200
    assert "it is wrong, too" in " ".join(ran.json["notes"])


def test_nothing_logged_yet_says_how_to_begin(shop: Path) -> None:
    ran = calibrate("shop.swarm.yaml:triage", "--from-runs")
    assert ran.code == 2
    assert "learn: true" in ran.err


def test_outcomes_of_the_expert_as_it_was_are_not_saved_for_it(shop: Path) -> None:
    write_lines(shop / "old.jsonl", outcomes(version="anotherone"))
    assert calibrate("shop.swarm.yaml:triage", "--outcomes", "old.jsonl").code == 0
    ran = calibrate("shop.swarm.yaml:triage", "--outcomes", "old.jsonl", "--write")
    assert ran.code == 2
    assert "swarm eval shop.swarm.yaml:triage --data FILE --record FILE" in ran.err
    assert not (shop / "artefacts").exists()


def test_outcomes_of_other_experts_are_left_out_and_counted(shop: Path) -> None:
    other = [{**row, "id": f"other {row['id']}", "expert": "guard"} for row in outcomes(50)]
    write_lines(shop / "both.jsonl", outcomes() + other)
    found = calibrate("shop.swarm.yaml:triage", "--outcomes", "both.jsonl", "--json").json
    assert found["chosen_on"]["n"] == 400
    assert found["notes"] == ["50 outcomes are of other experts: left out"]


def test_splits_tell_how_often_the_target_is_missed(shop: Path) -> None:
    words = ("--outcomes", "outcomes.jsonl", "--with-confidence", "0.9", "--resplit", "20")
    found = calibrate(*words, "--json").json["resplit"]
    assert (found["times"], found["chosen_on"], found["tested_on"]) == (20, 80, 320)
    assert 0 <= found["violated"] <= 0.5
    assert "over 20 random splits" in calibrate(*words).out


def test_the_report_shows_the_policy_and_the_command(shop: Path) -> None:
    ran = calibrate("shop.swarm.yaml:triage", "--outcomes", "outcomes.jsonl", "--report", "r.html")
    assert ran.code == 0
    page = (shop / "r.html").read_text(encoding="utf-8")
    assert (
        "swarm calibrate shop.swarm.yaml:triage --outcomes outcomes.jsonl --target-error 0.1 --report r.html"
        in page
    )
    assert "Cost and error" in page
    assert "expect a little less" in page


def _triage() -> Any:
    return find_subject("shop.swarm.yaml:triage").expert
