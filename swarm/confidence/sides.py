"""Learn from each side of a text by itself, then how much each side counts. Needs scikit-learn.

The sides are tables of one row per text. Each has a ridge regression; a logistic one weighs what they said of
texts that they had not seen.

Source: stacking with weights of 0 or more: Breiman, "Stacked regressions", Machine Learning 24 (1996) 49-64.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from swarm.backends.embedded.vectors import shared_vectors
from swarm.confidence.glance import BINS, FINE, bins, code, excerpt, marks, weighted
from swarm.errors import InputError

__all__ = ["Goal", "Seen", "Side", "goal_of", "look", "ridge", "weigh"]

FOLDS = 5
PENALTIES = (3.0, 10.0, 30.0, 100.0)
CLOSE = 1e-3  # relative, where the conjugate gradients stop
SEED = 20261122
MOST = 500.0  # log-odds; exp overflows at 710


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of some texts.

    Attributes:
        marks: shape (rows, marks). words: sparse, each row of length 1, shape (rows, BINS).
        rarity: of each bin, one byte each.
        vectors: shape (rows, 256); None where they are not installed.
    """

    marks: Any
    words: Any
    rarity: bytes
    vectors: Any

    def take(self, rows: Sequence[int]) -> Seen:
        """Return these rows."""
        vectors = None if self.vectors is None else self.vectors[rows]
        return Seen(self.marks[rows], self.words[rows], self.rarity, vectors)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be told of each text.

    Attributes:
        right: in [0, 1]. weights: add up to how many independent texts there are.
        folds: which fold a text belongs to; equal texts share theirs. All of shape (rows,).
    """

    right: Any
    weights: Any
    folds: Any

    @property
    def base(self) -> float:
        """Return the share of right ones, never 0 or 1 (Laplace)."""
        return (float(self.weights @ self.right) + 1) / (float(self.weights.sum()) + 2)


@dataclass(frozen=True, slots=True)
class Side:
    """A ridge regression: its weights on all rows, and what it adds to the base rate of rows it had not seen."""

    weights: Any
    held_out: Any


def look(texts: Sequence[str]) -> Seen:
    """Return what is seen of texts.

    Raises:
        InputError: there are none, or scikit-learn is missing.
    """
    if not texts:
        raise InputError(
            "nothing can be foreseen: there are no texts", code="no_texts",
            hint='give outcomes an "input": {"id": "1", "input": "the text", "rungs": [...]}',
        )  # fmt: skip
    try:
        import numpy as np
        import sklearn  # noqa: F401  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]
    except ImportError as error:
        raise InputError(
            "fitting a foresight needs scikit-learn",
            hint="pip install 'swarm-slm[eval]'",
            code="missing_extra",
        ) from error
    words, rarity = _word_table(texts)
    vectors = shared_vectors()
    embedded = None if vectors is None else vectors.embed([excerpt(text) for text in texts]).astype(float)
    return Seen(np.array([marks(text) for text in texts]), words, rarity, embedded)


def goal_of(texts: Sequence[str], right: Sequence[float], weights: Sequence[float] | None) -> Goal:
    """Return what is to be told of texts.

    Raises:
        ValueError: the lengths differ, a `right` is not in [0, 1], or a weight is not above 0.
    """
    import numpy as np

    if len(right) != len(texts) or (weights is not None and len(weights) != len(texts)):
        raise ValueError("texts, right and weights are of different lengths")
    goal = np.array(right, dtype=float)
    if not ((goal >= 0) & (goal <= 1)).all():
        raise ValueError("a `right` is not in [0, 1]")
    share = np.ones(len(texts)) if weights is None else np.array(weights, dtype=float)
    if not (np.isfinite(share).all() and (share > 0).all()):
        raise ValueError("a weight is not above 0")
    share = share * (share.sum() / (share @ share))  # Kish: adds up to the effective number of rows
    _, group = np.unique([code(text) for text in texts], return_inverse=True)
    order = np.random.default_rng(SEED).permutation(int(group.max()) + 1)
    return Goal(goal, share, order[group] % FOLDS)


def ridge(table: Any, goal: Goal) -> Side:
    """Return the ridge regression with the penalty that tells most of rows it was not fitted on."""
    import numpy as np

    found: list[tuple[float, float, Any]] = []
    for penalty in PENALTIES:
        held_out = np.zeros(len(goal.right))
        for fold in range(FOLDS):
            inside = goal.folds == fold
            if inside.any() and not inside.all():
                held_out[inside] = table[inside] @ _solved(table[~inside], goal, ~inside, penalty)
        error = float(goal.weights @ (held_out + goal.base - goal.right) ** 2)
        found.append((error, penalty, held_out))
    _, penalty, held_out = min(found, key=lambda one: one[:2])
    return Side(_solved(table, goal, np.ones(len(goal.right), dtype=bool), penalty), held_out)


def weigh(sides: Sequence[Side], goal: Goal) -> tuple[float, tuple[float, ...], Any]:
    """Return the log-odds before any side, what each side weighs, and the log-odds of rows they had not seen.

    Weights are 0 or more, and drawn to 0 as if by a normal prior of width 1. They stay only where they better the
    log-likelihood of the base rate by more than their number (Akaike 1974).
    """
    import numpy as np
    from scipy.optimize import minimize  # pyright: ignore[reportUnknownVariableType]

    spread = goal.base * (1 - goal.base)  # a difference in a share is about so much of one in log-odds
    columns = np.column_stack([side.held_out / spread for side in sides])
    start = math.log(goal.base / (1 - goal.base))

    def loss(at: Any) -> tuple[float, Any]:
        odds = at[0] + columns @ at[1:]
        slope = goal.weights * (1 / (1 + np.exp(-odds)) - goal.right)
        value = goal.weights @ (np.logaddexp(0, odds) - goal.right * odds) + at[1:] @ at[1:] / 2
        return float(value), np.concatenate([[slope.sum()], columns.T @ slope + at[1:]])

    nothing = np.array([start, *[0.0] * len(sides)])
    bounds = [(-MOST, MOST), *[(0.0, None)] * len(sides)]
    best: Any = cast("Any", minimize)(loss, nothing, jac=True, bounds=bounds, method="L-BFGS-B")
    shares = best.x[1:]
    if loss(nothing)[0] - float(best.fun) <= int((shares > 0).sum()):
        return start, (0.0,) * len(sides), np.full(len(goal.right), start)
    return float(best.x[0]), tuple((shares / spread).tolist()), best.x[0] + columns @ shares


def _solved(table: Any, goal: Goal, rows: Any, penalty: float) -> Any:
    from sklearn.linear_model import Ridge

    model: Any = Ridge(alpha=penalty, fit_intercept=False, solver="sparse_cg", tol=CLOSE)
    return model.fit(table, goal.right[rows] - goal.base, sample_weight=goal.weights[rows]).coef_


def _word_table(texts: Sequence[str]) -> tuple[Any, bytes]:
    """Return the weighted bins of each text, sparse, and how rare each bin is (inverse document frequency)."""
    from scipy import sparse

    rows = [bins(text) for text in texts]
    seen = Counter(at for row in rows for at in row)
    rare = (math.log((1 + len(rows)) / (1 + seen[at])) + 1 for at in range(BINS))
    rarity = bytes(min(255, round(FINE * one)) for one in rare)
    starts, places, shares = [0], list[int](), list[float]()
    for row in rows:
        found = weighted(row, rarity)
        places.extend(found)
        shares.extend(found.values())
        starts.append(len(places))
    return sparse.csr_matrix((shares, places, starts), shape=(len(rows), BINS)), rarity
