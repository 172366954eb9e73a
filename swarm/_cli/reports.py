"""Save a report, and say where it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from swarm._cli import console

if TYPE_CHECKING:
    from swarm._eval.report import Report

__all__ = ["save_report"]


def save_report(path: Path, make: Callable[[str], Report]) -> None:
    """Write the report that `make` returns, given today's date, and say so.

    Raises:
        OSError: the file cannot be written.
    """
    from swarm._eval.report import write_report

    write_report(path, make(time.strftime("%d %B %Y")))
    console.say(f"report: {path}", "dim")
