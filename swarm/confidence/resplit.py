"""How often a policy chosen on some outcomes misses its target on others; needs numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from swarm.confidence.ladder import read_ladder
from swarm.confidence.outcomes import Outcome
from swarm.confidence.settle import Goal, measure, scores_of, settle
from swarm.errors import InputError

__all__ = ["ResplitReport", "resplit"]

# Share of the rows to choose on. The rest is a sample, too: where a bound is just kept in 90 % of the draws, its
# error exceeds the target in a share Phi(-1.28 / sqrt(1 + r)) of the splits, r rows to choose on for each to test on.
# That is 18 % for halves and 13 % for a fifth.
CHOSEN_ON = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ResplitReport:
    """What happened over random splits of the outcomes.

    Attributes:
        times: splits. `chosen_on`, `tested_on`: rows of each part of a split.
        violated: share of the splits in which the realised error of the other part was above the target.
            The other part is a sample, too: the smaller it is, the more often chance alone does that.
        realised: the realised error, on average; 0 where nothing was accepted. It is a share of the
            accepted answers, or of all rows, as the goal says.
        escalated: share of the rows that the last rung had to answer, on average.
        empty: share of the splits in which nothing could be vouched for.
    """

    times: int
    chosen_on: int
    tested_on: int
    violated: float
    realised: float
    escalated: float
    empty: float


def resplit(
    outcomes: Sequence[Outcome],
    goal: Goal,
    times: int,
    *,
    groups: bool = False,
    chosen_on: int | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> ResplitReport:
    """Choose a policy on one random part of the outcomes and hold it against the rest, many times.

    Args:
        chosen_on: rows to choose on; a fifth of them where it is not given.
        progress: called with the number of splits done after each.

    Raises:
        InputError: too few outcomes to split, no splits, or numpy is missing.
    """
    ladder = read_ladder(outcomes, regret=goal.regret)
    size = max(1, round(CHOSEN_ON * len(ladder))) if chosen_on is None else chosen_on
    if times < 1 or not 0 < size < len(ladder):
        raise InputError(
            f"{len(ladder)} usable outcomes cannot be split {times} times with {size} to choose on",
            hint="give more outcomes, and at least one split: --resplit 1000", code="invalid_outcomes",
        )  # fmt: skip
    import numpy as np

    rng = np.random.default_rng(seed)
    violated, realised, accepted, empty = 0, 0.0, 0.0, 0
    for turn in range(times):
        order = rng.permutation(len(ladder))
        other = ladder.take(order[size:])
        settled = settle(ladder.take(order[:size]), goal, groups=groups, seed=seed + turn)
        done = measure(other, scores_of(other, settled.fits), settled, goal)
        error = done.lost / max(done.accepted if goal.of == "accepted" else done.rows, 1.0)
        violated += error > goal.target_error + 1e-12
        realised += error
        accepted += done.accepted / done.rows
        empty += not settled.used
        if progress is not None:
            progress(turn + 1)
    return ResplitReport(
        times=times, chosen_on=size, tested_on=len(ladder) - size, violated=violated / times,
        realised=realised / times, escalated=1 - accepted / times, empty=empty / times,
    )  # fmt: skip
