"""What a batch comes to: who answered, how sure, how right, how fast."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from swarm._cli import console
from swarm._cli.grid import Cell, Grid
from swarm._engine.result import NodeResult, RunResult

__all__ = ["Expectation", "Tally", "percentile", "show_tally"]


_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is right: this field of this node should equal this column."""

    node: str
    field: str
    column: str


class _Answers:
    """How the answers of one model at one node were."""

    __slots__ = ("confident", "count", "judged", "right", "rung")

    def __init__(self, rung: int) -> None:
        self.rung = rung
        self.count = self.confident = self.judged = self.right = 0


class Tally:
    """Counts rows; memory grows by eight bytes a row, for the latencies."""

    def __init__(self, expected: Expectation | None = None) -> None:
        self.expected = expected
        self.rows = self.failed = self.confident = self.judged = self.right = 0
        self.sure = self.sure_right = 0
        self.statuses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.notes: dict[str, tuple[str, int]] = {}
        self.answers: dict[tuple[str, str], _Answers] = {}
        self.latencies = array("d")

    def add(self, columns: Mapping[str, Any], result: RunResult | Mapping[str, Any]) -> str:
        """Count a row; return what went wrong with it, or ""."""
        self.rows += 1
        if not isinstance(result, RunResult):
            error = cast("Mapping[str, str]", result["error"])
            return self._fail(error["code"], error["message"])
        self.latencies.append(result.latency_ms)
        self.confident += all(node.confident is not False for node in result.nodes.values())
        for note in result.notes:
            self._note(note)
        right = self._judge(columns, result)
        for node in result.nodes.values():
            if node.marks is not None and node.model is not None:
                self._count(node, right)
        if result.error is not None:
            return self._fail(result.error.code, result.error.what)
        self.statuses[result.status] += 1
        return "paused: it has to ask a person" if result.status == "paused" else ""

    def _note(self, text: str) -> None:
        """Count a note under what comes before its colon: the rest differs from row to row."""
        head = text.partition(":")[0]
        first, count = self.notes.get(head, (text, 0))
        self.notes[head] = (first, count + 1)

    def _fail(self, code: str, message: str) -> str:
        self.failed += 1
        self.statuses["failed"] += 1
        self.errors[code] += 1
        return message

    def _judge(self, columns: Mapping[str, Any], result: RunResult) -> bool | None:
        """Return whether the row is right; None where nothing says what would be."""
        if self.expected is None or self.expected.column not in columns:
            return None
        node = result.nodes[self.expected.node]
        is_record = isinstance(node.output, dict)
        output = cast("Mapping[str, Any]", node.output) if is_record else _NOTHING
        right = self.expected.field in output and bool(
            output[self.expected.field] == columns[self.expected.column]
        )
        self.judged += 1
        self.right += right
        if node.confident:
            self.sure += 1
            self.sure_right += right
        return right

    def _count(self, node: NodeResult, right: bool | None) -> None:
        assert node.marks is not None
        key = (node.name, str(node.model))
        answers = self.answers.setdefault(key, _Answers(node.marks.rung or 0))
        answers.count += 1
        answers.confident += node.marks.confident
        if right is not None and self.expected is not None and node.name == self.expected.node:
            answers.judged += 1
            answers.right += right

    def to_json(self, seconds: float, rate: float | None) -> dict[str, Any]:
        """Return plain data; latencies in milliseconds, shares in [0, 1]; `rows_per_s` once the experts were ready."""
        return {
            "rows": self.rows, "seconds": round(seconds, 3), "rows_per_s": None if rate is None else round(rate, 1),
            "statuses": dict(self.statuses), "errors": dict(self.errors), "confident": share(self.confident, self.rows),
            "accuracy": share(self.right, self.judged), "accuracy_confident": share(self.sure_right, self.sure),
            "p50_ms": percentile(self.latencies, 0.5), "p95_ms": percentile(self.latencies, 0.95),
            "answered": [
                {"node": node, "model": model, "rung": one.rung, "rows": one.count, "share": share(one.count, self.rows),
                 "confident": share(one.confident, one.count), "accuracy": share(one.right, one.judged)}
                for (node, model), one in self.answers.items()
            ],
            "notes": {text: count for text, count in self.notes.values()},
        }  # fmt: skip


def share(part: int, whole: int) -> float | None:
    """Return a share, or None of nothing."""
    return round(part / whole, 4) if whole else None


def percentile(values: array[float], q: float) -> float | None:
    """Return the nearest-rank percentile, rounded to microseconds; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(q * len(ordered)))], 3)


def show_tally(tally: Tally, seconds: float, rate: float | None, *, as_json: bool) -> None:
    """Print the closing table to stderr; `as_json`: as a document to stdout.

    Args:
        seconds: what the batch took. rate: rows a second once the experts were ready.
    """
    if as_json:
        console.data_json(tally.to_json(seconds, rate))
        return
    console.say()
    if tally.answers:
        console.show(_table(tally))
        console.say()
    for line in _lines(tally, seconds, rate):
        console.say(line)
    for note, count in tally.notes.values():
        console.say(f"note, in {count:,} rows: {note}" if count > 1 else f"note: {note}", "yellow")


def _table(tally: Tally) -> Grid:
    rows: list[list[Cell]] = []
    for (node, model), one in sorted(tally.answers.items(), key=lambda item: (item[0][0], item[1].rung)):
        cells = [
            Cell(node, "bold"),
            Cell(model, "cyan"),
            Cell(f"{one.count:,}"),
            Cell(_percent(one.count, tally.rows)),
            Cell(_percent(one.confident, one.count)),
        ]
        if tally.expected is not None:
            cells.append(Cell(_percent(one.right, one.judged) if node == tally.expected.node else ""))
        rows.append([*cells, Cell(str(one.rung), "dim")])
    judged = ("right",) if tally.expected is not None else ()
    head = ("node", "answered by", "rows", "share", "confident", *judged, "rung")
    return Grid(rows=rows, head=head, right=frozenset(range(2, len(head))))


def _lines(tally: Tally, seconds: float, rate: float | None) -> list[str]:
    statuses = ", ".join(f"{count:,} {status}" for status, count in tally.statuses.most_common())
    speed = f" ({rate:,.0f} a second once ready)" if rate else ""
    lines = [f"{tally.rows:,} rows in {seconds:.1f} s{speed}: {statuses or 'nothing to do'}"]
    lines.append(
        f"confident: {_percent(tally.confident, tally.rows)} of the rows (every expert that ran was)"
    )
    if tally.expected is not None:
        line = f"right: {_percent(tally.right, tally.judged)} of {tally.judged:,} with an expected answer"
        if tally.sure:
            line += f"; {_percent(tally.sure_right, tally.sure)} of the {tally.sure:,} confident ones"
        lines.append(line)
    p50, p95 = (percentile(tally.latencies, q) for q in (0.5, 0.95))
    if p50 is not None and p95 is not None:
        lines.append(f"latency: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    if tally.errors:
        lines.append(
            "errors: " + ", ".join(f"{count:,} {code}" for code, count in tally.errors.most_common())
        )
    return lines


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
