"""The diagrams of a report: each a picture, a sentence to read it by, and the same figures as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from swarm._eval.curves import (
    Bin,
    RiskPoint,
    Sides,
    histogram,
    reliability,
    risk_at,
    risk_coverage,
)
from swarm._eval.report.drawing import Axis, Panel, across, picture, shares
from swarm._eval.report.model import Answers, Frontier, Mark
from swarm.confidence.metrics import auroc, ece

__all__ = ["Chart", "Table", "cost_error", "of_answers"]

LEFT, TOP, WIDTH, HEIGHT = 66.0, 14.0, 400.0, 270.0
PICTURE = (LEFT + WIDTH + 20, TOP + HEIGHT + 46)
T = TypeVar("T")
UNIT = shares(0, 1, "")
ROWS = 12  # of a curve, in its table
FEW = 0.02  # of the answers: below this coverage a curve is mostly chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Figures as text: the heads of the columns, and rows of as many cells."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One diagram.

    Attributes:
        caption: how to read it, and what it shows here.
        svg: the picture, "" where there is nothing to draw.
        wide: it takes a row of its own, its table open beside it.
    """

    title: str
    caption: str
    svg: str
    table: Table
    wide: bool = False


def of_answers(answers: Answers, target_error: float | None) -> Iterator[Chart]:
    """Yield the diagrams of one rung's answers; there must be at least one."""
    yield _reliability(answers)
    yield _risk_coverage(answers, target_error)
    yield _histogram(answers)


def _reliability(answers: Answers) -> Chart:
    bins = reliability(answers.probabilities, answers.right)
    error = ece(answers.probabilities, answers.right) or 0.0
    over = Panel(left=LEFT, top=TOP, width=WIDTH, height=HEIGHT - 70, x=_plain(UNIT), y=_named(UNIT, "right"))
    over.line([(0, 0), (1, 1)], "diagonal")
    _threshold(over, answers.at_least)
    for one in bins:
        over.line([(one.predicted, one.low), (one.predicted, one.high)], "whisker")
    over.line([(one.predicted, one.right) for one in bins], "curve thin")
    for one in bins:
        over.dot((one.predicted, one.right), "dot", _bin_tip(one))
    under = _counts(bins)
    name = f"Reliability of {answers.name}"
    return Chart(
        title=name,
        caption=f"Are the probabilities true? On the dashed line they are. Bars: 95 % intervals; below: answers in"
        f" each of 15 bins. Expected calibration error {error:.3f} over {len(answers.right):,} answers.",
        svg=picture(name, f"Expected calibration error {error:.3f}.", *PICTURE, [over.svg(), under.svg()]),
        table=Table(
            heads=("said", "right", "95 % interval", "answers"),
            rows=[
                (_share(one.predicted), _share(one.right), _range(one.low, one.high), f"{one.count:,}")
                for one in bins
            ],
        ),
    )


def _counts(bins: Sequence[Bin]) -> Panel:
    most = max(one.count for one in bins)
    axis = Axis(low=0, high=most, ticks=[(0, "0"), (most, f"{most:,}")])
    panel = Panel(
        left=LEFT, top=TOP + HEIGHT - 56, width=WIDTH, height=56,
        x=_named(UNIT, "probability of being right, as said"), y=axis,
    )  # fmt: skip
    for one in bins:
        panel.bar((one.predicted - 0.012, 0), (one.predicted + 0.012, one.count), "amount", _bin_tip(one))
    return panel


def _risk_coverage(answers: Answers, target_error: float | None) -> Chart:
    curve = risk_coverage(answers.probabilities, answers.right)
    chosen = (
        None if answers.at_least is None else risk_at(answers.probabilities, answers.right, answers.at_least)
    )
    tops = [one.risk for one in curve if one.coverage >= FEW] + ([chosen.risk] if chosen else [])
    top = max([*tops, (target_error or 0) * 1.3, 0.01])
    panel = Panel(
        left=LEFT, top=TOP, width=WIDTH, height=HEIGHT,
        x=_named(UNIT, "accepted: share of all answers, surest first"),
        y=shares(0, min(1.0, top * 1.1), "wrong among the accepted"),
    )  # fmt: skip
    panel.band(
        [(one.coverage, one.high) for one in curve], [(one.coverage, one.low) for one in curve], "band"
    )
    if target_error is not None:
        panel.line([(0, target_error), (1, target_error)], "target")
        words = f"target {_share(target_error)}"
        panel.note((1, target_error), words, dx=-6, dy=-5, look="target-text", anchor="end")
    panel.line([(one.coverage, one.risk) for one in curve], "curve")
    if chosen is not None:
        panel.dot((chosen.coverage, chosen.risk), "chosen", _risk_tip(chosen), 6)
    said = "" if chosen is None else f" Chosen: {_risk_tip(chosen)}."
    order = auroc(answers.probabilities, answers.right)
    quality = "" if order is None else f" AUROC {order:.3f}."
    name = f"Risk and coverage of {answers.name}"
    return Chart(
        title=name,
        caption=f"How wrong the accepted answers are when more of them are accepted; shaded: 95 % intervals."
        f"{said}{quality}",
        svg=picture(name, f"{said}{quality}".strip(), *PICTURE, [panel.svg()]),
        table=Table(
            heads=("accepted", "wrong among them", "95 % interval", "probability from"),
            rows=[
                (_share(one.coverage), _share(one.risk), _range(one.low, one.high), f"{one.at_least:.3f}")
                for one in _some(curve)
            ],
        ),
    )


