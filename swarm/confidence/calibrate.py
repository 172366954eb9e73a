"""Make calibrators from outcomes: which signals tell right from wrong, and what they are worth.

Needs numpy, as all fitting does; applying a calibrator does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarm.confidence.calibrator import Calibrator, Method, Row, Term, column
from swarm.confidence.curves import Curve
from swarm.confidence.learn import Shape, assumed, bend, combine, shape
from swarm.confidence.metrics import auroc_bounds
from swarm.errors import InputError

__all__ = ["Calibrator", "Fit", "default_order", "fit_calibrator"]

# What orders answers best where labels may not say: measured on banking77 (the margin's most confident 70 % are
# right in 0.992, the probability's in 0.980), then from what is nearest to a probability to what is furthest.
PREFERRED = (
    "lead", "margin", "probability", "label_mass", "logprob", "logprob_low", "logprob_min", "agreement", "witness",
    "grounding", "in_scope",
)  # fmt: skip
ENOUGH = 50  # outcomes from which the labels, and not an assumption, decide
MANY = 1_000  # outcomes from which the shape of the curve is taken from them
MOST_SIGNALS = 8  # the best ones by themselves are combined; more only add noise and time
LEAD = 0.005  # AUROC by which one signal must beat the combination; less is chance, at a few hundred outcomes
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
    """Outcomes as arrays of shape (rows,); `weights` add up to how many independent ones they are worth."""

    columns: Mapping[str, Any]
    right: Any
    weights: Any

    def take(self, places: Any) -> _Data:
        columns = {name: values[places] for name, values in self.columns.items()}
        return _Data(columns, self.right[places], self.weights[places])

    def __len__(self) -> int:
        return len(self.right)


Way = Callable[[_Data], tuple[Calibrator, ...]]


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
    names = [order] if order else sorted({name for row in rows for name in row})
    data = _data(rows, names, right, weights)
    good = sum(map(bool, right))
    if not rows:
        return _refused(data, "there are no outcomes")
    if good in (0, len(rows)):
        word = "right" if good else "wrong"
        return _refused(data, f"all {len(rows)} answers were {word}: nothing can tell them apart")
    if not (told := _telling(data)):
        which = f"{order} tells" if order else "no signal tells"
        return _refused(data, f"{which} right from wrong better than chance")
    if len(rows) < ENOUGH:
        return _assumed(data, default_order(told))
    return _alone(data, told[0]) if order else _chosen(data)


def _data(
    rows: Sequence[Row], names: Iterable[str], right: Sequence[bool], weights: Sequence[float] | None
) -> _Data:
    try:
        import numpy as np
    except ImportError as error:
        raise InputError(
            "fitting a calibrator needs numpy", hint="pip install 'swarm-slm[eval]'", code="missing_extra"
        ) from error
    share = np.ones(len(rows)) if weights is None else np.array(weights, dtype=float)
    if not len(rows) == len(right) == len(share):
        raise ValueError("rows, right and weights are of different lengths")
    if not (np.isfinite(share).all() and (share > 0).all()):
        raise ValueError("a weight is not above 0")
    if len(share):
        share = share * (share.sum() / (share @ share))  # Kish (1965): the effective number of rows
    columns = {name: column(rows, name) for name in names}
    return _Data(columns, np.array([float(bool(one)) for one in right]), share)


def _telling(data: _Data) -> list[str]:
    """Return the signals that tell right from wrong in these rows at all, the best first."""
    found = [(_auroc(values, data), name) for name, values in data.columns.items()]
    return [name for value, name in sorted(found, key=lambda pair: -pair[0]) if value > 0.5]


def _assumed(data: _Data, name: str) -> Fit:
    """Correct an assumption about one signal; the outcomes are too few to choose it, or to call it chance."""

    def way(part: _Data) -> tuple[Calibrator]:
        if not len(_measured(part, name)[1]):
            return (_base(part),)
        intercept, term = assumed(name, part.columns[name], part.right, part.weights)
        return (_made(part, intercept, (term,), method="prior"),)

    (calibrator,), (held_out,) = way(data), _crossed(data, way)
    return _fit(data, calibrator, held_out, *_measured(data, name), doubt=False)


def _alone(data: _Data, name: str) -> Fit:
    """Learn what one given signal is worth."""

    def way(part: _Data) -> tuple[Calibrator]:
        return (_combined(part, _shapes(part, [name])),)

    (calibrator,), (held_out,) = way(data), _crossed(data, way)
    return _fit(data, calibrator, held_out, *_measured(data, name), doubt=True)


def _chosen(data: _Data) -> Fit:
    """Choose between the best signal and the combination by rows that neither was fitted on."""

    def both(part: _Data) -> tuple[Calibrator, Calibrator]:
        shapes = _shapes(part, _better(part))
        return _combined(part, shapes[:1]), _combined(part, shapes)

    held_out = _crossed(data, both)
    single, joint = (_within_folds(one, data) for one in held_out)
    best = 0 if single >= joint + LEAD else 1
    return _fit(data, both(data)[best], held_out[best], (single, joint)[best], data, doubt=True)


def _fit(
    data: _Data, calibrator: Calibrator, held_out: Any, value: float, rows: _Data, *, doubt: bool
) -> Fit:
    """Judge a calibrator by its AUROC, measured on some rows; `doubt`: chance must be ruled out."""
    low, high = _bounds(value, rows)
    if doubt and low <= 0.5:
        why = (
            f"{calibrator.estimator} is not shown to be better than chance: AUROC {value:.2f}, from {low:.2f}"
        )
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
        held_out=tuple(base.of_columns({}, len(data))),
    )  # fmt: skip


def _base(data: _Data) -> Calibrator:
    """Return the calibrator that says the share of right ones, one more of each counted (Laplace)."""
    total, good = float(data.weights.sum()), float(data.weights @ data.right)
    return Calibrator(method="prior", n=len(data), intercept=math.log((good + 1) / (total - good + 1)))


def _shapes(data: _Data, names: Iterable[str]) -> list[Shape]:
    found = (shape(name, data.columns[name], data.right, data.weights) for name in names)
    return [one for one in found if one is not None]


def _combined(data: _Data, shapes: Sequence[Shape]) -> Calibrator:
    if not shapes:
        return _base(data)
    intercept, terms, log_odds = combine(shapes, data.right, data.weights)
    if len(data) < MANY:
        return _made(data, intercept, terms, method="logistic" if len(terms) > 1 else "platt")
    link = bend(log_odds, data.right, data.weights)
    return _made(data, intercept, terms, method="isotonic", link=link)


def _made(
    data: _Data,
    intercept: float,
    terms: tuple[Term, ...],
    *,
    method: Method = "prior",
    link: Curve | None = None,
) -> Calibrator:
    edge = 0.5 / (float(data.weights.sum()) + 1)
    return Calibrator(method=method, n=len(data), intercept=intercept, terms=terms, link=link, edge=edge)


def _folds(data: _Data) -> Any:
    """Return which fold each row is in; each has its share of right ones."""
    import numpy as np

    fold = np.empty(len(data), dtype=int)
    shuffled = np.random.default_rng(SEED).permutation(len(data))
    fold[shuffled[np.argsort(data.right[shuffled], kind="stable")]] = np.arange(len(data)) % FOLDS
    return fold


def _crossed(data: _Data, way: Way) -> list[Any]:
    """Return the probability of each row by each calibrator made of the other folds, NaN where it has none."""
    import numpy as np

    fold = _folds(data)
    held_out: list[Any] = []
    for number in range(min(FOLDS, len(data))):
        place, inside = np.flatnonzero(fold == number), data.take(fold == number)
        for which, calibrator in enumerate(way(data.take(fold != number))):
            if which == len(held_out):
                held_out.append(np.full(len(data), math.nan))
            found = calibrator.of_columns(inside.columns, len(inside))
            held_out[which][place] = [math.nan if one is None else one for one in found]
    return held_out


def _within_folds(scores: Any, data: _Data) -> float:
    """Return the AUROC over pairs of one fold: calibrators of different folds are not compared."""
    fold, total, pairs = _folds(data), 0.0, 0.0
    for number in range(FOLDS):
        part = data.take(fold == number)
        size = float(part.weights @ part.right) * float(part.weights @ (1 - part.right))
        total, pairs = total + size * _auroc(scores[fold == number], part), pairs + size
    return total / pairs if pairs else 0.5


def _better(data: _Data) -> list[str]:
    """Return the best signal, and what others are shown to be better than chance, at most `MOST_SIGNALS`."""
    first, *others = _telling(data)[:MOST_SIGNALS] or [next(iter(data.columns))]
    found = ((name, _bounds(*_measured(data, name))) for name in others)
    return [first, *(name for name, (low, _) in found if low > 0.5)]


def _bounds(value: float, rows: _Data) -> tuple[float, float]:
    """Return the interval around an AUROC that was measured on these rows."""
    rights, wrongs = float(rows.weights @ rows.right), float(rows.weights @ (1 - rows.right))
    return auroc_bounds(value, rights, wrongs, LEVEL)


def _measured(data: _Data, name: str) -> tuple[float, _Data]:
    """Return the AUROC of one signal and the rows it was measured on."""
    import numpy as np

    part = data.take(np.isfinite(data.columns[name]))
    return _auroc(part.columns[name], part), part


def _auroc(scores: Any, data: _Data) -> float:
    """Return the weighted AUROC, 0.5 for a single class; what was not measured counts as least sure."""
    import numpy as np

    _, where = np.unique(np.where(np.isnan(scores), -math.inf, scores), return_inverse=True)
    good = np.bincount(where, weights=data.weights * data.right)
    bad = np.bincount(where, weights=data.weights * (1 - data.right))
    pairs = good.sum() * bad.sum()
    return float(good @ (np.cumsum(bad) - bad / 2) / pairs) if pairs > 0 else 0.5
