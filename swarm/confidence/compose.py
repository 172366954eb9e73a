"""Make one estimator of several.

surest = any_of(ESTIMATORS["probability"], ESTIMATORS["logprob"])
careful = all_of(ESTIMATORS["margin"], ESTIMATORS["grounding"])
mixed = weighted({ESTIMATORS["logprob"]: 2, ESTIMATORS["grounding"]: 1})
"""

from __future__ import annotations

from collections.abc import Mapping

from swarm.confidence.estimators import Estimator, Signals

__all__ = ["all_of", "any_of", "weighted"]


def all_of(*estimators: Estimator) -> Estimator:
    """Return the estimator that is as sure as the least sure one; None where one cannot measure.

    Raises:
        ValueError: no estimator.
    """
    _some(estimators)

    def least(signals: Signals) -> float | None:
        found = [estimator(signals) for estimator in estimators]
        known = [score for score in found if score is not None]
        return min(known) if len(known) == len(found) else None

    return least


def any_of(*estimators: Estimator) -> Estimator:
    """Return the estimator that is as sure as the surest of those that can measure.

    Raises:
        ValueError: no estimator.
    """
    _some(estimators)

    def most(signals: Signals) -> float | None:
        found = (estimator(signals) for estimator in estimators)
        return max((score for score in found if score is not None), default=None)

    return most


def weighted(shares: Mapping[Estimator, float]) -> Estimator:
    """Return the weighted mean of estimators; None where one cannot measure.

    Args:
        shares: above 0, in any unit.

    Raises:
        ValueError: no estimator, or a share is not above 0.
    """
    _some(tuple(shares))
    if not all(share > 0 for share in shares.values()):
        raise ValueError("a share is not above 0: leave the estimator out")
    whole = sum(shares.values())

    def mean(signals: Signals) -> float | None:
        total = 0.0
        for estimator, share in shares.items():
            score = estimator(signals)
            if score is None:
                return None
            total += score * share
        return total / whole

    return mean


def _some(estimators: tuple[Estimator, ...]) -> None:
    if not estimators:
        raise ValueError("nothing to measure with: name at least one estimator")
