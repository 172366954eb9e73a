"""`swarm why`: in words, how sure a run's experts were and why they asked whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commandline import swarm

import swarm.events as ev
from swarm.testing import FakeModel, OllamaServer
from swarm.testing.ollama_server import in_thread

TRIAGE = """\
swarm: 1
name: shop
input: {message: string}
experts:
  triage:
    use: intent
    examples: intents.jsonl
    cascade: [embedded/ngram, ollama/qwen3:4b]
    confidence: {at_least: 0.99}
nodes:
  sort: {expert: triage, with: {text: input.message}}
  said: {reply: "{{ sort.label }}"}
output: said
"""
EXAMPLES = [
    ("where is my parcel", "order"),
    ("track my order", "order"),
    ("money back", "refund"),
    ("refund me", "refund"),
]
CALIBRATED = "artefacts/triage.json: target_error 0.05 with 90 % confidence, from 300 outcomes"


@pytest.fixture
def shop(project: Path) -> Path:
    rows = (json.dumps({"text": text, "label": label}) for text, label in EXAMPLES)
    (project / "intents.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (project / "shop.swarm.yaml").write_text(TRIAGE, encoding="utf-8")
    return project


def asked(message: str = "hm") -> None:
    """Run the graph once; its run is kept."""
    swarm("run", "shop.swarm.yaml", "--input", f"message={message}")


def logged(project: Path, *events: ev.Event) -> None:
    """Write a run as the log keeps it."""
    folder = project / ".swarm" / "runs"
    folder.mkdir(parents=True)
    lines = (json.dumps(ev.to_json(event)) for event in events)
    (folder / "r1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def climb(accepted: bool) -> Iterator[ev.Event]:
    """Yield the events of an expert whose first rung was not sure enough."""
    base: dict[str, Any] = {"run": "r1", "at": 1.0, "node": "triage"}
    yield ev.RunStarted(run="r1", at=1.0, graph="shop", input={})
    yield ev.ModelRequested(**base, model="embedded/ngram", rung=0)
    yield ev.ModelFinished(**base, model="embedded/ngram", rung=0, way="native", latency_ms=0.5)
    yield ev.ConfidenceScored(
        **base, model="embedded/ngram", rung=0, confidence=0.412, estimator="margin", source="calibrated",
        threshold=0.873, accepted=False, policy=CALIBRATED, label="refund", alternatives={"order": 0.3},
        signals={"margin": 0.2, "probability": 0.5},
    )  # fmt: skip
    yield ev.ExpertEscalated(
        **base, model="embedded/ngram", to_model="ollama/a", reason="0.412 is under 0.873"
    )
    yield ev.ModelRequested(**base, model="ollama/a", rung=1)
    yield ev.ModelFinished(
        **base, model="ollama/a", rung=1, input_tokens=140, output_tokens=3, latency_ms=250.0
    )
    yield ev.ConfidenceScored(
        **base, model="ollama/a", rung=1, confidence=0.97, estimator="probability", source="calibrated",
        threshold=0.95, accepted=accepted, policy=CALIBRATED, label="order",
    )  # fmt: skip
    marks = {"model": "ollama/a", "rung": 1, "confident": accepted, "confidence": 0.97, "escalated": True}
    yield ev.NodeFinished(**base, value={"label": "order"}, latency_ms=251.0, marks=marks)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_it_tells_the_scores_the_threshold_where_that_came_from_and_what_followed(project: Path) -> None:
    logged(project, *climb(accepted=True))
    told = flat(swarm("why", "last", "triage").out)
    assert told.startswith("triage: order, by ollama/a (rung 1), confident")
    assert "said 'refund'; next came order 0.300" in told
    assert "Measured: margin 0.200, probability 0.500" in told
    assert "Read from margin, it is right with a probability of 0.412" in told
    assert f"not accepted, since 0.873 has to be reached ({CALIBRATED})" in told
    assert "So ollama/a was asked: 0.412 is under 0.873." in told
    assert "cost 1 more call, 143 tokens and 250 ms" in told
    assert "raw" not in told


def test_an_answer_that_nobody_was_sure_of_says_so(project: Path) -> None:
    logged(project, *climb(accepted=False))
    told = flat(swarm("why", "r1").out)
    assert "not confident" in told.partition("embedded")[0]
    assert "Nobody was sure enough: the answer of ollama/a is the best there is" in told


def test_as_json_it_is_the_same_in_fields(project: Path) -> None:
    logged(project, *climb(accepted=True))
    ran = swarm("why", "last", "--json").json
    (node,) = ran["nodes"]
    assert (ran["run"], node["node"], node["model"], node["rung"], node["confident"]) == (
        "r1",
        "triage",
        "ollama/a",
        1,
        True,
    )
    assert node["further"] == {"calls": 1, "tokens": 143, "latency_ms": 250.0}
    first = node["asked"][0]
    assert (first["confidence"], first["threshold"], first["source"], first["policy"]) == (
        0.412,
        0.873,
        "calibrated",
        CALIBRATED,
    )
    assert (first["escalated_to"], first["alternatives"]) == ("ollama/a", {"order": 0.3})
    assert node["why"][0].startswith("triage: order, by ollama/a")


def test_a_guessed_threshold_is_called_a_guess_and_the_next_thing_to_type_is_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_thread(OllamaServer({"qwen3:4b": FakeModel(reply="order")})) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        asked()
    told = flat(swarm("why").out)
    assert "at_least: a guess" in told
    assert "So ollama/qwen3:4b was asked" in told
    assert "swarm calibrate EXPERT --data FILE.jsonl --target-error 0.05 --write" in told


def test_a_rung_that_could_not_be_reached_is_named_with_its_reason(shop: Path) -> None:
    asked()
    told = flat(swarm("why", "last", "sort").out)
    assert "ollama/qwen3:4b (rung 1) gave no answer that counts" in told
    assert "sort: " in told
    assert "by embedded/ngram (rung 0), not confident" in told


def test_a_model_that_never_came_back_is_said_to(project: Path) -> None:
    logged(project, *list(climb(accepted=True))[:2])
    assert "was asked and did not come back before the end" in flat(swarm("why").out)


def test_a_node_that_asked_nobody_is_answered_with_the_nearest(project: Path) -> None:
    logged(project, *climb(accepted=True))
    ran = swarm("why", "last", "triag")
    assert ran.code == 2
    assert "did you mean 'triage'?" in ran.err


def test_a_run_without_experts_says_where_to_look(project: Path) -> None:
    swarm("run", "hello.swarm.yaml", "--input", "message=hi")
    ran = swarm("why")
    assert ran.code == 0
    assert "swarm runs show" in ran.err


def test_a_run_that_is_not_kept_is_an_error(project: Path) -> None:
    ran = swarm("why", "nowhere")
    assert ran.code == 1
    assert "swarm runs ls" in ran.err


def test_the_way_of_a_router_is_told(project: Path) -> None:
    logged(
        project,
        ev.RouteDecided(run="r1", at=1.0, node="helper", expert="coder", scores={"coder": 0.7, "writer": 0.2}, way="classifier"),
    )  # fmt: skip
    assert "expert 'coder' was chosen, by classifier (scores: coder 0.700, writer 0.200)" in flat(
        swarm("why").out
    )


def test_the_explanation_can_be_a_page(shop: Path) -> None:
    asked("track my order")
    ran = swarm("why", "last", "--report", "why.html")
    page = (shop / "why.html").read_text(encoding="utf-8")
    assert ran.code == 0
    assert "report: why.html" in ran.err
    assert "embedded/ngram" in page
    assert "<script" not in page


def test_a_line_of_another_kind_counts_as_damaged_and_the_rest_is_told(shop: Path) -> None:
    with runs_in_use():
        asked("track my order")
    (file,) = (shop / ".swarm" / "runs").glob("*.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()
    broken = [line.replace('"attempt": 1', '"attempt": null') for line in lines]
    broken = [line.replace('"attempt":1', '"attempt":null') for line in broken]
    assert broken != lines
    file.write_text("\n".join(broken) + "\n", encoding="utf-8")
    ran = swarm("why", "last")
    assert "internal error" not in ran.err
    assert "'attempt' is None" in ran.err
