"""Choose a policy from outcomes, and say what it promises and why; needs numpy and scipy.

    tuned = tune(read_outcomes("outcomes.jsonl"), target_error=0.05, with_confidence=0.9)
    tuned.policy.to_json()

Nothing is promised that the outcomes cannot show: then nothing is accepted, and `helps` says what would help.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from swarm.confidence import risk
from swarm.confidence.calibrate import Fit, fit_calibrator
from swarm.confidence.ladder import Ladder, Unit, read_ladder
from swarm.confidence.outcomes import Outcome
from swarm.confidence.policy import ChosenOn, Expected, Fits, Loss, Of, Policy, RungPolicy
from swarm.confidence.settle import Goal, Measured, Settled, held_scores, measure, settle
from swarm.errors import InputError

__all__ = ["RungReport", "Tuned", "goal_of", "tune"]

QUANTILES = 41  # of a rung's probabilities, kept to see later ones drift


@dataclass(frozen=True, slots=True, kw_only=True)
class RungReport:
    """What the outcomes say of a rung whose answers may be accepted.

    Attributes:
        error: share of its answers that were wrong; None where none was judged.
        estimator: what its probability is read from; "" where nothing was measured.
        auroc, auroc_low, auroc_high: how well that tells right from wrong, with a 95 % interval.
        refused: why it tells nothing, "" where it does.
    """

    model: str
    error: float | None
    estimator: str
    auroc: float | None
    auroc_low: float | None
    auroc_high: float | None
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A policy and what people want to know of how it was found.

    Attributes:
        rungs: what may be accepted, cheapest first.
        left_out: how many outcomes were not used, by why.
        must_escalate: share of the rows that any method must escalate, given the first rung in use.
        helps: what would make more acceptable, in words; empty where the policy accepts something.
        unit: what the choice was priced in: cost, latency, or assumed costs of calls.
    """

    policy: Policy
    rungs: tuple[RungReport, ...]
    left_out: Mapping[str, int]
    must_escalate: float
    helps: tuple[str, ...]
    unit: Unit


def goal_of(
    target_error: float, with_confidence: float | None = None, *, loss: Loss = "wrong", of: Of = "accepted"
) -> Goal:
    """Return what to aim for.

    Raises:
        InputError: a share that is not strictly between 0 and 1.
    """
    for name, value in (("target error", target_error), ("confidence", with_confidence)):
        if value is not None and not 0 < value < 1:
            raise InputError(
                f"a {name} of {value!r} cannot be promised: it lies strictly between 0 and 1",
                hint="0.05 is a common target error and 0.9 a common confidence", code="invalid_target",
            )  # fmt: skip
    return Goal(target_error=target_error, with_confidence=with_confidence, loss=loss, of=of)


def tune(
    outcomes: Sequence[Outcome],
    *,
    target_error: float,
    with_confidence: float | None = None,
    loss: Loss = "wrong",
    of: Of = "accepted",
    groups: bool = False,
    seed: int = 0,
    date: str = "",
) -> Tuned:
    """Return the policy that costs least of those these outcomes can vouch for.

    Args:
        target_error: at most this share of what is accepted before the last rung is wrong.
        with_confidence: how surely, over the draw of the outcomes; None: on average.
        loss: "regret" counts a wrong answer only where the next rung in use would have been right.
        of: "all": the share is one of all rows, not of the accepted answers.
        groups: the target holds for each label with enough rows, and for the others together; one rung is
            used before the last.
        seed: of the random choice of rows that choose the rungs.
        date: noted in the policy.

    Raises:
        InputError: no outcomes, a target or confidence that is not between 0 and 1, or numpy is missing.
    """
    goal = goal_of(target_error, with_confidence, loss=loss, of=of)
    ladder = read_ladder(outcomes, regret=goal.regret)
    settled = settle(ladder, goal, groups=groups, seed=seed)
    done = _done(ladder, settled, goal)
    first = settled.used[0] if settled.used else 0
    error = _error(ladder, first)
    bounded = error is not None and goal.of == "accepted" and not goal.regret
    least = risk.must_escalate(error, target_error) if error is not None and bounded else 0.0
    policy = Policy(
        expert=_common(outcome.expert for outcome in outcomes), target_error=target_error,
        with_confidence=with_confidence, loss=loss, of=of, feasible=bool(settled.used) or settled.dear,
        bypass=not settled.used and len(ladder.models) > 1, reason=_reason(ladder, settled, goal, done),
        rungs=_rungs(ladder, settled),
        chosen_on=ChosenOn(
            n=len(ladder), certified_on=len(settled.certified_on), outcomes=_identity(outcomes), date=date
        ),
        expected=_expected(done, goal, ladder.unit), fits=_fits(outcomes, ladder.models),
    )  # fmt: skip
    return Tuned(
        policy=policy, rungs=tuple(_report(ladder, rung, fit) for rung, fit in enumerate(settled.fits)),
        left_out=ladder.left_out, must_escalate=least, helps=() if policy.feasible else tuple(_helps(ladder, settled, goal, least)),
        unit=ladder.unit,
    )  # fmt: skip


