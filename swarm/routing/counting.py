"""A small classifier in plain Python, for machines without scikit-learn: naive Bayes over weighted words.

Each label is weighed against all others together (complement naive Bayes), so that a label with few examples is
not drowned. Its shares are not calibrated.

Source: Rennie et al., "Tackling the Poor Assumptions of Naive Bayes Text Classifiers", ICML 2003.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from swarm.backends.embedded.features import extract

__all__ = ["CountingClassifier"]

SMOOTHING = 0.3
# Of 2, 4, 6, 8 by 10-fold cross-validation on the bundled experts' requests: the lowest surprise.
SHARPNESS = 6.0
BLOCKS = ("w", "c")  # words and their neighbours, pieces of words


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingClassifier:
    """Fitted weights: label -> feature -> how much it speaks for the label."""

    weights: Mapping[str, Mapping[str, float]]
    idf: Mapping[str, float]

    @classmethod
    def fit(
        cls, examples: Sequence[tuple[str, str]], *, descriptions: Mapping[str, str]
    ) -> CountingClassifier:
        """Learn from `(text, label)` pairs and from what the labels mean."""
        hints = [(f"{label.replace('_', ' ')} {text}", label) for label, text in descriptions.items() if text]
        rows = [(_features(text), label) for text, label in (*examples, *hints)]
        seen = Counter(feature for row, _ in rows for feature in row)
        idf = {feature: log((1 + len(rows)) / (1 + count)) + 1 for feature, count in seen.items()}
        mass: dict[str, dict[str, float]] = {label: defaultdict(float) for label in descriptions}
        for row, label in rows:
            for feature, value in _scaled(row, idf).items():
                mass[label][feature] += value
        return cls(weights={label: _against_rest(label, mass, len(idf)) for label in mass}, idf=idf)

    def predict(self, text: str) -> dict[str, float]:
        """Return the share of every label, highest first; all equal for a text with nothing known in it."""
        found = _scaled(_features(text), self.idf)
        scores = {
            label: SHARPNESS * sum(value * weights[feature] for feature, value in found.items())
            for label, weights in self.weights.items()
        }
        top = max(scores.values())
        shares = {label: exp(score - top) for label, score in scores.items()}
        total = sum(shares.values())
        return {label: shares[label] / total for label in sorted(shares, key=lambda name: -shares[name])}


def _features(text: str) -> dict[str, float]:
    row = extract(text)
    return {block + feature: 1 + log(count) for block in BLOCKS for feature, count in row[block].items()}


def _scaled(row: Mapping[str, float], idf: Mapping[str, float]) -> dict[str, float]:
    """Return the known features, weighted, as a vector of length 1."""
    known = {feature: value * idf[feature] for feature, value in row.items() if feature in idf}
    length = sqrt(sum(value * value for value in known.values())) or 1.0
    return {feature: value / length for feature, value in known.items()}


def _against_rest(label: str, mass: Mapping[str, Mapping[str, float]], features: int) -> dict[str, float]:
    """Return for every feature the log-odds of the label against all others."""
    own = mass[label]
    rest: dict[str, float] = defaultdict(float)
    for other, table in mass.items():
        for feature, value in table.items():
            rest[feature] += value if other != label else 0.0
    room = SMOOTHING * features
    inside, outside = sum(own.values()) + room, sum(rest.values()) + room
    return {
        feature: log((own.get(feature, 0.0) + SMOOTHING) / inside) - log((value + SMOOTHING) / outside)
        for feature, value in rest.items()
    }
