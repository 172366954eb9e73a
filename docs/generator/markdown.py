"""Markdown out of plain values: tables, code, and docstrings as prose."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

__all__ = ["block", "code", "first_line", "prose", "table"]

SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):(.*)$")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """Return `text` as inline code."""
    return f"`{text}`"


def block(text: str, language: str = "text") -> str:
    """Return `text` as a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def first_line(thing: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(thing) or "").split("\n", 1)[0]


def prose(thing: object) -> str:
    """Return a docstring as Markdown: its sections become lists."""
    lines: list[str] = []
    in_section = False
    for line in (inspect.getdoc(thing) or "").splitlines():
        if match := SECTION.match(line):
            in_section = True
            lines += [f"**{match[1]}**{match[2]}", ""]
        elif in_section and re.match(r"    \S", line):
            lines.append("- " + _entry(line.strip()))
        elif in_section and line.startswith("     "):
            lines.append("  " + line.strip())
        else:
            in_section = in_section and not line
            lines.append(line)
    return "\n".join(lines).strip()


def _entry(line: str) -> str:
    """Return `name: what it is` with the names as code."""
    match = re.match(r"([\w, ]+): (.*)$", line)
    if match is None:
        return line
    names = ", ".join(code(name.strip()) for name in match[1].split(","))
    return f"{names}: {match[2]}" if len(match[1].split()) <= 4 else line