def _done(ladder: Ladder, settled: Settled, goal: Goal) -> Measured | None:
    """Return what was chosen does on the rows that certified it."""
    places = settled.certified_on
    if not len(places):
        return None
    return measure(ladder.take(places), held_scores(ladder, settled.fits)[:, places], settled, goal)


def _rungs(ladder: Ladder, settled: Settled) -> tuple[RungPolicy, ...]:
    """Return what becomes of each rung; of those that answered nobody nothing is known, so none is asked."""
    fits = list(settled.fits)
    if len(ladder.models) > 1:
        fits.append(_last_fit(ladder))
    used = settled.used if len(ladder.models) > 1 else (0,)
    known = {
        place: RungPolicy(
            model=model, use=rung in used or rung == len(ladder.models) - 1,
            at_least=settled.at_least if rung in settled.used else None,
            groups=settled.groups if rung in settled.used else {},
            estimator="" if fit is None else fit.calibrator.estimator,
            calibrator=None if fit is None else fit.calibrator,
            reference=_reference(ladder, rung, fit) if used[:1] == (rung,) else (),
        )
        for rung, (place, model, fit) in enumerate(zip(ladder.places, ladder.models, fits, strict=True))
    }  # fmt: skip
    return tuple(
        known.get(place) or RungPolicy(model=model, use=False) for place, model in enumerate(ladder.every)
    )


def _reference(ladder: Ladder, rung: int, fit: Fit | None) -> tuple[float, ...]:
    """Return even quantiles of a rung's probabilities; later rungs see only what escalates, so they have none."""
    if fit is None:
        return ()
    found = sorted(p for p in fit.calibrator.many(ladder.signals[rung]) if p is not None)
    steps = range(QUANTILES) if len(found) >= QUANTILES else ()
    return tuple(found[round(step * (len(found) - 1) / (QUANTILES - 1))] for step in steps)


def _last_fit(ladder: Ladder) -> Fit | None:
    """Return what the last rung's signals are worth: its answers are delivered, with their probability."""
    pairs = zip(ladder.signals[-1], ladder.right[-1].tolist(), strict=True)
    known = [(row, bool(right)) for row, right in pairs if not math.isnan(right)]
    if not any(value is not None for row, _ in known for value in row.values()):
        return None
    return fit_calibrator([row for row, _ in known], [right for _, right in known])


def _expected(done: Measured | None, goal: Goal, unit: Unit) -> Expected:
    if done is None:
        return Expected()
    return Expected(
        accepted_error=done.accepted_error, bound=_bound(done, goal), escalated=done.escalated,
        accuracy=done.accuracy, saving=1 - done.cost / done.alone if unit == "cost" and done.alone else None,
    )  # fmt: skip


def _bound(done: Measured, goal: Goal) -> float | None:
    """Return what the target was held against, as a share of what the goal is a share of."""
    base = done.accepted if goal.of == "accepted" else done.rows
    if not done.accepted:
        return None
    if goal.with_confidence is not None:
        return risk.upper_bound(done.lost, base, 1 - goal.with_confidence)
    return min(1.0, (1 + done.lost) / (base + (goal.of == "all")))


