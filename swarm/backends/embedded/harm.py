"""Learn "is anything wrong with this text at all" from examples that need not say what.

Three views of a text: n-grams (what words it has), meaning (what its words are near, `meaning.py`; only where
the word vectors are installed), and hand-written rules. Each is a score; what the scores are worth together is
fitted on scores of held-out examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["KernelMachine", "Weighing", "fit_line"]

LINE_PENALTY = 10.0  # 5 folds of the OpenAI set, plain TF-IDF: AUROC 0.845 at 10, 0.842 at 1
KERNEL_PENALTY = 1.0  # 5 folds of the OpenAI set, mean vectors: 0.816 at 0.5, 0.812 at 1 and 2


@dataclass(frozen=True, kw_only=True)
class KernelMachine:
    """A support vector machine with a Gaussian kernel: plain numbers.

    Attributes:
        mean, scale: of each feature on the training texts, shape (features,).
        support: scaled features of the texts that decide, (supports, features); `weights`: (supports,).
        gamma: of the kernel `exp(-gamma * distance ** 2)`.
    """

    mean: Any
    scale: Any
    support: Any
    weights: Any
    offset: float
    gamma: float

    @classmethod
    def fit(cls, features: Any, truth: Sequence[bool]) -> KernelMachine:
        """Learn from features (texts, features); both answers must occur."""
        import numpy as np

        svm: Any = import_module("sklearn.svm")
        mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        gamma = 1.0 / features.shape[1]  # of features of unit variance: scikit-learn's "scale"
        machine = svm.SVC(C=KERNEL_PENALTY, gamma=gamma, class_weight="balanced")
        machine.fit((features - mean) / scale, np.array(truth))
        return cls(
            mean=mean, scale=scale, gamma=gamma, support=machine.support_vectors_.astype(np.float32),
            weights=machine.dual_coef_[0].astype(np.float32), offset=float(machine.intercept_[0]),
        )  # fmt: skip

    def score(self, features: Any) -> Any:
        """Return one score a text, above 0 for harmful: (texts,)."""
        import numpy as np

        scaled = (features - self.mean) / self.scale
        squares = (scaled**2).sum(axis=1)[:, None] + (self.support**2).sum(axis=1)[None, :]
        distances = np.maximum(squares - 2 * scaled @ self.support.T, 0.0)
        return np.exp(-self.gamma * distances) @ self.weights + self.offset


def fit_line(matrix: Any, truth: Sequence[bool], seed: int) -> tuple[Any, float]:
    """Return weights (features,) and offset of a logistic regression; both answers must occur."""
    import numpy as np

    linear: Any = import_module("sklearn.linear_model")
    machine = linear.LogisticRegression(
        C=LINE_PENALTY, class_weight="balanced", solver="liblinear", max_iter=2000, random_state=seed
    )
    machine.fit(matrix, np.array(truth))
    return machine.coef_[0].astype(np.float32), float(machine.intercept_[0])


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