def _histogram(answers: Answers) -> Chart:
    bars = histogram(answers.probabilities, answers.right)
    rights, wrongs = sum(one.right for one in bars), sum(one.wrong for one in bars)
    top = max(max(one.right / max(rights, 1), one.wrong / max(wrongs, 1)) for one in bars)
    half = shares(0, top, "")
    marks = [(-tick, words) for tick, words in reversed(half.ticks[1:])]
    axis = Axis(
        low=-half.high,
        high=half.high,
        ticks=[*marks, *half.ticks],
        label="← wrong · share of its kind · right →",
    )
    panel = Panel(
        left=LEFT, top=TOP, width=WIDTH, height=HEIGHT, y=axis,
        x=_named(UNIT, "probability of being right, as said"),
    )  # fmt: skip
    for one in bars:
        tip = f"{one.low:.2f} to {one.high:.2f}: {one.right:,} right, {one.wrong:,} wrong"
        inner = (one.low + 0.004, one.high - 0.004)
        panel.bar((inner[0], 0), (inner[1], one.right / max(rights, 1)), "right", tip)
        panel.bar((inner[0], -one.wrong / max(wrongs, 1)), (inner[1], 0), "wrong", tip)
    panel.line([(0, 0), (1, 0)], "axis")
    _threshold(panel, answers.at_least)
    panel.note((0, half.high), f"{rights:,} right", dx=8, dy=18, look="right-text")
    panel.note((0, -half.high), f"{wrongs:,} wrong", dx=8, dy=-10, look="wrong-text")
    name = f"Confidence of {answers.name}"
    return Chart(
        title=name,
        caption="Where right answers (up) and wrong ones (down) lie, each as a share of its kind: the further"
        " apart, the better one threshold can tell them.",
        svg=picture(name, f"{rights:,} right and {wrongs:,} wrong answers.", *PICTURE, [panel.svg()]),
        table=_sides(bars),
    )


def _sides(bars: Sequence[Sides]) -> Table:
    rows = [
        (f"{one.low:.2f} to {one.high:.2f}", f"{one.right:,}", f"{one.wrong:,}")
        for one in bars
        if one.right or one.wrong
    ]
    return Table(heads=("probability", "right", "wrong"), rows=rows)


def cost_error(frontier: Frontier) -> Chart:
    """Return what error costs for every threshold, with the chosen point; there must be points."""
    places = [*frontier.points, *(mark.point for mark in frontier.marks)]
    width = max(one.cost for one in places) or 1.0
    height = max(max(one.error for one in places), 0.01)
    panel = Panel(
        left=LEFT, top=TOP, width=WIDTH, height=HEIGHT,
        x=across(width * 1.04, frontier.unit), y=shares(0, min(1.0, height * 1.1), "wrong answers, of all"),
    )  # fmt: skip
    panel.line([(one.cost, one.error) for one in frontier.points], "curve")
    for mark in sorted(frontier.marks, key=lambda one: one.chosen):
        _draw_mark(panel, mark)
    said = "; ".join(_mark_tip(mark) for mark in frontier.marks)
    name = "Cost and error"
    return Chart(
        title=name,
        caption="What being right costs: each point of the curve is a threshold of the first rung, all else as the"
        f" policy says. {said}.",
        svg=picture(name, said, *PICTURE, [panel.svg()]),
        table=Table(
            heads=("", frontier.unit, "wrong answers, of all"),
            rows=[(one.name, f"{one.point.cost:.3g}", _share(one.point.error)) for one in frontier.marks]
            + [("a threshold", f"{one.cost:.3g}", _share(one.error)) for one in _some(frontier.points)],
        ),
    )


def _draw_mark(panel: Panel, mark: Mark) -> None:
    """Draw a named point; a curve of falling error leaves room above it, and below to the left."""
    at = (mark.point.cost, mark.point.error)
    panel.dot(at, "chosen" if mark.chosen else "alone", _mark_tip(mark), 6 if mark.chosen else 4.5)
    under = mark.chosen and panel.y.share(mark.point.error) > 0.12
    left = panel.x.share(mark.point.cost) > (0.25 if under else 0.6)
    panel.note(
        at, mark.name, dx=-8 if left else 8, dy=19 if under else -9,
        look="chosen-text" if mark.chosen else "note", anchor="end" if left else "start",
    )  # fmt: skip


def _threshold(panel: Panel, at_least: float | None) -> None:
    if at_least is not None:
        panel.line([(at_least, panel.y.low), (at_least, panel.y.high)], "threshold")
        left = at_least > 0.6
        panel.note(
            (at_least, panel.y.high), f"accepted from {at_least:.3f}", dx=-6 if left else 6, dy=14,
            look="chosen-text", anchor="end" if left else "start",
        )  # fmt: skip


def _named(axis: Axis, label: str) -> Axis:
    return Axis(low=axis.low, high=axis.high, ticks=axis.ticks, label=label)


def _plain(axis: Axis) -> Axis:
    return Axis(low=axis.low, high=axis.high, ticks=[(tick, "") for tick, _ in axis.ticks])


def _some(rows: Sequence[T]) -> Sequence[T]:
    """Return about `ROWS` of them, evenly chosen, the first and the last among them."""
    if len(rows) <= ROWS:
        return rows
    return [rows[round(at * (len(rows) - 1) / (ROWS - 1))] for at in range(ROWS)]


def _share(value: float) -> str:
    return f"{value * 100:.1f} %"


def _range(low: float, high: float) -> str:
    return f"{low * 100:.1f} to {high * 100:.1f} %"


def _bin_tip(one: Bin) -> str:
    return f"said {_share(one.predicted)}, right {_share(one.right)} of {one.count:,}"


def _risk_tip(one: RiskPoint) -> str:
    return f"from {one.at_least:.3f} on {_share(one.coverage)} accepted, {_share(one.risk)} of them wrong"


def _mark_tip(mark: Mark) -> str:
    return f"{mark.name} at {mark.point.cost:.3g}, {_share(mark.point.error)} wrong"
