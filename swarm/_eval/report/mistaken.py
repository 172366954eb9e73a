"""The confusion matrix: who is answered in place of whom, readable with two labels and with hundreds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from swarm._eval.curves import Confusion, confusion
from swarm._eval.report.charts import Chart, Table
from swarm._eval.report.drawing import picture, text

__all__ = ["mistaken"]

CELL, TOP, LEFT = 30.0, 40.0, 250.0
NAME = 34  # characters of a label beside the matrix: about what LEFT has room for
OTHER = "others"


def mistaken(labels: Sequence[tuple[str, str]]) -> Chart:
    """Return the matrix of (expected, answered); there must be rows."""
    found = confusion(labels)
    name = "Confusion matrix"
    said = f"{found.wrong:,} of {found.rows:,} rows have another label than expected."
    return Chart(
        title=name,
        caption=f"{said} {_reading(found)}",
        svg=_matrix(name, said, found) if found.labels else "",
        wide=True,
        table=Table(
            heads=("expected", "answered", "rows", "of all wrong"),
            rows=[
                (expected, answered, f"{rows:,}", f"{rows / found.wrong * 100:.1f} %")
                for expected, answered, rows in found.pairs
            ],
        ),
    )


def _reading(found: Confusion) -> str:
    how = (
        "A row is an expected label, a column an answered one, by the same numbers; the stronger the"
        " colour, the larger the share of the row."
    )
    if len(found.labels) == found.all_labels:
        return how
    if not found.labels:
        return f"None of the {found.all_labels} labels was confused."
    return f"{how} Shown are the {len(found.labels)} labels most often confused, of {found.all_labels}."


def _matrix(name: str, said: str, found: Confusion) -> str:
    columns = len(found.labels) + (len(found.labels) < found.all_labels)
    width = LEFT + max(columns, 1) * CELL + 30
    height = TOP + len(found.labels) * CELL + 10
    return picture(name, said, width, height, _parts(found, columns))


def _parts(found: Confusion, columns: int) -> Iterator[str]:
    heads = [str(at + 1) for at in range(len(found.labels))] + [OTHER] * (columns - len(found.labels))
    for at, head in enumerate(heads):
        yield text(LEFT + (at + 0.5) * CELL, TOP - 8, head, look="tick", anchor="middle")
    yield text(LEFT, TOP - 26, "answered", look="label")
    for row, (label, counts) in enumerate(zip(found.labels, found.matrix, strict=True)):
        y = TOP + row * CELL
        yield f"<g>{_title(label)}{text(LEFT - 8, y + CELL / 2 + 4, _shown(row, label), look='tick', anchor='end')}</g>"
        for column in range(columns):
            answered = found.labels[column] if column < len(found.labels) else OTHER
            yield _cell(row, column, counts[column], sum(counts), f"{label} answered as {answered}")


def _cell(row: int, column: int, rows: int, of: int, tip: str) -> str:
    x, y = LEFT + column * CELL, TOP + row * CELL
    share = rows / of if of else 0.0
    look = "hit" if row == column else "miss"
    shade = f'fill-opacity="{0.12 + 0.88 * share:.2f}"' if rows else 'fill-opacity="0"'
    box = f'<rect class="cell {look}" x="{x:g}" y="{y:g}" width="{CELL:g}" height="{CELL:g}" {shade}/>'
    look = "number strong" if share > 0.55 else "number"
    number = text(x + CELL / 2, y + CELL / 2 + 4, f"{rows:,}" if rows else "", look=look, anchor="middle")
    return f"<g>{_title(f'{tip}: {rows:,} of {of:,}')}{box}{number}</g>"


def _shown(row: int, label: str) -> str:
    """Return a label with its number, its middle cut out where it is long."""
    keep = NAME // 2 - 1
    short = label if len(label) <= NAME else f"{label[:keep]}…{label[-keep:]}"
    return f"{short}  {row + 1}"


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>"
