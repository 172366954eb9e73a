"""What a policy would have done on recorded outcomes: how often it is wrong, whom it asks, what it saves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from swarm._eval.gain import Gain, gain
from swarm._eval.walk import Walk, walk
from swarm.confidence.metrics import auroc, ece, wilson
from swarm.confidence.outcomes import Outcome
from swarm.confidence.policy import Policy

__all__ = ["Latency", "Replay", "RungReplay", "replay", "summarize"]

Interval = tuple[float, float]
LEVEL = 0.95
DRAWS = 20_000_000  # of rows, over all bootstrap samples: about a second
MOST_SAMPLES = 1_000
LEAST_SAMPLES = 200  # fewer say little about the 2.5 % at each end


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from asking to the delivered answer: the mean, and what half and 95 % of the rows stay under."""

    mean: float
    p50: float
    p95: float

    def to_json(self) -> dict[str, float]:
        """Return plain data."""
        return {"mean": self.mean, "p50": self.p50, "p95": self.p95}


@dataclass(frozen=True, slots=True, kw_only=True)
class RungReplay:
    """What became of one rung.

    Attributes:
        asked, accepted: shares of all rows. calls: how often it was asked.
        accepted_error: the share of its accepted answers that is wrong; None where none was accepted.
        auroc, ece: of its probabilities, over all rows that have one; None where the policy has none.
    """

    model: str
    asked: float
    accepted: float
    accepted_error: float | None
    auroc: float | None
    ece: float | None
    calls: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a policy would have done. Shares are of all rows unless they say otherwise.

    Rows of which a figure cannot be known are left out of that figure, and counted in `notes`.

    Attributes:
        n: rows.
        accepted_error: the share of the accepted answers that is wrong; 0 where none was accepted.
        accepted_and_wrong: the share of all rows that was accepted and is wrong.
        accepted_regret: the share of the accepted answers that is wrong where the next rung in use was right.
        escalated: for each rung but the last, the share of rows not settled by it or before it.
        accuracy: the share of delivered answers that is right; None where nothing is known of what the last
            rung delivered. accuracy_last: of asking only the last rung.
        cost, cost_last: a row's mean, failed small calls included. saving: 1 - cost / cost_last.
        gain: APGR and CPT, None where the last rung is no better than the first.
        intervals: 95 %, of rates by Wilson, of the saving by bootstrap; by the name of the figure.
    """

    n: int
    accepted_error: float
    accepted_and_wrong: float
    accepted_regret: float | None
    escalated: tuple[float, ...]
    accuracy: float | None
    accuracy_last: float | None
    cost: float | None
    cost_last: float | None
    saving: float | None
    latency: Latency | None
    rungs: tuple[RungReplay, ...]
    gain: Gain | None
    intervals: dict[str, Interval] = field(default_factory=dict[str, Interval])
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        gain = self.gain
        return {
            "n": self.n, "accepted_error": self.accepted_error, "accepted_and_wrong": self.accepted_and_wrong,
            "accepted_regret": self.accepted_regret, "escalated": list(self.escalated),
            "accuracy": self.accuracy, "accuracy_last": self.accuracy_last, "cost": self.cost,
            "cost_last": self.cost_last, "saving": self.saving,
            "latency_ms": None if self.latency is None else self.latency.to_json(),
            "rungs": [rung.to_json() for rung in self.rungs],
            "apgr": None if gain is None else gain.apgr,
            "cpt": None if gain is None else {f"{share * 100:g}": at for share, at in gain.cpt.items()},
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "notes": list(self.notes),
        }  # fmt: skip


def replay(outcomes: Sequence[Outcome], policy: Policy) -> Replay:
    """Return what a policy would have done on these outcomes.

    Raises:
        InputError: there are no outcomes, or numpy is missing.
    """
    return summarize(walk(outcomes, policy))


def summarize(found: Walk) -> Replay:
    """Return the figures of a walk."""
    counts = _counts(found)
    rates = {name: k / of if of else None for name, (k, of) in counts.items()}
    intervals = {name: wilson(k, of, LEVEL) for name, (k, of) in counts.items() if of}
    cost, cost_last, saving, saved = _costs(found)
    beyond = [~(found.accepted & (found.taken <= place)) for place in range(found.last)]
    return Replay(
        n=len(found.taken), accepted_error=rates["accepted_error"] or 0.0,
        accepted_and_wrong=rates["accepted_and_wrong"] or 0.0, accepted_regret=_regret(found),
        escalated=tuple(float(rows.mean()) for rows in beyond),
        accuracy=rates["accuracy"], accuracy_last=_mean(found.right[:, found.last]),
        cost=cost, cost_last=cost_last, saving=saving, latency=_latency(found),
        rungs=tuple(_rung(found, place) for place in range(len(found.models))), gain=_gain(found),
        intervals=intervals | ({"saving": saved} if saved else {}), notes=tuple(_notes(found)),
    )  # fmt: skip


def _counts(found: Walk) -> dict[str, tuple[int, int]]:
    """Return of each rate how many rows count, and of how many: those of which it is known."""
    import numpy as np

    accepted, delivered = found.accepted, found.of_taken(found.right)
    known, wrong = np.isfinite(delivered), int((accepted & (delivered == 0)).sum())
    of_last = known[found.taken == found.last]
    told = int(known.sum()) if not of_last.size or of_last.any() else 0
    return {
        "accepted_error": (wrong, int((accepted & known).sum())),
        "accepted_and_wrong": (wrong, int((~accepted | known).sum())),
        "accuracy": (int((delivered == 1).sum()), told),
    }


def _rung(found: Walk, place: int) -> RungReplay:
    import numpy as np

    asked, taken = found.asked[:, place], found.accepted & (found.taken == place)
    probability, right = found.probability[:, place], found.right[:, place]
    both = np.isfinite(probability) & np.isfinite(right)
    told, truth = probability[both].tolist(), (right[both] == 1).tolist()
    error = _mean(1 - right[taken])
    return RungReplay(
        model=found.models[place], asked=float(asked.mean()), accepted=float(taken.mean()),
        accepted_error=error, auroc=auroc(told, truth), ece=ece(told, truth), calls=int(asked.sum()),
    )  # fmt: skip


def _regret(found: Walk) -> float | None:
    """Return the share of accepted answers that are wrong where the next rung in use is right."""
    import numpy as np

    missed: list[Any] = []
    ahead = np.full(len(found.taken), np.nan)  # what the next rung in use answered, seen from `place`
    for place in range(found.last, -1, -1):
        here = found.right[:, place]
        taken = found.accepted & (found.taken == place)
        regretted = np.where(np.isnan(here) | np.isnan(ahead), np.nan, (here == 0) & (ahead == 1))
        missed.append(np.where(here == 1, 0.0, regretted)[taken])
        asked = found.present[:, place] & (found.used[:, place] | (place == found.last))
        ahead = np.where(asked, here, ahead)
    return _mean(np.concatenate(missed))


def _costs(found: Walk) -> tuple[float | None, float | None, float | None, Interval | None]:
    """Return mean cost, that of the last rung, the saving and its interval, of rows where all is known."""
    import numpy as np

    paid, alone = found.of_asked(found.cost), found.cost[:, found.last]
    known = np.isfinite(paid) & np.isfinite(alone)
    if not known.any():
        return _mean(paid), _mean(alone), None, None
    paid, alone = paid[known], alone[known]
    mean, last = float(paid.mean()), float(alone.mean())
    if last == 0:
        return mean, last, None, None
    return mean, last, 1 - mean / last, _bootstrap(paid, alone)


def _bootstrap(paid: Any, alone: Any) -> Interval:
    """Return between which values the saving lies, by resampling rows (percentiles, Efron 1979)."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows = len(paid)
    samples = min(MOST_SAMPLES, max(LEAST_SAMPLES, DRAWS // rows))
    savings = np.empty(samples)
    for at in range(samples):
        drawn = rng.integers(rows, size=rows)
        against = alone[drawn].sum()
        savings[at] = 1 - paid[drawn].sum() / against if against else np.nan
    low, high = np.nanquantile(savings, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _latency(found: Walk) -> Latency | None:
    import numpy as np

    took = found.of_asked(found.latency_ms)
    took = took[np.isfinite(took)]
    if not took.size:
        return None
    p50, p95 = np.quantile(took, [0.5, 0.95])
    return Latency(mean=float(took.mean()), p50=float(p50), p95=float(p95))


def _gain(found: Walk) -> Gain | None:
    import numpy as np

    if found.first is None:
        return None
    small, large = found.right[:, found.first], found.right[:, found.last]
    both = np.isfinite(small) & np.isfinite(large)
    return gain(found.probability[both, found.first], small[both], large[both])


def _notes(found: Walk) -> Iterator[str]:
    """Say what was left out, and of how many rows."""
    import numpy as np

    short = found.taken < 0
    unknown = ~short & np.isnan(found.of_taken(found.right))
    unpaid = ~short & np.isnan(found.of_asked(found.cost) + found.cost[:, found.last])
    yield from _counted(
        unknown,
        "where nobody said whether the delivered answer is right: left out of the rates of right and wrong",
    )
    yield from _counted(
        short, "that would have asked a rung that was not recorded: left out of accuracy, cost and latency"
    )
    if not unpaid.all():
        yield from _counted(unpaid, "without a cost of every rung asked: left out of cost and saving")
    for model, rows in found.strangers.items():
        if model != found.models[-1]:
            yield f"the policy does not know {model!r} ({rows:,} rows): it is asked, and nothing it says is accepted"
    for place in range(found.last):
        missing = found.present[:, place] & np.isnan(found.probability[:, place])
        if found.models[place] not in found.strangers and not missing.all():
            yield from _counted(
                missing, f"where {found.models[place]} has none of the signals its calibrator reads"
            )


def _counted(rows: Any, what: str) -> Iterator[str]:
    count = int(rows.sum())
    if count:
        yield f"{count:,} row{'s' if count > 1 else ''} {what}"


def _mean(values: Any) -> float | None:
    """Return the mean of what is known, None where nothing is."""
    import numpy as np

    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
