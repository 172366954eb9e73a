"""How near an answer comes to texts, places and documents that were expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from statistics import fmean
from typing import Any, cast

from swarm._eval.evaluate import Judged
from swarm._eval.truth import Span, words_kept
from swarm.errors import SwarmError

__all__ = ["retrieval_scores", "rouge_scores", "span_scores", "word_scores"]

ROUGE = ("rouge1", "rouge2", "rougeL")
OVERLAP = 0.5  # intersection over union from which two spans are the same
FOUND = 10  # documents of a list that are looked at
SPAN_KEYS = ("spans", "found")
Same = Callable[[Span, Span], bool]


def rouge_scores(rows: Sequence[Judged]) -> dict[str, Any]:
    """Return the mean ROUGE F1 over the cases with references, of each case the best over its references.

    Words are stemmed, as in the figures that are published.
    """
    judged = [row for row in rows if row.truth.references]
    if not judged:
        return dict.fromkeys(ROUGE)
    scorer = _scorer()
    found = [scorer.score_multi(list(row.truth.references), row.reply.text) for row in judged]
    return {name: fmean(float(one[name].fmeasure) for one in found) for name in ROUGE}


def word_scores(rows: Sequence[Judged]) -> dict[str, Any]:
    """Return the share of the words kept that must be in the answers."""
    pairs = [words_kept(row.truth, row.reply.text) for row in rows]
    wanted = sum(count for _, count in pairs)
    return {"must_include": sum(found for found, _ in pairs) / wanted if wanted else None}


def span_scores(rows: Sequence[Judged]) -> dict[str, Any]:
    """Return the F1 of the places found, over all cases together.

    `span_f1`: they overlap by half, whatever their type; `span_f1_typed`: and are of the same type;
    `span_f1_exact`: begin and end are the same.
    """
    judged = [(row.truth.spans, _spans_in(row.reply.value)) for row in rows if row.truth.spans is not None]
    if not judged:
        return {"span_f1": None, "span_f1_typed": None, "span_f1_exact": None}

    def f1(same: Same) -> float:
        hits = sum(_matched(wanted or (), found, same) for wanted, found in judged)
        total = sum(len(wanted or ()) + len(found) for wanted, found in judged)
        return 2 * hits / total if total else 1.0

    return {
        "span_f1": f1(_overlaps),
        "span_f1_typed": f1(_overlaps_in_type),
        "span_f1_exact": f1(_coincides),
    }


def retrieval_scores(rows: Sequence[Judged]) -> dict[str, Any]:
    """Return the mean share of the expected documents that are among the first ten an answer names."""
    recalls = [_recall(wanted, row.reply.sources[:FOUND]) for row in rows if (wanted := row.truth.documents)]
    return {"recall_at_10": fmean(recalls) if recalls else None}


def _recall(wanted: Sequence[str], found: Sequence[str]) -> float:
    """Return the share of the wanted documents that was found; a name may leave out folder and suffix."""
    known = {form for name in found for form in (name, PurePath(name).name, PurePath(name).stem)}
    return sum(name in known for name in set(wanted)) / len(set(wanted))


def _scorer() -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ModuleNotFoundError as error:
        raise SwarmError(
            f"ROUGE needs a library that is not installed: {error.name}", code="missing_extra",
            hint="pip install 'swarm-slm[eval]', or in a checkout: pip install '.[eval]'",
        ) from error  # fmt: skip
    return RougeScorer(list(ROUGE), use_stemmer=True)


def _spans_in(value: Mapping[str, Any] | None) -> tuple[Span, ...]:
    """Return the places that an answer names: its field `spans`, or `found`."""
    listed = next((value[key] for key in SPAN_KEYS if key in value), ()) if value else ()
    if not isinstance(listed, list):
        return ()
    spans: list[Span] = []
    for one in cast("list[Any]", listed):
        if isinstance(one, dict):
            table = cast("dict[str, Any]", one)
            start, end = table.get("start"), table.get("end")
            if isinstance(start, int) and isinstance(end, int):
                spans.append((str(table.get("type", "")), start, end))
    return tuple(spans)


def _overlaps(a: Span, b: Span) -> bool:
    common = min(a[2], b[2]) - max(a[1], b[1])
    return common > 0 and common / (max(a[2], b[2]) - min(a[1], b[1])) >= OVERLAP


def _overlaps_in_type(a: Span, b: Span) -> bool:
    return a[0].lower() == b[0].lower() and _overlaps(a, b)


def _coincides(a: Span, b: Span) -> bool:
    return a[1:] == b[1:]


def _matched(wanted: Sequence[Span], found: Sequence[Span], same: Same) -> int:
    """Return how many of the wanted spans are found, each found one counting once."""
    left = list(found)
    hits = 0
    for span in wanted:
        match = next((index for index, one in enumerate(left) if same(span, one)), None)
        if match is not None:
            left.pop(match)
            hits += 1
    return hits
