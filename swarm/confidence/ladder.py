"""Outcomes as arrays, and the walk from accepting nothing to accepting everything; needs numpy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from swarm.confidence.calibrator import Row
from swarm.confidence.outcomes import Outcome, RungOutcome
from swarm.errors import InputError

__all__ = ["Ladder", "Walk", "accepted_by", "losses", "read_ladder", "walk"]

Unit = Literal["cost", "latency", "calls"]
DEARER = 10.0  # where neither cost nor latency is known, each rung counts as ten calls of the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Outcomes that went through the same rungs.

    Attributes:
        every: the models of all rungs, cheapest first. places: of those that answered; `rungs` are these.
        models: their models.
        signals, labels: of each rung's answers. Shape (rungs, rows).
        right: 1.0 or 0.0; NaN where nobody said, which only the last rung may have. Shape (rungs, rows).
        costs: of asking each rung, in `unit`. Shape (rungs, rows).
        weights: 1 / propensity. Shape (rows,).
        left_out: how many outcomes were not used, by why.
    """

    every: tuple[str, ...]
    places: tuple[int, ...]
    models: tuple[str, ...]
    signals: tuple[tuple[Row, ...], ...]
    labels: tuple[tuple[str | None, ...], ...]
    right: Any
    costs: Any
    unit: Unit
    weights: Any
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def judged(self) -> int:
        """Return how many rungs may have an answer accepted: all but the last, or the only one."""
        return max(1, len(self.models) - 1)

    @property
    def alone(self) -> Any:
        """Return what asking only the last rung costs, nothing where it is the only one. Shape (rows,)."""
        return self.costs[-1] * float(len(self.models) > 1)

    def take(self, places: Any) -> Ladder:
        """Return the outcomes at these places."""
        listed: list[int] = places.tolist()
        return replace(
            self,
            signals=tuple(tuple(rows[i] for i in listed) for rows in self.signals),
            labels=tuple(tuple(rows[i] for i in listed) for rows in self.labels),
            right=self.right[:, places], costs=self.costs[:, places], weights=self.weights[places],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What is accepted at each level, from strict to permissive. Shape of all arrays (places,).

    Attributes:
        levels: the probability that accepts, falling.
        sizes, errors: how many answers are accepted and count as wrong; weighted ones as the number of
            equal ones that they are worth.
        costs: of all rows together, each times its weight, the last rung's calls included.
        alone: cost of asking only the last rung.
        accepts_all: at the last place no row is left.
    """

    levels: Any
    sizes: Any
    errors: Any
    costs: Any
    alone: float
    accepts_all: bool

    def threshold(self, place: int) -> float:
        """Return a probability that accepts what this place accepts, half way to the next answer below."""
        if place == len(self.levels) - 1:
            return 0.0 if self.accepts_all else float(self.levels[-1])
        return float((self.levels[place] + self.levels[place + 1]) / 2)


def read_ladder(outcomes: Sequence[Outcome], *, regret: bool) -> Ladder:
    """Return the outcomes that went through the most common ladder and whose answers were judged.

    A rung that answered nobody, such as a model that was not there, is no part of it.

    Args:
        regret: the last rung must have been judged, too.

    Raises:
        InputError: numpy is missing.
    """
    try:
        import numpy as np
    except ImportError as error:
        raise InputError(
            "choosing thresholds needs numpy", hint="pip install 'swarm-slm[eval]'", code="missing_extra"
        ) from error
    every = _models(outcomes)
    places = _answering(outcomes, every)
    models = tuple(every[place] for place in places)
    kept, left_out = _kept(outcomes, every, places if regret else places[: max(1, len(places) - 1)])
    columns = [[outcome.rungs[place] for outcome in kept] for place in places]
    costs, unit = _costs(columns)
    right = [
        [math.nan if one.correct is None else float(one.correct) for one in column] for column in columns
    ]
    return Ladder(
        every=every, places=places, models=models,
        signals=tuple(tuple(one.signals for one in column) for column in columns),
        labels=tuple(tuple(one.label for one in column) for column in columns),
        right=np.array(right).reshape(len(models), len(kept)), costs=costs, unit=unit,
        weights=np.array([1 / outcome.propensity for outcome in kept]), left_out=left_out,
    )  # fmt: skip


def losses(ladder: Ladder, used: Sequence[int], *, regret: bool) -> list[Any]:
    """Return what accepting each rung's answer would lose, 0 or 1: its being wrong, or wrong in vain.

    Wrong in vain (regret): the next rung that is asked would have been right. Shape (rows,) each.
    """
    wrong = 1.0 - ladder.right
    after = [*used, len(ladder.models) - 1][1:]
    if not regret or len(ladder.models) == 1:
        return [wrong[rung] for rung in used]
    return [wrong[rung] * ladder.right[following] for rung, following in zip(used, after, strict=True)]


def walk(ladder: Ladder, scores: Any, used: Sequence[int], *, regret: bool) -> Walk:
    """Return the walk of a cascade in which these rungs, and then the last, are asked.

    A row is accepted by the first of them whose probability reaches the level, so as the level falls it may
    pass from a later rung to an earlier one.

    Args:
        scores: probability of being right, NaN where nothing was measured. Shape (rungs, rows).
    """
    import numpy as np

    levels: Any = np.nan_to_num(scores[list(used)], nan=-np.inf)
    asked: Any = np.cumsum(ladder.costs[list(used)], axis=0)
    lost, spent, held = np.zeros(len(ladder)), asked[-1] + ladder.alone, np.zeros(len(ladder), dtype=bool)
    everything, events = float(ladder.weights @ spent), [np.zeros((5, 0))]
    for place, loss in reversed(list(enumerate(losses(ladder, used, regret=regret)))):
        earlier = np.max(levels[:place], axis=0, initial=-np.inf)
        holds = levels[place] > earlier  # at some level this rung is the first that accepts the row
        fresh = ladder.weights * (holds & ~held)
        more, cost = loss - lost, ladder.weights * (asked[place] - spent)
        events.append(
            np.stack([levels[place], fresh, ladder.weights * fresh, ladder.weights * more, cost])[:, holds]
        )
        lost, spent, held = lost + holds * more, spent + holds * cost, held | holds
    alone = float(ladder.weights @ ladder.alone)
    return _summed(np.concatenate(events, axis=1), everything, alone, bool(held.all()))


def accepted_by(scores: Any, used: Sequence[int], at_least: Any) -> Any:
    """Return which of these rungs is the first to reach its threshold, -1 where none is. Shape (rows,).

    Args:
        at_least: one threshold, or one of each row; infinite where nothing is accepted.
    """
    import numpy as np

    taken = np.full(scores.shape[1], -1)
    for rung in reversed(used):
        taken = np.where(scores[rung] >= at_least, rung, taken)  # NaN reaches nothing
    return taken


def _summed(events: Any, everything: float, alone: float, accepts_all: bool) -> Walk:
    """Return events added up in the order of their levels; rows: level, weight, its square, loss, cost."""
    import numpy as np

    events = events[:, np.argsort(-events[0], kind="stable")]
    levels = events[0]
    ends = (
        np.flatnonzero(np.append(levels[1:] < levels[:-1], True)) if len(levels) else np.zeros(0, dtype=int)
    )
    weight, square, loss, cost = np.cumsum(events[1:], axis=1)[:, ends]
    worth = weight / np.where(
        square > 0, square, 1.0
    )  # Kish: equal rows that weighted ones are worth, over their weight
    return Walk(
        levels=levels[ends], sizes=np.floor(weight * worth + 1e-9).astype(np.int64),
        errors=np.ceil(loss * worth - 1e-9), costs=everything + cost, alone=alone, accepts_all=accepts_all,
    )  # fmt: skip


def _models(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the most common ladder; of the longest, since a run may end before its last rung."""
    if not outcomes:
        raise InputError("there are no outcomes to choose a policy from", code="invalid_outcomes")
    ladders = Counter(tuple(rung.model for rung in outcome.rungs) for outcome in outcomes)
    longest = max(map(len, ladders))
    return max((models for models in ladders if len(models) == longest), key=lambda models: ladders[models])


def _answering(outcomes: Sequence[Outcome], models: tuple[str, ...]) -> tuple[int, ...]:
    """Return the places of the rungs that answered at least one outcome, and the last one's."""
    whole = [outcome.rungs for outcome in outcomes if tuple(rung.model for rung in outcome.rungs) == models]
    last = len(models) - 1
    heard = [place for place in range(last) if any(_answered(rungs[place]) for rungs in whole)]
    return (*heard, last) if heard else tuple(range(last + 1))


def _answered(rung: RungOutcome) -> bool:
    return rung.correct is not None or rung.output is not None or bool(rung.signals)


def _kept(
    outcomes: Sequence[Outcome], models: tuple[str, ...], judged: Sequence[int]
) -> tuple[list[Outcome], dict[str, int]]:
    """Return the outcomes to choose on, and how many are not used, by why.

    What ended just before the last rung tells all that is needed of it, unless rows that were drawn by lot
    stand for it already (`propensity`).
    """
    last = len(models) - 1
    stands = last not in judged and all(outcome.propensity == 1 for outcome in outcomes)
    kept: list[Outcome] = []
    left_out: Counter[str] = Counter()
    for outcome in outcomes:
        names = tuple(rung.model for rung in outcome.rungs)
        if stands and names == models[:last]:
            outcome, names = replace(outcome, rungs=(*outcome.rungs, RungOutcome(model=models[last]))), models
        if names != models:
            ended = names == models[: len(names)]
            left_out["ended before the last rung" if ended else "went through other rungs"] += 1
        elif any(outcome.rungs[place].correct is None for place in judged):
            left_out["an answer that nobody judged"] += 1
        else:
            kept.append(outcome)
    return kept, dict(left_out)


def _costs(columns: Sequence[Sequence[RungOutcome]]) -> tuple[Any, Unit]:
    """Return what asking each rung costs: money, else time, else an assumption."""
    import numpy as np

    size = (len(columns), len(columns[0]) if columns else 0)
    for unit in ("cost", "latency"):
        rows = [[one.cost if unit == "cost" else one.latency_ms for one in column] for column in columns]
        table = np.array([[math.nan if v is None else v for v in row] for row in rows]).reshape(size)
        known = ~np.isnan(table)
        if size[1] and known.any(axis=1).all() and np.nansum(table[-1]) > 0:
            means = np.nanmean(table, axis=1, keepdims=True)
            return np.where(known, table, means), unit
    return np.full(size, 1.0) * DEARER ** np.arange(size[0])[:, None], "calls"
