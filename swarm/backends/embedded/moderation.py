"""Say how likely a text is harmful, one probability per category: patterns first, learned n-grams beside them.

Patterns (`rules.py`) find what is blatant and what is disguised; a linear model over the same features as the
classifier finds what resembles the examples. Both are precise rather than complete: a text that neither knows
gets low probabilities, and a cascade may ask a larger model.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from swarm.backends.embedded.features import Row, Vocabulary, extract
from swarm.backends.embedded.rules import matched, plain_forms

__all__ = ["Moderator"]

PENALTY = 1.0  # scikit-learn's default; 500 examples cannot tell others apart
# Log-odds: half of the examples are harmful, of real messages far fewer. At -1.0 the moderator flags 0 to 0.3 %
# of the messages of banking77, bitext_support and clinc150 (all harmless), at 0.0 it flags 0.6 to 2.6 %.
RARITY = -1.0
ENOUGH = 12  # words and pairs of neighbours, so seven words; "who are you" has too few to learn from
FOLDS = 5
MAX_CHARS = 2_000  # the learned part was shown single sentences; in a long text every word is found somewhere


@dataclass(frozen=True, kw_only=True)
class Moderator:
    """Patterns and a fitted linear model: plain vocabulary, weights and two calibration numbers."""

    categories: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Any  # float32, shape (features, categories)
    offsets: Any  # float32, shape (categories,)
    slope: float  # score -> log-odds, fitted on examples that were held out
    shift: float

    @classmethod
    def fit(
        cls, examples: Sequence[tuple[str, str]], categories: Mapping[str, str], *, seed: int = 0
    ) -> Moderator:
        """Learn from `(text, category)` pairs; "" is the category of a harmless text.

        Args:
            examples: a text of several categories stands there once for each. None: patterns alone.
            categories: name -> what it means. Patterns exist for ours only, by name.
        """
        known = tuple(categories)
        texts: dict[str, set[str]] = {}
        for text, category in examples:
            texts.setdefault(text, set()).update({category} & set(known))
        rows = [extract(plain_forms(text)[-1][:MAX_CHARS]) for text in texts]
        truth = [[category in found for category in known] for found in texts.values()]
        vocabulary, weights, offsets = _train(rows, truth, len(known), seed)
        slope, shift = _calibrate(rows, truth, len(known), seed)
        return cls(
            categories=known,
            vocabulary=vocabulary,
            weights=weights,
            offsets=offsets,
            slope=slope,
            shift=shift,
        )

    def predict(self, text: str) -> dict[str, float]:
        """Return the probability of each category, in their order; they are independent."""
        import numpy as np

        forms = plain_forms(text)
        patterns = matched(forms)
        row = extract(forms[-1][:MAX_CHARS])
        columns, values, _ = self.vocabulary.weigh(row)
        scores = self.offsets + np.array(values, dtype=np.float32) @ self.weights[columns]
        learned = 1 / (1 + np.exp(-(self.slope * scores + self.shift + RARITY)))
        learned *= min(1.0, row["w"].total() / ENOUGH)
        return {
            category: 1 - (1 - float(share)) * (1 - patterns.get(category, 0.0))
            for category, share in zip(self.categories, learned, strict=True)
        }


def _train(
    rows: Sequence[Row], truth: Sequence[Sequence[bool]], categories: int, seed: int
) -> tuple[Vocabulary, Any, Any]:
    """Fit one separator per category that has examples and counter-examples; the others stay silent."""
    import numpy as np

    vocabulary = Vocabulary.build(rows)
    weights = np.zeros((len(vocabulary.idf), categories), dtype=np.float32)
    offsets = np.full(categories, -2.0, dtype=np.float32)
    if not rows:
        return vocabulary, weights, offsets
    svm: Any = import_module("sklearn.svm")
    matrix, _ = vocabulary.matrix(rows)
    for number in range(categories):
        labels = [row[number] for row in truth]
        if len(set(labels)) < 2:
            continue
        machine = svm.LinearSVC(C=PENALTY, random_state=seed, class_weight="balanced")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a fit that stopped early: it is good enough
            machine.fit(matrix, np.array(labels))
        weights[:, number] = machine.coef_[0]
        offsets[number] = machine.intercept_[0]
    return vocabulary, weights, offsets


def _calibrate(
    rows: Sequence[Row], truth: Sequence[Sequence[bool]], categories: int, seed: int
) -> tuple[float, float]:
    """Fit what a score is worth, by Platt scaling of held-out scores of all categories together."""
    import numpy as np

    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    scores: list[Any] = []
    right: list[Any] = []
    for fold in range(FOLDS) if len(rows) >= 4 * FOLDS else ():
        held = order[fold::FOLDS]
        out = set(held)
        inside = [index for index in order if index not in out]
        vocabulary, weights, offsets = _train(
            [rows[index] for index in inside], [truth[index] for index in inside], categories, seed
        )
        matrix, _ = vocabulary.matrix(rows[index] for index in held)
        scores.append((matrix @ weights + offsets).ravel())
        right.append(np.array([truth[index] for index in held]).ravel())
    if not scores or not np.concatenate(right).any():
        return 3.0, -1.0
    linear: Any = import_module("sklearn.linear_model")
    machine = linear.LogisticRegression(C=1.0)
    machine.fit(np.concatenate(scores).reshape(-1, 1), np.concatenate(right))
    return float(machine.coef_[0][0]), float(machine.intercept_[0])
