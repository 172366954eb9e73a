"""What a report shows, as plain values: whoever measured something fills them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Answers", "Figure", "Frontier", "Mark", "Point", "Report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One headline figure.

    Attributes:
        name: what it is, such as `accuracy`.
        value: as shown, with its unit: `93.1 %`.
        interval: such as `91.8 to 94.2 %`, or "".
        meaning: one short sentence, or "".
    """

    name: str
    value: str
    interval: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How sure somebody was of its answers, and which of them were right.

    Attributes:
        name: whose answers, such as `embedded/ngram`.
        probabilities: how likely each answer was said to be right, in [0, 1].
        right: whether it was. As many as `probabilities`.
        at_least: from which probability on answers are accepted; None where there is no threshold.
    """

    name: str
    probabilities: Sequence[float]
    right: Sequence[bool]
    at_least: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place between cheap and right. `cost`: in the frontier's unit; `error`: a share in [0, 1]."""

    cost: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point with a name. `chosen`: the policy that the report is about."""

    name: str
    point: Point
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """What error costs: one point for each threshold, in the order of the thresholds.

    Attributes:
        unit: what `cost` counts, such as `cost as a share of asking only the last rung`.
    """

    unit: str
    points: Sequence[Point]
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of one report; what is empty is left out of the page.

    Attributes:
        title: such as `banking77: embedded/ngram`.
        command: what was typed to make it. `made`: the date, for people.
        words: what was chosen or found, a sentence each.
        sections: more of them, each under a heading.
        answers: a reliability diagram, a risk-coverage curve and a histogram for each.
        target_error: drawn into the risk-coverage curves; None where there is no target.
        labels: (expected, answered) of each row, for the confusion matrix.
        notes: what was left out, and other doubts.
    """

    title: str
    command: str = ""
    made: str = ""
    figures: Sequence[Figure] = ()
    words: Sequence[str] = ()
    sections: Sequence[tuple[str, Sequence[str]]] = ()
    answers: Sequence[Answers] = ()
    target_error: float | None = None
    frontier: Frontier | None = None
    labels: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
