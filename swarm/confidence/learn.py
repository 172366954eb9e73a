"""Learn the curves of a calibrator from outcomes; needs numpy.

First the shape of each signal by itself, an average over three models in the order of what they need to be
believed: straight in the log-odds of being right (Platt); a rising mix of the signal as it is, in log-odds where
it can be a probability, and by rank; four rising pieces. Then, for several signals, how much each counts, 0 or
more. So more of a signal never means less sure, and a few hundred outcomes are not asked for more than they know.

Sources: Platt (1999); log-odds of a probability: Zellinger and Thomson, "Rational tuning of LLM cascades", TMLR
2025; ranks as normal scores: the binormal model of Dorfman and Alf (1969); averaging: Hoeting et al., "Bayesian
model averaging", Statistical Science 14 (1999); isotonic: Zadrozny and Elkan, KDD 2002.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from swarm.confidence.calibrator import Term
from swarm.confidence.curves import Curve

__all__ = ["Shape", "assumed", "bend", "combine", "shape"]

KNOTS = 33  # points of a curve
GROUPS = (
    128  # so many groups of neighbouring values are fitted: 200,000 rows then cost little more than 1,000
)
NARROW = 1e-100  # signals that differ less are the same
ODDS_EDGE = 1e-4  # a probability of 0 or 1 counts as this far from it
QUARTERS = (-0.6745, 0.0, 0.6745)  # of the normal distribution
# Chosen on outcomes of embedded rungs and on drawn ones, 22 signals, 300 outcomes, 60 splits each: what the
# second and third model cost in log-likelihood. Without a cost, 9 of 22 have a worse Brier score than Platt, the
# worst by 0.0004; with these, 3, by 0.0001; with twice these, the calibration error of the others grows.
COSTS = (0.0, 2.0, 5.0)
# Precision of weights around 0, of views with a spread of 1: in one signal's models (0.2 to 1 are alike), and
# where signals are combined (1 to 8 tried: at 1 and 2 some combination has a worse Brier score than Platt).
PENALTY = 0.5
JOINT_PENALTY = 4.0
# Outcomes from which isotonic regression counts as much as the model. Where it counted half from the start, the
# Brier score of 11 of these 22 was worse than Platt's at 1,000 outcomes; so, 5.
EVEN = 4_000
CLOSE = 1e-7  # of the loss, by which a step must better it
HALVINGS = tuple(0.5**k for k in range(20))
ROUNDS = 30
FREE = 1e-6  # the penalty of what should have none, so that a singular system can be solved
GRID = 7.0  # log-odds up to which a probability is assumed to mean what it says
ASSUMED_WIDTHS = (1.0, 0.5)  # standard deviations of what is assumed: of the intercept, of the slope
LIFT = 1e-6  # log-odds; what keeps a flat piece rising


@dataclass(frozen=True, slots=True)
class Shape:
    """What one signal alone says of some rows.

    Attributes:
        curve: signal -> log-odds of being right.
        log_odds: of each row, NaN where the signal was not measured. Shape (rows,).
    """

    name: str
    curve: Curve
    log_odds: Any


def shape(name: str, values: Any, right: Any, weights: Any) -> Shape | None:
    """Return the shape of a signal, None where it says the same of all rows.

    Args:
        values: NaN where not measured. Shape (rows,). `right`: 1 or 0, `weights`: adding up to how many rows
            they are worth; of the same shape.
    """
    np: Any = import_module("numpy")
    measured = np.isfinite(values)
    seen = values[measured]
    if not len(seen) or seen.max() - seen.min() < NARROW:
        return None
    x, mass, hits = _groups(seen, right[measured], weights[measured])
    knots, scores = _ranks(x, mass)
    models = _models(knots, scores, float(seen.min()), float(seen.max()))
    mixed = _averaged([_fitted(heights, knots, x, mass, hits) for heights in models])
    curve = Curve(tuple(knots.tolist()), _rising(np.log(mixed) - np.log1p(-mixed)))
    log_odds = np.full(len(values), np.nan)
    log_odds[measured] = curve.many(seen)
    return Shape(name, curve, log_odds)


def combine(shapes: Sequence[Shape], right: Any, weights: Any) -> tuple[float, tuple[Term, ...], Any]:
    """Return intercept and terms of all signals together, and their log-odds of each row.

    A signal that adds nothing to the others is left out. At least one shape; NaN where one alone is missing.
    """
    np: Any = import_module("numpy")
    if len(shapes) == 1:
        return 0.0, (Term(shapes[0].name, shapes[0].curve),), shapes[0].log_odds
    table, scales, gaps = _table(shapes, weights)
    ridge = np.array([FREE] + [JOINT_PENALTY] * (table.shape[1] - 1))
    found = _newton(table, right, weights, len(shapes), ridge, np.zeros(len(ridge)))
    slopes = found[1 : 1 + len(shapes)].tolist()
    kept = [one for one, slope in zip(shapes, slopes, strict=True) if slope > 0]
    if 0 < len(kept) < len(shapes):
        return combine(kept, right, weights)
    missing = dict(zip(gaps, found[1 + len(shapes) :].tolist(), strict=True))
    terms = tuple(
        _term(one, slope / spread, centre, missing.get(place))
        for place, (one, slope, (centre, spread)) in enumerate(zip(shapes, slopes, scales, strict=True))
    )
    return float(found[0]), terms, table @ found


def _table(shapes: Sequence[Shape], weights: Any) -> tuple[Any, list[tuple[float, float]], list[int]]:
    """Return the columns of the joint model, centre and spread of each shape, and which shapes have gaps.

    Columns: 1; each shape, standardised, 0 where it was not measured; for each with gaps, 1 where it was not.
    """
    np: Any = import_module("numpy")
    columns: list[Any] = [np.ones(len(weights))]
    gone: list[Any] = []
    scales: list[tuple[float, float]] = []
    for one in shapes:
        absent = np.isnan(one.log_odds)
        known, share = one.log_odds[~absent], weights[~absent]
        centre = float(np.average(known, weights=share))
        spread = float(np.sqrt(np.average((known - centre) ** 2, weights=share))) or 1.0
        columns.append(np.where(absent, 0.0, (one.log_odds - centre) / spread))
        scales.append((centre, spread))
        gone.append(absent)
    gaps = [place for place, absent in enumerate(gone) if absent.any()]
    return np.stack([*columns, *(gone[place].astype(float) for place in gaps)], axis=1), scales, gaps


def _term(one: Shape, slope: float, centre: float, missing: float | None) -> Term:
    """Return what a shape adds; one that was never missing is worth its worst where it is."""
    np: Any = import_module("numpy")
    y = _rising(slope * (np.array(one.curve.y) - centre))
    return Term(one.name, Curve(one.curve.x, y), y[0] if missing is None else missing)


def _groups(values: Any, right: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Return mean, weight and weight of the right ones of at most `GROUPS` groups of neighbouring values."""
    np: Any = import_module("numpy")
    distinct, where = np.unique(values, return_inverse=True)
    if len(distinct) > GROUPS:
        mass = np.bincount(where, weights=weights)
        share = (np.cumsum(mass) - mass / 2) / mass.sum()
        _, group = np.unique((share * GROUPS).astype(int), return_inverse=True)
        where = group[where]
    mass = np.bincount(where, weights=weights)
    return (
        np.bincount(where, weights=weights * values) / mass,
        mass,
        np.bincount(where, weights=weights * right),
    )


