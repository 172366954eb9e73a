"""An expert may ask a model several times, or another model as a witness, and measure how far the answers agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swarm import Expert, Graph, RunResult, SpecError, Swarm
from swarm.backends.scripted import ScriptedBackend
from swarm.errors import BackendError
from swarm.events import ConfidenceScored, Event, ModelToken
from swarm.messages import CompletionRequest

ANSWER = {
    "kind": "extract",
    "output": {"total": "number"},
    "input": {"text": "string"},
    "cascade": ["scripted/small"],
}


def reader(**confidence: Any) -> Expert:
    return Expert.model_validate({**ANSWER, "confidence": confidence})


async def asked(
    expert: Expert, replies: dict[str, Any], listen: Callable[[Event], None] | None = None
) -> tuple[RunResult, ScriptedBackend]:
    graph = Graph("bill", input={"text": str})
    graph.output(graph.expert("it", expert, text=graph.input.text))
    backend = ScriptedBackend(replies)
    async with Swarm(graph, backends={"scripted": backend}, listeners=[listen] if listen else []) as swarm:
        return await swarm.run(text="Total: 12 euros"), backend


def total(number: int) -> str:
    return f'{{"total": {number}}}'


async def test_the_most_frequent_answer_is_delivered_with_its_share() -> None:
    replies = {"small": [total(21), total(12), total(12), total(13), total(12)]}
    result, _ = await asked(reader(**{"from": "agreement", "samples": 5, "at_least": 0.7}), replies)
    assert result["it"].output == {"total": 12}
    assert (result.confidence, result.confident) == (pytest.approx(0.6), False)


async def test_asking_stops_when_no_other_answer_can_win() -> None:
    replies = {"small": total(12)}
    result, backend = await asked(reader(**{"from": "agreement", "samples": 5, "at_least": 0.7}), replies)
    assert (len(backend.requests), result.confidence) == (3, 1.0)
    assert result.usage.model_calls == 3


async def test_only_the_first_answer_is_asked_for_at_the_temperature_of_the_expert() -> None:
    _, backend = await asked(
        reader(**{"from": "agreement", "samples": 3, "at_least": 0.7}), {"small": total(12)}
    )
    warmths = [one.options["temperature"] for one in backend.requests if isinstance(one, CompletionRequest)]
    assert warmths == [0, 0.7]


async def test_a_sample_that_does_not_fit_is_left_out() -> None:
    replies = {"small": [total(12), "twelve", total(12)]}
    result, _ = await asked(reader(**{"from": "agreement", "samples": 3, "at_least": 0.7}), replies)
    assert (result["it"].output, result.confidence) == ({"total": 12}, 1.0)


@pytest.mark.parametrize(("said", "score"), [(12, 1.0), (21, 0.0)])
async def test_a_witness_is_asked_the_same_and_its_agreement_counts(said: int, score: float) -> None:
    expert = reader(**{"from": "witness", "witness": "scripted/other", "at_least": 0.5})
    result, _ = await asked(expert, {"small": total(12), "other": total(said)})
    assert (result["it"].output, result["it"].model) == ({"total": 12}, "scripted/small")
    assert result.confidence == score


async def test_both_signals_are_told() -> None:
    scored: list[ConfidenceScored] = []

    def listen(event: Event) -> None:
        scored.extend([event] if isinstance(event, ConfidenceScored) else [])

    expert = reader(samples=2, witness="scripted/other", at_least=0.5)
    await asked(expert, {"small": total(12), "other": total(12)}, listen)
    assert scored[0].signals["agreement"] == scored[0].signals["witness"] == 1.0


async def test_nothing_is_streamed_while_it_is_open_which_answer_is_delivered() -> None:
    fields = {"kind": "write", "input": {"text": "string"}, "cascade": ["scripted/small"]}
    expert = Expert.model_validate({**fields, "confidence": {"samples": 3, "witness": "scripted/other"}})
    graph = Graph("talk", input={"text": str})
    graph.output(graph.expert("it", expert, text=graph.input.text))
    replies = {"small": ["yes", "no", "no"], "other": "never"}
    async with Swarm(graph, backends={"scripted": ScriptedBackend(replies)}) as swarm:
        texts = [event.text async for event in swarm.stream(text="?") if isinstance(event, ModelToken)]
    assert texts == []


def test_an_estimator_that_nothing_measures_is_refused() -> None:
    with pytest.raises(SpecError, match=r"`from: agreement` measures what nothing asks for"):
        Swarm(_graph(reader(**{"from": "agreement", "at_least": 0.7})))


def test_an_unknown_witness_is_refused() -> None:
    with pytest.raises(SpecError, match="nobody"):
        Swarm(_graph(reader(witness="nobody", at_least=0.7)))


def _graph(expert: Expert) -> Graph:
    graph = Graph("bill", input={"text": str})
    graph.output(graph.expert("it", expert, text=graph.input.text))
    return graph


async def test_a_witness_that_does_not_answer_is_told_and_costs_nothing_but_the_signal() -> None:
    expert = reader(witness="scripted/other", at_least=0.0)
    result, _ = await asked(expert, {"small": total(12), "other": BackendError("gone")})
    assert result["it"].output == {"total": 12}
    assert "the witness scripted/other did not answer: gone" in result.notes
