"""Does the world still look as it did when the thresholds were chosen? A running check, with few false alarms.

Each watch is an e-detector (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532): evidence is multiplied up, bet by
bet (Waudby-Smith and Ramdas 2024, arXiv 2010.09686), and never falls below 1, so that a change after a long quiet
time is seen as soon as one at the beginning. While nothing has changed it takes at least `1 / RATE` answers on
average until a false alarm. Pure Python, a microsecond an answer.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

__all__ = ["DisagreementWatch", "Evidence", "ScoreWatch"]

RATE = 1e-4  # false alarms an answer, at most
STAKES = (0.25, 0.5, 1.0)  # shares of the largest bet that cannot lose everything; evidence is their mean


class Evidence:
    """Evidence that the mean of numbers in [0, 1] has risen above `most`.

    Args:
        most: the largest mean that is no news, in (0, 1).
        rate: false alarms for each number, at most.
    """

    def __init__(self, most: float, *, rate: float = RATE) -> None:
        self.most = min(max(most, 1e-6), 1 - 1e-6)
        self._enough = 1 / rate
        self._bets = [stake / self.most for stake in STAKES]
        self._held = [1.0] * len(STAKES)

    @property
    def held(self) -> float:
        """Return the evidence there is: 1 is none."""
        return sum(self._held) / len(self._held)

    def add(self, value: float) -> bool:
        """Take in one number; return whether there is enough evidence now."""
        for index, bet in enumerate(self._bets):
            gain = 1 + bet * (value - self.most)
            self._held[index] = min(max(self._held[index], 1.0) * max(gain, 0.0), 1e12)
        return self.held >= self._enough


class ScoreWatch:
    """Says when scores no longer look like those of the calibration: lower, or higher.

    A score becomes its rank among the reference scores, which is even in [0, 1] while nothing has changed; what
    is watched is the mean rank. The reference is a sample itself, so a mean within three of its standard
    errors of one half is no news.

    Args:
        reference: scores of the calibration, or quantiles of them at even steps, sorted.
        n: how many scores they stand for.
    """

    def __init__(self, reference: Sequence[float], n: int) -> None:
        self._reference = tuple(reference)
        tolerance = 3 * math.sqrt(1 / 12 / max(n, 1))
        self._rose, self._fell = (Evidence(0.5 + tolerance) for _ in range(2))

    def add(self, score: float) -> str:
        """Take in one score; return "fell" or "rose" when there is enough evidence of it, else ""."""
        below, upto = bisect_left(self._reference, score), bisect_right(self._reference, score)
        rank = (below + upto) / 2 / len(self._reference)
        rose, fell = self._rose.add(rank), self._fell.add(1 - rank)
        return "fell" if fell else "rose" if rose else ""


class DisagreementWatch:
    """Says when the dearer rung contradicts accepted answers more often than the target error allows.

    Args:
        target_error: the share of accepted answers that may be wrong.
    """

    def __init__(self, target_error: float) -> None:
        self._evidence = Evidence(target_error)

    def add(self, agreed: bool) -> bool:
        """Take in one comparison; return whether there is enough evidence now."""
        return self._evidence.add(0.0 if agreed else 1.0)
