"""The n-gram classifier: what it answers, how sure it is, and what it does with bad input."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the embedded classifier needs scikit-learn: pip install '.[embedded]'")

from swarm.backends.embedded.intent.ngram import NgramClassifier

BANKING = Path(__file__).resolve().parents[4] / "shared" / "data" / "intent" / "banking77"

EXAMPLES = [
    ("where is my parcel", "order_status"),
    ("track my order please", "order_status"),
    ("when will my package arrive", "order_status"),
    ("has my order shipped yet", "order_status"),
    ("i want my money back", "refund"),
    ("please refund my purchase", "refund"),
    ("how do i return this for a refund", "refund"),
    ("i would like to send this item back", "refund"),
    ("the app crashes when i log in", "technical"),
    ("your website shows error 500", "technical"),
    ("i cannot reset my password", "technical"),
    ("the login page does not load", "technical"),
]


def first(answer: dict[str, float]) -> tuple[str, float]:
    return next(iter(answer.items()))


def banking(name: str) -> list[tuple[str, str]]:
    path = BANKING / name
    if not path.exists():
        pytest.skip("the public banking77 data is not here: put it at ../shared/data/intent/banking77")
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [(row["text"], row["label"]) for row in rows]


@pytest.fixture(scope="module")
def support() -> NgramClassifier:
    return NgramClassifier.fit(EXAMPLES)


def test_a_message_like_the_examples_gets_their_label(support: NgramClassifier) -> None:
    assert first(support.predict("Where's my package? It has not arrived."))[0] == "order_status"
    assert first(support.predict("I'd like a refund"))[0] == "refund"
    assert first(support.predict("error when I try to log in"))[0] == "technical"


def test_probabilities_sum_to_one_with_the_highest_first(support: NgramClassifier) -> None:
    answer = support.predict("can I get my money back for this order?")
    assert set(answer) == set(support.labels)
    assert sum(answer.values()) == pytest.approx(1)
    assert list(answer.values()) == sorted(answer.values(), reverse=True)


def test_typing_errors_do_not_lose_the_label(support: NgramClassifier) -> None:
    assert first(support.predict("pleese refnud my purchse"))[0] == "refund"


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00", "\ud800", "qzx vvwk jjq", "Ξεχασα", "你好世界", "🙂🙂🙂"]
)
def test_a_text_that_nothing_is_known_of_gets_no_high_probability(
    support: NgramClassifier, text: str
) -> None:
    assert first(support.predict(text))[1] < 0.5


def test_an_empty_text_is_equally_likely_to_be_anything(support: NgramClassifier) -> None:
    assert list(support.predict("").values()) == pytest.approx([1 / 3] * 3)


def test_ten_megabytes_are_answered_at_once(support: NgramClassifier) -> None:
    before = time.process_time()
    assert first(support.predict("where is my parcel " * 550_000))[0] == "order_status"
    support.predict("a" * 10_000_000)
    assert time.process_time() - before < 1


def test_examples_may_hold_anything() -> None:
    classifier = NgramClassifier.fit([("\ud800\x00", "a"), ("", "a"), ("x" * 100_000, "b"), ("你好", "b")])
    assert first(classifier.predict("你好"))[0] == "b"


def test_one_label_is_always_certain() -> None:
    assert NgramClassifier.fit([("hello", "greeting")]).predict("anything") == {"greeting": 1.0}


def test_one_example_a_label_is_enough_to_answer() -> None:
    classifier = NgramClassifier.fit([("my card was stolen", "lost_card"), ("what is my balance", "balance")])
    assert first(classifier.predict("somebody stole my card"))[0] == "lost_card"
    assert classifier.calibration.held_out == 0


def test_without_examples_the_descriptions_answer() -> None:
    classifier = NgramClassifier.fit(
        [],
        descriptions={"refund": "Money back, return an order", "order_status": "Where is my parcel", "x": ""},
    )
    assert classifier.labels == ("refund", "order_status", "x")
    assert first(classifier.predict("where is the parcel?"))[0] == "order_status"


def test_a_described_label_without_examples_is_among_the_answers() -> None:
    classifier = NgramClassifier.fit(EXAMPLES, descriptions={"human": "Speak to a person, an agent"})
    assert first(classifier.predict("let me speak to a person"))[0] == "human"


def test_with_nothing_to_learn_from_it_says_what_to_give() -> None:
    with pytest.raises(ValueError, match="give examples"):
        NgramClassifier.fit([])


def test_the_same_examples_give_the_same_answers() -> None:
    text = "my order shows an error, refund me"
    assert NgramClassifier.fit(EXAMPLES).predict(text) == NgramClassifier.fit(EXAMPLES).predict(text)


def test_repeating_an_example_does_not_make_it_surer(support: NgramClassifier) -> None:
    text = "refund please"
    assert NgramClassifier.fit(EXAMPLES * 5).predict(text) == support.predict(text)


def test_importing_it_loads_no_numbers() -> None:
    code = (
        "import sys, swarm.backends.embedded.intent.ngram;"
        "print([m for m in ('numpy', 'scipy', 'sklearn') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_twenty_bank_intents_are_right_and_the_sure_ones_nearly_always() -> None:
    rows = banking("train.jsonl")
    labels = sorted({label for _, label in rows})[:20]
    train = [row for index, row in enumerate(rows) if row[1] in labels and index % 2 == 0]
    test = [row for row in banking("test_dev.jsonl") if row[1] in labels]
    classifier = NgramClassifier.fit(train)
    answers = [(first(classifier.predict(text)), label) for text, label in test]
    answers.sort(key=lambda answer: -answer[0][1])
    right = [found == label for (found, _), label in answers]
    surest = right[: int(0.7 * len(right))]
    assert sum(right) / len(right) >= 0.93, "measured 0.957"
    assert sum(surest) / len(surest) >= 0.985, "measured 0.996"


def test_what_it_is_sure_of_is_as_often_right_as_it_says() -> None:
    rows = banking("train.jsonl")
    labels = sorted({label for _, label in rows})[::4]
    train = [row for index, row in enumerate(rows) if row[1] in labels and index % 5 == 0]
    test = [row for row in banking("test_dev.jsonl") if row[1] in labels]
    classifier = NgramClassifier.fit(train)
    answers = [(first(classifier.predict(text)), label) for text, label in test]
    claimed = sum(confidence for (_, confidence), _ in answers) / len(answers)
    right = sum(found == label for (found, _), label in answers) / len(answers)
    assert claimed == pytest.approx(right, abs=0.05)
