"""Make calibrators from outcomes: which signals tell right from wrong, and what they are worth.

Needs numpy, as all fitting does; applying a calibrator does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from swarm.confidence.calibrator import Calibrator, Method, Row, Term
from swarm.confidence.curves import Curve
from swarm.confidence.learn import View, additive, assumed, bend, view
from swarm.confidence.metrics import auroc_bounds
from swarm.errors import InputError

__all__ = ["Calibrator", "Fit", "default_order", "fit_calibrator"]

# What orders answers best where labels may not say: measured on banking77 (the margin's most confident 70 % are
# right in 0.992, the probability's in 0.980), then from what is nearest to a probability to what is furthest.
PREFERRED = (
    "margin", "probability", "label_mass", "logprob", "logprob_low", "logprob_min", "agreement", "grounding",
    "in_scope",
)  # fmt: skip
ENOUGH = 50  # outcomes from which the labels, and not an assumption, decide
MANY = 1_000  # outcomes from which the shape of the curve is taken from them
MOST_SIGNALS = 8  # the best ones by themselves are combined; more only add noise and time
FOLDS = 5
SEED = 20261122
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A calibrator and what is known of it.

    Attributes:
        auroc, auroc_low, auroc_high: how well it tells right from wrong on outcomes that it was not fitted
            on, with a 95 % interval; None where all are right or all wrong.
        refused: why it should not be relied on, "" where it may; a refused calibrator says the same of
            every answer: the share that was right.
        held_out: the probability of each outcome by a calibrator fitted on the others, in their order;
            None where nothing was measured.
    """

    calibrator: Calibrator
    auroc: float | None
    auroc_low: float | None
    auroc_high: float | None
    refused: str
    held_out: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class _Data:
    """Outcomes as arrays; `weights` add up to how many independent ones they are worth."""

    rows: Sequence[Row]
    right: Any
    weights: Any

    def take(self, places: Any) -> _Data:
        return _Data(
            [self.rows[place] for place in places.tolist()], self.right[places], self.weights[places]
        )


def default_order(names: Iterable[str]) -> str:
    """Return the one signal to order answers by where labels may not choose it.

    Raises:
        ValueError: no names.
    """
    known = set(names)
    if not known:
        raise ValueError("no signal to order by: the outcomes have none")
    return next((name for name in PREFERRED if name in known), min(known))


def fit_calibrator(
    rows: Sequence[Row],
    right: Sequence[bool],
    *,
    weights: Sequence[float] | None = None,
    order: str | None = None,
) -> Fit:
    """Return what the signals of outcomes are worth.

    Below 50 outcomes an assumption about one signal is corrected by them; from 50, the best single signal or
    a combination, whichever tells right from wrong better on rows that did not fit it; from 1,000 its curve
    follows what was seen. It refuses what is not shown, at 95 %, to be better than chance.

    Args:
        rows: the signals of each answer; None or NaN where one was not measured.
        right: whether each answer was.
        weights: of the rows; one row of weight 2 counts as two, up to a common factor.
        order: use this signal alone.

    Raises:
        InputError: numpy is missing. ValueError: the lengths differ, or a weight is not above 0.
    """
    data = _data(rows, right, weights)
    names = [order] if order else sorted({name for row in rows for name in row})
    positives = sum(map(bool, right))
    if not rows:
        return _refused(data, "there are no outcomes")
    if positives in (0, len(rows)):
        word = "right" if positives else "wrong"
        return _refused(data, f"all {len(rows)} answers were {word}: nothing can tell them apart")
    return _learned(data, names) if len(rows) >= ENOUGH else _assumed(data, names)


def _data(rows: Sequence[Row], right: Sequence[bool], weights: Sequence[float] | None) -> _Data:
    try:
        import numpy as np
    except ImportError as error:
        raise InputError(
            "fitting a calibrator needs numpy", hint="pip install 'swarm-slm[eval]'", code="missing_extra"
        ) from error
    if len(rows) != len(right) or (weights is not None and len(weights) != len(rows)):
        raise ValueError("rows, right and weights are of different lengths")
    share = np.ones(len(rows)) if weights is None else np.array(weights, dtype=float)
    if not (np.isfinite(share).all() and (share > 0).all()):
        raise ValueError("a weight is not above 0")
    if len(share):
        share = share * (share.sum() / (share @ share))  # Kish: adds up to the effective number of rows
    return _Data(rows, np.array([float(bool(one)) for one in right]), share)


def _learned(data: _Data, names: Sequence[str]) -> Fit:
    """Choose between the best signal and the combination by rows that fitted neither."""
    ways: list[Callable[[_Data], Calibrator]] = [lambda part: _fit(part, _best(part, names)[:1])]
    if len(names) > 1:
        ways.append(lambda part: _fit(part, _best(part, names)))
    found = [(way, _crossed(data, way)) for way in ways]
    way, held_out = max(found, key=lambda pair: _auroc(pair[1], data) or 0.0)
    return _judged(data, way(data), held_out)


