"""Say how likely a text is harmful, one probability per category: rules first, learned models beside them.

Patterns (`rules.py`) find what is blatant and what is disguised, `stance.py` what is hostile to groups; linear
models over n-grams and a kernel machine over word vectors find what resembles the examples. All are precise
rather than complete: a text that none of them knows gets low probabilities, and a cascade may ask a larger model.

Harm at all and its category are two questions, since many who label texts only say that something is wrong. The
likeliest category gets the probability of harm at all, the others their share of it.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from swarm.backends.embedded.features import Row, Vocabulary, extract
from swarm.backends.embedded.harm.injection import shared_detector
from swarm.backends.embedded.harm.lexicon import FEATURES, shared_lexicon
from swarm.backends.embedded.harm.machine import KernelMachine, Weighing
from swarm.backends.embedded.harm.meaning import VECTOR_SHARE, shared_meaning
from swarm.backends.embedded.harm.rules import matched, plain_forms
from swarm.backends.embedded.harm.stance import Stance, stance
from swarm.backends.embedded.vectors import DIMENSIONS

__all__ = ["HARMFUL", "Moderator"]

HARMFUL = "harmful"  # the category of an example that is harmful, nobody says how
INJECTION = "injection"
PENALTY = 1.0  # scikit-learn's default; 500 examples cannot tell others apart
# Log-odds: half of the examples are harmful, of real messages far fewer.
RARITY = -1.5
BLATANT = (
    4.0  # log-odds that a pattern adds; on the folds of the OpenAI set anything from 1 to 4 orders alike
)
FLOOR = 0.77  # a pattern alone makes 0.7; of the texts of the OpenAI set where one matches 0.78 are harmful
ENOUGH = 12  # words and pairs of neighbours, so seven words; "who are you" has too few to learn from
HINT = 0.4  # how likely a hostile sentence about a group is hate, if nothing else speaks for it: not flagged alone
DOUBT = 0.6  # how much a pattern of hate loses where the sentence means nothing hostile
FOLDS = 3
LEAST = 20  # examples; fewer leave nothing to hold out
RULED = 3  # numbers of `_ruled`
LEXICON_SHARE = 2.0  # of its numbers beside the others; 3 is as good
RULES_SHARE = 3.0  # 5 folds of the OpenAI set: 0.888 at 3, 0.885 at 1, 0.887 at 5
MAX_CHARS = 2_000  # in a long text every word is found somewhere


@dataclass(frozen=True, kw_only=True)
class _Text:
    """What is looked at in a text: n-grams, rules, and the numbers the machine sees, (features,)."""

    row: Row
    numbers: Any
    patterns: Mapping[str, float]
    stance: Stance


@dataclass(frozen=True, kw_only=True)
class _Heads:
    """What one set of examples teaches. A part is None where its examples all say the same."""

    vocabulary: Vocabulary
    weights: Any  # of the categories: float32, (features, categories)
    offsets: Any  # float32, (categories,)
    machine: KernelMachine | None

    def scores(self, texts: Sequence[_Text]) -> tuple[Any, Any]:
        """Return the scores of the categories, (texts, categories), and of harm at all, (texts, 1)."""
        import numpy as np

        matrix, _ = self.vocabulary.matrix(text.row for text in texts)
        harm = np.zeros(len(texts))
        if self.machine is not None:
            harm = self.machine.score(np.array([text.numbers for text in texts])) + matrix @ self.machine.line
        return matrix @ self.weights + self.offsets, harm.reshape(-1, 1)

    def score(self, text: _Text) -> tuple[Any, Any]:
        """Return the same of one text, faster: (categories,) and (1, 1)."""
        import numpy as np

        columns, values, _ = self.vocabulary.weigh(text.row)
        harm = np.zeros(1)
        if self.machine is not None:
            harm = self.machine.score(text.numbers[None]) + values @ self.machine.line[columns]
        return values @ self.weights[columns] + self.offsets, harm.reshape(1, 1)


@dataclass(frozen=True, kw_only=True)
class Moderator:
    """Rules and fitted models: plain vocabulary and numbers."""

    categories: tuple[str, ...]
    heads: _Heads
    weighing: Weighing | None
    slope: float  # score of a category -> log-odds, fitted on examples that were held out
    shift: float

    @classmethod
    def fit(
        cls, examples: Sequence[tuple[str, str]], categories: Mapping[str, str], *, seed: int = 0
    ) -> Moderator:
        """Learn from `(text, category)` pairs.

        Args:
            examples: a text of several categories stands there once for each. "" is the category of a
                harmless text, `harmful` of one that is harmful, nobody says how. None: rules alone.
            categories: name -> what it means. Patterns exist for ours only, by name.
        """
        known = tuple(categories)
        lessons = _Lessons.of(examples, known)
        heads = _train(lessons, range(len(lessons.texts)), seed)
        slope, shift, weighing = _calibrate(lessons, seed)
        return cls(categories=known, heads=heads, weighing=weighing, slope=slope, shift=shift)

    def predict(self, text: str) -> dict[str, float]:
        """Return the probability of each category, in their order; the highest is that of harm at all."""
        seen = _look(text, self.categories)
        named, harm = self.heads.score(seen)
        enough = min(1.0, seen.row["w"].total() / ENOUGH)
        own = _sigmoid(self.slope * named + self.shift + RARITY)
        learned = own * enough if self.weighing is None else self._shared(seen, own, harm, enough)
        floor = 1.0 if self.weighing is None else FLOOR
        found: dict[str, float] = {}
        for number, name in enumerate(self.categories):
            likely, least = float(learned[number]), floor
            if name == INJECTION:
                tried = shared_detector().probability(text)
                likely, least = (
                    max(tried**2, float(own[number]) * enough * tried),
                    1.0,
                )  # small doubts are none
            found[name] = max(likely, least * seen.patterns.get(name, 0.0))
        return found

    def _shared(self, seen: _Text, own: Any, harm: Any, enough: float) -> Any:
        """Return the probability of harm at all, shared out: the likeliest category gets all of it."""
        import numpy as np

        assert self.weighing is not None
        blatant = _ruled(seen.patterns, seen.stance)[0]
        score = self.weighing.log_odds(harm)[0] + RARITY + BLATANT * blatant
        shares = np.maximum(own, [seen.patterns.get(name, 0.0) for name in self.categories])
        if "hate" in self.categories:
            place = self.categories.index("hate")
            shares[place] = max(shares[place], seen.stance.hostility / 2)
        other = [number for number, name in enumerate(self.categories) if name != INJECTION]
        top = max((float(shares[number]) for number in other), default=1.0)
        return _sigmoid(score) * max(enough, blatant) * shares / max(top, 1e-9)


@dataclass(frozen=True, kw_only=True)
class _Lessons:
    """The examples as they are learned from; all three have one entry a text."""

    texts: tuple[_Text, ...]
    found: tuple[frozenset[str], ...]  # the categories of each, HARMFUL among them
    categories: tuple[str, ...]

    @classmethod
    def of(cls, examples: Sequence[tuple[str, str]], categories: tuple[str, ...]) -> _Lessons:
        found: dict[str, set[str]] = {}
        for text, category in examples:
            found.setdefault(text, set()).update({category} & {*categories, HARMFUL})
        return cls(
            texts=tuple(_look(text, categories) for text in found),
            found=tuple(frozenset(each) for each in found.values()),
            categories=categories,
        )

    def named(self, number: int) -> list[bool]:
        """Return for each category whether a text is of it."""
        return [category in self.found[number] for category in self.categories]

    def is_harmful(self, number: int) -> bool:
        """Return whether anything but an injection is wrong with a text."""
        return bool(self.found[number] - {INJECTION})


def _look(text: str, categories: Sequence[str]) -> _Text:
    forms = plain_forms(text)
    patterns = matched(forms)
    found = stance(forms[0]) if "hate" in categories else Stance(hostility=0.0, peace=0.0)
    if "hate" in patterns:
        patterns["hate"] *= 1 - DOUBT * found.peace
    patterns["hate"] = max(patterns.get("hate", 0.0), HINT * found.hostility)
    patterns = {name: share for name, share in patterns.items() if name in categories}
    return _Text(
        row=extract(forms[-1][:MAX_CHARS]),
        numbers=_numbers(text, forms[0], _ruled(patterns, found)),
        patterns=patterns,
        stance=found,
    )


def _ruled(patterns: Mapping[str, float], found: Stance) -> tuple[float, float, float]:
    """Return what the rules say of harm at all: the likeliest pattern, hostility, and its contrary."""
    return (
        max((v for k, v in patterns.items() if k != INJECTION), default=0.0), found.hostility, -found.peace
    )  # fmt: skip


def _numbers(text: str, plain: str, ruled: Sequence[float]) -> Any:
    """Return the numbers the machine sees: meaning and lexicon, where they are there, and rules."""
    import numpy as np

    meaning, lexicon = shared_meaning(), shared_lexicon()
    parts: list[Any] = [] if meaning is None else [meaning.features(text)]
    parts += [] if lexicon is None else [lexicon.features(plain)]
    return np.concatenate([*parts, ruled])


def _shares(count: int) -> Any:
    """Return how much each of `_numbers` counts: (count,)."""
    import numpy as np

    shares = np.ones(count)
    end = count - RULED
    shares[end:] = RULES_SHARE
    if shared_lexicon() is not None:
        shares[end - FEATURES : end] = LEXICON_SHARE
        end -= FEATURES
    if shared_meaning() is not None:
        shares[end - DIMENSIONS : end] = VECTOR_SHARE
    return shares


def _sigmoid(score: Any) -> Any:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(score, -60, 60)))


def _train(lessons: _Lessons, numbers: Sequence[int], seed: int) -> _Heads:
    """Fit one separator per category, and one of harm at all; what has no counter-examples stays silent."""
    import numpy as np

    rows = [lessons.texts[number].row for number in numbers]
    vocabulary = Vocabulary.build(rows)
    weights = np.zeros((len(vocabulary.idf), len(lessons.categories)), dtype=np.float32)
    offsets = np.full(len(lessons.categories), -2.0, dtype=np.float32)
    heads = _Heads(vocabulary=vocabulary, weights=weights, offsets=offsets, machine=None)
    if not rows:
        return heads
    matrix, _ = vocabulary.matrix(rows)
    sure = [place for place, number in enumerate(numbers) if lessons.found[number] != frozenset({HARMFUL})]
    named = np.array([lessons.named(numbers[place]) for place in sure]).reshape(len(sure), -1)
    _separate(matrix[sure], named, weights, offsets, seed)
    plain = [place for place, number in enumerate(numbers) if lessons.found[number] != frozenset({INJECTION})]
    harmful = [lessons.is_harmful(numbers[place]) for place in plain]
    if len(set(harmful)) < 2:
        return heads
    seen = np.array([lessons.texts[numbers[place]].numbers for place in plain])
    return _Heads(
        vocabulary=vocabulary,
        weights=weights,
        offsets=offsets,
        machine=KernelMachine.fit(seen, matrix[plain], harmful, share=_shares(seen.shape[1]), seed=seed),
    )


def _separate(matrix: Any, named: Any, weights: Any, offsets: Any, seed: int) -> None:
    """Fill in weights and offsets of the categories that have examples and counter-examples."""
    svm: Any = import_module("sklearn.svm")
    for number in range(named.shape[1]):
        if len(set(named[:, number].tolist())) < 2:
            continue
        machine = svm.LinearSVC(C=PENALTY, random_state=seed, class_weight="balanced")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a fit that stopped early: it is good enough
            machine.fit(matrix, named[:, number])
        weights[:, number] = machine.coef_[0]
        offsets[number] = machine.intercept_[0]


def _calibrate(lessons: _Lessons, seed: int) -> tuple[float, float, Weighing | None]:
    """Fit what scores are worth on examples held out: of the categories together, and of harm at all."""
    import numpy as np

    order = list(range(len(lessons.texts)))
    random.Random(seed).shuffle(order)
    if len(order) < LEAST or not any(lessons.found):
        return 3.0, -1.0, None
    named: list[Any] = []
    harm: list[Any] = []
    held_out: list[int] = []
    for fold in range(FOLDS):
        held = order[fold::FOLDS]
        out = set(held)
        heads = _train(lessons, [number for number in order if number not in out], seed)
        of_categories, of_harm = heads.scores([lessons.texts[number] for number in held])
        named.append(of_categories)
        harm.append(of_harm)
        held_out += held
    return (
        *_platt(lessons, held_out, np.concatenate(named)),
        _weigh(lessons, held_out, np.concatenate(harm)),
    )


def _platt(lessons: _Lessons, held_out: Sequence[int], scores: Any) -> tuple[float, float]:
    """Fit what a score of a category is worth, by Platt scaling of all categories together."""
    import numpy as np

    sure = [place for place, number in enumerate(held_out) if lessons.found[number] != frozenset({HARMFUL})]
    right = np.array([lessons.named(held_out[place]) for place in sure]).ravel()
    if len(set(right.tolist())) < 2:
        return 3.0, -1.0
    linear: Any = import_module("sklearn.linear_model")
    machine = linear.LogisticRegression(C=1.0)
    machine.fit(scores[sure].reshape(-1, 1), right)
    return float(machine.coef_[0][0]), float(machine.intercept_[0])


def _weigh(lessons: _Lessons, held_out: Sequence[int], scores: Any) -> Weighing | None:
    plain = [
        place for place, number in enumerate(held_out) if lessons.found[number] != frozenset({INJECTION})
    ]
    harmful = [lessons.is_harmful(held_out[place]) for place in plain]
    return Weighing.fit(scores[plain], harmful) if len(set(harmful)) == 2 else None
