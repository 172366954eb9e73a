"""How well confidence chooses whom to ask: the share of a large model's advantage won for the share of calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["TARGETS", "Gain", "gain"]

TARGETS = (0.5, 0.8, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What sending the least sure rows to the large model wins.

    PGR(c) = (acc(c) - acc_small) / (acc_large - acc_small), c being the share of rows that is sent.

    Attributes:
        apgr: the mean of PGR over c in [0, 1]; 0.5 is that of sending rows at random.
        cpt: the least c whose PGR reaches a target, by the target.

    Source: Ong et al., "RouteLLM", 2024, arXiv 2406.18665, section 3.
    """

    apgr: float
    cpt: Mapping[float, float]


def gain(probability: Any, small: Any, large: Any) -> Gain | None:
    """Return what the order of the rows wins; None where the large model is no better.

    Equal probabilities count as in random order, so the curve is straight through them.

    Args:
        probability: that the small model is right, NaN where it is unknown: those rows are sent first.
        small, large: whether each model is right, 1 or 0. All of shape (rows,).
    """
    import numpy as np

    advantage = float(large.sum() - small.sum())
    if advantage <= 0:
        return None
    _, block = np.unique(np.where(np.isnan(probability), -np.inf, probability), return_inverse=True)
    sent = np.concatenate([[0.0], np.cumsum(np.bincount(block))]) / len(block)
    won = np.concatenate([[0.0], np.cumsum(np.bincount(block, weights=large - small))]) / advantage
    area = float(((won[1:] + won[:-1]) / 2 * np.diff(sent)).sum())
    return Gain(apgr=area, cpt={target: _least(sent, won, target) for target in TARGETS})


def _least(sent: Any, won: Any, target: float) -> float:
    """Return where the line through these points first reaches a target; its end does."""
    import numpy as np

    at = int(np.argmax(won >= min(target, won[-1])))
    if won[at] == won[at - 1]:
        return float(sent[at])
    part = (target - won[at - 1]) / (won[at] - won[at - 1])
    return float(sent[at - 1] + part * (sent[at] - sent[at - 1]))
