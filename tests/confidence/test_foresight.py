"""Foresight: how likely an answer will be right, told from the input text alone."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest

from swarm.confidence.foresight import SIGNAL, Foresight, text_of, with_foresight
from swarm.confidence.metrics import auroc, brier
from swarm.confidence.outcomes import Outcome, RungOutcome
from swarm.errors import InputError

pytest.importorskip("sklearn")

EASY = ("capital of {}", "colour of a {}", "which animal is a {}", "who wrote about {}")
HARD = ("integral of {} x^2 dx = ?", "solve {} = 3x + 1", "roots of x^{} - 1 = 0", "limit of {}/n as n grows")
GONE = object()
THINGS = ("france", "roses", "horse", "paris", "7", "12", "the sea", "dogs", "a river", "iron", "42", "gold")


def questions(count: int, seed: int = 1) -> tuple[list[str], list[float]]:
    """Return texts, and whether a model was right: 9 in 10 easy ones, 2 in 10 hard ones."""
    rng = random.Random(seed)
    texts: list[str] = []
    right: list[float] = []
    for number in range(count):
        easy = rng.random() < 0.5
        texts.append(f"{number}: " + rng.choice(EASY if easy else HARD).format(rng.choice(THINGS)))
        right.append(float(rng.random() < (0.9 if easy else 0.2)))
    return texts, right


@pytest.fixture(scope="module")
def learned() -> Foresight:
    return Foresight.fit(*questions(400))


def outcome(number: int, text: Any, *correct: bool | None, propensity: float = 1.0) -> Outcome:
    rungs = tuple(
        RungOutcome(model=f"rung{place}", signals={"margin": 0.5}, correct=one)
        for place, one in enumerate(correct)
    )
    return Outcome(id=str(number), input=text, rungs=rungs, propensity=propensity)


def test_it_tells_texts_that_a_model_gets_right_from_those_it_does_not(learned: Foresight) -> None:
    texts, right = questions(400, seed=2)
    found = auroc(learned.many(texts), [bool(one) for one in right])
    assert found is not None
    assert found > 0.8


def test_its_chances_mean_what_they_say(learned: Foresight) -> None:
    texts, right = questions(400, seed=2)
    truth = [bool(one) for one in right]
    base = brier([sum(right) / len(right)] * len(right), truth)
    found = brier(learned.many(texts), truth)
    assert base is not None
    assert found is not None
    assert found < 0.75 * base  # 0.13 of 0.25 is the best that can be known here


def test_twenty_rows_of_chance_leave_the_base_rate() -> None:
    texts = questions(20)[0]
    spreads: list[float] = []
    for seed in range(20):
        rng = random.Random(seed)
        chances = Foresight.fit(texts, [float(rng.random() < 0.7) for _ in texts]).many(
            questions(50, seed=3)[0]
        )
        spreads.append(max(chances) - min(chances))
    assert sorted(spreads)[15] < 0.05, f"noise is taken for knowledge: {spreads}"


@pytest.mark.parametrize(("right", "low", "high"), [(1.0, 0.8, 1.0), (0.0, 0.0, 0.2)])
def test_all_right_or_all_wrong_is_never_said_for_certain(right: float, low: float, high: float) -> None:
    chance = Foresight.fit(questions(20)[0], [right] * 20)("something else")
    assert low < chance < high
    assert 0 < chance < 1


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "x" * 300_000, "日本語の質問", "\0", "= ^ $ \\"])
def test_any_text_has_a_chance(learned: Foresight, text: str) -> None:
    assert 0 < learned(text) < 1


def test_one_text_is_enough_to_fit_and_no_text_is_said_to_be() -> None:
    assert 0.5 < Foresight.fit(["one"], [1.0])("two") < 1
    with pytest.raises(InputError, match="no texts"):
        Foresight.fit([], [])


@pytest.mark.parametrize(
    ("right", "weights"), [([1.0], None), ([0.0, 1.5], None), ([0.0, float("nan")], None), ([0, 1], [1, 0]), ([0, 1], [1])]
)  # fmt: skip
def test_what_does_not_fit_the_texts_is_refused(right: list[float], weights: list[float] | None) -> None:
    with pytest.raises(ValueError, match=r"length|right|weight"):
        Foresight.fit(["a", "b"], right, weights=weights)


def test_scores_between_right_and_wrong_are_learned_from() -> None:
    texts, right = questions(300)
    chances = Foresight.fit(texts, [0.25 + one / 2 for one in right]).many(
        [text for text, _ in zip(*questions(9), strict=True)]
    )
    assert all(0.2 < chance < 0.8 for chance in chances)


def test_a_text_of_weight_two_counts_as_two() -> None:
    texts, right = questions(60)
    doubled = Foresight.fit([*texts, *texts[:30]], [*right, *right[:30]])
    weighted = Foresight.fit(texts, right, weights=[2.0] * 30 + [1.0] * 30)
    assert weighted("capital of france") == pytest.approx(doubled("capital of france"), abs=0.1)


def test_it_survives_json_to_the_last_bit_and_is_small(learned: Foresight) -> None:
    text = json.dumps(learned.to_json())
    assert Foresight.from_json(json.loads(text)) == learned
    assert len(text) < 60_000


def test_no_word_of_the_texts_is_in_the_file() -> None:
    texts, right = questions(200)
    file = json.dumps(Foresight.fit([f"{text} zebrafinch" for text in texts], right).to_json())
    assert "zebrafinch" not in file


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("n", True, "`n`"),
        ("edge", 0.5, "`edge`"),
        ("edge", GONE, "`edge` is missing"),
        ("more", 1, "`more` is no key"),
        ("step", "1", "`step`"),
        ("marks", [], "`marks`"),
        ("marks.3", [0.0, 0.0, 0.0], r"`marks\[3\]`"),
        ("words", "not base64!", "`words`"),
        ("rarity", 7, "`rarity`"),
        ("vector", [1.0], "`vector`"),
        ("mixed.words", float("inf"), r"`mixed\.words`"),
        ("plain.marks", GONE, r"`plain\.marks` is missing"),
    ],
)
def test_a_file_edited_by_hand_is_refused_by_the_name_of_the_key(
    learned: Foresight, key: str, value: object, named: str
) -> None:
    data: Any = json.loads(json.dumps(learned.to_json()))
    *path, last = key.split(".")
    table: Any = data[path[0]] if path else data
    if value is GONE:
        del table[last]
    else:
        table[int(last) if last.isdigit() else last] = value
    with pytest.raises(InputError, match=named):
        Foresight.from_json(data)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(InputError, match="no object"):
        Foresight.from_json(data)


def test_the_same_texts_give_the_same_fit_in_another_process(learned: Foresight) -> None:
    code = (
        "import json, sys; from swarm.confidence.foresight import Foresight;"
        "texts, right = json.load(sys.stdin); print(json.dumps(Foresight.fit(texts, right).to_json()))"
    )
    told = json.dumps(questions(400))
    done = subprocess.run(
        [sys.executable, "-c", code], input=told, capture_output=True, text=True, check=True
    )
    assert Foresight.from_json(json.loads(done.stdout)) == learned


def test_applying_it_without_vectors_needs_no_library_and_still_tells_right_from_wrong(
    learned: Foresight,
) -> None:
    code = (
        "import json, sys\n"
        "for name in ('wordllama', 'numpy', 'scipy', 'sklearn', 'tokenizers'): sys.modules[name] = None\n"
        "from swarm.confidence.foresight import Foresight\n"
        "data, texts = json.load(sys.stdin)\n"
        "print(json.dumps(Foresight.from_json(data | {'vector': []}).many(texts)))"
    )
    texts, right = questions(300, seed=4)
    told = json.dumps([learned.to_json(), texts])
    done = subprocess.run(
        [sys.executable, "-c", code], input=told, capture_output=True, text=True, check=True
    )
    found = auroc(json.loads(done.stdout), [bool(one) for one in right])
    assert found is not None
    assert found > 0.75


def test_outcomes_get_a_signal_that_their_own_answer_did_not_teach() -> None:
    texts = [f"{word} {number}" for number, word in enumerate(THINGS * 10)]
    rng = random.Random(5)
    rows = [outcome(at, text, rng.random() < 0.5, True) for at, text in enumerate(texts)]
    told, fits = with_foresight(rows)
    assert set(fits) == {"rung0", "rung1"}
    first = [row.rungs[0] for row in told]
    chances = [rung.signals[SIGNAL] for rung in first]
    found = auroc([one for one in chances if one is not None], [bool(rung.correct) for rung in first])
    assert found is not None
    assert found < 0.65, "labels of chance were foreseen: an answer has taught its own signal"
    assert all(rung.signals["margin"] == 0.5 for row in told for rung in row.rungs)


def test_outcomes_of_equal_texts_do_not_foresee_each_other() -> None:
    rng = random.Random(6)
    rows: list[Outcome] = []
    for at in range(100):
        correct, text = rng.random() < 0.5, f"{rng.choice(THINGS)} {at} {rng.random()}"
        rows += [outcome(2 * at, text, correct), outcome(2 * at + 1, text, correct)]
    told, _ = with_foresight(rows)
    found = auroc(
        [row.rungs[0].signals[SIGNAL] or 0.0 for row in told], [bool(row.rungs[0].correct) for row in told]
    )
    assert found is not None
    assert found < 0.65


def test_rungs_nobody_judged_are_foreseen_and_inputs_without_text_are_not() -> None:
    texts, right = questions(80)
    rows = [outcome(at, text, bool(one)) for at, (text, one) in enumerate(zip(texts, right, strict=True))]
    told, fits = with_foresight([*rows, outcome(900, "capital of france", None), outcome(901, None, True)])
    assert told[-2].rungs[0].signals[SIGNAL] == fits["rung0"]("capital of france")
    assert told[-1].rungs[0].signals[SIGNAL] is None
    assert [row.id for row in told] == [row.id for row in [*rows, *told[-2:]]]


@pytest.mark.parametrize("rows", [[], [outcome(1, None, True)], [outcome(1, "text", None)]])
def test_outcomes_that_can_teach_nothing_are_said_to(rows: list[Outcome]) -> None:
    with pytest.raises(InputError, match="nothing can be foreseen"):
        with_foresight(rows)


def test_the_text_of_an_input_is_that_of_its_fields() -> None:
    assert text_of("a") == "a"
    assert text_of({"question": "a", "facts": {"one": "b"}, "none": None}) == "a\nb"
    assert text_of({"items": [1, "b"]}) == '[1, "b"]'
    assert text_of(None) == ""
