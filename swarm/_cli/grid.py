"""Cells under each other, in columns as wide as their widest cell; one column gives way when it is narrow."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

__all__ = ["Cell", "Grid", "cut", "lay_out"]

GAP = "  "
LEAST = 12  # columns that the wide one keeps, however narrow the terminal


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a line; `style` is a style of `console`, or "" for plain."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rows of cells. `head`: names of the columns, or () for none.

    `right`: columns set to the right (numbers). `wide`: the column that is cut when lines are too
    long, or -1.
    """

    rows: Sequence[Sequence[Cell]]
    head: Sequence[str] = ()
    right: frozenset[int] = frozenset()
    wide: int = -1


def lay_out(grid: Grid, columns: int | None) -> list[list[Cell]]:
    """Return the lines, each a list of cells padded to their places.

    Args:
        columns: how wide a line may be; None for any width.
    """
    head = [Cell(name, "dim") for name in grid.head]
    rows = [list(row) for row in ([head] if head else []) + [list(row) for row in grid.rows]]
    count = max((len(row) for row in rows), default=0)
    widths = [max((width(row[at].text) for row in rows if at < len(row)), default=0) for at in range(count)]
    if columns is not None and 0 <= grid.wide < count:
        others = sum(widths) - widths[grid.wide] + len(GAP) * (count - 1)
        widths[grid.wide] = min(widths[grid.wide], max(LEAST, columns - others))
    return [
        [
            _placed(cell, widths[at], right=at in grid.right, last=at == len(row) - 1)
            for at, cell in enumerate(row)
        ]
        for row in map(_filled, rows)
    ]


def _filled(row: Sequence[Cell]) -> Sequence[Cell]:
    """Return a row without the empty cells at its end."""
    return row[: max((at + 1 for at, cell in enumerate(row) if cell.text), default=0)]


def _placed(cell: Cell, columns: int, *, right: bool, last: bool) -> Cell:
    text = cut(cell.text, columns)
    space = " " * (columns - width(text))
    if right:
        text = space + text
    return replace(cell, text=text if last else text + ("" if right else space) + GAP)


def cut(text: str, columns: int) -> str:
    """Return the text, shortened to so many columns."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
