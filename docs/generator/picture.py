"""The picture of the demo: its real output on a terminal, as an SVG."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from html import unescape
from io import StringIO
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

__all__ = ["demo"]

WIDTH = 100
COMMAND = "swarm demo"
NOBODY = "http://127.0.0.1:9"  # no server: the same picture on every machine
SHOWN_INSTEAD = "http://127.0.0.1:11434"  # where a reader without a server sees it looked for
DEADLINE_S = 60.0
CHANGING = re.compile(r"\d+([.,]\d+)*( m?s)?")
CUT = re.compile(r"^(.{1,24}).*…$")  # where a line is cut depends on the width of the times beside it
SHOWN = re.compile(r"<text[^>]*>([^<]*)</text>")


def demo(current: str) -> str:
    """Return the picture; `current` as it is if only numbers differ, such as milliseconds."""
    made = _svg(_terminal_output())
    return current if _words(current) == _words(made) else made


def _words(svg: str) -> list[str]:
    texts = (unescape(text).replace("\xa0", " ").strip() for text in SHOWN.findall(svg))
    return [CHANGING.sub("0", CUT.sub(r"\1", text)) for text in texts if text]


def _svg(output: str) -> str:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), (COMMAND, "bold")))
    console.print(Text.from_ansi(output.strip("\n").replace(NOBODY, SHOWN_INSTEAD)))
    return console.export_svg(title=COMMAND, unique_id="demo")


def _terminal_output() -> str:
    """Run the demo on a terminal of its own, with nobody there to answer questions."""
    environment = {**os.environ, "OLLAMA_HOST": NOBODY, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    for name in ("NO_COLOR", "SWARM_OLLAMA_URL"):
        environment.pop(name, None)
    ours, theirs = pty.openpty()
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "swarm", *COMMAND.split()[1:]],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment,
        )  # fmt: skip
        os.close(theirs)
        output = _read_all(ours)
        if process.wait(DEADLINE_S):
            raise SystemExit(f"`{COMMAND}` ended with exit code {process.returncode}")
    return output.decode().replace("\r\n", "\n")


def _read_all(terminal: int) -> bytes:
    pieces: list[bytes] = []
    with os.fdopen(terminal, "rb", buffering=0) as stream, suppress(OSError):
        # Linux says that the last writer has gone by an error, others by an empty read
        while piece := stream.read(65536):
            pieces.append(piece)
    return b"".join(pieces)