def _ranks(x: Any, mass: Any) -> tuple[Any, Any]:
    """Return at most `KNOTS` of rising values, and the quantile of the normal distribution at their ranks."""
    np: Any = import_module("numpy")
    ranks = (np.cumsum(mass) - mass / 2) / mass.sum()
    _, rising = np.unique(x, return_index=True)  # means of neighbours one float apart can be equal
    picked = np.unique(rising[np.linspace(0, len(rising) - 1, KNOTS).round().astype(int)])
    normal = NormalDist()
    return x[picked], np.array([normal.inv_cdf(rank) for rank in ranks[picked].tolist()])


def _models(knots: Any, scores: Any, low: float, high: float) -> list[Any]:
    """Return the views of the signal at the knots that each model mixes, each of shape (views, knots)."""
    np: Any = import_module("numpy")
    views = [knots, scores]
    if low >= 0 and high <= 1:
        inside = np.clip(knots, ODDS_EDGE, 1 - ODDS_EDGE)
        views.append(np.log(inside) - np.log1p(-inside))
    elif high <= 0:
        below = np.minimum(knots, -ODDS_EDGE)
        views.append(below - np.log(-np.expm1(below)))
    else:
        quarter, middle, rest = np.quantile(knots, [0.25, 0.5, 0.75])
        views.append(np.arcsinh((knots - middle) / ((rest - quarter) or (high - low))))
    edges = (-np.inf, *QUARTERS, np.inf)
    pieces: list[Any] = [np.clip(scores, low, high) for low, high in pairwise(edges)]
    steps = [piece for piece in pieces if np.ptp(piece) > 0]
    return [knots[None], np.stack(views), np.stack(steps)]


