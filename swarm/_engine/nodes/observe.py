"""What the rungs of one cascade answered, as an outcome that can be learned from.

Nobody says here what is right: `correct` is null. Where two rungs answered, the dearer one's answer can
stand in for the truth (`swarm calibrate --from-runs`), and `propensity` says how likely it was that the
dearer one was asked at all: 1 where no cheaper answer was accepted, `EXPLORED` where one was and the
comparison was drawn by lot. Then all dearer rungs are asked, so that the row tells of every rung.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from swarm._engine.nodes.answers import Answered
from swarm._engine.trust import Trust
from swarm.confidence.outcomes import Outcome, RungOutcome

__all__ = ["COMPARED", "EXPLORED", "Seen", "essence", "explored", "observed"]

COMPARED = ("classify", "moderate", "decide", "extract")  # kinds whose answers are equal or not
LIKELIHOODS = ("scores", "probabilities")
EXPLORED = 0.03  # share of accepted answers that the dearer rungs are asked about, too (confidence.md: 2-5 %)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A valid answer of one rung."""

    model: str
    answered: Answered
    latency_ms: float


def explored(run: str, place: str) -> bool:
    """Return whether this accepted answer is compared with the last rung's: drawn by lot, from the run's id."""
    drawn = hashlib.sha256(f"{run}/{place}".encode()).digest()
    return int.from_bytes(drawn[:8]) < EXPLORED * 2**64


def observed(
    seen: Sequence[Seen], trust: Trust, *, run: str, place: str, text: str, propensity: float
) -> Outcome:
    """Return the outcome of one climb; a rung that was asked twice counts with its last answer."""
    last = {one.model: one for one in seen}
    rungs = [
        RungOutcome(
            model=one.model, signals=one.answered.signals.flat(), output=one.answered.value,
            latency_ms=round(one.latency_ms, 3), digest=trust.weights.get(one.model, ""),
        )
        for one in last.values()
    ]  # fmt: skip
    return Outcome(
        id=f"{run}/{place}", expert=trust.expert.name, input=text, version=trust.version,
        propensity=propensity, rungs=tuple(rungs),
    )  # fmt: skip


def essence(output: Any) -> Any:
    """Return what an answer says, without how likely it said so: two answers agree when these are equal."""
    if not isinstance(output, Mapping):
        return output
    table = cast("Mapping[str, Any]", output)
    return {name: value for name, value in table.items() if name not in LIKELIHOODS}
