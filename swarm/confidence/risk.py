"""Bounds and rules: how many answers may be accepted so that few of them are wrong.

A cascade is walked from strict to permissive. At each place `sizes` answers are accepted and `errors` of
them count as wrong; a rule says how far one may go. The walk itself must not depend on the labels that
are counted (one known order, or an order learned from other rows).

Sources: Clopper and Pearson (1934); Bates et al., "Distribution-free, risk-controlling prediction sets"
(2021); Angelopoulos et al., "Learn then Test" (2021) and "Conformal risk control" (2022); Barber and Candes,
"Controlling the false discovery rate via knockoffs" (2015), whose stopping argument gives the rule on average.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from swarm.errors import InputError

__all__ = [
    "certified", "certified_of_all", "must_escalate", "on_average", "on_average_of_all", "rows_needed",
    "upper_bound",
]  # fmt: skip

# Past the point where the target is used up, answers are taken to be wrong at least this many times as often
# as the target: what an order that tells right from wrong looks like. By the margin of the embedded classifier,
# few examples of banking77, clinc150 and hwu64, it is 3.0 to 10.7 times; an order that tells nothing is refused
# before it comes here.
WORSE = 2.0
BAND = 64  # errors above the bound from which a walk never comes back below it (chance < 1e-18 at twice the target)
EXACT = 5_000  # sizes computed one by one; beyond, one error more than the most that was given up before


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
        return math.ceil((1 + math.sqrt(1 + 8 * target)) / (2 * target) - 1e-9)
    return math.ceil(math.log(1 - with_confidence) / math.log1p(-target) - 1e-9)


def certified(sizes: Any, errors: Any, target: float, delta: float) -> int:
    """Return how far the walk may go with probability 1 - delta, as an index into it; -1 is not at all.

    The last place with no more errors than are affordable there. One binomial bound holds at one place; that
    the last of many is taken is paid for by affording less, see `_affordable`.

    Args:
        sizes: answers accepted, rising. `errors`: how many of them count as wrong. Shape (places,) each.
        target: error rate among the accepted, in (0, 1). `delta`: how often it may be missed.
    """
    import numpy as np

    most = (_alone if len(sizes) == 1 else _affordable)(int(sizes.max(initial=0)), target, delta)
    within = np.flatnonzero(errors <= most[sizes])
    return int(within[-1]) if len(within) else -1


def on_average(sizes: Any, errors: Any, target: float) -> int:
    """Return how far the walk may go so that the target holds on average, as an index; -1 is not at all.

    The last place where (1 + errors) / accepted is within the target. Seen from the permissive end that is a
    stopping time, at which fresh wrong answers over 1 + errors is at most 1 on average. As many fresh rows
    have other numbers of accepted answers, which lifts the average of a share by at most 2 / accepted.
    """
    import numpy as np

    within = np.flatnonzero((1 + errors) * (sizes + 2) <= target * sizes**2)
    return int(within[-1]) if len(within) else -1


def certified_of_all(errors: Any, n: int, target: float, delta: float) -> int:
    """Return what `certified` does where the share is one of all n rows: one binomial bound at each place."""
    return _first_above(errors, float(_alone(n, target, delta)[n]))


def on_average_of_all(errors: Any, n: int, target: float) -> int:
    """Return what `on_average` does where the share is one of all n rows (conformal risk control)."""
    return _first_above(errors, target * (n + 1) - 1)


def _first_above(errors: Any, most: float) -> int:
    import numpy as np

    above = np.flatnonzero(errors > most)
    return (int(above[0]) if len(above) else len(errors)) - 1


@lru_cache(maxsize=64)
def _alone(n: int, target: float, delta: float) -> Any:
    """Return the most errors that show the target is held, -1 where none would. Shape (n + 1,), by size."""
    import numpy as np

    special, sizes = _special(), np.arange(n + 1)
    spread = np.sqrt(sizes * target * (1 - target))
    errors = np.floor(np.maximum(sizes * target + special.ndtri(delta) * spread, -1)).astype(np.int64)
    while True:  # from the normal guess to the exact tail, one error at a time
        low = (errors >= 0) & (special.bdtr(np.maximum(errors, 0), sizes, target) > delta)
        high = (errors + 1 < sizes) & (special.bdtr(errors + 1, np.maximum(sizes, 1), target) <= delta) & ~low
        if not (low.any() or high.any()):
            return errors
        errors += high.astype(np.int64) - low


@lru_cache(maxsize=64)
def _affordable(n: int, target: float, delta: float) -> Any:
    """Return what `_alone` does, less what makes the last of all places no likelier to be wrong than one.

    Let the target be used up at some size. A larger set is accepted in error when the walk is within bounds
    there, or comes to be later, while answers are wrong WORSE times as often as the target. From the largest
    size down, as many errors are afforded as keep the sum of both within delta.
    """
    import numpy as np

    special, alone = _special(), _alone(n, target, delta)
    errors, top, rate = alone.copy(), min(n, EXACT), min(0.99, WORSE * target)
    back = np.zeros(
        max(0, int(alone[top])) + BAND + 1
    )  # chance to be within bounds at a later size, by errors
    for size in range(top, 0, -1):
        most = int(alone[size])
        if most < 0:
            break
        near = np.arange(max(0, most - BAND // 4), most + BAND)
        tail = special.bdtr(np.minimum(near, size), size, target)
        returns = np.diff(tail) * back[near[1:]]
        spent = tail + np.append(np.cumsum(returns[::-1])[::-1], 0.0)
        within = near[: most - near[0] + 1][spent[: most - near[0] + 1] <= delta]
        errors[size] = within[-1] if len(within) else near[0] - 1
        back[: errors[size] + 1] = 1.0
        back = (1 - rate) * back + rate * np.append(back[1:], 0.0)
    if n > EXACT:
        errors[top // 2 :] = alone[top // 2 :] - int((alone - errors).max()) - 1
    return errors


def _special() -> Any:
    try:
        from scipy import special
    except ImportError as error:
        raise InputError(
            "choosing thresholds needs scipy", hint="pip install 'swarm-slm[eval]'", code="missing_extra"
        ) from error
    return special
