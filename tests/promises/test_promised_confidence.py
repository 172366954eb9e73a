"""How sure an answer is, measured of what a server really sends, and what happens when it does not answer."""

from __future__ import annotations

from math import log
from typing import Any

import pytest

from swarm import Expert, Graph, RunResult, SpecError, Swarm
from swarm.events import Event, ModelRequested, NoteAdded
from swarm.testing import FakeModel, OllamaServer, Reply, TokenLogprob

LABELS = {"refund": "Money back", "other": None}


@pytest.fixture
def ollama(ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> OllamaServer:
    monkeypatch.setenv("OLLAMA_HOST", ollama_server.url)
    return ollama_server


def says(label: str, **top: float) -> FakeModel:
    """Return a model that answers `label`, with these probabilities for the first token."""
    alternatives = {token: log(share) for token, share in top.items()}
    token = TokenLogprob(token=label, logprob=alternatives[label], top=alternatives)
    return FakeModel(reply=Reply(text=label, logprobs=[token]))


def sorter(*models: str, **confidence: object) -> Expert:
    cascade = [f"ollama/{model}" for model in models]
    return Expert.model_validate(
        {"use": "intent", "labels": LABELS, "cascade": cascade, "confidence": confidence}
    )


def triage(expert: Expert, **more: Any) -> Swarm:
    graph = Graph("triage", input={"text": str})
    graph.output(graph.expert("triage", expert, text=graph.input.text))
    return Swarm(graph, **more)


async def asked(expert: Expert) -> RunResult:
    async with triage(expert) as swarm:
        return await swarm.run(text="I want my money")


async def test_a_label_is_as_likely_as_its_token_among_the_labels(ollama: OllamaServer) -> None:
    ollama.serve("small", says("refund", refund=0.6, other=0.2, sorry=0.2))
    result = await asked(sorter("small", at_least=0.7))
    assert result["triage"].output["scores"] == pytest.approx({"refund": 0.75, "other": 0.25})
    assert (result.confidence, result.confident) == (pytest.approx(0.75), True)


async def test_label_mass_counts_what_the_model_would_rather_have_said(ollama: OllamaServer) -> None:
    ollama.serve("small", says("refund", refund=0.6, other=0.2, sorry=0.2))
    ollama.serve("large", says("other", other=0.95, refund=0.05))
    result = await asked(sorter("small", "large", **{"from": "label_mass", "at_least": 0.7}))
    assert (result["triage"].output["label"], result["triage"].model) == ("other", "ollama/large")
    assert result.confidence == pytest.approx(0.95)


async def test_label_mass_measures_a_model_that_decides_natively_too(ollama: OllamaServer) -> None:
    decides = FakeModel(decide={"label": {"refund": 0.8, "other": 0.2}}, capabilities=("decision",))
    ollama.serve("small", decides)
    result = await asked(sorter("small", **{"from": "label_mass", "at_least": 0.7}))
    assert (result.confidence, result.confident) == (pytest.approx(0.8), True)


async def test_before_a_calibration_a_target_error_asks_for_a_raw_score_of_the_rest(
    ollama: OllamaServer,
) -> None:
    ollama.serve("small", says("refund", refund=0.85, other=0.15))
    accepted = await asked(sorter("small", target_error=0.2))
    refused = await asked(sorter("small", target_error=0.1))
    assert (accepted.confident, refused.confident) == (True, False)
    marks = accepted["triage"].marks
    assert marks is not None
    assert marks.source == "raw"


@pytest.mark.parametrize("name", ["logprob", "grounding"])
def test_an_estimator_that_cannot_measure_an_expert_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=f"{name!r} measures no answer of a classify expert") as caught:
        triage(sorter("small", **{"from": name, "at_least": 0.7}))
    (problem,) = caught.value.problems
    assert problem.hint == "one of auto, probability, margin, label_mass, agreement, witness"


async def test_without_a_server_the_embedded_answer_stands_with_one_note_a_run(
    refused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", refused_url)
    events: list[Event] = []
    cascade = ["embedded/ngram", "ollama/small", "ollama/large"]
    expert = Expert(use="intent", labels=LABELS, cascade=cascade, confidence={"at_least": 1.0})  # pyright: ignore[reportArgumentType]
    async with triage(expert, listeners=[events.append]) as swarm:
        results = [await swarm.run(text="zzz") for _ in range(3)]
    for result in results:
        assert (result.status, result.confident) == ("completed", False)
        assert result["triage"].model == "embedded/ngram"
        assert result.notes == (f"no ollama server answers at {refused_url}",)
    assert sum(isinstance(event, NoteAdded) for event in events) == 3
    assert sum(isinstance(event, ModelRequested) for event in events) == 9
