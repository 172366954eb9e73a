"""One row of the fault table: what was tried how often, and how many promises were broken."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Finding", "bound"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an experiment came to.

    Attributes:
        tried: how often. broken: promises that were broken, in sentences. note: what else was counted.
    """

    tried: int
    broken: tuple[str, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the row as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        said = "kept" if not self.broken else f"BROKEN {len(self.broken)} times, first: {self.broken[0]}"
        return f"{self.tried:>7,}   {said}{self.note and '   '}{self.note}"


def bound(tried: int) -> str:
    """Return what no failure in `tried` says of the rate of failures, with 95 % confidence (rule of three)."""
    return f"fewer than {3 / tried:.3%} fail (95 %)" if tried else "nothing was tried"
