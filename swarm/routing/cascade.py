"""What a cascade does with an answer: take it, ask again, ask a larger model, or stop. Pure.

A cascade is a ladder of models, cheapest first; a rung is one step of it. The engine asks a rung,
writes down what came of it as an `Attempt`, and asks `decide_rung` what to do next. Every rung is
asked at most twice, so a cascade always ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Action", "Attempt", "Came", "Verdict", "decide_rung"]

Came = Literal["answer", "invalid", "refused", "unreachable"]
Action = Literal["accept", "reask", "escalate", "give_up", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One time a rung was asked, and what came.

    Attributes:
        rung: from 0, the cheapest.
        came: `answer` (a valid one), `invalid` (it did not fit its schema), `refused` (the model
            would not answer), `unreachable` (no answer: server, model, deadline).
        score: of a valid answer, in [0, 1]; None when nothing could measure it.
        accepted: what the policy says of a valid answer; None where only the score is held against
            the threshold.
        message: what was wrong, in the validator's or the server's words.
    """

    rung: int
    came: Came = "answer"
    score: float | None = None
    accepted: bool | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do now.

    Attributes:
        action: `accept` the last answer; `reask` the same rung, saying `reason`; `escalate` to the
            next rung; `give_up`: the best answer there is, not confident; `fail`: there is none.
        best: the index of the attempt whose answer stands; None when no answer does (yet).
        confident: whether that answer was accepted by the policy.
        reason: why, in a few words, for events and people.
    """

    action: Action
    best: int | None
    confident: bool = False
    reason: str = ""


def decide_rung(
    attempts: Sequence[Attempt], *, rungs: int, threshold: float | None, last_stands: bool = False
) -> Verdict:
    """Say what to do after the last of `attempts`.

    Args:
        attempts: in the order they were made, at least one.
        rungs: how many there are.
        threshold: the score to reach; None accepts any valid answer. With a threshold, an answer
            that nothing could measure is not accepted.
        last_stands: where none is accepted, the last answer is the one that stands, not the surest.
    """
    last = attempts[-1]
    if last.came == "answer" and (
        _reaches(last.score, threshold) if last.accepted is None else last.accepted
    ):
        return Verdict(action="accept", best=len(attempts) - 1, confident=True)
    reason = _reason(last, threshold)
    if last.came == "invalid" and not _was_reasked(attempts):
        return Verdict(action="reask", best=best_answer(attempts, last_stands=last_stands), reason=reason)
    best = best_answer(attempts, last_stands=last_stands)
    if last.rung + 1 < rungs:
        return Verdict(action="escalate", best=best, reason=reason)
    return Verdict(action="fail" if best is None else "give_up", best=best, reason=reason)


def best_answer(attempts: Sequence[Attempt], *, last_stands: bool = False) -> int | None:
    """Return the index of the answer that stands if no more come: the highest score, later ones first.

    A later answer gives way only to a higher score: where one of the two was not measured, the
    larger model is believed.
    """
    best: int | None = None
    for index, attempt in enumerate(attempts):
        if attempt.came != "answer":
            continue
        if best is None or last_stands or not _beats(attempts[best].score, attempt.score):
            best = index
    return best


def _beats(earlier: float | None, later: float | None) -> bool:
    return earlier is not None and later is not None and earlier > later


def _reaches(score: float | None, threshold: float | None) -> bool:
    return threshold is None or (score is not None and score >= threshold)


def _was_reasked(attempts: Sequence[Attempt]) -> bool:
    return len(attempts) > 1 and attempts[-2].rung == attempts[-1].rung


def _reason(attempt: Attempt, threshold: float | None) -> str:
    if attempt.came != "answer":
        return f"{attempt.came}: {attempt.message}" if attempt.message else attempt.came
    if threshold is None:
        return "no answer of this rung can be vouched for"
    if attempt.score is None:
        return f"nothing measured the answer, and {threshold:g} is asked for"
    return f"score {attempt.score:.3g} is under {threshold:.3g}"
