"""How good a confidence is: how well it orders right before wrong, and what its probabilities are worth.

Scores are any numbers, higher meaning surer; `right` says of each answer whether it was. A measure that is not
defined for what was given (no row, or a single class where it compares two) is None. Equal scores count as
being in random order, so that no measure depends on the order of the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist

__all__ = [
    "aurc", "auroc", "auroc_bounds", "auroc_interval", "average_precision", "brier", "ece", "wilson"
]  # fmt: skip

HALVINGS = 60  # of an interval of length 1: as fine as a float


def auroc(scores: Sequence[float], right: Sequence[bool]) -> float | None:
    """Return the chance that a right answer scores higher than a wrong one; None for a single class."""
    rights, wrongs, above = 0, 0, 0.0
    for good, bad in _ties(scores, right):
        above += good * (wrongs + bad / 2)
        rights, wrongs = rights + good, wrongs + bad
    return above / (rights * wrongs) if rights and wrongs else None


def auroc_interval(
    scores: Sequence[float], right: Sequence[bool], level: float = 0.95
) -> tuple[float, float] | None:
    """Return between which values the AUROC of the population lies; None for a single class."""
    value, rights = auroc(scores, right), sum(map(bool, right))
    return None if value is None else auroc_bounds(value, rights, len(right) - rights, level)


def auroc_bounds(value: float, rights: float, wrongs: float, level: float = 0.95) -> tuple[float, float]:
    """Return the interval around an AUROC measured on so many right and wrong answers.

    It is never empty, not even around 0 or 1, and always within [0, 1]; of a single class it is (0, 1).

    Source: Newcombe, Statistics in Medicine 25 (2006) 559-573, method 5: the variance of Hanley and McNeil
    (1982) at the sought value instead of the measured one.
    """
    if not (rights > 0 and wrongs > 0):
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    balanced = (rights + wrongs) / 2 - 1

    def beyond(theta: float) -> bool:
        spread = 1 + balanced * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        variance = theta * (1 - theta) * max(spread, 1.0) / (rights * wrongs)
        return abs(theta - value) > z * math.sqrt(variance)

    def edge(outside: float) -> float:
        inside = value
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if beyond(middle) else (middle, outside)
        return inside

    return edge(0.0), edge(1.0)


def aurc(scores: Sequence[float], right: Sequence[bool]) -> float | None:
    """Return the share of wrong answers among the k surest, averaged over all k; None without rows.

    Source: Geifman et al., "Bias-reduced uncertainty estimation", ICLR 2019, section 2.
    """
    taken, wrong, total = 0, 0.0, 0.0
    for good, bad in reversed(list(_ties(scores, right))):
        size = good + bad
        total += sum((wrong + bad * (place / size)) / (taken + place) for place in range(1, size + 1))
        taken, wrong = taken + size, wrong + bad
    return total / taken if taken else None


def average_precision(scores: Sequence[float], right: Sequence[bool]) -> float | None:
    """Return the area under the precision-recall curve, as a sum of steps; None where none is right."""
    taken, found, area = 0, 0, 0.0
    for good, bad in reversed(list(_ties(scores, right))):
        taken, found = taken + good + bad, found + good
        area += good * found / taken
    return area / found if found else None


def ece(p: Sequence[float], right: Sequence[bool], bins: int = 15) -> float | None:
    """Return how far probabilities are from what came true, over bins of equal width; None without rows.

    Source: Naeini et al., AAAI 2015; 15 bins: Guo et al., ICML 2017.
    """
    gaps = [0.0] * bins
    for probability, good in zip(p, right, strict=True):
        gaps[min(bins - 1, max(0, int(probability * bins)))] += probability - good
    return math.fsum(map(abs, gaps)) / len(p) if len(p) else None


def brier(p: Sequence[float], right: Sequence[bool]) -> float | None:
    """Return the mean squared distance of probabilities from what came true; None without rows."""
    squares = [(probability - good) ** 2 for probability, good in zip(p, right, strict=True)]
    return math.fsum(squares) / len(squares) if squares else None


def wilson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return between which values a share lies of which k in n were counted; (0, 1) where n is 0.

    Source: Wilson, Journal of the American Statistical Association 22 (1927) 209-212.
    """
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, room = k / n, z * z / n
    middle = (share + room / 2) / (1 + room)
    half = math.sqrt(share * (1 - share) * room + room * room / 4) / (1 + room)
    return max(0.0, middle - half), min(1.0, middle + half)


def _ties(scores: Sequence[float], right: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield how many right and wrong answers share a score, lowest score first."""
    good = bad = 0
    last = None
    for score, is_right in sorted(zip(map(float, scores), map(bool, right), strict=True)):
        if score != last and last is not None:
            yield good, bad
            good = bad = 0
        last = score
        good, bad = good + is_right, bad + (not is_right)
    if last is not None:
        yield good, bad
