"""Typed questions asked of every sort of model: natively, by the tokens of a label, in JSON."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from asking import TASK, deciding

from swarm.backends.decide import InvalidAnswer, ask
from swarm.backends.scripted import Request, ScriptedBackend
from swarm.errors import BackendError, BackendUnavailable
from swarm.messages import (
    Completion,
    CompletionRequest,
    Decision,
    DecisionRequest,
    Message,
    Question,
    TokenLogprob,
)

LABEL = Question(
    type="choice", instructions="Which?", options={"refund": "money back", "return": "", "other": ""}
)
FLAG = Question(type="yes_no", instructions="Is it rude?")
MOOD = Question(type="score", options={"calm": "", "cross": "", "furious": ""})


def token(text: str, probability: float, **others: float) -> TokenLogprob:
    alternatives = {text: probability, **others}
    top = tuple((name, math.log(share)) for name, share in alternatives.items())
    return TokenLogprob(token=text, logprob=math.log(probability), top=top)


def said(*tokens: TokenLogprob, text: str = "") -> Completion:
    return Completion(text=text or "".join(each.token for each in tokens), model="m", logprobs=tokens)


def prompt(instruction: str) -> tuple[Message, ...]:
    return (Message(role="user", content=f"PROMPT\n{instruction}"),)


async def asked(reply: object, questions: Mapping[str, Question], kind: str = "classify") -> Decision:
    decision, _ = await traced(reply, questions, kind)
    return decision


async def traced(
    reply: object, questions: Mapping[str, Question], kind: str = "classify"
) -> tuple[Decision, list[CompletionRequest]]:
    backend = ScriptedBackend({"m": reply})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    decision = await ask(backend, deciding("m", questions, task=replace(TASK, kind=kind)), prompt)
    return decision, [request for request in backend.requests if isinstance(request, CompletionRequest)]


# --- natively


async def test_a_model_that_decides_is_asked_to() -> None:
    backend = ScriptedBackend({"m": {"label": {"refund": 0.9, "return": 0.1}}})
    decision = await ask(backend, deciding("m", {"label": LABEL}), prompt)
    assert (decision.way, decision.answers["label"].value) == ("native", "refund")
    assert isinstance(backend.requests[0], DecisionRequest)


async def test_trouble_of_a_model_that_decides_is_not_hidden_by_asking_in_words() -> None:
    backend = ScriptedBackend({"m": BackendUnavailable("gone")}, decides={"m"})
    with pytest.raises(BackendUnavailable):
        await ask(backend, deciding("m", {"label": LABEL}), prompt)


async def test_a_server_that_turns_out_not_to_decide_is_asked_in_words() -> None:
    backend = ScriptedBackend({"m": [BackendError("404", code="undecided"), "refund"]}, decides={"m"})
    assert (await ask(backend, deciding("m", {"label": LABEL}), prompt)).answers["label"].value == "refund"


# --- by the tokens of a label


async def test_one_question_is_answered_by_a_label_and_measured_by_its_tokens() -> None:
    decision, requests = await traced(said(token("refund", 0.6, other=0.2, the=0.2)), {"label": LABEL})
    assert (decision.way, decision.answers["label"].value) == ("logprobs", "refund")
    assert decision.answers["label"].probabilities == pytest.approx(
        {"refund": 0.75, "return": 0.0, "other": 0.25}
    )
    assert decision.signals["label_mass"] == pytest.approx(0.8)
    (request,) = requests
    assert (request.logprobs, request.top_logprobs, request.format) == (True, 20, None)
    assert request.options["temperature"] == 0
    assert request.messages[0].content == (
        "PROMPT\nAnswer with exactly one of these and nothing else: refund, return, other."
    )


async def test_an_expert_that_decides_without_a_prompt_of_its_own_says_the_question() -> None:
    _, requests = await traced(said(token("refund", 1.0)), {"label": LABEL}, "decide")
    assert "label: Which?\n- refund: money back\nAnswer with" in requests[0].messages[0].content


async def test_labels_that_begin_with_the_same_token_are_told_apart_by_the_next() -> None:
    decision = await asked(
        said(token("re", 0.8, other=0.2), token("turn", 0.75, fund=0.25)), {"label": LABEL}
    )
    assert decision.answers["label"].value == "return"
    assert decision.answers["label"].probabilities == pytest.approx(
        {"refund": 0.2, "return": 0.6, "other": 0.2}
    )


async def test_a_beginning_that_was_not_followed_is_shared_by_those_it_fits() -> None:
    decision = await asked(said(token("other", 0.6, re=0.4)), {"label": LABEL})
    assert decision.answers["label"].probabilities == pytest.approx(
        {"refund": 0.2, "return": 0.2, "other": 0.6}
    )


async def test_a_label_that_is_the_beginning_of_another_may_end_or_go_on() -> None:
    question = Question(type="choice", options={"order": "", "order_status": ""})
    ended = said(token("order", 0.9), token("\n", 0.7, _status=0.3))
    gone_on = said(token("order", 0.9), token("_status", 0.6, **{"<eos>": 0.4}))
    silent = said(token("order", 0.9))
    for completion, wanted in (
        (ended, {"order": 0.7, "order_status": 0.3}),
        (gone_on, {"order": 0.4, "order_status": 0.6}),
        (silent, {"order": 1.0, "order_status": 0.0}),
    ):
        decision = await asked(completion, {"label": question})
        assert decision.answers["label"].probabilities == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["refund", " Refund.", '"refund"', "**Refund**", "refund\n\nbecause ..."])
async def test_spaces_quotes_and_case_around_a_label_do_not_matter(text: str) -> None:
    head = text[: text.lower().index("refund")]
    word = text[len(head) : len(head) + 6]
    tokens = [token(head, 0.9)] if head else []
    decision = await asked(said(*tokens, token(word, 0.5, return_=0.5), text=text), {"label": LABEL})
    assert decision.answers["label"].value == "refund"


async def test_yes_and_true_are_the_same_answer() -> None:
    decision, requests = await traced(said(token("Yes", 0.5, true=0.2, No=0.2, FALSE=0.1)), {"rude": FLAG})
    assert decision.answers["rude"].value is True
    assert decision.answers["rude"].probabilities == pytest.approx({"true": 0.7, "false": 0.3})
    assert "one of these and nothing else: yes, no." in requests[0].messages[0].content


async def test_a_score_is_the_expected_level() -> None:
    decision = await asked(said(token("cross", 0.5, calm=0.25, furious=0.25)), {"mood": MOOD})
    assert decision.answers["mood"].value == pytest.approx(1.0)
    assert decision.answers["mood"].probabilities["furious"] == pytest.approx(0.25)


async def test_a_label_in_a_sentence_is_an_answer_that_nothing_measures() -> None:
    decision = await asked(said(token("I", 1.0), text="I would say refund."), {"label": LABEL})
    assert (decision.answers["label"].value, decision.answers["label"].probabilities) == ("refund", {})
    assert (decision.way, decision.signals) == ("json", {})


@pytest.mark.parametrize("text", ["nonsense", "", "refund or return", "réfund"])
async def test_an_answer_that_is_no_label_is_told_to_the_model(text: str) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        await asked(said(token("x", 1.0), text=text or " "), {"label": LABEL})
    assert caught.value.message.startswith('answer with exactly one of "refund" or "return" or "other", not ')
    assert caught.value.code == "invalid_answer"


async def test_a_very_long_wrong_answer_is_not_quoted_whole() -> None:
    with pytest.raises(InvalidAnswer) as caught:
        await asked("blah " * 100_000, {"label": LABEL})
    assert len(caught.value.message) < 300


# --- in JSON


async def test_several_questions_are_answered_in_json_under_a_schema() -> None:
    text = '{"label": "return", "rude": false, "mood": "furious"}'
    decision, requests = await traced(text, {"label": LABEL, "rude": FLAG, "mood": MOOD})
    assert {name: answer.value for name, answer in decision.answers.items()} == {
        "label": "return",
        "rude": False,
        "mood": 2.0,
    }
    assert (decision.way, decision.answers["rude"].probabilities) == ("json", {})
    assert requests[0].format == {
        "type": "object",
        "properties": {
            "label": {"enum": ["refund", "return", "other"]},
            "rude": {"type": "boolean"},
            "mood": {"enum": ["calm", "cross", "furious"]},
        },
        "required": ["label", "rude", "mood"],
        "additionalProperties": False,
    }
    assert (
        requests[0]
        .messages[0]
        .content.endswith(
            'in this form: {"label": "refund" or "return" or "other", "rude": true or false, '
            '"mood": "calm" or "cross" or "furious"}'
        )
    )


async def test_json_is_measured_by_the_tokens_of_its_values() -> None:
    tokens = [
        token('{"', 1.0), token("label", 0.3), token('": "', 1.0), token("re", 0.9), token("fund", 0.8, turn=0.2),
        token('", "', 1.0), token("rude", 1.0), token('":', 1.0), token(" true", 0.6, **{" false": 0.4}), token("}", 1.0),
    ]  # fmt: skip
    decision = await asked(said(*tokens), {"label": LABEL, "rude": FLAG})
    assert decision.way == "logprobs"
    assert decision.answers["label"].probabilities == pytest.approx(
        {"refund": 0.8, "return": 0.2, "other": 0.0}
    )
    assert decision.answers["rude"].probabilities == pytest.approx({"true": 0.6, "false": 0.4})
    assert decision.signals["label_mass"] == pytest.approx(0.9)


async def test_tokens_that_do_not_spell_the_text_measure_nothing() -> None:
    decision = await asked(said(token("xx", 1.0), text='{"a": true, "b": false}'), {"a": FLAG, "b": FLAG})
    assert (decision.way, decision.answers["a"].value, decision.answers["a"].probabilities) == (
        "json",
        True,
        {},
    )


async def test_one_question_that_nothing_measured_leaves_the_decision_unmeasured() -> None:
    tokens = [
        token('{"a": ', 1.0),
        token("true", 1.0),
        token(', "b": ', 1.0),
        token("7", 1.0),
        token("}", 1.0),
    ]
    questions = {"a": FLAG, "b": Question(type="score", options={str(n): "" for n in range(9)})}
    measured = await asked(said(*tokens), questions)
    assert (measured.way, measured.answers["b"].value) == ("logprobs", 7.0)
    unclear = Question(type="score", options={"a!": "", "a?": ""})
    decision = await asked('{"a": true, "b": "a?"}', {"a": FLAG, "b": unclear})
    assert (decision.way, decision.signals, decision.answers["b"].value) == ("json", {}, 1.0)


async def test_a_moderator_with_one_category_is_asked_in_json_as_its_prompt_says() -> None:
    decision, requests = await traced('```json\n{"hate": true}\n```', {"hate": FLAG}, "moderate")
    assert decision.answers["hate"].value is True
    assert requests[0].format is not None


async def test_options_that_words_cannot_tell_apart_are_asked_in_json() -> None:
    question = Question(type="choice", options={"+": "", "-": ""})
    decision, requests = await traced('{"sign": "-"}', {"sign": question})
    assert (decision.answers["sign"].value, requests[0].format is not None) == ("-", True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("yes they are", "answer with one JSON object, not 'yes they are'"),
        ("[1, 2]", "answer with one JSON object"),
        ("{" * 100_000, "answer with one JSON object"),
        ('{"label": "refund"}', '"rude" is missing, and must be true or false'),
        ('{"label": "x", "rude": 3}', '"label" is \'"x"\', and must be "refund" or'),
        ('{"label": true, "rude": false}', "\"label\" is 'true'"),
        ('{"label": null, "rude": false}', "\"label\" is 'null'"),
        ('{"label": ["refund"], "rude": false}', '"label" is'),
    ],
)
async def test_json_that_does_not_answer_names_everything_that_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        await asked(text, {"label": LABEL, "rude": FLAG})
    assert says in caught.value.message


@pytest.mark.parametrize(
    "text", ['{"label": "Refund", "rude": "no"}', 'Sure! {"label": "refund", "rude": false} Bye.']
)
async def test_json_that_means_the_right_thing_is_taken(text: str) -> None:
    decision = await asked(text, {"label": LABEL, "rude": FLAG})
    assert (decision.answers["label"].value, decision.answers["rude"].value) == ("refund", False)


# --- what is learned of a model


def counting(
    answer: Callable[[CompletionRequest], str | Completion | Exception],
) -> tuple[ScriptedBackend, list[bool]]:
    wishes: list[bool] = []

    def script(request: Request) -> str | Completion | Exception:
        assert isinstance(request, CompletionRequest)
        wishes.append(request.logprobs)
        return answer(request)

    return ScriptedBackend({"m": script, "other": script}), wishes


async def test_a_model_that_gives_no_logprobs_is_asked_in_json_from_then_on() -> None:
    backend, wishes = counting(lambda request: '{"label": "refund"}' if request.format else "refund")
    for _ in range(3):
        decision = await ask(backend, deciding("m", {"label": LABEL}, task=TASK), prompt)
        assert (decision.answers["label"].value, decision.way) == ("refund", "json")
    assert wishes == [True, False, False]
    await ask(backend, deciding("other", {"label": LABEL}, task=TASK), prompt)
    assert wishes[-1] is True


async def test_a_server_that_rejects_logprobs_is_asked_without_them_at_once() -> None:
    def answer(request: CompletionRequest) -> str | Exception:
        return (
            BackendError("HTTP 400: unknown field logprobs", code="rejected")
            if request.logprobs
            else "refund"
        )

    backend, wishes = counting(answer)
    decision = await ask(backend, deciding("m", {"label": LABEL}, task=TASK), prompt)
    assert (decision.answers["label"].value, wishes) == ("refund", [True, False])


async def test_a_request_rejected_for_another_cause_stays_an_error() -> None:
    backend, wishes = counting(lambda _request: BackendError("HTTP 400: no", code="rejected"))
    with pytest.raises(BackendError, match="HTTP 400"):
        await ask(backend, deciding("m", {"label": LABEL}, task=TASK), prompt)
    assert wishes == [True, False]


async def test_the_experts_own_options_win() -> None:
    backend, _ = counting(lambda _request: "refund")
    await ask(
        backend,
        deciding("m", {"label": LABEL}, task=TASK, options={"temperature": 0.5, "num_predict": 9}),
        prompt,
    )
    request = backend.requests[0]
    assert isinstance(request, CompletionRequest)
    assert request.options == {"temperature": 0.5, "num_predict": 9}
