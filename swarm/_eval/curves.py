"""The numbers behind the diagrams: how far probabilities hold, what coverage costs, who is mistaken for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm.confidence.metrics import wilson

__all__ = [
    "Bin",
    "Confusion",
    "RiskPoint",
    "Sides",
    "confusion",
    "histogram",
    "reliability",
    "risk_at",
    "risk_coverage",
]

BINS = 15  # as in ECE-15 (Guo et al. 2017, arXiv 1706.04599)
POINTS = 200  # as many as a diagram's pixels can tell apart
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The answers whose probability lies in one piece of [0, 1].

    Attributes:
        predicted: their mean probability. right: the share of them that is right, with its interval.
    """

    count: int
    predicted: float
    right: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPoint:
    """The surest answers: their share of all, the share of them that is wrong, with its interval."""

    at_least: float
    coverage: float
    risk: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The right and the wrong answers in one bar of a histogram over [low, high)."""

    low: float
    high: float
    right: int
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Which labels were answered in place of which.

    Attributes:
        pairs: (expected, answered, rows), the most frequent confusions first.
        labels: the labels of the matrix: those of `pairs`, as many as it can show.
        matrix: rows by expected, columns by answered, in the order of `labels`, then a column for
            every other label. Shape (labels, labels + 1).
        all_labels: how many labels there are. rows: how many rows, wrong: how many of them are wrong.
    """

    pairs: tuple[tuple[str, str, int], ...]
    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    all_labels: int
    rows: int
    wrong: int


def reliability(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> tuple[Bin, ...]:
    """Return what became of the answers of each of `bins` equal pieces of [0, 1]; empty ones are left out."""
    members: dict[int, list[int]] = {}
    for row, probability in enumerate(probabilities):
        members.setdefault(_piece(probability, bins), []).append(row)
    return tuple(_bin(members[piece], probabilities, right) for piece in sorted(members))


def risk_coverage(
    probabilities: Sequence[float], right: Sequence[bool], points: int = POINTS
) -> tuple[RiskPoint, ...]:
    """Return the error among the surest answers for growing shares of them; ties are taken whole.

    Source: El-Yaniv and Wiener 2010, JMLR 11, section 2 (risk and coverage).
    """
    order = sorted(range(len(probabilities)), key=lambda row: -probabilities[row])
    found: list[RiskPoint] = []
    wrong, shown = 0, 0.0
    for count, row in enumerate(order, start=1):
        wrong += not right[row]
        last = count == len(order)
        if not last and (probabilities[order[count]] == probabilities[row] or count < shown):
            continue
        shown = count + len(order) / points
        found.append(_risk(probabilities[row], count, wrong, len(order)))
    return tuple(found)


def risk_at(probabilities: Sequence[float], right: Sequence[bool], at_least: float) -> RiskPoint | None:
    """Return the error among the answers from a probability on; None where there is none."""
    accepted = [correct for p, correct in zip(probabilities, right, strict=True) if p >= at_least]
    if not accepted:
        return None
    return _risk(at_least, len(accepted), len(accepted) - sum(accepted), len(probabilities))


def histogram(probabilities: Sequence[float], right: Sequence[bool], bars: int = 20) -> tuple[Sides, ...]:
    """Return how many right and wrong answers lie in each of `bars` equal pieces of [0, 1]."""
    counts = Counter(
        (_piece(p, bars), bool(correct)) for p, correct in zip(probabilities, right, strict=True)
    )
    return tuple(
        Sides(low=at / bars, high=(at + 1) / bars, right=counts[at, True], wrong=counts[at, False])
        for at in range(bars)
    )


def confusion(labels: Iterable[tuple[str, str]], *, pairs: int = 15, most: int = 16) -> Confusion:
    """Return who is mistaken for whom.

    Args:
        labels: (expected, answered) of each row.
        pairs: how many confusions are named.
        most: how many labels the matrix may have; with fewer there it has them all.
    """
    counts = Counter(labels)
    wrong = sorted(
        ((expected, answered, rows) for (expected, answered), rows in counts.items() if expected != answered),
        key=lambda pair: (-pair[2], pair[:2]),
    )
    every = sorted({label for pair in counts for label in pair})
    shown = every if len(every) <= most else _labels_of(wrong, most)
    return Confusion(
        pairs=tuple(wrong[:pairs]),
        labels=tuple(shown),
        matrix=_matrix(counts, shown),
        all_labels=len(every),
        rows=counts.total(),
        wrong=sum(rows for *_, rows in wrong),
    )


def _piece(probability: float, pieces: int) -> int:
    return min(pieces - 1, max(0, int(probability * pieces)))


def _bin(rows: Sequence[int], probabilities: Sequence[float], right: Sequence[bool]) -> Bin:
    hits = sum(right[row] for row in rows)
    low, high = wilson(hits, len(rows), LEVEL)
    predicted = sum(probabilities[row] for row in rows) / len(rows)
    return Bin(count=len(rows), predicted=predicted, right=hits / len(rows), low=low, high=high)


def _risk(at_least: float, count: int, wrong: int, rows: int) -> RiskPoint:
    low, high = wilson(wrong, count, LEVEL)
    return RiskPoint(at_least=at_least, coverage=count / rows, risk=wrong / count, low=low, high=high)


def _labels_of(pairs: Iterable[tuple[str, str, int]], most: int) -> list[str]:
    """Return the labels of the worst pairs, worst first, each once."""
    found: dict[str, None] = {}
    for expected, answered, _ in pairs:
        if len({*found, expected, answered}) > most:
            break
        found |= {expected: None, answered: None}
    return list(found)


def _matrix(counts: Counter[tuple[str, str]], labels: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    totals: Counter[str] = Counter()
    for (expected, _), rows in counts.items():
        totals[expected] += rows
    inside = [[counts[expected, answered] for answered in labels] for expected in labels]
    return tuple((*row, totals[expected] - sum(row)) for expected, row in zip(labels, inside, strict=True))
