"""Texts that fit none of the labels: how well a classifier tells them from the others, and where to draw the line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from swarm._eval.cases import Case, digest_of, spread
from swarm._eval.evaluate import How, Judged, evaluate
from swarm._eval.subject import Subject
from swarm._eval.truth import Truth
from swarm.confidence.metrics import auroc
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["Line", "choose_line", "is_rejected", "scope_scores", "threshold_for"]

KEEP_ACCURACY = 0.91  # of in-scope texts, rejections counted as wrong: what the line has to leave
# The last rows of each label: rows that stand together often come from one writer, and a random fifth is near
# copies of what was kept. CLINC150, embedded rung: the line of the last fifth leaves 0.912 of the validation set
# right, that of a random fifth 0.850.
HELD_OUT = 0.2
MOST_HELD_OUT = 3_000  # texts that are asked about to draw the line
Example = tuple[str, str]
UNCHOSEN = 0.5  # `in_scope` is a probability: without examples to choose a line on, more likely out than in


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Below `threshold` a text counts as out of scope. `chosen`: on training data, else it is assumed."""

    threshold: float = UNCHOSEN
    chosen: bool = False


def scope_score(judged: Judged) -> float | None:
    """Return how likely the text was taken to fit a label: the signal `in_scope`, else the confidence."""
    reply = judged.reply
    return reply.signals.get("in_scope", reply.confidence)


def is_rejected(judged: Judged, line: Line, oos: str | None) -> bool:
    """Return whether the classifier said that the text fits none of its labels."""
    if judged.reply.value is None:
        return False
    if oos is not None and judged.reply.value.get("label") == oos:
        return True
    score = scope_score(judged)
    return score is not None and score < line.threshold


def scope_scores(rows: Sequence[Judged], line: Line, oos: str | None) -> dict[str, Any]:
    """Return the figures about scope; null where no row is out of it."""
    outside = [row for row in rows if row.truth.label is None]
    if not outside:
        return {"oos_auroc": None, "oos_recall": None, "oos_threshold": None, "oos_accuracy_in_scope": None}
    known = [(score, row.truth.label is not None) for row in rows if (score := scope_score(row)) is not None]
    inside = [row for row in rows if row.truth.label is not None]
    recall = sum(is_rejected(row, line, oos) for row in outside) / len(outside)
    kept = sum(bool(row.right) and not is_rejected(row, line, oos) for row in inside)
    return {
        "oos_auroc": auroc([score for score, _ in known], [is_in for _, is_in in known]),
        "oos_recall": recall if line.chosen else None,
        "oos_threshold": line.threshold,
        "oos_accuracy_in_scope": kept / len(inside) if inside else None,
    }


async def choose_line(subject: Subject, expert: ResolvedExpert, how: How) -> Line:
    """Return the line that an expert taught four fifths of the examples would draw on the last fifth.

    It is the highest one that leaves the in-scope accuracy at `KEEP_ACCURACY`; where none does, or there
    are too few examples to hold any out, it is not chosen.
    """
    kept, held = _split(expert.examples)
    if not held or not kept:
        return Line()
    rejects = expert.rejects[: len(expert.rejects) - round(HELD_OUT * len(expert.rejects))]
    key = digest_of([expert.key, "held out"])
    part = replace(expert, key=key, examples=tuple(kept), rejects=rejects)
    rows: list[Judged] = []
    asked = spread(held, MOST_HELD_OUT)
    cases = [
        (
            Case(id=str(index), line=index, inputs={expert.main_input: text}, expected=label),
            Truth(label=label),
        )
        for index, (text, label) in enumerate(asked)
    ]
    await evaluate(subject, part, cases, replace(how, every_rung=False), rows.append)
    threshold = threshold_for([(scope_score(row), bool(row.right)) for row in rows])
    return Line() if threshold is None else Line(threshold=threshold, chosen=True)


def threshold_for(rows: Sequence[tuple[float | None, bool]], accuracy: float = KEEP_ACCURACY) -> float | None:
    """Return the highest threshold at which so large a share of in-scope rows is right and not below it.

    Args:
        rows: the scope score and whether the label was right, of texts that are in scope.
    """
    wanted = math.ceil(accuracy * len(rows))
    scores = sorted((score for score, right in rows if right and score is not None), reverse=True)
    return scores[wanted - 1] if 0 < wanted <= len(scores) else None


def _split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return the examples kept and those held out: the last of each label."""
    by_label: dict[str, list[Example]] = {}
    for pair in examples:
        by_label.setdefault(pair[1], []).append(pair)
    kept: list[Example] = []
    held: list[Example] = []
    for pairs in by_label.values():
        count = len(pairs) - round(HELD_OUT * len(pairs))
        kept += pairs[:count]
        held += pairs[count:]
    return kept, held
