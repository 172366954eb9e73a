"""Rising curves: straight between given points, so that they are applied without any library.

A calibrator is a sum of such curves, one per signal. Applied to one number or to an array, a curve gives the
same floats to the last bit: a threshold chosen on many rows decides single answers the same way.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any, cast

from swarm.errors import InputError

__all__ = ["Curve", "bad", "number", "table_of"]

# How much a curve still rises beyond its last point, in all: a value never seen before may be surer than all
# that were seen, but nobody has measured by how much. In units of y, here log-odds.
OVERHANG = 0.25


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve through points (x, y), at least one; beyond them it rises by `OVERHANG` at most."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """Return the height at a finite value."""
        x, y = self.x, self.y
        if value < x[0]:
            return y[0] - self._beyond(x[0] - value)
        if value >= x[-1]:
            return y[-1] + self._beyond(value - x[-1])
        left = bisect_right(x, value) - 1
        return y[left] + (y[left + 1] - y[left]) * ((value - x[left]) / (x[left + 1] - x[left]))

    def many(self, values: Any) -> Any:
        """Return the heights at an array of finite values, NaN where a value is NaN; needs numpy."""
        np: Any = import_module("numpy")
        x, y = np.array(self.x), np.array(self.y)
        low = y[0] - self._beyond(np.maximum(x[0] - values, 0))
        high = y[-1] + self._beyond(np.maximum(values - x[-1], 0))
        if len(x) == 1:
            return np.where(values < x[0], low, high)
        within = np.clip(values, x[0], x[-1])
        left = np.clip(np.searchsorted(x, within, side="right") - 1, 0, len(x) - 2)
        inside = y[left] + (y[left + 1] - y[left]) * ((within - x[left]) / (x[left + 1] - x[left]))
        return np.where(values < x[0], low, np.where(values >= x[-1], high, inside))

    def _beyond(self, distance: Any) -> Any:
        width = (self.x[-1] - self.x[0]) or 1.0
        return OVERHANG - OVERHANG / (1 + distance / width)

    def to_json(self) -> list[list[float]]:
        """Return the points."""
        return [[x, y] for x, y in zip(self.x, self.y, strict=True)]

    @classmethod
    def from_json(cls, data: object, key: str) -> Curve:
        """Read points.

        Raises:
            InputError: names the key: no list of points, no number, or the curve falls.
        """
        if not isinstance(data, list) or not data:
            raise bad(key, "is no list of points [x, y]")
        points = [_point(point, f"{key}[{place}]") for place, point in enumerate(cast("list[object]", data))]
        for place, (one, two) in enumerate(pairwise(points), start=1):
            if not (two[0] > one[0] and two[1] >= one[1]):
                raise bad(f"{key}[{place}]", f"is {list(two)!r} after {list(one)!r}: the curve must rise")
        return cls(tuple(x for x, _ in points), tuple(y for _, y in points))


def bad(key: str, why: str) -> InputError:
    """Return the error of a calibration that was edited, or is not one, with the key that shows it."""
    return InputError(
        f"`{key}` {why}", code="invalid_calibration",
        hint="make the calibration anew: swarm calibrate EXPERT --outcomes FILE --target-error 0.05 --write",
    )  # fmt: skip


def table_of(data: object, keys: Sequence[str], path: str, what: str) -> Mapping[str, Any]:
    """Return an object with exactly these keys, or raise the error that names the first key that is wrong.

    Args:
        path: where it stands, "" at the top. what: what it is, for the error.
    """
    if not isinstance(data, Mapping):
        raise bad(path or what, "is no object {...}")
    table = cast("Mapping[str, Any]", data)
    lead = f"{path}." if path else ""
    for key in keys:
        if key not in table:
            raise bad(lead + key, "is missing")
    for key in table:
        if key not in keys:
            raise bad(lead + str(key), f"is no key of a {what}")
    return table


def number(value: object, key: str) -> float:
    """Return a finite number, or raise the error that names the key."""
    if not isinstance(value, bool) and isinstance(value, int | float) and abs(value) <= sys.float_info.max:
        return float(value)
    raise bad(key, f"is {value!r}: no number" if isinstance(value, float | str | None) else "is no number")


def _point(data: object, key: str) -> tuple[float, float]:
    if not isinstance(data, list) or len(cast("Sequence[object]", data)) != 2:
        raise bad(key, "is no point [x, y]")
    x, y = cast("list[object]", data)
    return number(x, key), number(y, key)
