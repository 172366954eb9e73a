"""What is printed and where: data to stdout, talk to stderr, colours only on a terminal that wants them.

`rich` draws the progress bars, and is imported only when one is shown on a terminal.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from swarm._cli.grid import Grid, lay_out

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "columns_of",
    "complain",
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
    "stdout",
    "tools_talk_to_stderr",
    "warn",
    "wrap",
]

# What could move the cursor or change the terminal: a model's text is data, never commands.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ANSI: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def prepare() -> None:
    """Make the streams able to take any text; a character they cannot write is escaped.

    One that the caller closed goes nowhere.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def stdout() -> IO[str]:
    """Return the stream that data goes to, also while tools talk elsewhere."""
    return _kept[-1] if _kept else sys.stdout


@contextmanager
def tools_talk_to_stderr() -> Generator[None]:
    """Send what the code of a graph prints to stderr, so that it does not mix with data."""
    if _kept:
        yield
        return
    _kept.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _kept.pop()


_kept: list[IO[str]] = []


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


def wrap(text: str, indent: str, columns: int = 100) -> str:
    """Return the text wrapped to lines that fit; all but the first are indented."""
    import textwrap

    lines = (textwrap.wrap(line, columns - len(indent)) or [""] for line in text.splitlines())
    return f"\n{indent}".join(line for wrapped in lines for line in wrapped)


def data(text: str, style: str = "", *, end: str = "\n") -> None:
    """Print to stdout what was asked for."""
    put(text, style, stdout(), end=end)


def data_json(value: Any) -> None:
    """Print a document to stdout as JSON, for programs that people read over the shoulder of."""
    put(_json(value, indent=2), "", stdout())


def data_line(value: Any, stream: IO[str] | None = None) -> None:
    """Print one JSON line to stdout, or to `stream`; it is there when this returns."""
    target = stream or stdout()
    target.write(_json(value) + "\n")
    target.flush()


def say(text: str = "", style: str = "", *, end: str = "\n") -> None:
    """Tell the person at the terminal something: to stderr."""
    stdout().flush()  # so that talk and data stand in order when they go to one place
    put(text, style, sys.stderr, end=end)
    sys.stderr.flush()


def complain(text: str) -> None:
    """Tell of an error: to stderr; what to do about it follows on lines of its own."""
    first, _, rest = text.partition("\n")
    say(first, "red")
    if rest:
        say(rest)


def warn(text: str) -> None:
    """Tell of something doubtful: to stderr."""
    say(f"warning: {text}", "yellow")


def show(grid: Grid, stream: IO[str] | None = None) -> None:
    """Print a grid, by default to stderr; on a terminal it fits the width."""
    target = stream or sys.stderr
    if target is sys.stderr:
        stdout().flush()
    for line in lay_out(grid, columns_of(target)):
        for cell in line:
            put(cell.text, cell.style if cell.text.strip() else "", target, end="")
        target.write("\n")
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
    encoding = (getattr(stdout(), "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=encoding != "utf8", indent=indent, default=str)


def columns_of(stream: IO[str]) -> int | None:
    """Return the width of the terminal that the stream is, None if it is none."""
    if not stream.isatty():
        return None
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(stream.fileno()).columns) or None
    except (OSError, ValueError):
        return None
