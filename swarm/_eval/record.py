"""Outcomes from evaluated cases: what each rung answered, for calibrating and replaying."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from swarm._eval.asking import Reply
from swarm._eval.evaluate import Judged
from swarm._eval.truth import Truth, answer_is_right
from swarm.confidence.outcomes import Outcome, RungOutcome, read_outcomes
from swarm.errors import InputError
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.version import version_of

__all__ = ["outcome_of", "refuse_recorded"]


def outcome_of(judged: Judged, expert: ResolvedExpert, version: str = "") -> Outcome:
    """Return the outcome of one case whose rungs were all asked (`How.every_rung`).

    A rung that failed is an outcome too: wrong, without signals, at the cost of its call.

    Args:
        version: of the expert, where it is known already: it is the same for all cases.
    """
    case = judged.case
    return Outcome(
        id=case.id, expert=expert.name, expected=case.expected, version=version or version_of(expert),
        input=case.inputs[expert.main_input] if len(case.inputs) == 1 else dict(case.inputs),
        rungs=tuple(_rung(expert.kind, judged.truth, model, reply) for model, reply in judged.rungs),
    )  # fmt: skip


def refuse_recorded(path: Path, ids: Iterable[str]) -> None:
    """Refuse to record cases a second time into the same file.

    Raises:
        InputError: some are there already, or the file holds no outcomes.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    known = {outcome.id for outcome in read_outcomes(path)}
    again = [name for name in ids if name in known]
    if again:
        raise InputError(
            f"{len(again):,} of these cases are recorded there already, such as {again[0]!r}",
            where=str(path), hint="record into another file, or delete this one", code="usage",
        )  # fmt: skip


def _rung(kind: str, truth: Truth, model: str, reply: Reply) -> RungOutcome:
    right = answer_is_right(kind, truth, reply.value, reply.text)
    return RungOutcome(
        model=model, signals=dict(reply.signals), output=_output(kind, reply), correct=right,
        cost=reply.cost, latency_ms=round(reply.latency_ms, 3), digest=reply.digest,
    )  # fmt: skip


def _output(kind: str, reply: Reply) -> object:
    """Return what to keep of an answer: of decisions without the scores, which the signals sum up."""
    if reply.value is None:
        return None
    if kind == "classify":
        return reply.value.get("label")
    drop = ("scores", "probabilities") if kind in ("moderate", "decide") else ()
    return {name: value for name, value in reply.value.items() if name not in drop}
