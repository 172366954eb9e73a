"""The picture of the demo: its real output on a terminal, as an SVG."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from html import unescape
from io import StringIO

from rich.console import Console
from rich.text import Text

__all__ = ["demo"]

WIDTH = 100
COMMAND = "swarm demo"
NOBODY = "http://127.0.0.1:9"  # no server: the same picture on every machine
DEADLINE_S = 60.0
CHANGING = re.compile(r"\d+(\.\d+)?")
SHOWN = re.compile(r"<text[^>]*>([^<]*)</text>")


def demo(current: str) -> str:
    """Return the picture; `current` as it is if only numbers differ, such as milliseconds."""
    made = _svg(_terminal_output())
    return current if _words(current) == _words(made) else made


def _words(svg: str) -> list[str]:
    return [CHANGING.sub("0", unescape(text)).strip() for text in SHOWN.findall(svg)]


def _svg(output: str) -> str:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), (COMMAND, "bold")))
    console.print(Text.from_ansi(output.strip("\n")))
    return console.export_svg(title=COMMAND, unique_id="demo")


def _terminal_output() -> str:
    """Run the demo on a terminal of its own, with nobody there to answer questions."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "OLLAMA_HOST": NOBODY, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "swarm", *COMMAND.split()[1:]],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment,
    )  # fmt: skip
    os.close(theirs)
    pieces: list[bytes] = []
    try:
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    except OSError:  # Linux says this when the last writer has gone
        pass
    finally:
        os.close(ours)
    if process.wait(DEADLINE_S):
        raise SystemExit(f"`{COMMAND}` ended with exit code {process.returncode}")
    return b"".join(pieces).decode().replace("\r\n", "\n")
