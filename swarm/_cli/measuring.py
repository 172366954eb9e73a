"""An evaluation at the terminal: progress while it runs, nothing lost when it is interrupted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from swarm._cli import console
from swarm._cli.loop import Loop
from swarm._cli.progress import Progress
from swarm._cli.settings import STATE
from swarm._eval.compare import Kept, Verdict, file_for, keep, read_kept
from swarm._eval.evaluate import Judged, Ready
from swarm._eval.prepare import Prepared, start
from swarm._eval.record import outcome_of, refuse_recorded
from swarm._eval.scores import Sheet, is_good, scores
from swarm._eval.truth import said_by
from swarm.confidence.outcomes import write_outcomes
from swarm.spec.version import version_of

__all__ = ["Measured", "Measuring"]

TOLD = 5  # failed cases that are told of one by one


class Measured:
    """A whole evaluation: what was judged, and the figures of it."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.figures = scores(sheet)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Return what was made of each case, in their order."""
        return tuple(_verdict(self.sheet, row) for row in self.sheet.rows)


class Measuring:
    """An evaluation under way.

    Args:
        record: where outcomes are appended to as they come, or None.

    Raises:
        InputError: the cases are recorded there already; what was kept of the last evaluation is damaged.
    """

    def __init__(self, prepared: Prepared, record: Path | None = None) -> None:
        self.prepared, self.record = prepared, record
        cases = [case for case, _ in prepared.cases]
        self.file = file_for(STATE / "evals", prepared.subject.name, cases)
        self.before = read_kept(self.file)
        if record is not None:
            refuse_recorded(record, (case.id for case in cases))
        self._version = "" if prepared.expert is None else version_of(prepared.expert)
        self._rows: list[Judged] = []
        self._failed = 0

    def run(self) -> Measured:
        """Ask about every case, and keep what came of it.

        Raises:
            SwarmError: nobody answers. KeyboardInterrupt: somebody pressed Ctrl-C. What was judged by then
                is kept, and where is said.
        """
        prepared = self.prepared
        if prepared.has_outsiders and not prepared.request.folds:
            console.say(
                "first a fifth of the examples is held out, to choose what counts as out of scope", "dim"
            )
        is_whole = False
        try:
            with Loop() as loop, Progress(len(prepared.cases)) as progress:
                ready, line = loop.run(start(prepared, lambda one: self._add(one, progress)))
            is_whole = True
        finally:
            if not is_whole:
                self._keep_part()
        for missing in ready.missing:
            console.warn(f"not asked: {missing}")
        rows = sorted(self._rows, key=lambda row: row.case.line)
        measured = Measured(
            Sheet(kind=prepared.subject.kind, rows=rows, ready=ready, oos=prepared.request.oos, line=line)
        )
        self._keep(Kept(about=self._about(), figures=measured.figures, verdicts=measured.verdicts))
        return measured

    def _add(self, judged: Judged, progress: Progress) -> None:
        self._rows.append(judged)
        prepared, error = self.prepared, judged.reply.error
        if self.record is not None and prepared.expert is not None:
            write_outcomes(self.record, [outcome_of(judged, prepared.expert, self._version)])
        self._failed += error is not None
        progress.step(failed=self._failed)
        if error is not None and self._failed <= TOLD:
            progress.tell(f"{prepared.data}:{judged.case.line}: {error.what}")

    def _keep_part(self) -> None:
        """Keep what was judged before the end came too soon, beside the last whole results."""
        if not self._rows:
            return
        prepared = self.prepared
        sheet = Sheet(kind=prepared.subject.kind, rows=self._rows, ready=Ready(), oos=prepared.request.oos)
        verdicts = [_verdict(sheet, row) for row in self._rows]
        file = self._keep(Kept(about=self._about(), figures={}, verdicts=verdicts), partial=True)
        kept = "" if file is None else f": kept in {file}"
        recorded = f", their outcomes in {self.record}" if self.record is not None else ""
        console.say(f"{len(verdicts):,} of {len(prepared.cases):,} cases are done{kept}{recorded}")

    def _keep(self, kept: Kept, *, partial: bool = False) -> Path | None:
        """Keep results for `--compare`; where they cannot be kept, they are still told."""
        try:
            return keep(self.file, kept, partial=partial)
        except OSError as error:
            console.warn(
                f"{self.file}: these results are not kept to compare with: {error.strerror or error}"
            )
            return None

    def _about(self) -> dict[str, Any]:
        request = self.prepared.request
        return {
            "subject": self.prepared.subject.name,
            "data": str(self.prepared.data),
            "train": None if request.train is None else str(request.train),
            "rung": request.how.rung,
            "date": time.strftime("%Y-%m-%d %H:%M:%S"),
        }


def _verdict(sheet: Sheet, row: Judged) -> Verdict:
    return Verdict(
        id=row.case.id, good=is_good(sheet, row), said=said_by(sheet.kind, row.reply.value),
        confidence=row.reply.confidence,
    )  # fmt: skip
