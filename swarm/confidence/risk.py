"""Bounds and rules: how many answers may be accepted so that few of them are wrong.

A cascade is walked from strict to permissive. At each place `sizes` answers are accepted and `errors` of
them count as wrong; a rule says how far one may go. The walk itself must not depend on the labels that
are counted (one known order, or an order learned from other rows).

Sources: Angelopoulos et al., "Learn then Test" (2021), fixed-sequence testing; Bates et al.,
"Distribution-free, risk-controlling prediction sets" (2021); Clopper and Pearson (1934); Angelopoulos et
al., "Conformal risk control" (2022); Barber and Candes, "Controlling the false discovery rate via
knockoffs" (2015), whose stopping argument gives the rule on average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from swarm.errors import InputError

__all__ = [
    "certified", "certified_of_all", "must_escalate", "on_average", "on_average_of_all", "rows_needed",
    "upper_bound",
]  # fmt: skip

# Where the walk starts, as a share of the rows: too early and one unlucky error ends it, too late and only
# a lenient target can be met. Of 0.1 - 0.5, least escalation over 12 sets of outcomes at n = 300 and 2,000.
FIRST = 0.2


@dataclass(frozen=True, slots=True)
class _Steps:
    """What is affordable, for each number of accepted answers from 0. Shape of both (n + 1,).

    Attributes:
        errors: the most that still show the target is held; -1 where none would.
        onward: past the last test that was passed, the walk may end here.
    """

    errors: Any
    onward: Any


def upper_bound(errors: float, n: float, delta: float) -> float:
    """Return the error rate that `errors` in `n` stay below with probability 1 - delta (Clopper-Pearson)."""
    if errors >= n:
        return 1.0
    return float(_special().betaincinv(errors + 1, n - errors, 1 - delta))


def must_escalate(error: float, target: float) -> float:
    """Return the share of rows that any method must escalate when this share of the answers is wrong."""
    return max(0.0, (error - target) / (1 - target))


def rows_needed(target: float, with_confidence: float | None) -> int:
    """Return how many accepted answers, all of them right, it takes to show the target at all."""
    if with_confidence is None:
        return math.ceil(1 / target - 1e-9)
    return math.ceil(math.log(1 - with_confidence) / math.log1p(-target) - 1e-9)


def certified(sizes: Any, errors: Any, target: float, delta: float) -> int:
    """Return how far the walk may go with probability 1 - delta, as an index into it; -1 is not at all.

    Tests stand where one more error becomes affordable, since there the binomial tail is nearest to delta;
    they are passed in order until the first that fails (so none of them costs any of the others' delta).
    From the last one passed the walk goes on while no error too many comes, and may end where that and the
    next test together are still within delta.

    Args:
        sizes: answers accepted, rising. `errors`: how many of them count as wrong. Shape (places,) each.
        target: error rate among the accepted, in (0, 1). `delta`: how often it may be missed.
    """
    import numpy as np

    if not len(sizes):
        return -1
    n = int(sizes.max())
    steps = _steps(n, target, delta)
    level = steps.errors[sizes]
    before = np.concatenate([[-1], level[:-1]])
    tests = np.flatnonzero((sizes >= _first(steps, n)) & (level > before))
    failed = np.flatnonzero(errors[tests] > level[tests])
    passed = failed[0] if len(failed) else len(tests)
    if passed == 0:
        return -1
    last, end = int(tests[passed - 1]), int(tests[passed]) if passed < len(tests) else len(sizes)
    beyond = np.flatnonzero(errors[last:end] > level[last:end])
    stop = last + int(beyond[0]) if len(beyond) else end
    ends = np.flatnonzero(steps.onward[sizes[last + 1 : stop]])
    return last + 1 + int(ends[-1]) if len(ends) else last


def on_average(sizes: Any, errors: Any, target: float) -> int:
    """Return how far the walk may go so that the target holds on average, as an index; -1 is not at all.

    The last place where (1 + errors) / accepted is within the target. Seen from the permissive end that is a
    stopping time, at which fresh wrong answers over 1 + errors is at most 1 on average.
    """
    import numpy as np

    within = np.flatnonzero(1 + errors <= target * sizes)
    return int(within[-1]) if len(within) else -1


def certified_of_all(errors: Any, n: int, target: float, delta: float) -> int:
    """Return what `certified` does where the share is one of all n rows: one binomial bound at each place."""
    return _first_above(errors, float(_steps(n, target, delta).errors[n]))


def on_average_of_all(errors: Any, n: int, target: float) -> int:
    """Return what `on_average` does where the share is one of all n rows (conformal risk control)."""
    return _first_above(errors, target * (n + 1) - 1)


def _first_above(errors: Any, most: float) -> int:
    import numpy as np

    above = np.flatnonzero(errors > most)
    return (int(above[0]) if len(above) else len(errors)) - 1


def _first(steps: _Steps, n: int) -> int:
    """Return the size of the first test: a fifth of the rows, or where one error is affordable if that is early."""
    import numpy as np

    rises = np.flatnonzero(np.diff(steps.errors) > 0) + 1
    one = int(np.searchsorted(steps.errors, 1))
    later = rises[rises >= max(FIRST * n, one if one <= n / 3 else 0)]
    return int(later[0]) if len(later) else n + 1


@lru_cache(maxsize=64)
def _steps(n: int, target: float, delta: float) -> _Steps:
    import numpy as np

    special = _special()
    sizes = np.arange(n + 1)
    spread = np.sqrt(sizes * target * (1 - target))
    errors = np.floor(np.maximum(sizes * target + special.ndtri(delta) * spread, -1)).astype(np.int64)
    while True:  # from the normal guess to the exact tail, one error at a time
        low = (errors >= 0) & (special.bdtr(np.maximum(errors, 0), sizes, target) > delta)
        high = (errors + 1 < sizes) & (special.bdtr(errors + 1, np.maximum(sizes, 1), target) <= delta) & ~low
        if not (low.any() or high.any()):
            break
        errors += high.astype(np.int64) - low
    return _Steps(errors, _onward(errors, sizes, target, delta))


def _onward(errors: Any, sizes: Any, target: float, delta: float) -> Any:
    """Return where ending is within delta although the next test might be passed by chance.

    A set that just misses the target is accepted when it has at most `errors` wrong ones, or when it has one
    more and none follows before the next test. Both together stay within delta from here to that test.
    """
    import numpy as np

    special, n = _special(), len(sizes) - 1
    rises = 1 + np.flatnonzero(np.diff(errors) > 0)
    following = np.append(rises, n + 1)[np.searchsorted(rises, sizes, side="right")]
    spent = special.bdtr(np.maximum(errors, 0), np.maximum(sizes, 1), target)
    more = special.bdtr(errors + 1, np.maximum(sizes, 2), target) - np.where(errors < 0, 0.0, spent)
    chance = np.where(following <= n, more * (1 - target) ** (following - sizes), 0.0)
    dear = np.flatnonzero(spent + chance > delta)
    next_dear = np.append(dear, n + 1)[np.searchsorted(dear, sizes)]
    return (errors >= 0) & (next_dear >= following)


def _special() -> Any:
    try:
        from scipy import special
    except ImportError as error:
        raise InputError(
            "choosing thresholds needs scipy", hint="pip install 'swarm-slm[eval]'", code="missing_extra"
        ) from error
    return special
