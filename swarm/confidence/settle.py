"""Choose which rungs of a cascade are used and how sure they must be; needs numpy.

What is chosen with the help of labels is certified on others: each answer's probability comes from a
calibrator that was fitted without it (cross-fitting: Barber et al., "Predictive inference with the
jackknife+", 2021; Cohen et al., "Cross-validation conformal risk control", 2024), and which rungs are
asked is decided on rows that do not certify. One rung with one signal leaves nothing to choose: the
order is known, and all rows certify it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from swarm.confidence import risk
from swarm.confidence.calibrate import Fit, fit_calibrator
from swarm.confidence.calibrator import Row
from swarm.confidence.ladder import Ladder, Walk, accepted_by, losses, walk
from swarm.confidence.policy import Loss, Of

__all__ = ["Goal", "Measured", "Settled", "held_scores", "measure", "scores_of", "settle"]

CHOOSING = 0.4  # of the rows, where there are several rungs to choose among
MOST_SHAPES = 6  # rungs of which all combinations are tried; of more, one or two at a time
GROUP_ROWS = 1.5  # times the fewest that could show the target, for a threshold of a label's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is asked for; see `swarm.confidence.policy.Policy`."""

    target_error: float
    with_confidence: float | None = None
    loss: Loss = "wrong"
    of: Of = "accepted"

    @property
    def regret(self) -> bool:
        """Return whether a wrong answer counts only where the next rung would have been right."""
        return self.loss == "regret"

    def place(self, path: Walk, rows: int, parts: int = 1) -> int:
        """Return how far this walk may go, -1 for not at all.

        Args:
            rows: that the walk is of. `parts`: walks that the goal must hold in, all together.
        """
        delta = None if self.with_confidence is None else (1 - self.with_confidence) / parts
        if self.of == "all":
            if delta is None:
                return risk.on_average_of_all(path.errors, rows, self.target_error)
            return risk.certified_of_all(path.errors, rows, self.target_error, delta)
        if delta is None:
            return risk.on_average(path.sizes, path.errors, self.target_error)
        return risk.certified(path.sizes, path.errors, self.target_error, delta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was chosen.

    Attributes:
        fits: of each rung that may be used; None where nothing was measured of it.
        used: rungs asked before the last; empty where nothing can be accepted or the last alone is cheaper.
        at_least: the probability that accepts; None for nothing. `groups`: of single labels, in its place.
        dear: the cheapest that keeps the target would cost more than the last rung alone.
        certified_on: the places of the rows that certified it.
    """

    fits: tuple[Fit | None, ...]
    used: tuple[int, ...] = ()
    at_least: float | None = None
    groups: Mapping[str, float | None] = field(default_factory=dict[str, "float | None"])
    dear: bool = False
    certified_on: Any

    def thresholds(self, labels: Sequence[str | None]) -> Any:
        """Return the threshold of each answer, infinite where nothing is accepted. Shape (rows,)."""
        import numpy as np

        other = math.inf if self.at_least is None else self.at_least
        own = {label: math.inf if value is None else value for label, value in self.groups.items()}
        return np.array([other if label is None else own.get(label, other) for label in labels])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a choice does on some rows; shares are of all rows, None where there is nothing to share.

    Attributes:
        accepted: answers accepted before the last rung. `lost`: how many of these count as wrong.
    """

    rows: int
    accepted: float
    lost: float
    accuracy: float | None
    cost: float
    alone: float

    @property
    def accepted_error(self) -> float | None:
        """Return the share of the accepted answers that count as wrong."""
        return self.lost / self.accepted if self.accepted else None

    @property
    def escalated(self) -> float:
        """Return the share of the rows that the last rung must answer."""
        return 1 - self.accepted / self.rows


def settle(ladder: Ladder, goal: Goal, *, groups: bool, seed: int) -> Settled:
    """Return what keeps the goal at the least cost that these outcomes can vouch for."""
    import numpy as np

    fits = _fitted(ladder)
    scores = held_scores(ladder, fits)
    shapes = _shapes([rung for rung, fit in enumerate(fits) if fit is not None])
    order = np.random.default_rng(seed).permutation(len(ladder))
    if groups:
        shapes = [shape for shape in shapes if len(shape) == 1]
    choosing = round(CHOOSING * len(ladder)) if len(shapes) > 1 else 0
    choosers, certifiers = np.sort(order[:choosing]), np.sort(order[choosing:])
    settled = Settled(fits=fits, certified_on=certifiers)
    if not shapes or not len(certifiers):
        return settled
    used = _cheapest(ladder.take(choosers), scores[:, choosers], shapes, goal) if choosing else shapes[0]
    part, part_scores = ladder.take(certifiers), scores[:, certifiers]
    if groups:
        at_least, own = _by_label(part, part_scores, used, goal)
    else:
        at_least, own = _threshold(part, part_scores, used, goal), {}
    found = Settled(fits=fits, used=used, at_least=at_least, groups=own, certified_on=certifiers)
    done = measure(part, part_scores, found, goal)
    if not done.accepted:
        return settled
    if len(ladder.models) > 1 and done.cost > done.alone:
        return Settled(fits=fits, dear=True, certified_on=certifiers)
    return found


def measure(ladder: Ladder, scores: Any, settled: Settled, goal: Goal) -> Measured:
    """Return what a choice does on these rows, which have these probabilities."""
    import numpy as np

    used = settled.used
    labels = ladder.labels[used[0]] if settled.groups else (None,) * len(ladder)
    taken: Any = accepted_by(scores, used, settled.thresholds(labels))
    weights: Any = ladder.weights / ladder.weights.mean()
    spent: Any = np.zeros(len(ladder))
    reached: Any = np.full(len(ladder), True)
    lost = 0.0
    for rung, loss in zip(used, losses(ladder, used, regret=goal.regret), strict=True):
        spent += ladder.costs[rung] * reached
        reached &= taken != rung
        lost += float(weights @ (loss * (taken == rung)))
    right = ladder.right[taken, np.arange(len(ladder))]  # -1, escalated, is the last rung
    accuracy = float(weights @ right / weights.sum())
    return Measured(
        rows=len(ladder), accepted=float(weights @ (taken >= 0)), lost=lost,
        accuracy=None if math.isnan(accuracy) else accuracy,
        cost=float(weights @ (spent + ladder.alone * (taken < 0))), alone=float(weights @ ladder.alone),
    )  # fmt: skip


def scores_of(ladder: Ladder, fits: Sequence[Fit | None]) -> Any:
    """Return the probabilities that these fits give to other rows. Shape (rungs, rows)."""
    import numpy as np

    table = [
        [math.nan] * len(ladder) if fit is None else fit.calibrator.many(rows)
        for fit, rows in zip(fits, ladder.signals, strict=False)
    ]
    return np.array(table, dtype=float).reshape(len(fits), len(ladder))


def held_scores(ladder: Ladder, fits: Sequence[Fit | None]) -> Any:
    """Return the probabilities of the rows that the fits are of, as far as these may certify.

    Where a rung has one signal its order is known, and the fit may have seen the row; else each row's
    probability is by a fit on others. Shape (rungs, rows).
    """
    import numpy as np

    columns = [
        [math.nan] * len(rows) if fit is None
        else fit.calibrator.many(rows) if len(_names(rows)) == 1
        else fit.held_out
        for fit, rows in zip(fits, ladder.signals, strict=False)
    ]  # fmt: skip
    return np.array(columns, dtype=float).reshape(len(fits), len(ladder))


def _fitted(ladder: Ladder) -> tuple[Fit | None, ...]:
    weights = None if (ladder.weights == ladder.weights[:1]).all() else ladder.weights.tolist()
    fits: list[Fit | None] = []
    for rows, right in zip(ladder.signals[: ladder.judged], ladder.right, strict=False):
        names = _names(rows)
        order = names[0] if len(names) == 1 else None
        rights = [bool(one) for one in right]
        fits.append(fit_calibrator(rows, rights, weights=weights, order=order) if names else None)
    return tuple(fits)


def _names(rows: Sequence[Row]) -> list[str]:
    """Return the signals that were measured, and not always as the same: those can tell right from wrong."""
    first: dict[str, float] = {}
    differ: set[str] = set()
    for row in rows:
        for name, value in row.items():
            if value is not None and first.setdefault(name, value) != value:
                differ.add(name)
    return sorted(differ or first)


def _shapes(rungs: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the combinations of rungs to try, fewest first."""
    most = len(rungs) if len(rungs) <= MOST_SHAPES else 2
    shapes = [shape for size in range(1, most + 1) for shape in combinations(rungs, size)]
    return shapes if most == len(rungs) else [*shapes, tuple(rungs)]


def _cheapest(ladder: Ladder, scores: Any, shapes: Sequence[tuple[int, ...]], goal: Goal) -> tuple[int, ...]:
    """Return the combination that costs least where it just keeps the target on average on these rows."""
    loosely = Goal(target_error=goal.target_error, loss=goal.loss, of=goal.of)

    def cost(shape: tuple[int, ...]) -> float:
        path = walk(ladder, scores, shape, regret=goal.regret)
        place = loosely.place(path, len(ladder))
        return path.alone if place < 0 else float(path.costs[place])

    return min(shapes, key=cost)


def _threshold(
    ladder: Ladder, scores: Any, used: tuple[int, ...], goal: Goal, parts: int = 1
) -> float | None:
    path = walk(ladder, scores, used, regret=goal.regret)
    place = goal.place(path, len(ladder), parts)
    return None if place < 0 else path.threshold(place)


def _by_label(
    ladder: Ladder, scores: Any, used: tuple[int, ...], goal: Goal
) -> tuple[float | None, dict[str, float | None]]:
    """Return the threshold of labels with too few rows, all together, and one of each other label."""
    import numpy as np

    labels = ladder.labels[used[0]]
    own = _large(labels, goal)
    found: dict[str, float | None] = {}
    for label in own:
        places = np.flatnonzero(np.array([one == label for one in labels]))
        found[label] = _threshold(ladder.take(places), scores[:, places], used, goal, len(own) + 1)
    rest = np.flatnonzero(np.array([one not in found for one in labels]))
    return _threshold(ladder.take(rest), scores[:, rest], used, goal, len(own) + 1), found


def _large(labels: Sequence[str | None], goal: Goal) -> list[str]:
    """Return the labels with rows enough for a threshold of their own, most frequent first."""
    counts = Counter(label for label in labels if label is not None).most_common()
    for size in range(len(counts), 0, -1):
        sure = None if goal.with_confidence is None else 1 - (1 - goal.with_confidence) / (size + 1)
        if counts[size - 1][1] >= GROUP_ROWS * risk.rows_needed(goal.target_error, sure):
            return [label for label, _ in counts[:size]]
    return []
