"""The figures of an evaluation: how right, how sure, how fast, at what cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from swarm._eval.evaluate import Judged, Ready
from swarm._eval.scope import Line, is_rejected, scope_scores
from swarm._eval.texts import retrieval_scores, rouge_scores, span_scores, word_scores
from swarm._eval.truth import HARMFUL, HARMLESS, said_by
from swarm.confidence.metrics import aurc, auroc, auroc_interval, average_precision, brier, ece, wilson

__all__ = ["LOWER_IS_BETTER", "Sheet", "coverage", "is_good", "scores"]

TARGETS = (0.01, 0.05, 0.10)
PAIRS = 20  # of labels that are confused, in the figures
LOWER_IS_BETTER = frozenset(
    {"ece", "brier", "aurc", "false_refusal_rate", "latency_ms.p50", "latency_ms.p95", "failed", "ready_s"}
)
ADMISSIONS = ("don't know", "do not know", "cannot answer", "can't answer", "found nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that the figures are made of.

    Attributes:
        oos: what the label that means none of the labels is called; line: what counts as rejected.
    """

    kind: str
    rows: Sequence[Judged]
    ready: Ready
    oos: str | None = None
    line: Line = field(default_factory=Line)

    @property
    def has_outsiders(self) -> bool:
        """Return whether any case fits none of the labels."""
        return self.kind == "classify" and any(row.truth.label is None for row in self.rows)


def scores(sheet: Sheet) -> dict[str, Any]:
    """Return every figure by name; None where it does not apply. Shares and probabilities are in [0, 1]."""
    rows = sheet.rows
    judged = [good for row in rows if (good := is_good(sheet, row)) is not None]
    low, high = wilson(sum(judged), len(judged)) if judged else (None, None)
    figures: dict[str, Any] = {
        "n": len(rows),
        "failed": sum(row.reply.error is not None for row in rows),
        "accuracy": _share(judged),
        "accuracy_low": low,
        "accuracy_high": high,
        "accuracy_in_scope": _in_scope(sheet),
        "macro_f1": _macro_f1(sheet),
        **_ordering(sheet),
        **_harm(sheet),
        **scope_scores(rows if sheet.kind == "classify" else (), sheet.line, sheet.oos),
        **_calibration(sheet),
        **rouge_scores(rows),
        **word_scores(rows),
        **span_scores(rows),
        **retrieval_scores(rows),
        "accepted": _accepted(rows),
        "rungs": _rungs(rows),
        "latency_ms": _latency([row.reply.latency_ms for row in rows]),
        "ready_s": sheet.ready.seconds,
        "cost": _cost(rows, sheet.ready.unit),
        "confusion": _confusion(sheet),
    }
    return {name: _rounded(value) for name, value in figures.items()}


def is_good(sheet: Sheet, row: Judged) -> bool | None:
    """Return whether the case counts as right in `accuracy`; None where nothing says what is right.

    Where some cases are out of scope, such a case is right when it was rejected, and a case that is in
    scope is wrong when it was. A question that has no answer is right where the expert was not confident,
    or said that it does not know.
    """
    if row.truth.refuses:
        said = row.reply.text.lower()
        admits = any(words in said for words in ADMISSIONS)
        return row.reply.value is not None and (not row.reply.confident or admits)
    if not sheet.has_outsiders:
        return row.right
    rejected = is_rejected(row, sheet.line, sheet.oos)
    return rejected if row.truth.label is None else bool(row.right) and not rejected


def coverage(pairs: Sequence[tuple[float, bool]], target: float, n: int) -> float:
    """Return the largest share of `n` rows that could be accepted with at most `target` of them wrong.

    By the best threshold in hindsight: no threshold chosen beforehand does better. Rows of one
    confidence are accepted together.

    Args:
        pairs: confidence and whether the answer is right, of the rows that were measured.
    """
    best, wrong = 0, 0
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    for place, (score, right) in enumerate(ordered, start=1):
        wrong += not right
        is_last = place == len(ordered) or ordered[place][0] != score
        if is_last and wrong <= target * place:
            best = place
    return best / n if n else 0.0


def _measured(sheet: Sheet) -> list[tuple[float, bool]]:
    """Return confidence and whether the answer given is right, where both are known."""
    return [
        (row.reply.confidence, row.right)
        for row in sheet.rows
        if row.reply.confidence is not None and row.right is not None
    ]


def _harm_scores(rows: Sequence[Judged]) -> Iterator[tuple[float, bool]]:
    """Yield how harmful a text was taken to be, and whether it is."""
    for row in rows:
        value = row.reply.value
        if value is None or row.truth.harmful is None:
            continue
        by_category: Mapping[str, float] = value.get("scores") or {}
        score = row.reply.signals.get("harm", max(by_category.values(), default=None))
        if score is not None:
            yield score, row.truth.harmful


def _ordering(sheet: Sheet) -> dict[str, Any]:
    """Return AUROC: of a moderator's harm for harmful texts, else of the confidence for right answers."""
    pairs = list(_harm_scores(sheet.rows)) if sheet.kind == "moderate" else _measured(sheet)
    values, classes = [score for score, _ in pairs], [right for _, right in pairs]
    low, high = auroc_interval(values, classes) or (None, None)
    return {"auroc": auroc(values, classes), "auroc_low": low, "auroc_high": high}


