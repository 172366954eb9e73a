"""Small evaluations to test with: judged rows by hand, and cases written to files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swarm._eval.asking import Reply
from swarm._eval.cases import Case
from swarm._eval.evaluate import Judged, Ready
from swarm._eval.scope import Line
from swarm._eval.scores import Sheet, scores
from swarm._eval.truth import answer_is_right, truth_of

__all__ = ["figures", "judged", "write_rows"]


def judged(
    kind: str,
    expected: Any,
    value: Mapping[str, Any] | None,
    *,
    text: str = "",
    oos: str | None = None,
    **reply: Any,
) -> Judged:
    """Return a case as it is judged when an expert of `kind` answered with `value`."""
    truth = truth_of(kind, None if oos is not None and expected == oos else expected)
    case = Case(id="case", line=1, inputs={"text": "..."}, expected=expected)
    right = answer_is_right(kind, truth, value, text)
    return Judged(case=case, truth=truth, reply=Reply(value=value, text=text, **reply), right=right)


def figures(kind: str, *rows: Judged, line: Line | None = None, oos: str | None = None) -> dict[str, Any]:
    """Return the figures of judged rows."""
    return scores(Sheet(kind=kind, rows=rows, ready=Ready(), line=line or Line(), oos=oos))


def write_rows(file: Path, *rows: Any) -> Path:
    """Write JSON lines; return the file."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file
