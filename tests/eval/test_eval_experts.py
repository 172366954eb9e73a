"""Evaluating an expert: taught, on one rung or the whole cascade, with every rung recorded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from judging import write_rows

from swarm._eval.cases import parse_columns
from swarm._eval.cost import Prices
from swarm._eval.evaluate import How, Judged, Ready, folds_of
from swarm._eval.prepare import Prepared, Request, prepare, start
from swarm._eval.record import outcome_of, refuse_recorded
from swarm._eval.scope import Line
from swarm.confidence.calibrate import fit_calibrator
from swarm.confidence.outcomes import read_outcomes, write_outcomes
from swarm.confidence.policy import Policy, RungPolicy
from swarm.errors import BackendError, BackendUnavailable, InputError, SpecError
from swarm.messages import Usage
from swarm.spec.catalogue import ModelRef
from swarm.testing import FakeModel, OllamaServer

TRIAGE = """\
swarm: 1
name: desk
input: {message: string}
experts:
  triage:
    use: intent
    labels: {refund: Money back, order: Where the parcel is}
    examples: examples.jsonl
    cascade: [embedded/ngram, ollama/small:1b, ollama/large:4b]
    confidence: {at_least: 1}
nodes:
  triage: {expert: triage, with: {text: input.message}}
output: triage
"""
REFUND = (
    "I want my money back",
    "refund please",
    "give me back what I paid",
    "money back for the broken lamp",
)
ORDER = ("where is my parcel", "when does the parcel come", "has my order left", "track the parcel for me")
ODD = ("what is the capital of France", "sing me a song", "how tall is the tower", "tell me a joke")


def rows(label: str | None, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"text": text, "label": label} for text in texts]


@pytest.fixture
def graph(folder: Path) -> Path:
    """Give a graph with an expert of two labels, and cases for it."""
    write_rows(folder / "examples.jsonl", *rows("refund", REFUND), *rows("order", ORDER))
    write_rows(
        folder / "cases.jsonl",
        {"text": "money back, please", "label": "refund"},
        {"text": "is the parcel on its way", "label": "order"},
        {"text": "I paid for this", "label": "order"},
    )
    return write_graph(TRIAGE)


@pytest.fixture
def ollama(ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> OllamaServer:
    monkeypatch.setenv("OLLAMA_HOST", ollama_server.url)
    ollama_server.serve("small:1b", FakeModel(reply="refund"))
    ollama_server.serve("large:4b", FakeModel(reply="order"))
    return ollama_server


async def evaluated(prepared: Prepared) -> tuple[list[Judged], Ready, Line]:
    """Return the judged cases in their order."""
    found: list[Judged] = []
    ready, line = await start(prepared, found.append)
    return sorted(found, key=lambda one: one.case.line), ready, line


def triage(*, rung: int | None = None, every_rung: bool = False, **more: Any) -> Prepared:
    how = How(rung=rung, every_rung=every_rung, concurrency=2)
    return prepare(Request(word="desk.swarm.yaml:triage", data=Path("cases.jsonl"), how=how, **more))


def write_graph(text: str) -> Path:
    file = Path("desk.swarm.yaml")
    file.write_text(text, encoding="utf-8")
    return file


def files_of(pattern: str) -> list[str]:
    return sorted(str(path) for path in Path().rglob(pattern))


def chats(server: OllamaServer, model: str) -> int:
    asked = [cast("dict[str, Any]", one.json) for one in server.requests if one.path == "/api/chat"]
    return sum(one.get("model") == model for one in asked)


async def test_a_rung_alone_is_asked_and_nobody_else(graph: Path, ollama: OllamaServer) -> None:
    found, _, _ = await evaluated(triage(rung=1))
    assert [one.right for one in found] == [True, False, False]
    assert {(one.reply.model, one.reply.rung) for one in found} == {("ollama/small:1b", 1)}
    assert chats(ollama, "large:4b") == 0


async def test_without_a_rung_the_cascade_is_climbed_as_in_a_run(graph: Path, ollama: OllamaServer) -> None:
    found, _, _ = await evaluated(triage())
    assert [one.reply.usage.model_calls for one in found] == [2, 2, 2]  # the small model is sure
    assert {(one.reply.model, one.reply.rung, one.reply.confident) for one in found} == {
        ("ollama/small:1b", 1, True)
    }


async def test_every_rung_is_recorded_and_none_is_asked_twice(graph: Path, ollama: OllamaServer) -> None:
    prepared = triage(every_rung=True)
    found, ready, _ = await evaluated(prepared)
    assert prepared.expert is not None
    outcome = outcome_of(found[0], prepared.expert)
    assert [rung.model for rung in outcome.rungs] == ["embedded/ngram", "ollama/small:1b", "ollama/large:4b"]
    assert [rung.output for rung in outcome.rungs[1:]] == ["refund", "order"]
    assert [rung.correct for rung in outcome.rungs[1:]] == [True, False]
    assert "margin" in outcome.rungs[0].signals
    assert outcome.rungs[2].digest
    assert [chats(ollama, model) for model in ("small:1b", "large:4b")] == [3 + 2, 3 + 1]  # and getting ready
    assert found[0].reply.latency_ms >= max(reply.latency_ms for _, reply in found[0].rungs) / 2
    assert ready.missing == ()


async def test_a_larger_model_costs_more_a_token(graph: Path, ollama: OllamaServer) -> None:
    (found, *_), ready, _ = await evaluated(triage(every_rung=True))
    (_, free), (_, small), (_, large) = found.rungs
    assert free.cost == 0
    assert small.cost == small.usage.input_tokens + small.usage.output_tokens
    assert large.cost == 4 * (large.usage.input_tokens + large.usage.output_tokens)
    assert ready.unit == "tokens x billions of parameters"


def test_where_a_name_does_not_tell_the_size_every_token_costs_the_same() -> None:
    prices = Prices.of(
        [ModelRef(backend="ollama", name="qwen3:4b"), ModelRef(backend="openai", name="gpt-x")]
    )
    assert prices.unit == "tokens"
    assert prices("ollama/qwen3:4b", Usage(input_tokens=10, output_tokens=5)) == 15
    millions = Prices.of([ModelRef(backend="ollama", name="gemma3:270m-it-q8_0")])
    assert millions("ollama/gemma3:270m-it-q8_0", Usage(input_tokens=100)) == pytest.approx(27)


async def test_rungs_that_nobody_answers_for_are_left_out_and_told(graph: Path) -> None:
    found, ready, _ = await evaluated(triage(every_rung=True))
    assert [model for model, _ in found[0].rungs] == ["embedded/ngram"]
    assert [text.partition(":")[0] for text in ready.missing] == ["ollama/small", "ollama/large"]
    assert {one.reply.rung for one in found} == {0}


async def test_where_nobody_at_all_answers_the_evaluation_ends(graph: Path) -> None:
    with pytest.raises(BackendUnavailable):
        await evaluated(triage(rung=1))


async def test_nonsense_from_a_model_is_a_wrong_answer_and_no_end(graph: Path, ollama: OllamaServer) -> None:
    ollama.serve("small:1b", FakeModel(reply="bananas", logprobs=False))
    found, _, _ = await evaluated(triage(rung=1, every_rung=True))
    assert [one.right for one in found] == [False, False, False]
    assert isinstance(found[0].reply.error, BackendError)
    _, reply = found[0].rungs[0]
    assert reply.usage.output_tokens > 0


async def test_an_expert_learns_labels_from_training_rows_and_rows_out_of_scope_are_none(
    folder: Path,
) -> None:
    train = write_rows(
        folder / "train.jsonl", *rows("refund", REFUND), *rows("order", ORDER), *rows("odd", ODD)
    )
    data = write_rows(folder / "test.jsonl", *rows("order", ORDER[:2]), {"text": "a poem", "label": "odd"})
    prepared = prepare(Request(word="intent", data=data, train=train, oos="odd", how=How(rung=0)))
    assert prepared.expert is not None
    assert list(prepared.expert.labels) == ["refund", "order"]
    assert prepared.expert.rejects == ODD
    assert prepared.has_outsiders
    found, _, _ = await evaluated(prepared)
    assert [one.right for one in found] == [True, True, False]
    assert any("measure memory" in doubt for doubt in prepared.warnings)


def test_a_label_that_no_row_has_may_be_called_out_of_scope(graph: Path) -> None:
    assert not triage(oos="nothing").has_outsiders


def test_a_training_row_with_a_label_that_the_expert_has_not_is_refused(graph: Path, folder: Path) -> None:
    train = write_rows(folder / "train.jsonl", {"text": "invoice", "label": "refunds"})
    with pytest.raises(InputError) as caught:
        triage(train=train)
    assert "'refunds'" in str(caught.value)
    assert "did you mean 'refund'?" in str(caught.value)


def test_labels_that_the_expert_cannot_say_are_counted_and_named(graph: Path, folder: Path) -> None:
    write_rows(folder / "cases.jsonl", *rows("refund", ("a",)), *rows("billing", ("b", "c")))
    prepared = triage()
    assert prepared.unknown == [("billing", 2)]
    assert "2 cases expect a label that triage cannot say ('billing')" in prepared.warnings[0]


def test_where_all_labels_are_unknown_nothing_is_measured(graph: Path, folder: Path) -> None:
    write_rows(folder / "cases.jsonl", *rows("billing", ("b", "c")))
    with pytest.raises(InputError, match="none of the expected labels"):
        triage()


async def test_a_whole_graph_is_compared_by_its_output(graph: Path) -> None:
    write = [
        {"input": "where is the parcel", "expected": "order"},
        {"input": "refund please", "expected": {"label": "order"}},
    ]
    write_rows(Path("graph.jsonl"), *write)
    found, _, _ = await evaluated(prepare(Request(word="desk.swarm.yaml", data=Path("graph.jsonl"))))
    assert [one.right for one in found] == [True, False]


@pytest.mark.parametrize("word", ["desk.swarm.yaml", "desk.swarm.yaml:triage"])
async def test_cases_teach_nothing_to_an_expert_that_learns_from_what_people_send(
    graph: Path, word: str
) -> None:
    write_graph(TRIAGE.replace("use: intent", "use: intent\n    learn: true"))
    write_rows(Path("cases.jsonl"), {"text": "refund please", "label": "refund"})
    columns = parse_columns(["input=text"])
    await evaluated(prepare(Request(word=word, data=Path("cases.jsonl"), columns=columns)))
    assert files_of("*.jsonl") == ["cases.jsonl", "examples.jsonl"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("nobody", "unknown expert"), ("desk.swarm.yaml:traige", "did you mean 'triage'?"),
        ("none.swarm.yaml", "there is no file"), ("intent", "has no labels"),
    ],
)  # fmt: skip
def test_a_subject_that_is_not_there_or_cannot_be_measured_is_said(graph: Path, word: str, said: str) -> None:
    with pytest.raises((SpecError, InputError)) as caught:
        prepare(Request(word=word, data=Path("cases.jsonl")))
    assert said in str(caught.value)


async def test_folds_let_each_case_be_answered_by_an_expert_that_was_not_taught_it(folder: Path) -> None:
    texts = [*rows("refund", REFUND), *rows("order", ORDER)]
    data = write_rows(folder / "all.jsonl", *texts)
    found, ready, _ = await evaluated(prepare(Request(word="intent", data=data, folds=4, how=How(rung=0))))
    assert [one.case.line for one in found] == list(range(1, 9))
    assert ready.seconds > 0
    alone = prepare(Request(word="intent", data=data, folds=2, how=How(rung=0)))
    assert not alone.warnings  # the cases are what teaches: that is no leak


def test_folds_spread_every_label_evenly() -> None:
    lessons = [(str(number), "rare" if number < 4 else "common") for number in range(24)]
    parts = list(folds_of(lessons, 4))
    assert sorted(index for part in parts for index in part) == list(range(24))
    assert [sum(index < 4 for index in part) for part in parts] == [1, 1, 1, 1]


async def test_the_line_for_out_of_scope_is_chosen_on_the_training_rows(folder: Path) -> None:
    colours = ("red", "blue", "green", "black", "white", "yellow")
    words = [
        f"{colour} {thing}"
        for thing in ("lamp", "chair", "table", "sofa", "shelf", "rug")
        for colour in colours
    ]
    train = write_rows(
        folder / "train.jsonl",
        *rows("refund", tuple(f"money back for the {word}" for word in words)),
        *rows("order", tuple(f"where is the parcel with the {word}" for word in words)),
        *rows("odd", ODD),
    )
    data = write_rows(
        folder / "test.jsonl",
        *rows("refund", ("money back for the curtain",)), *rows("order", ("where is the parcel with the vase",)),
        *rows("odd", ("quantum chromodynamics", "xyzzy plugh")),
    )  # fmt: skip
    request = Request(word="intent", data=data, train=train, oos="odd", how=How(rung=0))
    _, _, line = await evaluated(prepare(request))
    assert line.chosen
    assert 0 < line.threshold < 1


async def test_what_was_calibrated_counts_on_a_rung_alone_too(graph: Path) -> None:
    prepared = triage(rung=0)
    assert prepared.expert is not None
    signals = [{"margin": number / 40} for number in range(40)]
    fit = fit_calibrator(signals, [number % 4 != 0 or number > 20 for number in range(40)], order="margin")
    rungs = [
        RungPolicy(model=str(model), at_least=0.5, calibrator=fit.calibrator)
        for model in prepared.expert.cascade
    ]
    saved = Policy(rungs=tuple(rungs), target_error=0.05).to_json()
    expert = replace(prepared.expert, calibration=json.loads(json.dumps(saved)))
    found, _, _ = await evaluated(replace(prepared, expert=expert))
    reply = found[0].reply
    assert reply.confidence == pytest.approx(fit.calibrator({"margin": reply.signals["margin"]}))


async def test_an_evaluation_can_be_stopped_while_embedded_models_are_at_work(
    graph: Path, folder: Path
) -> None:
    write_rows(
        folder / "cases.jsonl", *rows("refund", tuple(f"money back {number}" for number in range(300)))
    )
    found: list[Judged] = []

    def stop_after_two(one: Judged) -> None:
        found.append(one)
        if len(found) == 2:
            task.cancel()

    task = asyncio.ensure_future(start(triage(rung=0), stop_after_two))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 2 <= len(found) < 10


async def test_cases_are_not_recorded_twice_into_one_file(graph: Path, folder: Path) -> None:
    prepared = triage(rung=0, every_rung=True)
    found, _, _ = await evaluated(prepared)
    assert prepared.expert is not None
    file = folder / "outcomes.jsonl"
    refuse_recorded(file, ["1"])
    write_outcomes(file, [outcome_of(one, prepared.expert) for one in found])
    assert [one.id for one in read_outcomes(file)] == [one.case.id for one in found]
    with pytest.raises(InputError, match="recorded there already"):
        refuse_recorded(file, [found[0].case.id])
