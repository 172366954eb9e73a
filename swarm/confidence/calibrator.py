"""What a score is worth: the probability that an answer is right, learned from outcomes.

A calibrator reads signals by name and adds up one rising curve for each: surer in one signal is never less
sure in all. It is plain numbers, saved as JSON and applied without any library; `fit_calibrator` makes one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from swarm.confidence.curves import Curve, bad, number, table_of

__all__ = ["Calibrator", "Method", "Term"]

Method = Literal["prior", "platt", "logistic", "isotonic"]
Row = Mapping[str, "float | None"]
KEYS = ("method", "n", "edge", "intercept", "signals", "link")
LARGEST = 1e100  # a signal; larger ones count as this, so that their squares and differences stay finite
MOST = 500.0  # log-odds; beyond, a float cannot tell probabilities from 0 and 1, and exp overflows at 710


@dataclass(frozen=True, slots=True)
class Term:
    """What one signal adds to the log-odds; `missing` where it was not measured."""

    name: str
    curve: Curve
    missing: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrator:
    """Signals of an answer -> the probability that it is right.

    Attributes:
        method: `prior` (assumed, corrected by fewer than 50 outcomes), `platt` (one signal), `logistic`
            (several) or `isotonic` (one or several, and their sum bent to what was seen).
        n: outcomes it was fitted on.
        intercept: log-odds before any signal.
        terms: one per signal; none at all says the same of every answer.
        link: bends the sum of log-odds; None leaves it as it is.
        edge: a probability is never nearer to 0 and 1 than this.
    """

    method: Method
    n: int
    intercept: float
    terms: tuple[Term, ...] = ()
    link: Curve | None = None
    edge: float = 0.0

    @property
    def estimator(self) -> str:
        """Return what it reads, in words: `margin + logprob`."""
        return " + ".join(term.name for term in self.terms) or "base rate"

    def __call__(self, signals: Row) -> float | None:
        """Return the probability that the answer is right, in (0, 1).

        It rises strictly with a calibrator's only signal. None where nothing that it reads was measured.
        """
        total, known = self.intercept, not self.terms
        for term in self.terms:
            value = signals.get(term.name)
            if value is None or not math.isfinite(value):
                total += term.missing
            else:
                known = True
                total += term.curve(max(-LARGEST, min(LARGEST, value)))
        if not known:
            return None
        return self._chance(total if self.link is None else self.link(total))

    def many(self, rows: Sequence[Row]) -> list[float | None]:
        """Return what calling it on each row returns, to the last bit, sooner; needs numpy."""
        return self.of_columns({term.name: column(rows, term.name) for term in self.terms}, len(rows))

    def of_columns(self, columns: Mapping[str, Any], count: int) -> list[float | None]:
        """Return what `many` returns of `count` rows given as one array per signal, NaN where not measured."""
        import numpy as np

        total, known = np.full(count, self.intercept), np.full(count, not self.terms)
        for term in self.terms:
            values = columns[term.name]
            measured = np.isfinite(values)
            known |= measured
            total = total + np.where(measured, term.curve.many(np.where(measured, values, 0.0)), term.missing)
        bent = total if self.link is None else self.link.many(total)
        return [
            self._chance(log_odds) if row_known else None
            for log_odds, row_known in zip(bent.tolist(), known.tolist(), strict=True)
        ]

    def _chance(self, log_odds: float) -> float:
        chance = 1 / (1 + math.exp(-max(-MOST, min(MOST, log_odds))))
        return self.edge + (1 - 2 * self.edge) * chance

    def to_json(self) -> dict[str, Any]:
        """Return plain data, which `from_json` reads."""
        signals = [{"name": t.name, "missing": t.missing, "curve": t.curve.to_json()} for t in self.terms]
        return {
            "method": self.method, "n": self.n, "edge": self.edge, "intercept": self.intercept,
            "signals": signals, "link": None if self.link is None else self.link.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: object) -> Calibrator:
        """Read what `to_json` gave, by the letter.

        Raises:
            InputError: a key is missing, unknown or not of its kind; it is named.
        """
        table = table_of(data, KEYS, "", "calibrator")
        method, n, signals = table["method"], table["n"], table["signals"]
        if method not in get_args(Method):
            raise bad("method", f"is {method!r}: one of {', '.join(get_args(Method))}")
        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise bad("n", f"is {n!r}: no whole number from 0")
        if not isinstance(signals, list):
            raise bad("signals", "is no list")
        edge = number(table["edge"], "edge")
        if not 0 <= edge < 0.5:
            raise bad("edge", f"is {edge!r}: a number from 0 to below 0.5")
        terms = tuple(_terms(cast("list[object]", signals)))
        link = None if table["link"] is None else Curve.from_json(table["link"], "link")
        return cls(
            method=method,
            n=n,
            edge=edge,
            intercept=number(table["intercept"], "intercept"),
            terms=terms,
            link=link,
        )


def column(rows: Sequence[Row], name: str) -> Any:
    """Return one signal of all rows as an array of floats, NaN where it was not measured."""
    import numpy as np

    found = (row.get(name) for row in rows)
    values = np.fromiter((math.nan if v is None else v for v in found), dtype=float, count=len(rows))
    return np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), math.nan)


def _terms(signals: Iterable[object]) -> Iterable[Term]:
    seen: set[str] = set()
    for place, signal in enumerate(signals):
        path = f"signals[{place}]"
        table = table_of(signal, ("name", "missing", "curve"), path, "calibrator")
        name = table["name"]
        if not isinstance(name, str) or name in seen:
            raise bad(f"{path}.name", f"is {name!r}: no name of a signal, or named before")
        seen.add(name)
        curve = Curve.from_json(table["curve"], f"{path}.curve")
        yield Term(name, curve, number(table["missing"], f"{path}.missing"))
