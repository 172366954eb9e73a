"""What is printed and where: data to stdout, talk to stderr, colours only on a terminal that wants them.

The only module that uses `rich`, and only once something is shown on a terminal.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Cell",
    "Grid",
    "data",
    "data_json",
    "data_line",
    "is_interactive",
    "is_styled",
    "one_line",
    "prepare",
    "put",
    "rich_console",
    "say",
    "show",
    "warn",
]

# What could move the cursor or change the terminal: a model's text is data, never commands.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ANSI: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
GAP = "  "


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a line; `style` is one of `ANSI`, or "" for plain."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rows of cells under each other. `head`: names of the columns, or () for none.

    `right`: columns set to the right (numbers). The `wide` column gives way when the terminal is narrow.
    """

    rows: Sequence[Sequence[Cell]]
    head: Sequence[str] = ()
    right: frozenset[int] = frozenset()
    wide: int = -1


def prepare() -> None:
    """Make the streams able to take any text; a character they cannot write is escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def is_interactive() -> bool:
    """Return whether a person can be asked: input and talk are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_styled(stream: IO[str]) -> bool:
    """Return whether colours and live displays are welcome on the stream."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def one_line(text: str, limit: int = 60) -> str:
    """Return the text on one line, cut to `limit` characters."""
    flat = " ".join(text[: limit * 4].split())
    return flat if len(flat) <= limit and len(text) <= limit * 4 else flat[: limit - 1].rstrip() + "…"


def data(text: str, style: str = "", *, end: str = "\n") -> None:
    """Print to stdout what was asked for."""
    put(text, style, sys.stdout, end=end)


def data_json(value: Any) -> None:
    """Print a document to stdout as JSON, for programs that people read over the shoulder of."""
    put(_json(value, indent=2), "", sys.stdout)


def data_line(value: Any, stream: IO[str] | None = None) -> None:
    """Print one JSON line to stdout, or to `stream`; it is there when this returns."""
    target = stream or sys.stdout
    target.write(_json(value) + "\n")
    target.flush()


def say(text: str = "", style: str = "", *, end: str = "\n") -> None:
    """Tell the person at the terminal something: to stderr."""
    sys.stdout.flush()  # so that talk and data stand in order when they go to one place
    put(text, style, sys.stderr, end=end)
    sys.stderr.flush()


def warn(text: str) -> None:
    """Tell of something doubtful: to stderr."""
    say(f"warning: {text}", "yellow")


def show(grid: Grid, stream: IO[str] | None = None) -> None:
    """Print a grid: through rich on a terminal, padded with spaces elsewhere. Default: stderr."""
    target = stream or sys.stderr
    if target is sys.stderr:
        sys.stdout.flush()
    if is_styled(target):
        rich_console(target).print(_rich_table(grid), crop=False)
    else:
        target.write("".join(f"{line}\n" for line in _plain_lines(grid)))
    target.flush()


def rich_console(stream: IO[str]) -> Console:
    """Return rich's console for a terminal."""
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def put(text: str, style: str, stream: IO[str], *, end: str = "\n") -> None:
    """Print text in a style; on a terminal, what would command it is shown instead."""
    if stream.isatty():
        text = CONTROL.sub(_visible, text)
    if style and is_styled(stream):
        text = f"\x1b[{ANSI[style]}m{text}\x1b[0m"
    stream.write(text + end)


def _visible(match: re.Match[str]) -> str:
    return "" if match[0] == "\r" else f"\\x{ord(match[0]):02x}"


def _json(value: Any, indent: int | None = None) -> str:
    """Return JSON that any stream takes: outside UTF-8 as `\\u` escapes."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=encoding != "utf8", indent=indent, default=str)


def _plain_lines(grid: Grid) -> list[str]:
    rows = [*([[Cell(name) for name in grid.head]] if grid.head else []), *grid.rows]
    count = max((len(row) for row in rows), default=0)
    widths = [max((len(row[at].text) for row in rows if at < len(row)), default=0) for at in range(count)]
    lines: list[str] = []
    for row in rows:
        cells = [
            cell.text.rjust(widths[at]) if at in grid.right else cell.text.ljust(widths[at])
            for at, cell in enumerate(row)
        ]
        lines.append(GAP.join(cells).rstrip())
    return lines


def _rich_table(grid: Grid) -> Any:
    from rich.table import Table
    from rich.text import Text

    count = max((len(row) for row in grid.rows), default=0)
    table = Table(
        box=None, padding=(0, len(GAP), 0, 0), show_header=bool(grid.head), header_style="dim", pad_edge=False
    )
    for at in range(max(count, len(grid.head))):
        justify = "right" if at in grid.right else "left"
        name = grid.head[at] if at < len(grid.head) else ""
        flexible = at == grid.wide
        table.add_column(
            name, justify=justify, no_wrap=True, overflow="ellipsis", ratio=1 if flexible else None
        )
    for row in grid.rows:
        table.add_row(*(Text(CONTROL.sub(_visible, cell.text), style=cell.style) for cell in row))
    return table
