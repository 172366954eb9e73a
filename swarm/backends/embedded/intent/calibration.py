"""What the scores of a classifier are worth: the chance that its first label is right, and that any is.

Both are small logistic models of a few signals, fitted on texts that the classifier had not seen when it scored
them, and pulled towards what was found on public sets, so that ten examples cannot make it certain.

Source: Platt, "Probabilistic outputs for support vector machines", 1999; the prior makes it the maximum a
posteriori.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["Calibration", "Scope", "Seen"]

# What a score means before anything is measured, and how surely (standard deviations). Means and spread of what
# was fitted on banking77, clinc150, hwu64 (train rows) with 3-60 examples a label.
PRIOR_SHARPNESS, PRIOR_LOG_WIDTH = 10.5, 0.25
PRIOR_MEANS = (-0.8, 0.55, -1.5, 1.7)  # constant, log-odds of the first label, its score, its lead
PRIOR_WIDTHS = (0.9, 0.25, 1.4, 1.5)

# A text less known than 19 in 20 held-out examples is unfamiliar, and always one with 30 % known. clinc150:
# AUROC of in-scope against out-of-scope 0.956 -> 0.964 at equal accuracy; at 1 in 5 the ranking suffers.
FAMILIAR_QUANTILE, LEAST_FAMILIAR = 0.05, 0.3

# What being in scope is told from: constant, first score, lead, nearest, known, score of the rejects. Means and
# standard deviations of what was fitted on banking77, hwu64 and clinc150 (train rows) with 3 to 60 examples a label,
# a third of the labels withheld; the rejects' score by hand.
SCOPE_MEANS = (-1.2, 2.3, 1.5, 1.8, 0.6, -2.0)
SCOPE_WIDTHS = (2.0, 1.2, 0.7, 1.2, 1.4, 1.0)
LEAST_IN_SCOPE = 0.05  # without rejects: share of held-out examples that are more likely out of scope than in
ENOUGH = 20  # held-out examples to tell that share from
LEAST_REJECTS = 0.1  # rejects weigh as if at least this share of all texts were out of scope


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was measured of texts.

    Attributes:
        scores: of the labels, (texts, labels). `reject`: of the rejects, (texts,); -1 where none were given.
        nearest: likeness to the nearest example, in [0, 1], (texts,). `known`: share of known words, (texts,).
    """

    scores: Any
    reject: Any
    nearest: Any
    known: Any

    def scope_signals(self) -> Any:
        """Return what being in scope is told from, a row each: (texts, 6)."""
        import numpy as np

        first, lead = _first_and_lead(self.scores)
        ones = np.ones(len(first))
        return np.stack([ones, first, lead, self.nearest, self.known, self.reject], axis=1)

    def lead(self) -> Any:
        """Return how far the first score leads the second, as a share of the way from -1 to 1: (texts,)."""
        import numpy as np

        return np.clip(_first_and_lead(self.scores)[1] / 2, 0.0, 1.0)

    def only(self, rows: Any) -> Seen:
        """Return these rows alone."""
        return Seen(
            scores=self.scores[rows], reject=self.reject[rows], nearest=self.nearest[rows], known=self.known[rows]
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a row of scores is worth: fitted on examples that the classifier had not seen."""

    sharpness: float = PRIOR_SHARPNESS  # of the softmax over scores
    weights: tuple[float, ...] = PRIOR_MEANS  # of constant, log-odds, first score, lead over the second
    familiar: float = LEAST_FAMILIAR  # share of known features from which a text counts as familiar
    held_out: int = 0  # examples this was measured on; 0 means assumed, not measured

    @classmethod
    def fit(cls, seen: Seen, truth: Any) -> Calibration:
        """Fit to held-out texts and the number of each one's label, (texts,).

        First the sharpness by maximum likelihood, then Platt scaling of the first label's log-odds together with
        its score and lead.
        """
        import numpy as np

        if not len(truth):
            return cls()
        sharpness = _sharpness(seen.scores, truth)
        signals = _signals(seen.scores, sharpness)
        right = seen.scores.argmax(axis=1) == truth
        weights = _logistic(signals, right, np.ones(len(right)), PRIOR_MEANS, PRIOR_WIDTHS)
        familiar = max(LEAST_FAMILIAR, float(np.quantile(seen.known, FAMILIAR_QUANTILE)))
        return cls(sharpness=sharpness, weights=weights, familiar=familiar, held_out=len(truth))

    def probabilities(self, scores: Any, known: float) -> Any:
        """Turn one row of scores into probabilities. The first label stays first.

        Args:
            scores: one per label, at least two.
            known: how much of the text was seen in the examples, in [0, 1].
        """
        import numpy as np

        shares = _softmax(scores * self.sharpness)
        top = int(np.argmax(shares))
        rest = np.delete(shares, top)
        rest = rest / rest.sum() if rest.sum() > 0 else np.full(len(rest), 1 / len(rest))
        second = float(rest.max())
        first = float(_sigmoid(_signals(scores[None, :], self.sharpness) @ np.array(self.weights))[0])
        first = max(first, second / (1 + second))  # else the second label would overtake it
        out = np.insert(rest * (1 - first), top, first)
        trust = min(1.0, known / self.familiar)
        return trust * out + (1 - trust) / len(out)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """How likely a text belongs to any label at all."""

    weights: tuple[float, ...] = SCOPE_MEANS
    rejects: int = 0  # out-of-scope texts this was fitted on; 0 means assumed, not measured

    @classmethod
    def fit(cls, seen: Seen, inside: Any) -> Scope:
        """Fit to held-out texts; `inside`, (texts,), says which are in scope.

        Without any that is not, only the constant is fitted: few of those inside may look as if they were out.
        """
        import numpy as np

        outside = int((~inside).sum())
        if not outside and len(inside) >= ENOUGH:
            least = np.quantile(seen.scope_signals() @ np.array(SCOPE_MEANS), LEAST_IN_SCOPE)
            return cls(weights=(SCOPE_MEANS[0] - float(least), *SCOPE_MEANS[1:]))
        if not outside or outside == len(inside):
            return cls()
        share = max(LEAST_REJECTS, outside / len(inside))
        heavy = share / (1 - share) * inside.sum() / outside
        weights = _logistic(
            seen.scope_signals(), inside, np.where(inside, 1.0, heavy), SCOPE_MEANS, SCOPE_WIDTHS
        )
        return cls(weights=weights, rejects=outside)

    def probability(self, seen: Seen) -> Any:
        """Return how likely each text is in scope, (texts,)."""
        import numpy as np

        return _sigmoid(seen.scope_signals() @ np.array(self.weights))


def _sharpness(scores: Any, truth: Any) -> float:
    import numpy as np

    optimize: Any = import_module("scipy.optimize")
    row = np.arange(len(truth))

    def surprise(log_sharpness: float) -> float:
        logs = np.log(_softmax(scores * np.exp(log_sharpness))[row, truth] + 1e-12)
        distance = (log_sharpness - np.log(PRIOR_SHARPNESS)) / PRIOR_LOG_WIDTH
        return float(-logs.sum() + distance * distance / 2)

    return float(np.exp(optimize.minimize_scalar(surprise, bounds=(0.0, 4.0), method="bounded").x))


def _logistic(
    signals: Any, right: Any, heavy: Any, means: Sequence[float], widths: Sequence[float]
) -> tuple[float, ...]:
    """Return the weights of a logistic model, each row counting `heavy` times, under a Gaussian prior."""
    import numpy as np

    optimize: Any = import_module("scipy.optimize")
    centre, width = np.array(means), np.array(widths)

    def loss(weights: Any) -> tuple[float, Any]:
        logits = signals @ weights
        distance = (weights - centre) / width
        value = (heavy * np.logaddexp(0, logits * (1 - 2 * right))).sum() + distance @ distance / 2
        return float(value), signals.T @ (heavy * (_sigmoid(logits) - right)) + distance / width

    fitted = optimize.minimize(loss, centre, jac=True, method="L-BFGS-B").x
    return tuple(float(weight) for weight in fitted)


def _first_and_lead(scores: Any) -> tuple[Any, Any]:
    """Return the highest score of each row and its lead; the lead of a single label is its distance from -1."""
    import numpy as np

    ordered = np.sort(scores, axis=1)
    first = ordered[:, -1]
    return first, first - (ordered[:, -2] if scores.shape[1] > 1 else -1.0)


def _signals(scores: Any, sharpness: float) -> Any:
    """Return what the chance of being right is told from: constant, log-odds, first score, lead."""
    import numpy as np

    first, lead = _first_and_lead(scores)
    share = np.clip(_softmax(scores * sharpness).max(axis=1), 1e-9, 1 - 1e-9)
    return np.stack([np.ones(len(scores)), np.log(share / (1 - share)), first, lead], axis=1)


def _softmax(logits: Any) -> Any:
    import numpy as np

    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def _sigmoid(logits: Any) -> Any:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(logits, -40, 40)))
