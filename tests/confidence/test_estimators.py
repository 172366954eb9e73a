"""What the estimators make of the signals of an answer."""

import math
from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.confidence.estimators import ESTIMATORS, Signals, measure
from swarm.messages import Answer, Completion, Decision, TokenLogprob
from swarm.spec.expert import ConfidenceSpec


def decided(*questions: Mapping[str, float], label_mass: float | None = None) -> Signals:
    answers = {
        f"q{place}": Answer(value="", probabilities=options) for place, options in enumerate(questions)
    }
    signals = {} if label_mass is None else {"label_mass": label_mass}
    return Signals.of_decision(Decision(answers=answers, model="m", way="native", signals=signals))


def written(*logprobs: float, **signals: float) -> Signals:
    tokens = tuple(TokenLogprob(token="x", logprob=logprob) for logprob in logprobs)
    return Signals.of_completion(Completion(text="x", model="m", logprobs=tokens, signals=signals))


def value(signals: Signals, name: str) -> float | None:
    confidence = measure(signals, name)
    return None if confidence is None else pytest.approx(confidence.value)  # type: ignore[return-value]


def test_probability_is_that_of_the_chosen_option() -> None:
    assert value(decided({"a": 0.2, "b": 0.7, "c": 0.1}), "probability") == 0.7


def test_a_no_is_as_sure_as_a_yes() -> None:
    assert value(decided({"true": 0.1, "false": 0.9}), "probability") == 0.9


def test_several_questions_are_as_sure_as_the_least_sure_one() -> None:
    signals = decided({"true": 0.1, "false": 0.9}, {"a": 0.6, "b": 0.4})
    assert value(signals, "probability") == 0.6
    assert value(signals, "margin") == 0.2


def test_a_question_answered_without_probabilities_cannot_be_measured() -> None:
    signals = decided({"a": 0.9, "b": 0.1}, {})
    assert measure(signals, "probability") is None
    assert measure(signals, "margin") is None
    assert measure(signals) is None


def test_margin_of_a_single_option_is_its_probability() -> None:
    assert value(decided({"only": 1.0}), "margin") == 1.0


def test_label_mass_is_low_when_the_model_would_rather_have_said_something_else() -> None:
    assert value(decided({"a": 0.9, "b": 0.1}, label_mass=0.5), "label_mass") == 0.45


def test_a_model_that_decides_natively_can_say_nothing_but_an_option() -> None:
    assert value(decided({"a": 0.9, "b": 0.1}), "label_mass") == 0.9


def test_label_mass_is_unknown_where_no_tokens_were_measured() -> None:
    answer = Answer(value="a", probabilities={"a": 1.0})
    decision = Decision(answers={"label": answer}, model="m", way="json")
    assert measure(Signals.of_decision(decision), "label_mass") is None


def test_logprob_is_the_geometric_mean_and_has_a_worst_token_and_a_worst_tenth() -> None:
    signals = written(*[math.log(0.9)] * 19, math.log(0.1))
    assert value(signals, "logprob") == 0.9**0.95 * 0.1**0.05
    assert value(signals, "logprob_min") == 0.1
    assert value(signals, "logprob_low") == 0.9


def test_an_answer_without_logprobs_cannot_be_measured_by_them() -> None:
    for name in ("logprob", "logprob_min", "logprob_low"):
        assert measure(written(), name) is None


def test_grounding_is_what_the_backend_measured() -> None:
    assert value(written(grounding=0.8), "grounding") == 0.8


@pytest.mark.parametrize(
    ("signals", "estimator"),
    [
        (decided({"a": 0.9, "b": 0.1}, label_mass=0.5), "probability"),
        (written(-0.1, grounding=0.8), "logprob"),
        (written(grounding=0.8), "grounding"),
    ],
)
def test_auto_takes_the_first_that_can_measure_and_says_which(signals: Signals, estimator: str) -> None:
    confidence = measure(signals)
    assert confidence is not None
    assert (confidence.estimator, confidence.source) == (estimator, "raw")


def test_auto_measures_nothing_where_nothing_was_measured() -> None:
    assert measure(written()) is None


def test_code_that_does_not_compile_is_not_believed_however_fluent_it_is() -> None:
    tokens = (TokenLogprob(token="x", logprob=-0.01),)
    broken, sound = (
        Signals.of_completion(Completion(text=text, model="m", logprobs=tokens), kind="code")
        for text in ("```python\ndef f(:\n```", "```python\ndef f(): ...\n```")
    )
    assert [(one.value, one.estimator) for one in (measure(broken), measure(sound)) if one] == [
        (0.0, "valid"),
        (pytest.approx(math.exp(-0.01)), "logprob"),
    ]
    assert value(broken, "logprob") == math.exp(-0.01)


def test_an_unknown_estimator_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown estimator 'vibes': one of auto, probability, margin"):
        measure(written(), "vibes")


def test_a_signal_that_is_no_number_measures_nothing() -> None:
    assert measure(written(grounding=math.nan), "grounding") is None


@given(
    options=st.dictionaries(st.text(max_size=3), st.floats(-0.5, 1.5), max_size=4),
    mass=st.none() | st.floats(-1, 2),
    logprobs=st.lists(st.floats(max_value=0.5, allow_nan=False), max_size=5),
    grounding=st.floats(allow_nan=True),
)
def test_whatever_is_measured_a_confidence_lies_between_0_and_1(
    options: dict[str, float], mass: float | None, logprobs: list[float], grounding: float
) -> None:
    signals = Signals(
        probabilities={"q": options},
        label_mass=mass,
        logprobs=tuple(logprobs),
        named={"grounding": grounding},
    )
    for name in ("auto", *ESTIMATORS):
        confidence = measure(signals, name)
        assert confidence is None or 0.0 <= confidence.value <= 1.0


def test_every_estimator_can_be_named_in_a_file_and_no_other() -> None:
    named = get_args(ConfidenceSpec.model_fields["from_"].annotation)
    assert set(named) == {"auto", *ESTIMATORS}


def test_of_a_json_answer_only_the_tokens_of_values_are_measured() -> None:
    pieces = [('{"city": ', -5.0), ('"Bern"', -0.1), ("}", -3.0)]
    tokens = tuple(TokenLogprob(token=token, logprob=logprob) for token, logprob in pieces)
    signals = Signals.of_completion(Completion(text='{"city": "Bern"}', model="m", logprobs=tokens))
    assert signals.flat()["logprob_min"] == -0.1


def test_whether_code_compiles_is_measured_of_a_code_expert_alone() -> None:
    broken = Completion(text="def f(:", model="m")
    assert value(Signals.of_completion(broken, kind="code"), "valid") == 0.0
    assert value(Signals.of_completion(Completion(text="x = 1", model="m"), kind="code"), "valid") == 1.0
    assert measure(Signals.of_completion(broken), "valid") is None


def test_what_a_run_records_has_a_name_each() -> None:
    assert written(*[math.log(0.9)] * 9, math.log(0.1), grounding=0.8).flat() == pytest.approx(
        {
            "grounding": 0.8,
            "logprob": 0.9 * math.log(0.9) + 0.1 * math.log(0.1),
            "logprob_min": math.log(0.1),
            "logprob_low": math.log(0.9),
            "logprob_quarter": math.log(0.9),
            "logprob_half": math.log(0.9),
        }
    )
    assert decided({"a": 0.9, "b": 0.1}, label_mass=0.5).flat() == pytest.approx(
        {"probability": 0.9, "margin": 0.8, "label_mass": 0.5}
    )
