"""The report of a replay: what a policy did on outcomes, beside what every other threshold would have done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from swarm._eval.replay import Replay
from swarm._eval.report.model import Answers, Figure, Frontier, Mark, Point, Report
from swarm._eval.walk import Walk, never_accepting
from swarm._eval.words import in_words, percent
from swarm.confidence.outcomes import Outcome
from swarm.confidence.policy import Policy

__all__ = ["report_of"]

POINTS = 200  # of the cost-error curve


def report_of(
    outcomes: Sequence[Outcome],
    policy: Policy,
    found: Walk,
    figures: Replay,
    *,
    title: str,
    command: str,
    made: str,
) -> Report:
    """Return the report of a policy on outcomes: of its way through them, and the figures of that."""
    return Report(
        title=title,
        command=command,
        made=made,
        figures=tuple(_figures(figures, policy)),
        words=in_words(policy),
        answers=tuple(_answers(found, policy)),
        target_error=policy.target_error,
        frontier=_frontier(found, figures),
        labels=_labels(outcomes, found),
        notes=figures.notes,
    )


def _figures(found: Replay, policy: Policy) -> Iterator[Figure]:
    spans = {name: f"{percent(low)} to {percent(high)}" for name, (low, high) in found.intervals.items()}
    if policy.loss == "regret" and found.accepted_regret is not None:
        yield Figure(
            name="accepted, wrong, and the next rung right", value=percent(found.accepted_regret),
            meaning=f"of the accepted; target {policy.target_error * 100:g} %",
        )  # fmt: skip
    target = (
        "" if policy.loss == "regret" or policy.of == "all" else f"target {policy.target_error * 100:g} %"
    )
    yield Figure(
        name="wrong among the accepted", value=percent(found.accepted_error),
        interval=spans.get("accepted_error", ""), meaning=target,
    )  # fmt: skip
    yield Figure(
        name="accepted and wrong", value=percent(found.accepted_and_wrong),
        interval=spans.get("accepted_and_wrong", ""), meaning="of all rows",
    )  # fmt: skip
    if found.escalated:
        yield Figure(
            name="escalated", value=percent(found.escalated[-1]), meaning=f"to {found.rungs[-1].model}"
        )
    if found.accuracy is not None:
        alone = (
            ""
            if found.accuracy_last is None
            else f"{found.rungs[-1].model} alone: {percent(found.accuracy_last)}"
        )
        yield Figure(
            name="right", value=percent(found.accuracy), interval=spans.get("accuracy", ""), meaning=alone
        )
    if found.saving is not None:
        yield Figure(
            name="saving", value=percent(found.saving), interval=spans.get("saving", ""),
            meaning="against asking only the last rung",
        )  # fmt: skip


def _answers(found: Walk, policy: Policy) -> Iterator[Answers]:
    import numpy as np

    for place, model in enumerate(found.models[: found.last]):
        both = np.isfinite(found.probability[:, place]) & np.isfinite(found.right[:, place])
        if not both.any():
            continue
        rule = policy.rung_of(place, model)
        yield Answers(
            name=model,
            probabilities=found.probability[both, place].tolist(),
            right=(found.right[both, place] == 1).tolist(),
            at_least=None if rule is None or not rule.use else rule.at_least,
        )


def _frontier(found: Walk, figures: Replay) -> Frontier | None:
    """Return what every threshold of the first rung would cost, the other rungs as the policy has them."""
    first, priced = found.first, figures.saving is not None
    if first is None:
        return None
    table, probability = _table(found, first, priced=priced)
    if not len(table):
        return None
    mean = table.mean(axis=0)
    unit = float(mean[4]) or 1.0
    marks = (
        Mark(name="this policy", point=Point(cost=mean[6] / unit, error=float(mean[7])), chosen=True),
        Mark(name=f"{found.models[first]} alone", point=Point(cost=mean[0] / unit, error=float(mean[1]))),
        Mark(name=f"{found.models[-1]} alone", point=Point(cost=mean[4] / unit, error=float(mean[5]))),
    )
    points = _sweep(table[(-probability).argsort(kind="stable"), :4])
    return Frontier(
        unit="cost, as a share of asking only the last rung"
        if priced
        else "share of rows that the last rung answers",
        points=[Point(cost=cost / unit, error=error) for cost, error in points.tolist()],
        marks=marks,
    )


def _table(found: Walk, first: int, *, priced: bool) -> tuple[Any, Any]:
    """Return of each row that has them all: (cost, error) of four ways, and the first rung's probability.

    The ways: stopping at the first rung, going on from it, asking only the last rung, and the policy's own.
    Without prices an answer of the last rung costs 1 and any other nothing. Shapes (rows, 8), (rows,).
    """
    import numpy as np

    last = np.arange(len(found.models)) == found.last
    cost = found.cost if priced else np.where(last, 1.0, np.zeros(found.right.shape))
    wrong, on = 1 - found.right, never_accepting(found, first)
    before = on.asked & (np.arange(len(found.models)) < first)
    stopping = np.where(before, cost, 0.0).sum(axis=1) + cost[:, first]
    going = on.of_asked(cost) + np.where(on.asked[:, first], 0.0, cost[:, first])
    table = np.column_stack(
        [
            stopping, wrong[:, first], going, on.of_taken(wrong),
            cost[:, found.last], wrong[:, found.last], found.of_asked(cost), found.of_taken(wrong),
        ]
    )  # fmt: skip
    probability = found.probability[:, first]
    known = np.isfinite(table).all(axis=1) & np.isfinite(probability)
    return table[known], probability[known]


def _sweep(rows: Any) -> Any:
    """Return mean cost and error when the k surest rows stop at the first rung, for about `POINTS` values of k.

    Args:
        rows: surest first; cost and error of stopping, then of going on. Shape (rows, 4).
    """
    import numpy as np

    stopped = np.vstack([np.zeros(2), np.cumsum(rows[:, :2], axis=0)])
    going = np.vstack([np.zeros(2), np.cumsum(rows[:, 2:], axis=0)])
    at = np.unique(np.linspace(0, len(rows), POINTS + 1).round().astype(int))
    return (stopped[at] + going[-1] - going[at]) / len(rows)


def _labels(outcomes: Sequence[Outcome], found: Walk) -> tuple[tuple[str, str], ...]:
    """Return (expected, answered) of the delivered answers, where both are labels."""
    pairs: list[tuple[str, str]] = []
    for outcome, answered in zip(outcomes, _delivered(outcomes, found), strict=True):
        expected = outcome.expected
        if isinstance(expected, Mapping):
            expected = cast("Mapping[str, Any]", expected).get("label")
        if isinstance(expected, str) and answered is not None:
            pairs.append((expected, answered))
    return tuple(pairs)


def _delivered(outcomes: Sequence[Outcome], found: Walk) -> Iterator[str | None]:
    for row, (outcome, taken) in enumerate(zip(outcomes, found.taken.tolist(), strict=True)):
        before = int(found.present[row, : max(taken, 0)].sum())  # rungs that the row lacks are not in it
        yield None if taken < 0 else outcome.rungs[before].label