def _harm(sheet: Sheet) -> dict[str, Any]:
    """Return what is told of moderators alone."""
    pairs = list(_harm_scores(sheet.rows)) if sheet.kind == "moderate" else []
    harmless = [row for row in sheet.rows if row.truth.harmful is False]
    named = [row for row in sheet.rows if row.truth.category is not None]
    return {
        "auprc": average_precision([score for score, _ in pairs], [harm for _, harm in pairs]),
        "false_refusal_rate": _share([said_by("moderate", row.reply.value) == HARMFUL for row in harmless]),
        "category_accuracy": _share(
            [bool(row.reply.value) and row.reply.value.get("category") == row.truth.category for row in named]
        ),
    }


def _calibration(sheet: Sheet) -> dict[str, Any]:
    pairs = _measured(sheet)
    values, right = [score for score, _ in pairs], [is_right for _, is_right in pairs]
    known = bool(pairs)
    return {
        "ece": ece(values, right),
        "brier": brier(values, right),
        "aurc": aurc(values, right),
        "coverage": {
            f"{one:.2f}": coverage(pairs, one, len(sheet.rows)) if known else None for one in TARGETS
        },
    }


def _in_scope(sheet: Sheet) -> float | None:
    """Return the accuracy of the best label, without rejection, where there is a right one."""
    rows = sheet.rows if sheet.kind != "classify" else [r for r in sheet.rows if r.truth.label is not None]
    if sheet.kind == "classify":
        return _share([bool(row.right) for row in rows])
    return _share([good for row in rows if (good := is_good(sheet, row)) is not None])


def _labels(sheet: Sheet) -> Iterator[tuple[str, str | None]]:
    """Yield the right label and the one that was said, where there is a right one."""
    for row in sheet.rows:
        wanted = row.truth.label
        if sheet.kind == "moderate":
            wanted = HARMFUL if row.truth.harmful else HARMLESS
        elif sheet.kind == "graph":
            label = row.truth.fields.get("label", row.truth.value)
            wanted = label if isinstance(label, str) else None
        if wanted is not None:
            yield wanted, said_by(sheet.kind, row.reply.value)


def _macro_f1(sheet: Sheet) -> float | None:
    """Return the mean F1 over the labels that are right for any case; rejection plays no part."""
    pairs = [(wanted, said) for wanted, said in _labels(sheet) if said is not None or sheet.kind != "graph"]
    hits = Counter(wanted for wanted, said in pairs if wanted == said)
    expected, answered = Counter(wanted for wanted, _ in pairs), Counter(said for _, said in pairs)
    if not expected:
        return None
    return fmean(2 * hits[label] / (count + answered[label]) for label, count in expected.items())


def _confusion(sheet: Sheet) -> list[dict[str, Any]]:
    """Return the pairs of labels that were taken for one another most often."""
    wrong = Counter((wanted, said) for wanted, said in _labels(sheet) if said is not None and wanted != said)
    return [
        {"expected": wanted, "answered": said, "n": count}
        for (wanted, said), count in sorted(wrong.items(), key=lambda one: (-one[1], one[0]))[:PAIRS]
    ]


def _accepted(rows: Sequence[Judged]) -> dict[str, Any]:
    """Return how many answers the policy accepted, and how many of those are wrong."""
    sure = [row for row in rows if row.reply.confident]
    right = [row.right for row in sure if row.right is not None]
    return {
        "share": len(sure) / len(rows) if rows else None,
        "error": None if not right else 1 - sum(right) / len(right),
    }


def _rungs(rows: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return which models gave the answers that stand, and how right each was."""
    by_rung: dict[tuple[int, str], list[Judged]] = {}
    for row in rows:
        if row.reply.rung is not None and row.reply.model is not None:
            by_rung.setdefault((row.reply.rung, row.reply.model), []).append(row)
    return [
        {
            "rung": rung,
            "model": model,
            "answered": len(found) / len(rows),
            "accuracy": _rounded(_share([row.right for row in found if row.right is not None])),
        }
        for (rung, model), found in sorted(by_rung.items())
    ]


def _latency(values: Sequence[float]) -> dict[str, Any]:
    """Return nearest-rank percentiles, in milliseconds."""
    ordered = sorted(values)
    return {
        name: ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None
        for name, q in (("p50", 0.5), ("p95", 0.95))
    }


def _cost(rows: Sequence[Judged], unit: str) -> dict[str, Any]:
    return {
        "total": sum(row.reply.cost for row in rows),
        "unit": unit,
        "input_tokens": sum(row.reply.usage.input_tokens for row in rows),
        "output_tokens": sum(row.reply.usage.output_tokens for row in rows),
        "model_calls": sum(row.reply.usage.model_calls for row in rows),
    }


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _rounded(value: Any) -> Any:
    """Return a figure with six digits after the point: more would be noise."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
