"""A report: one HTML file that opens offline, with its diagrams drawn into it."""

from __future__ import annotations

from pathlib import Path

from swarm._eval.report.model import Answers, Figure, Frontier, Mark, Point, Report
from swarm._eval.report.page import render

__all__ = ["Answers", "Figure", "Frontier", "Mark", "Point", "Report", "render", "write_report"]


def write_report(path: str | Path, report: Report) -> None:
    """Write the report as one HTML file.

    Raises:
        OSError: the file cannot be written.
    """
    Path(path).write_text(
        render(report), encoding="utf-8", errors="backslashreplace"
    )  # half a surrogate pair
