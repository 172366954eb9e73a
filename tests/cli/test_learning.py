"""What runs leave behind to learn from: `swarm run --record`, `learn: true`, `swarm examples --from-runs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commandline import swarm

from swarm.confidence.outcomes import Outcome, RungOutcome, read_outcomes, write_outcomes

TRIAGE = """\
swarm: 1
name: shop
input: {message: string}
experts:
  triage:
    use: intent
    examples: intents.jsonl
    cascade: [embedded/ngram, ollama/qwen3:4b]
    confidence: {target_error: 0.05}
    learn: true
nodes:
  sort: {expert: triage, with: {text: input.message}}
  said: {reply: "{{ sort.label }}"}
output: said
"""
EXAMPLES = [
    ("where is my parcel", "order"), ("track my order", "order"), ("when does my parcel arrive", "order"),
    ("money back", "refund"), ("refund me", "refund"), ("I want my money back", "refund"),
]  # fmt: skip


@pytest.fixture
def shop(project: Path) -> Path:
    rows = (json.dumps({"text": text, "label": label}) for text, label in EXAMPLES)
    (project / "intents.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (project / "shop.swarm.yaml").write_text(TRIAGE, encoding="utf-8")
    return project


def logged(*rows: tuple[str, str, str], version: str = "") -> None:
    """Write what runs would have logged: text, label of the small model, label of the large one."""
    Path(".swarm").mkdir(exist_ok=True)
    outcomes = [
        Outcome(
            id=f"{version}{number}/sort", expert="triage", input=text, version=version,
            rungs=(
                RungOutcome(model="embedded/ngram", output={"label": small}),
                RungOutcome(model="ollama/qwen3:4b", output={"label": large}, signals={"probability": 0.9}),
            ),
        )
        for number, (text, small, large) in enumerate(rows)
    ]  # fmt: skip
    write_outcomes(".swarm/outcomes.jsonl", outcomes)


def test_a_run_records_what_every_rung_answered(shop: Path) -> None:
    ran = swarm("run", "shop.swarm.yaml", "--input", "message=where is my parcel", "--record", "o.jsonl")
    assert "1 outcome added to o.jsonl" in ran.err
    outcome = read_outcomes("o.jsonl")[0]
    assert (outcome.expert, outcome.input) == ("triage", "where is my parcel")
    assert (outcome.rungs[0].model, outcome.rungs[0].label) == ("embedded/ngram", "order")
    assert {"probability", "margin"} <= outcome.rungs[0].signals.keys()
    assert outcome.rungs[0].correct is None


def test_a_batch_that_knows_what_is_right_records_who_was(shop: Path) -> None:
    rows = [
        {"message": "track my parcel", "label": "order"},
        {"message": "money back please", "label": "order"},
    ]
    (shop / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ran = swarm(
        "run",
        "shop.swarm.yaml",
        "--batch",
        "in.jsonl",
        "--expect",
        "sort.label=label",
        "--out",
        "out.jsonl",
        "--record",
        "o.jsonl",
    )
    assert ran.code == 0, ran.err
    assert [one.rungs[0].correct for one in read_outcomes("o.jsonl")] == [True, False]
    assert [one.expected for one in read_outcomes("o.jsonl")] == ["order", "order"]


def test_recording_twice_adds_to_the_file(shop: Path) -> None:
    for _ in range(2):
        swarm("run", "shop.swarm.yaml", "--input", "message=where is my parcel", "--record", "o.jsonl")
    assert len(read_outcomes("o.jsonl")) == 2


def test_an_expert_that_learns_logs_its_runs(shop: Path) -> None:
    swarm("run", "shop.swarm.yaml", "--input", "message=where is my parcel")
    assert len(read_outcomes(".swarm/outcomes.jsonl")) == 1


def test_new_examples_are_proposed_as_a_diff_and_nothing_changes(shop: Path) -> None:
    logged(("it never came", "refund", "order"), ("give it back", "refund", "refund"))
    before = (shop / "intents.jsonl").read_text(encoding="utf-8")
    ran = swarm("examples", "shop.swarm.yaml:triage", "--from-runs")
    assert ran.code == 0, ran.err
    assert '+{"text": "it never came", "label": "order"}' in ran.out
    assert "the first rung said refund" in ran.out
    assert "--write" in ran.err
    assert (shop / "intents.jsonl").read_text(encoding="utf-8") == before


def test_with_write_they_are_appended_and_the_graph_still_checks(shop: Path) -> None:
    logged(("it never came", "refund", "order"))
    swarm("examples", "shop.swarm.yaml:triage", "--from-runs", "--write")
    last = (shop / "intents.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last) == {"text": "it never came", "label": "order"}
    assert swarm("check", "shop.swarm.yaml").code == 0


def test_what_is_an_example_already_or_no_label_of_the_expert_is_not_proposed(shop: Path) -> None:
    logged(("Money  back", "order", "refund"), ("hm", "order", "banana"), ("new one", "order", "refund"))
    found: Any = swarm("examples", "shop.swarm.yaml:triage", "--from-runs", "--json").json
    assert [one["text"] for one in found["examples"]] == ["new one"]


def test_labels_take_turns(shop: Path) -> None:
    logged(*((f"refund {number}", "refund", "refund") for number in range(5)), ("lost", "refund", "order"))
    found: Any = swarm("examples", "shop.swarm.yaml:triage", "--from-runs", "--limit", "2", "--json").json
    assert {one["label"] for one in found["examples"]} == {"refund", "order"}


def test_outcomes_of_the_expert_as_it_was_before_are_left_out(shop: Path) -> None:
    logged(("it never came", "refund", "order"), version="long ago")
    ran = swarm("examples", "shop.swarm.yaml:triage", "--from-runs")
    assert ran.code == 2
    assert "1 belong to it as it was before" in ran.err


def test_without_a_log_it_says_how_to_get_one(shop: Path) -> None:
    ran = swarm("examples", "shop.swarm.yaml:triage", "--from-runs")
    assert ran.code == 2
    assert "learn: true" in ran.err


def test_a_whole_graph_is_no_expert(shop: Path) -> None:
    ran = swarm("examples", "shop.swarm.yaml", "--from-runs")
    assert (ran.code, "shop.swarm.yaml:EXPERT" in ran.err) == (2, True)
