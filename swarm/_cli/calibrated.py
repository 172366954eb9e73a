"""What a calibration came to, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm._cli import console
from swarm._cli.calibrating import Evidence, artefact_of
from swarm._cli.grid import Cell, Grid
from swarm._eval.words import in_words, percent, promise

if TYPE_CHECKING:
    from swarm._cli.rewriting import Change
    from swarm.confidence.policy import Policy
    from swarm.confidence.resplit import ResplitReport
    from swarm.confidence.tune import Tuned

__all__ = ["Calibrated"]

LOOKS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A policy and all that is to be said of it.

    Attributes:
        change: of the expert's YAML; None where no file is its own.
        tested: how often the target was missed over random splits, where that was asked for.
    """

    policy: Policy
    tuned: Tuned
    evidence: Evidence
    change: Change | None = None
    tested: ResplitReport | None = None

    @property
    def artefact(self) -> Path | None:
        """Return where the policy belongs; None where no expert was named."""
        return None if self.evidence.subject is None else artefact_of(self.evidence.subject)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what to keep in mind, a sentence each."""
        tested = () if self.tested is None else (_tested(self.tested, self.policy),)
        return (*tested, *self._doubts())

    def _doubts(self) -> Iterator[str]:
        yield "these are the outcomes it was chosen on: on others expect a little less"
        yield from self.evidence.notes
        for why, count in self.tuned.left_out.items():
            if count:
                yield f"{count:,} outcomes were left out: {why}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data: the policy's own keys, and what else is known."""
        return self.policy.to_json() | {
            "bound": self.tuned.must_escalate,
            "helps": list(self.tuned.helps),
            "estimators": [asdict(rung) for rung in self.tuned.rungs],
            "priced_by": self.tuned.unit,
            "left_out": dict(self.tuned.left_out),
            "notes": list(self.evidence.notes),
            "resplit": None if self.tested is None else asdict(self.tested),
            "artefact": None if self.artefact is None else str(self.artefact),
            "diff": "" if self.change is None else self.change.diff,
            "by_hand": "" if self.change is None else self.change.by_hand,
        }

    def show(self) -> None:
        """Print it: what was chosen, what to expect, what would help, and what would change."""
        name = self.policy.expert or self.evidence.source
        console.data(f"{name}: {len(self.evidence.outcomes):,} outcomes of {self.evidence.source}", "bold")
        for sentence in in_words(self.policy):
            console.data(f"  {console.wrap(sentence, '    ')}")
        rows = [
            [Cell(f"  {what}"), Cell(value, "bold"), Cell(more, "dim")]
            for what, value, more in self._figures()
        ]
        console.data("")
        console.show(Grid(rows=rows, right=frozenset({1}), wide=2), sys.stdout)
        if not self.policy.feasible:
            console.data("\nwhat would help:", "yellow")
        for sentence in self.tuned.helps:
            console.data(f"  {console.wrap(sentence, '    ')}")
        if self.tested is not None:
            console.data(f"\n{console.wrap(_tested(self.tested, self.policy), '')}")
        for doubt in self._doubts():
            console.say(f"note: {console.wrap(doubt, '  ')}")
        self._show_change()

    def _figures(self) -> Iterator[tuple[str, str, str]]:
        expected, last = self.policy.expected, self.policy.rungs[-1].model
        for rung in self.tuned.rungs:
            told = (
                "no signal"
                if rung.auroc is None
                else f"AUROC {rung.auroc:.3f} ({rung.auroc_low:.3f} to {rung.auroc_high:.3f})"
            )
            yield (
                rung.model,
                percent(rung.error),
                f"wrong of all its answers; {rung.estimator or 'nothing measured'}: {rung.refused or told}",
            )
        if expected.accepted_error is not None:
            bound = (
                "" if expected.bound is None else f"; the target was held against {percent(expected.bound)}"
            )
            yield "expected error", percent(expected.accepted_error), f"of the accepted{bound}"
        if expected.escalated is not None:
            least = self.tuned.must_escalate
            more = f"; with this first rung at least {percent(least)}, whatever the method" if least else ""
            whom = f"to {last}" if len(self.policy.rungs) > 1 else "to nobody: delivered as not confident"
            yield "escalated", percent(expected.escalated), f"{whom}{more}"
        if expected.accuracy is not None:
            yield "right", percent(expected.accuracy), "of all delivered answers"
        if expected.saving is not None:
            yield "saving", percent(expected.saving), f"against {last} alone"

    def _show_change(self) -> None:
        if self.change is None:
            return
        if self.change.by_hand:
            console.data(f"\nwrite this into {self.change.file} yourself:\n")
            console.data("\n".join(f"  {line}" for line in self.change.by_hand.splitlines()))
        elif self.change.diff:
            console.data("")
        for line in self.change.diff.splitlines():
            console.data(line, LOOKS.get(line[:1], ""))


def _tested(found: ResplitReport, policy: Policy) -> str:
    """Return in words what random splits showed."""
    return (
        f"over {found.times:,} random splits ({found.chosen_on:,} outcomes to choose on, {found.tested_on:,} to test):"
        f" the target of {policy.target_error * 100:g} % was missed in {percent(found.violated)};"
        f" on average {percent(found.realised)} were wrong, {percent(found.escalated)} escalated;"
        f" in {percent(found.empty)} nothing could be vouched for (asked for: {promise(policy)})"
    )
