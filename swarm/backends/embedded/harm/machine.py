"""Learn "is anything wrong with this text at all" from examples that need not say what.

Views of a text: n-grams (what words it has), meaning (what its words are near, `meaning.py`; only where the word
vectors are installed), a lexicon of others' labels (`lexicon.py`) and hand-written rules. One machine sees all of
them; what its score is worth is fitted on scores of held-out examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["KernelMachine", "Weighing"]

KERNEL_PENALTY = 1.0  # 5 folds of the OpenAI set, all views: 0.902 at 1, 0.901 at 0.7; at 3 0.01 worse
LINE_SHARE = 0.4  # of n-grams beside the Gaussian part: 0.902, at 0.2 0.900, at 0.8 0.900, at 1.2 0.896
MOST = 4_000  # texts: the machine compares each with each, 128 MB of numbers
FLAT = 1e-3  # a feature that varies less on the training texts is not stretched


@dataclass(frozen=True, kw_only=True)
class KernelMachine:
    """A support vector machine with a Gaussian kernel over numbers, and a linear one over n-grams: plain numbers.

    Attributes:
        mean, scale: of each feature on the training texts, shape (features,).
        support: scaled features of the texts that decide, (supports, features); `weights`: (supports,).
        gamma: of the kernel `exp(-gamma * distance ** 2)`.
        line: weights of the n-grams, (n-grams,); None where there were none.
    """

    mean: Any
    scale: Any
    support: Any
    weights: Any
    offset: float
    gamma: float
    line: Any = None

    @classmethod
    def fit(
        cls, features: Any, matrix: Any, truth: Sequence[bool], *, share: Any, seed: int
    ) -> KernelMachine:
        """Learn from texts; both answers must occur.

        Args:
            features: (texts, features). `share`: how much each counts, (features,).
            matrix: sparse, the same texts' n-grams, (texts, n-grams).
        """
        import numpy as np

        svm: Any = import_module("sklearn.svm")
        chosen = _chosen(np.array(truth), seed)
        features, matrix, answers = features[chosen], matrix[chosen], np.array(truth)[chosen]
        spread = features.std(axis=0)
        mean, scale = features.mean(axis=0), np.where(spread < FLAT, 1.0, spread) / share
        scaled, gamma = (features - mean) / scale, 1.0 / features.shape[1]
        near = np.exp(-gamma * _squares(scaled, scaled)) + LINE_SHARE * (matrix @ matrix.T).toarray()
        machine = svm.SVC(C=KERNEL_PENALTY, kernel="precomputed", class_weight="balanced").fit(near, answers)
        weights = machine.dual_coef_[0]
        return cls(
            mean=mean, scale=scale, gamma=gamma, support=scaled[machine.support_].astype(np.float32),
            weights=weights.astype(np.float32), offset=float(machine.intercept_[0]),
            line=(LINE_SHARE * (matrix[machine.support_].T @ weights)).astype(np.float32),
        )  # fmt: skip

    def score(self, features: Any) -> Any:
        """Return one score a text, above 0 for harmful: (texts,). What its n-grams add is `rows @ line`."""
        import numpy as np

        scaled = ((features - self.mean) / self.scale).astype(np.float32)
        return np.exp(-self.gamma * _squares(scaled, self.support)) @ self.weights + self.offset


def _chosen(truth: Any, seed: int) -> Any:
    """Return the numbers of the texts to learn from: at most half of `MOST` for each answer."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(truth))
    return np.sort(np.concatenate([order[truth[order] == answer][: MOST // 2] for answer in (False, True)]))


def _squares(rows: Any, others: Any) -> Any:
    """Return the squared distance of each row to each other: (rows, others)."""
    import numpy as np

    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None, :]
    return np.maximum(squares - 2 * rows @ others.T, 0.0)


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """How much each score counts for the log-odds of harm."""

    weights: Any  # shape (scores,)
    offset: float

    @classmethod
    def fit(cls, scores: Any, truth: Sequence[bool]) -> Weighing:
        """Learn from scores of held-out texts: (texts, scores). No score may count against harm."""
        import numpy as np

        linear: Any = import_module("sklearn.linear_model")
        kept = list(range(scores.shape[1]))
        while True:
            machine = linear.LogisticRegression(C=1.0, max_iter=1000)
            machine.fit(scores[:, kept], np.array(truth))
            against = [column for column, weight in zip(kept, machine.coef_[0], strict=True) if weight < 0]
            if not against or len(against) == len(kept):
                break
            kept = [column for column in kept if column not in against]
        weights = np.zeros(scores.shape[1])
        weights[kept] = np.maximum(machine.coef_[0], 0.0)
        return cls(weights=weights, offset=float(machine.intercept_[0]))

    def log_odds(self, scores: Any) -> Any:
        """Return the log-odds of harm: (texts,)."""
        return scores @ self.weights + self.offset