def _assumed(data: _Data, names: Sequence[str]) -> Fit:
    """Correct an assumption about one signal; too few outcomes to choose it, or to call it chance."""
    told = [one.name for one in _best(data, names)]
    if not told:
        return _refused(data, "no signal tells right from wrong in these outcomes")
    name = default_order(told)

    def way(part: _Data) -> Calibrator:
        intercept, term = assumed(name, part.rows, part.right, part.weights)
        return _made(part, "prior", intercept, (term,))

    return _judged(data, way(data), _crossed(data, way))


def _judged(data: _Data, calibrator: Calibrator, held_out: Any) -> Fit:
    import numpy as np

    known = np.isfinite(held_out)
    value = _auroc(held_out[known], data.take(np.flatnonzero(known)))
    if value is None:
        return _refused(data, f"{calibrator.estimator} was measured of too few answers")
    sums = data.weights[known] @ data.right[known], data.weights[known] @ (1 - data.right[known])
    low, high = auroc_bounds(value, *map(float, sums), LEVEL)
    if low <= 0.5 and (value <= 0.5 or calibrator.method != "prior"):
        why = f"{calibrator.estimator} tells right from wrong no better than chance: AUROC {value:.2f}, at least {low:.2f}"
        return _refused(data, why, value, low, high)
    return Fit(
        calibrator=calibrator, auroc=value, auroc_low=low, auroc_high=high, refused="",
        held_out=tuple(None if math.isnan(one) else one for one in held_out.tolist()),
    )  # fmt: skip


def _refused(data: _Data, why: str, *bounds: float) -> Fit:
    value, low, high = bounds or (None, None, None)
    base = _base(data)
    return Fit(
        calibrator=base, auroc=value, auroc_low=low, auroc_high=high, refused=why,
        held_out=tuple(base.many(data.rows)),
    )  # fmt: skip


def _base(data: _Data) -> Calibrator:
    """Return the calibrator that says the share of right ones, never 0 or 1 (Laplace)."""
    total, good = float(data.weights.sum()), float(data.weights @ data.right)
    return Calibrator(method="prior", n=len(data.rows), intercept=math.log((good + 1) / (total - good + 1)))


def _fit(data: _Data, views: Sequence[View]) -> Calibrator:
    if not views:
        return _base(data)
    intercept, terms, log_odds = additive(views, data.right, data.weights)
    if len(data.rows) >= MANY:
        link = bend(log_odds, data.right, data.weights)
        return _made(data, "isotonic", intercept, terms, link)
    return _made(data, "platt" if len(terms) == 1 else "logistic", intercept, terms)


def _made(
    data: _Data, method: Method, intercept: float, terms: tuple[Term, ...], link: Curve | None = None
) -> Calibrator:
    edge = 0.5 / (float(data.weights.sum()) + 1)
    return Calibrator(
        method=method, n=len(data.rows), intercept=intercept, terms=terms, link=link, edge=edge
    )  # fmt: skip


def _best(data: _Data, names: Iterable[str]) -> list[View]:
    """Return the signals that tell right from wrong at all, the best first, at most `MOST_SIGNALS`."""
    found: list[tuple[float, View]] = []
    for name in names:
        one = view(name, data.rows, data.weights)
        value = None if one is None else _auroc(one.values, data)
        if one is not None and value is not None and value > 0.5:
            found.append((value, one))
    found.sort(key=lambda pair: -pair[0])
    return [one for _, one in found[:MOST_SIGNALS]]


def _crossed(data: _Data, way: Callable[[_Data], Calibrator]) -> Any:
    """Return the probability of each row by a calibrator made of the other folds, NaN where it has none."""
    import numpy as np

    fold = np.empty(len(data.rows), dtype=int)
    shuffled = np.random.default_rng(SEED).permutation(len(data.rows))
    by_class = shuffled[np.argsort(data.right[shuffled], kind="stable")]
    fold[by_class] = np.arange(len(data.rows)) % FOLDS  # each fold has its share of right ones
    held_out = np.full(len(data.rows), math.nan)
    for number in range(min(FOLDS, len(data.rows))):
        inside = fold == number
        calibrator = way(data.take(np.flatnonzero(~inside)))
        found = calibrator.many([data.rows[place] for place in np.flatnonzero(inside).tolist()])
        held_out[inside] = [math.nan if one is None else one for one in found]
    return held_out


def _auroc(scores: Any, data: _Data) -> float | None:
    """Return the weighted AUROC; what was not measured counts as least sure."""
    import numpy as np

    _, where = np.unique(np.where(np.isnan(scores), -math.inf, scores), return_inverse=True)
    good = np.bincount(where, weights=data.weights * data.right)
    bad = np.bincount(where, weights=data.weights * (1 - data.right))
    pairs = good.sum() * bad.sum()
    return float(good @ (np.cumsum(bad) - bad / 2) / pairs) if pairs > 0 else None
