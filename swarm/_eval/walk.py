"""Which rungs a policy would have asked of recorded outcomes, row by row. Needs numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from swarm.confidence.foresight import add_foreseen
from swarm.confidence.outcomes import Outcome, RungOutcome
from swarm.confidence.policy import Policy, RungPolicy
from swarm.errors import InputError

__all__ = ["Walk", "never_accepting", "walk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Outcomes as tables, one row each and one column for each rung, and the way of a policy through them.

    Attributes:
        models: the rungs, cheapest first.
        present: whether the row has this rung. used: whether the policy asks it. Shape (rows, rungs).
        probability: that the rung's answer is right, by the policy; NaN where it cannot tell.
        accepts: whether the policy would take that answer; never the last rung's.
        right: 1 or 0; NaN where nobody said. cost, latency_ms: NaN where unknown. Shape (rows, rungs).
        taken: the rung whose answer is delivered; -1 where the row was not recorded that far. Shape (rows,).
        asked: the rungs asked on the way to it. Shape (rows, rungs).
        strangers: models that the policy does not know, and in how many rows.
    """

    models: tuple[str, ...]
    present: Any
    used: Any
    probability: Any
    accepts: Any
    right: Any
    cost: Any
    latency_ms: Any
    taken: Any
    asked: Any
    strangers: Mapping[str, int]

    @property
    def last(self) -> int:
        """Return the place of the last rung."""
        return len(self.models) - 1

    @property
    def first(self) -> int | None:
        """Return the place of the rung that orders the rows: the first used one before the last, else the first.

        None where nothing before the last rung tells how sure it is.
        """
        import numpy as np

        known = np.isfinite(self.probability[:, : self.last])
        for told in (self.used[:, : self.last] & known, known):
            places = np.flatnonzero(told.any(axis=0))
            if places.size:
                return int(places[0])
        return None

    @property
    def accepted(self) -> Any:
        """Return of each row whether a rung before the last was taken."""
        return (self.taken >= 0) & (self.taken < self.last)

    def of_taken(self, values: Any) -> Any:
        """Return the value of the rung taken in each row; NaN where there is none. Shape (rows,)."""
        import numpy as np

        picked = np.take_along_axis(values, np.maximum(self.taken, 0)[:, None], axis=1)[:, 0]
        return np.where(self.taken < 0, np.nan, picked)

    def of_asked(self, values: Any) -> Any:
        """Return the sum over the rungs asked in each row; NaN where one is unknown. Shape (rows,)."""
        import numpy as np

        total = np.where(self.asked, values, 0.0).sum(axis=1)
        return np.where(self.taken < 0, np.nan, total)


def walk(outcomes: Sequence[Outcome], policy: Policy) -> Walk:
    """Follow a policy through recorded outcomes.

    The last rung is that of the longest rows. A rung that a row lacks is passed over, as one that could not
    be asked. Rungs that the policy does not know are asked and never accepted.

    Raises:
        InputError: there are no outcomes, or numpy is missing.
    """
    np = _numpy()
    if not outcomes:
        raise InputError("there are no outcomes to replay", code="invalid_outcomes")
    outcomes = add_foreseen(outcomes, policy.foresight)
    models = _ladder(outcomes)
    right, cost, latency_ms, probability = (np.full((len(outcomes), len(models)), np.nan) for _ in range(4))
    present, used, accepts = (np.zeros(right.shape, dtype=bool) for _ in range(3))
    strangers: Counter[str] = Counter()
    for (place, model), (rows, rungs) in _by_rung(outcomes, models).items():
        present[rows, place] = True
        right[rows, place] = _column(rung.correct for rung in rungs)
        cost[rows, place] = _column(rung.cost for rung in rungs)
        latency_ms[rows, place] = _column(rung.latency_ms for rung in rungs)
        rule = policy.rung_of(place, model)
        used[rows, place] = rule is None or rule.use
        strangers[model] += len(rows) if rule is None else 0
        if rule is not None and rule.calibrator is not None:
            probability[rows, place] = _column(rule.calibrator.many([rung.signals for rung in rungs]))
            accepts[rows, place] = probability[rows, place] >= _thresholds(rule, rungs)  # never true of NaN
    accepts[:, -1] = False
    taken, asked = _way(present, used, accepts)
    return Walk(
        models=models, present=present, used=used, probability=probability, accepts=accepts, right=right,
        cost=cost, latency_ms=latency_ms, taken=taken, asked=asked, strangers=+strangers,
    )  # fmt: skip


def never_accepting(found: Walk, place: int) -> Walk:
    """Return the same walk, had nothing that one rung said been accepted."""
    accepts = found.accepts.copy()
    accepts[:, place] = False
    taken, asked = _way(found.present, found.used, accepts)
    return replace(found, accepts=accepts, taken=taken, asked=asked)


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError as error:
        raise InputError(
            "replaying outcomes needs numpy", hint="pip install 'swarm-slm[eval]'", code="missing_extra"
        ) from error
    return np


def _ladder(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the most frequent of the longest sequences of models."""
    longest = max(len(outcome.rungs) for outcome in outcomes)
    ladders = (tuple(rung.model for rung in one.rungs) for one in outcomes if len(one.rungs) == longest)
    return Counter(ladders).most_common(1)[0][0]


def _by_rung(
    outcomes: Sequence[Outcome], models: tuple[str, ...]
) -> dict[tuple[int, str], tuple[list[int], list[RungOutcome]]]:
    """Return the rows and what was recorded of them, by the place of the rung and its model."""
    found: dict[tuple[int, str], tuple[list[int], list[RungOutcome]]] = {}
    for row, outcome in enumerate(outcomes):
        for place, rung in zip(_places(outcome, models), outcome.rungs, strict=True):
            rows, rungs = found.setdefault((place, rung.model), ([], []))
            rows.append(row)
            rungs.append(rung)
    return found


def _places(outcome: Outcome, models: tuple[str, ...]) -> Sequence[int]:
    """Return the column of each rung: by name where the names are a part of the ladder, else by place."""
    names = [rung.model for rung in outcome.rungs]
    if len(names) == len(models) or len(set(models)) < len(models) or not set(names) <= set(models):
        return range(len(names))
    places = [models.index(name) for name in names]
    return places if places == sorted(set(places)) else range(len(names))


def _column(values: Iterable[float | None]) -> Any:
    import numpy as np

    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _thresholds(rule: RungPolicy, rungs: Sequence[RungOutcome]) -> Any:
    """Return what each answer's probability has to reach; NaN where nothing is accepted."""
    if not rule.groups:
        return _column([rule.at_least])
    labels = (rung.label for rung in rungs)
    return _column(rule.at_least if one is None else rule.groups.get(one, rule.at_least) for one in labels)


def _way(present: Any, used: Any, accepts: Any) -> tuple[Any, Any]:
    """Return the rung taken in each row, and the rungs asked until then."""
    import numpy as np

    last: int = present.shape[1] - 1
    stops = present & used & accepts
    stops[:, last] = present[:, last]
    taken = np.where(stops.any(axis=1), stops.argmax(axis=1), -1)
    places: Any = np.arange(last + 1)
    until: Any = np.where(taken < 0, last, taken)[:, None]
    delivering = (places == last) & (until == last) & present
    return taken, (present & used & (places <= until)) | delivering
