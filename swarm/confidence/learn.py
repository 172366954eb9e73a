"""Learn the curves of a calibrator from outcomes; needs numpy.

Each signal enters as up to three rising views of itself: as it is, in log-odds where it can be a probability,
and by rank, as a normal score. Whatever scale a signal has, one of them is nearly straight in the log-odds of
being right, and a penalty lets them share the weight. Weights of views are 0 or more: more of a signal never
means less sure.

Sources: log-odds of a probability: Zellinger and Thomson, "Rational tuning of LLM cascades", TMLR 2025; both
sides of it: Kull et al., "Beta calibration", AISTATS 2017; normal scores: the binormal model of Dorfman and
Alf (1969); isotonic: Zadrozny and Elkan, KDD 2002.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from swarm.confidence.calibrator import Row, Term, column
from swarm.confidence.curves import Curve

__all__ = ["View", "additive", "assumed", "bend", "normal_scores", "view"]

KNOTS = 33
ODDS_EDGE = 1e-4  # a probability of 0 or 1 counts as this far from it
PENALTY = 1.0
ROUNDS = 30
CLOSE = 1e-7  # of the loss, by which a step must better it
HALVINGS = tuple(0.5**k for k in range(20))
FREE = 1e-6  # the penalty of what should have none, so that a singular system can be solved
GRID = 7.0  # log-odds up to which a probability is assumed to mean what it says
# How surely something is assumed before 50 outcomes: standard deviations of intercept and slope.
ASSUMED_WIDTHS = (1.0, 0.5)
LIFT = 1e-6  # log-odds; what keeps a flat piece rising


@dataclass(frozen=True, slots=True)
class View:
    """One signal of some rows.

    Attributes:
        values: shape (rows,), NaN where not measured.
        knots: where its curve has points. Shape (k,), rising.
        heights: each view at each knot, standardised over the rows. Shape (views, k).
        columns: each view at each row, 0 where not measured. Shape (rows, views).
        absent: 1 where not measured, shape (rows,); None where it was measured everywhere.
    """

    name: str
    values: Any
    knots: Any
    heights: Any
    columns: Any
    absent: Any


def view(name: str, rows: Sequence[Row], weights: Any) -> View | None:
    """Return the views of a signal, None where it says the same of all rows."""
    import numpy as np

    values = column(rows, name)
    measured = np.isfinite(values)
    seen, shares = values[measured], weights[measured]
    if not len(seen) or seen.min() == seen.max():
        return None
    knots, scores = normal_scores(seen, shares)
    heights = np.stack([*_scales(knots, seen), scores])
    columns = np.zeros((len(values), len(heights)))
    columns[measured] = np.stack([np.interp(seen, knots, height) for height in heights], axis=1)
    centres = np.average(columns[measured], axis=0, weights=shares)
    spreads = np.sqrt(np.average((columns[measured] - centres) ** 2, axis=0, weights=shares))
    columns[measured] = (columns[measured] - centres) / spreads
    absent = None if measured.all() else (~measured).astype(float)
    return View(name, values, knots, (heights - centres[:, None]) / spreads[:, None], columns, absent)


def normal_scores(values: Any, weights: Any) -> tuple[Any, Any]:
    """Return some of the values, rising, and which quantile of the normal distribution each one's rank is."""
    import numpy as np

    distinct, where = np.unique(values, return_inverse=True)
    mass = np.bincount(where, weights=weights)
    ranks = (np.cumsum(mass) - mass / 2) / mass.sum()
    picked = np.arange(len(distinct))
    if len(distinct) > KNOTS:
        picked = np.unique(
            np.searchsorted(ranks, np.linspace(ranks[0], ranks[-1], KNOTS)).clip(0, len(ranks) - 1)
        )
    normal = NormalDist()
    return distinct[picked], np.array([normal.inv_cdf(rank) for rank in ranks[picked].tolist()])


def _scales(knots: Any, seen: Any) -> list[Any]:
    """Return the knots as they are and, where they can be probabilities or their logarithms, in log-odds."""
    import numpy as np

    if seen.min() >= 0 and seen.max() <= 1:
        inside = np.clip(knots, ODDS_EDGE, 1 - ODDS_EDGE)
        return [knots, np.log(inside) - np.log1p(-inside) + knots * LIFT]
    low, middle, high = np.quantile(seen, [0.25, 0.5, 0.75])
    width = (high - low) or (seen.max() - seen.min())
    plain = np.arcsinh((knots - middle) / width)
    if seen.max() <= 0:
        below = np.minimum(knots, -ODDS_EDGE)
        return [plain, below - np.log(-np.expm1(below)) + plain * LIFT]
    return [plain]


def additive(views: Sequence[View], right: Any, weights: Any) -> tuple[float, tuple[Term, ...], Any]:
    """Return intercept and curves of the penalised logistic model, and its log-odds of each row.

    Args:
        right: 1 or 0. Shape (rows,). `weights`: of the rows, adding up to how many they are worth.
    """
    import numpy as np

    columns = [np.ones((len(right), 1)), *(v.columns for v in views)]
    columns += [v.absent[:, None] for v in views if v.absent is not None]
    table = np.concatenate(columns, axis=1)
    rising = sum(v.columns.shape[1] for v in views)
    ridge = np.full(table.shape[1], PENALTY)
    ridge[0] = FREE
    found = _newton(table, right, weights, rising, ridge, np.zeros(len(ridge)))
    terms: list[Term] = []
    place, gap = 1, 1 + rising
    for v in views:
        share = found[place : place + len(v.heights)]
        place += len(v.heights)
        missing = None
        if v.absent is not None:
            missing, gap = float(found[gap]), gap + 1
        terms.append(_term(v, share @ v.heights, missing))
    return float(found[0]), tuple(terms), table @ found