def _reason(ladder: Ladder, settled: Settled, goal: Goal, done: Measured | None) -> str:
    if settled.dear:
        return "what keeps the target would cost more than the last rung alone, so only that is asked"
    if done is None or not settled.used:
        return f"{len(ladder)} outcomes cannot show that {_promise(goal)}, so nothing is accepted"
    names = " and ".join(ladder.models[rung] for rung in settled.used)
    lost = "wrong" if goal.loss == "wrong" else "wrong where the next rung was right"
    return (
        f"{_promise(goal)}: {names} would have settled {1 - done.escalated:.0%} of {done.rows} outcomes,"
        f" {done.accepted_error or 0:.1%} of these {lost}; priced by {_PRICED[ladder.unit]}"
    )


_PRICED: Mapping[Unit, str] = {
    "cost": "the recorded cost", "latency": "latency, since no cost was recorded",
    "calls": "calls, each rung ten times the one before, since neither cost nor latency was recorded",
}  # fmt: skip


def _promise(goal: Goal) -> str:
    what = "the accepted answers" if goal.of == "accepted" else "all answers"
    lost = "wrong" if goal.loss == "wrong" else "wrong in vain"
    how = "on average" if goal.with_confidence is None else f"with {goal.with_confidence:.0%} confidence"
    return f"at most {goal.target_error:.1%} of {what} are {lost} {how}"


def _helps(ladder: Ladder, settled: Settled, goal: Goal, least: float) -> Iterable[str]:
    """Yield what would help when nothing can be accepted."""
    needed = risk.rows_needed(goal.target_error, goal.with_confidence)
    wanted = math.ceil(needed / max(1 - least, 0.05))
    if len(ladder) < wanted:
        yield f"record more outcomes: it takes {needed} accepted answers without one wrong, so about {wanted} outcomes; there are {len(ladder)}"
    if least:
        yield f"whatever the method, at least {least:.0%} must be escalated: the first rung is wrong too often"
    for rung, fit in enumerate(settled.fits):
        if fit is None:
            yield f"record a signal of {ladder.models[rung]}: nothing was measured of its answers"
        elif fit.refused:
            yield f"record another signal of {ladder.models[rung]}: {fit.refused}"
    yield (
        "allow a higher target error, or a promise on average"
        if goal.with_confidence
        else "allow a higher target error"
    )


def _error(ladder: Ladder, rung: int) -> float | None:
    """Return the share of a rung's answers that were wrong, each row by its weight."""
    if not len(ladder):
        return None
    return float(ladder.weights @ (1 - ladder.right[rung]) / ladder.weights.sum())


def _report(ladder: Ladder, rung: int, fit: Fit | None) -> RungReport:
    error = _error(ladder, rung)
    if fit is None:
        return RungReport(
            model=ladder.models[rung], error=error, estimator="", auroc=None, auroc_low=None, auroc_high=None,
            refused="nothing was measured of its answers",
        )  # fmt: skip
    return RungReport(
        model=ladder.models[rung], error=error, estimator=fit.calibrator.estimator, auroc=fit.auroc,
        auroc_low=fit.auroc_low, auroc_high=fit.auroc_high, refused=fit.refused,
    )  # fmt: skip


def _fits(outcomes: Sequence[Outcome], models: Sequence[str]) -> Fits:
    """Return version and digests, as far as all outcomes agree on them."""
    seen: dict[str, set[str]] = {model: set() for model in models}
    for outcome in outcomes:
        for rung in outcome.rungs:
            if rung.model in seen:
                seen[rung.model].add(rung.digest)
    digests = {model: next(iter(found)) for model, found in seen.items() if len(found) == 1}
    return Fits(
        version=_common(outcome.version for outcome in outcomes),
        digests={model: digest for model, digest in digests.items() if digest},
    )


def _common(words: Iterable[str]) -> str:
    """Return the word that is the same everywhere, "" where there are several."""
    found = set(words)
    return found.pop() if len(found) == 1 else ""


def _identity(outcomes: Sequence[Outcome]) -> str:
    """Return what identifies these outcomes: the SHA-256 of their ids and of what was right."""
    digest = sha256()
    for outcome in outcomes:
        row = [outcome.id, *((rung.model, rung.output, rung.correct) for rung in outcome.rungs)]
        digest.update(json.dumps(row, default=str).encode() + b"\n")
    return digest.hexdigest()
