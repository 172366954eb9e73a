"""The support chatbot does what its README says, first of all without a model server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swarm import RunResult, ScriptedBackend, Swarm
from swarm.messages import Completion, TokenLogprob

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLDER = Path(__file__).parents[2] / "examples/support_chatbot"
GRAPH = FOLDER / "support.swarm.yaml"
CASES: list[Any] = [json.loads(line) for line in (FOLDER / "cases.jsonl").read_text("utf-8").splitlines()]
PROBES: list[Any] = [json.loads(line) for line in (FOLDER / "probes.jsonl").read_text("utf-8").splitlines()]
HANDED_OVER = "a colleague takes over"
PARCEL = "Order 1042 (2 x trail socks) has been shipped"


def said(result: RunResult) -> str:
    """Return which node gave the answer, in the order of the graph's `output`."""
    order = ("refuse", "withheld", "handoff", "which_order", "unknown_order", "return_started", "menu")
    return next((name for name in order if name in result.path), "answer")


def is_right(result: RunResult, probe: dict[str, Any]) -> bool:
    """Return whether everything is said that an answer to this probe has to say."""
    return all(piece.lower() in result.text.lower() for piece in probe["must_include"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["input"]["message"])
async def test_each_case_gets_its_label(support: Swarm, case: dict[str, Any]) -> None:
    result = await support.run_input(case["input"])
    assert result.status == "completed"
    assert result["triage"].output["label"] == case["expected"]["label"]
    assert result["triage"].confident


async def test_an_order_that_is_found_is_reported_with_its_state_carrier_and_date(support: Swarm) -> None:
    result = await support.run(message="where is my parcel? order 1042")
    assert said(result) == "answer"
    assert result.text == f"{PARCEL}: it left us on 3 March with Parcelway and should arrive on 6 March."
    assert result.confident


async def test_an_order_number_may_be_an_input_of_its_own(support: Swarm) -> None:
    result = await support.run(message="where is my parcel?", order_id="1042")
    assert result.text.startswith(PARCEL)


async def test_an_order_that_is_not_there_is_named(support: Swarm) -> None:
    result = await support.run(message="where is order 4711?")
    assert said(result) == "unknown_order"
    assert "4711" in result.text


async def test_without_a_number_the_chatbot_asks_for_it(support: Swarm) -> None:
    result = await support.run(message="where is my parcel?")
    assert said(result) == "which_order"


async def test_a_number_alone_answers_what_was_asked_before(support: Swarm) -> None:
    asked = [
        {"role": "user", "content": "where is my parcel?"},
        {"role": "assistant", "content": "Which order is it?"},
    ]
    result = await support.run(message="1042", history=asked)
    assert result.text.startswith(PARCEL)


async def test_a_threat_is_refused_before_anything_else_is_asked(support: Swarm) -> None:
    result = await support.run(message="you useless idiots, I will find you and hurt you")
    assert result.status == "refused"
    assert result.path == ("guard", "refuse")


async def test_a_message_that_is_flagged_but_not_surely_goes_to_a_person_and_changes_nothing() -> None:
    of_the_message, of_our_answer = {"self_harm": 0.6}, {"self_harm": 0.0}
    doubtful = ScriptedBackend({"moderator": [of_the_message, of_our_answer]})
    overrides = ["experts.moderator={use: moderator, cascade: [scripted/moderator]}"]
    async with Swarm.load(GRAPH, overrides=overrides, backends={"scripted": doubtful}) as swarm:
        result = await swarm.run(message="I want to return my boots, order 1040")
    assert result["guard"].confident is False
    assert (result.status, said(result)) == ("completed", "handoff")
    assert result["new_return"].status == "skipped"


async def test_a_return_is_started_within_thirty_days(support: Swarm) -> None:
    result = await support.run(message="I want to return my boots, order 1040")
    assert said(result) == "return_started"
    assert "started a return for order 1040" in result.text


async def test_a_return_that_comes_too_late_is_not_started(support: Swarm) -> None:
    result = await support.run(message="I want to return my tent, order 1004")
    assert result["new_return"].status == "skipped"
    assert "could be returned until 7 February" in result.text


async def test_a_question_that_is_not_understood_goes_to_a_person_with_a_ticket(support: Swarm) -> None:
    result = await support.run(message="my neighbour's goat ate the catalogue")
    assert said(result) == "handoff"
    assert result["ticket"].output["id"] in result.text
    assert result["ticket"].output["id"].startswith("T-1")


async def test_a_draft_about_something_else_is_not_shown(support: Swarm) -> None:
    result = await support.run(message="what is the battery life of the head torch")
    assert said(result) == "handoff"
    assert "What I found so far" not in result.text


async def test_our_own_answer_is_kept_back_when_it_is_flagged() -> None:
    insult = "You are a worthless pig, I will find you and kill you."
    writer = ScriptedBackend({"writer": insult})
    overrides = ["experts.helpdesk.cascade=[scripted/writer]"]
    async with Swarm.load(GRAPH, overrides=overrides, backends={"scripted": writer}) as swarm:
        result = await swarm.run(message="how much is shipping?")
    assert result.status == "refused"
    assert said(result) == "withheld"
    assert insult not in result.text


async def test_a_larger_model_sorts_what_the_embedded_one_is_not_sure_of() -> None:
    models = ScriptedBackend(
        {"small": {"label": {"account": 0.5, "other": 0.5}}, "large": {"label": {"other": 0.97}}}
    )
    async with Swarm.load(GRAPH, overrides=with_models(), backends={"scripted": models}) as swarm:
        result = await swarm.run(message="my neighbour's goat ate the catalogue")
    assert result["triage"].model == "scripted/large"
    assert said(result) == "menu"


async def test_a_larger_model_answers_what_the_policies_quoted_do_not_settle() -> None:
    text = "I don't know how long the battery of the head torch lasts: that is not in what I was given."
    sure = Completion(text=text, model="", logprobs=(TokenLogprob(token=text, logprob=-0.01),))
    models = ScriptedBackend({"small": "Hm.", "large": sure})
    async with Swarm.load(GRAPH, overrides=with_models(), backends={"scripted": models}) as swarm:
        result = await swarm.run(message="what is the battery life of the head torch")
    assert (result.text, result["answer"].model) == (text, "scripted/large")
    assert [request.model for request in models.requests] == ["small", "large"]


async def test_sixty_customers_are_answered_or_handed_over_and_none_is_told_something_wrong(
    support: Swarm,
) -> None:
    answers = [(probe, await support.run(message=probe["text"])) for probe in PROBES]
    refused = [probe["text"] for probe, result in answers if result.status == "refused"]
    handed_over = [probe for probe, result in answers if HANDED_OVER in result.text]
    right = [probe for probe, result in answers if is_right(result, probe)]
    wrong = [
        f"{probe['text']} -> {result.text}"
        for probe, result in answers
        if probe not in right and probe not in handed_over
    ]
    assert refused == [], "the moderator refuses harmless customers"
    assert len(right) >= 0.85 * len(PROBES), f"{len(right)} of {len(PROBES)} right; measured 58"
    assert len(wrong) <= 0.05 * len(PROBES), "\n".join(wrong)


async def test_no_probe_is_also_an_example_that_the_chatbot_learned_from() -> None:
    learned = {
        _plain(json.loads(line)["text"])
        for line in (FOLDER / "intents.jsonl").read_text("utf-8").splitlines()
    }
    assert len(PROBES) == 60
    assert [probe["text"] for probe in PROBES if _plain(probe["text"]) in learned] == []


def with_models() -> list[str]:
    """Return the options that put scripted models in the place of the two on the server."""
    return ["models.small=scripted/small", "models.large=scripted/large"]


def _plain(text: str) -> str:
    return text.lower().strip(" ?!.")
