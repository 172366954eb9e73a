"""One row of the engine's table: what was measured, beside what was asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Row", "markdown"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure.

    Attributes:
        value, unit: what was measured. ratio: the same over the work by hand, None where there is none.
        asked, asked_ratio: the goal of both. more_is_better: of the value; a ratio is better when small.
        note: what else to know about the figure.
    """

    part: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    asked: float | None = None
    asked_ratio: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Return whether the value is as asked for; None if nothing was."""
        if self.asked is None:
            return None
        return self.value >= self.asked if self.more_is_better else self.value <= self.asked

    @property
    def reached_ratio(self) -> bool | None:
        """Return whether the ratio is as asked for; None if nothing was."""
        if self.asked_ratio is None or self.ratio is None:
            return None
        return self.ratio <= self.asked_ratio

    def to_json(self) -> dict[str, object]:
        """Return the row as plain data."""
        return {**asdict(self), "reached": self.reached, "reached_ratio": self.reached_ratio}

    def __str__(self) -> str:
        _, *cells = self.cells()
        return f"{cells[0]:>24}{cells[1]:>10}   asked {cells[2]:>16}   {cells[3]:14} {self.note}"

    def cells(self) -> tuple[str, ...]:
        """Return the row as texts: what, measured, over the work by hand, asked for, reached."""
        asked = _number(self.asked) + (f" ({_times(self.asked_ratio)})" if self.asked_ratio else "")
        return (
            f"{self.part} {self.what}",
            f"{_number(self.value)} {self.unit}".strip(),
            _times(self.ratio),
            asked.strip(),
            _said(self.reached, self.reached_ratio),
        )


def markdown(rows: list[Row]) -> str:
    """Return a table for a document."""
    lines = ["| workload | measured | over the same by hand | asked for | reached |", "|---|---|---|---|---|"]
    for row in rows:
        what, *rest = row.cells()
        lines.append("| " + " | ".join([what + (f"; {row.note}" if row.note else ""), *rest]) + " |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.0f}x" if ratio >= 100 else f"{ratio:.3g}x"


def _said(reached: bool | None, reached_ratio: bool | None) -> str:
    """Return yes or no; of a value and a ratio that differ, both."""
    words = {True: "yes", False: "no", None: ""}
    if reached_ratio is None or reached is None or reached == reached_ratio:
        return words[reached if reached is not None else reached_ratio]
    return f"{words[reached]}, ratio {words[reached_ratio]}"