def _fitted(heights: Any, knots: Any, x: Any, mass: Any, hits: Any) -> tuple[Any, float]:
    """Return the log-odds at the knots by one model, and its penalised loss."""
    np: Any = import_module("numpy")
    columns = np.stack([np.interp(x, knots, height) for height in heights], axis=1)
    centres = np.average(columns, axis=0, weights=mass)
    spreads = np.sqrt(np.average((columns - centres) ** 2, axis=0, weights=mass))
    spreads = np.where(spreads > 0, spreads, 1.0)
    table = np.concatenate([np.ones((len(x), 1)), (columns - centres) / spreads], axis=1)
    ridge = np.array([FREE] + [PENALTY] * len(heights))
    found = _newton(table, hits / mass, mass, len(heights), ridge, np.zeros(len(ridge)))
    log_odds = table @ found
    loss = mass @ np.logaddexp(0, log_odds) - hits @ log_odds + PENALTY * found[1:] @ found[1:] / 2
    return found[0] + found[1:] @ ((heights - centres[:, None]) / spreads[:, None]), float(loss)


def _averaged(fitted: Sequence[tuple[Any, float]]) -> Any:
    """Return the probabilities of the models, each weighted by its likelihood and its cost."""
    np: Any = import_module("numpy")
    losses = np.array([loss + cost for (_, loss), cost in zip(fitted, COSTS, strict=True)])
    shares = np.exp(losses.min() - losses)
    chances = 1 / (1 + np.exp(-np.clip([log_odds for log_odds, _ in fitted], -30, 30)))
    return shares @ chances / shares.sum()


def _rising(heights: Any) -> tuple[float, ...]:
    np: Any = import_module("numpy")
    return tuple((np.maximum.accumulate(heights) + LIFT * np.arange(len(heights))).tolist())


def assumed(name: str, values: Any, right: Any, weights: Any) -> tuple[float, Term]:
    """Return intercept and curve of one signal: what is assumed of it, moved by the rows as far as they reach.

    Assumed: a number in [0, 1] is the probability of being right, a margin the lead of it over its rest, a
    number below 0 the logarithm of a probability; of any other, only that a higher one is surer.
    """
    np: Any = import_module("numpy")
    measured = np.isfinite(values)
    seen, share = values[measured], weights[measured]
    low, high = float(seen.min()), float(seen.max())
    y = np.linspace(-GRID, GRID, KNOTS)
    chance = 1 / (1 + np.exp(-y))
    if name == "margin" and low >= 0 and high <= 1:
        x = 2 * chance - 1
    elif low >= 0 and high <= 1:
        x = chance
    elif high <= 0:
        x = np.log(chance)
    else:
        x, y = _ranks(*_groups(seen, right[measured], share)[:2])
    curve = Curve(tuple(x.tolist()), tuple(y.tolist()))
    table = np.stack([np.ones(len(seen)), curve.many(seen)], axis=1)
    ridge = np.array(ASSUMED_WIDTHS) ** -2.0
    intercept, slope = _newton(table, right[measured], share, 1, ridge, np.array([0.0, 1.0])).tolist()
    heights = _rising(slope * y)
    return intercept, Term(name, Curve(curve.x, heights), heights[0])


def _newton(table: Any, right: Any, weights: Any, rising: int, ridge: Any = None, toward: Any = None) -> Any:
    """Return the weights of a logistic model; those of columns 1 to `rising` are not below 0.

    Each is pulled `toward` some by `ridge`, its precision.
    Projected Newton steps (Bertsekas, SIAM J. Control and Optimization 20, 1982) with halving.
    """
    np: Any = import_module("numpy")
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
    """Return a strictly rising curve from log-odds to log-odds, between the identity and what was seen.

    Rows whose log-odds are NaN are left out.
    Seen: isotonic regression, straight between the centres of its blocks; the more rows, the more it counts.
    """
    np: Any = import_module("numpy")
    known = np.isfinite(log_odds)
    log_odds, right, weights = log_odds[known], right[known], weights[known]
    centres, shares, sizes = _blocks(log_odds, right, weights)
    total = sizes.sum()
    edge = 0.5 / (total + 1)
    x, mass, _ = _groups(log_odds, right, weights)
    x, _ = _ranks(x, mass)
    seen = np.interp(x, centres, np.clip(shares, edge, 1 - edge))
    share = total / (total + EVEN)
    mixed = share * seen + (1 - share) / (1 + np.exp(-x))
    return Curve(tuple(x.tolist()), _rising(np.log(mixed) - np.log1p(-mixed)))


def _blocks(x: Any, right: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Pool adjacent violators: return centre, share of right ones and weight of each block, rising."""
    np: Any = import_module("numpy")
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
