"""`swarm run --record`: what every rung answered, appended to a file of outcomes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from swarm._app.learned import OutcomeFile
from swarm._cli.tally import Expectation
from swarm.confidence.outcomes import Outcome, RungOutcome, refuse_other_file

__all__ = ["Recorder"]


class Recorder:
    """Collects the outcomes of runs, and writes those of a run when it has ended.

    Args:
        path: the file, which is appended to. expected: what is right for which node, where that is known.

    Raises:
        InputError: the file is there, and holds something else than outcomes.
    """

    def __init__(self, path: Path, expected: Expectation | None = None) -> None:
        refuse_other_file(path)
        self.path, self.expected = path, expected
        self._file = OutcomeFile(path, max_bytes=sys.maxsize)  # what was asked for is kept whole
        self._open: dict[str, list[Outcome]] = {}

    def __call__(self, outcome: Outcome) -> None:
        """Keep an outcome until its run has ended."""
        self._open.setdefault(outcome.id.partition("/")[0], []).append(outcome)

    @property
    def said(self) -> str:
        """Return how many outcomes were written, for people."""
        count = self._file.written
        return f"{count:,} outcome{'' if count == 1 else 's'} added to {self.path}"

    def settle(self, run: str, columns: Mapping[str, Any] | None = None) -> None:
        """Write the outcomes of a run; `columns` holds what was right.

        Raises:
            StoreError: the file cannot be written.
        """
        for outcome in self._open.pop(run, []):
            self._file(self._judged(outcome, columns or {}))

    def _judged(self, outcome: Outcome, columns: Mapping[str, Any]) -> Outcome:
        wanted = self.expected
        if wanted is None or wanted.column not in columns or outcome.id.partition("/")[2] != wanted.node:
            return outcome
        right = columns[wanted.column]
        rungs = tuple(_judged(rung, wanted.field, right) for rung in outcome.rungs)
        return replace(outcome, expected=right, rungs=rungs)


def _judged(rung: RungOutcome, field: str, right: Any) -> RungOutcome:
    given: object = rung.output
    if not isinstance(given, Mapping):
        return rung
    output = cast("Mapping[str, Any]", given)
    return replace(rung, correct=output[field] == right) if field in output else rung