def _term(v: View, heights: Any, missing: float | None) -> Term:
    """Return the curve of a signal; one that was never missing is worth its worst when it is."""
    import numpy as np

    y = np.maximum.accumulate(heights) + LIFT * np.arange(len(heights))
    return Term(
        v.name, Curve(tuple(v.knots.tolist()), tuple(y.tolist())), float(y[0]) if missing is None else missing
    )


def assumed(name: str, rows: Sequence[Row], right: Any, weights: Any) -> tuple[float, Term]:
    """Return intercept and curve of one signal: what is assumed of it, moved by the rows as far as they reach.

    Assumed: a number in [0, 1] is the probability of being right, a margin its distance from a coin toss,
    a number below 0 the logarithm of a probability; of any other, only that a higher one is surer.
    """
    import numpy as np

    values = column(rows, name)
    measured = np.isfinite(values)
    seen, share = values[measured], weights[measured]
    grid = np.linspace(-GRID, GRID, KNOTS)
    chance = 1 / (1 + np.exp(-grid))
    if len(seen) and seen.max() > 1 or (seen < 0).any() and (seen > 0).any():
        x, y = normal_scores(seen, share)
    elif name == "margin":
        x, y = np.linspace(0, 1, KNOTS), None
        y = np.log1p(np.minimum(x, 1 - ODDS_EDGE)) - np.log1p(-np.minimum(x, 1 - ODDS_EDGE))
    elif (seen < 0).any():
        x, y = np.log(chance), grid
    else:
        x, y = chance, grid
    curve = Curve(tuple(x.tolist()), tuple(y.tolist()))
    table = np.stack([np.ones(len(seen)), curve.many(seen)], axis=1)
    ridge, toward = np.array([1 / ASSUMED_WIDTHS[0] ** 2, 1 / ASSUMED_WIDTHS[1] ** 2]), np.array([0.0, 1.0])
    intercept, slope = _newton(table, right[measured], share, 1, ridge, toward).tolist()
    heights = slope * y + LIFT * np.arange(len(y))
    return intercept, Term(name, Curve(curve.x, tuple(heights.tolist())), float(heights[0]))


def _newton(table: Any, right: Any, weights: Any, rising: int, ridge: Any, toward: Any) -> Any:
    """Return the weights of a logistic model, pulled `toward` some by `ridge`; columns 1 to `rising` not below 0.

    Projected Newton steps (Bertsekas, SIAM J. Control and Optimization 20, 1982) with halving.
    """
    import numpy as np

    bounded = np.zeros(len(ridge), dtype=bool)
    bounded[1 : 1 + rising] = True
    found = toward.copy()

    def loss(candidate: Any) -> float:
        log_odds = table @ candidate
        data = weights @ (np.logaddexp(0, log_odds) - right * log_odds)
        return float(data + ridge @ (candidate - toward) ** 2 / 2)

    now = loss(found)
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(table @ found, -500, 500)))
        slope = table.T @ (weights * (chance - right)) + ridge * (found - toward)
        free = ~(bounded & (found <= 0) & (slope > 0))
        bent = table[:, free].T @ (table[:, free] * (weights * chance * (1 - chance))[:, None])
        step = np.zeros(len(ridge))
        step[free] = np.linalg.solve(bent + np.diag(ridge[free]), slope[free])
        was, best = now, found
        for scale in HALVINGS:
            candidate = found - scale * step
            candidate[bounded] = np.maximum(candidate[bounded], 0)
            if (reached := loss(candidate)) < now:
                now, best = reached, candidate
                break
        found = best
        if was - now <= CLOSE * (1 + abs(was)):
            break
    return found


def bend(log_odds: Any, right: Any, weights: Any) -> Curve:
    """Return a strictly rising curve from log-odds to log-odds, half what was seen and half the identity.

    Seen: isotonic regression, straight between the centres of its blocks.
    """
    import numpy as np

    order = np.argsort(log_odds, kind="stable")
    centres, shares, sizes = _blocks(log_odds[order], right[order], weights[order])
    total = sizes.sum()
    edge = 0.5 / (total + 1)
    x, _ = normal_scores(log_odds, weights)
    seen = np.interp(x, centres, np.clip(shares, edge, 1 - edge))
    mixed = (seen + 1 / (1 + np.exp(-x))) / 2
    y = np.maximum.accumulate(np.log(mixed) - np.log1p(-mixed)) + LIFT * np.arange(len(x))
    return Curve(tuple(x.tolist()), tuple(y.tolist()))


def _blocks(x: Any, right: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Pool adjacent violators: return centre, share of right ones and weight of each block, rising."""
    import numpy as np

    distinct, where = np.unique(x, return_inverse=True)
    mass = np.bincount(where, weights=weights)
    hits = np.bincount(where, weights=weights * right)
    blocks: list[tuple[float, float, float]] = []  # weight, right, weight times x
    for one in zip(mass.tolist(), hits.tolist(), (mass * distinct).tolist(), strict=True):
        blocks.append(one)
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][0] >= blocks[-1][1] * blocks[-2][0]:
            last = blocks.pop()
            blocks[-1] = (blocks[-1][0] + last[0], blocks[-1][1] + last[1], blocks[-1][2] + last[2])
    size, good, moment = np.array(blocks).T
    return moment / size, good / size, size
