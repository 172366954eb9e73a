"""What a batch comes to: who answered, how sure, how right, how fast."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from swarm._cli import console
from swarm._cli.grid import Cell, Grid
from swarm._engine.result import RunResult

__all__ = ["Expectation", "Latencies", "Tally", "show_tally"]


LEAST_MS = 0.001
WIDTH = math.log(1.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is right: this field of this node should equal this column."""

    node: str
    field: str
    column: str

    def judge(self, columns: Mapping[str, Any], result: RunResult) -> bool | None:
        """Return whether a row is right; None where nothing says what would be."""
        if self.column not in columns:
            return None
        output: object = result.nodes[self.node].output
        if not isinstance(output, Mapping) or self.field not in output:
            return False
        return bool(cast("Mapping[str, Any]", output)[self.field] == columns[self.column])


class _Answers:
    """How the answers of one model at one node were."""

    __slots__ = ("confident", "count", "judged", "right", "rung")

    def __init__(self, rung: int) -> None:
        self.rung = rung
        self.count = self.confident = self.judged = self.right = 0


class Latencies:
    """Times in buckets that are 1 % wide: a percentile is right to 0.5 %, and a million take no more than ten."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def add(self, ms: float) -> None:
        """Count a time in milliseconds."""
        self._buckets[math.floor(math.log(max(ms, LEAST_MS)) / WIDTH)] += 1

    def percentile(self, q: float) -> float | None:
        """Return the nearest-rank percentile in milliseconds; None of nothing."""
        left = min(int(q * (total := self._buckets.total())), total - 1)
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left < 0:
                return round(math.exp((bucket + 0.5) * WIDTH), 3)
        return None


class Tally:
    """Counts rows by their result lines, fresh ones and those of before alike; takes no memory per row.

    Attributes:
        before: how many of the rows were there when this part of the batch began.
    """

    def __init__(self, expected: Expectation | None = None) -> None:
        self.expected = expected
        self.rows = self.failed = self.confident = self.judged = self.right = 0
        self.sure = self.sure_right = self.before = 0
        self.statuses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.usage: Counter[str] = Counter()
        self.notes: dict[str, tuple[str, int]] = {}
        self.answers: dict[tuple[str, str], _Answers] = {}
        self.latencies = Latencies()

    def add(self, line: Mapping[str, Any]) -> str:
        """Count a row by the line of its result; return what went wrong with it, or ""."""
        self.rows += 1
        error: Mapping[str, str] | None = line.get("error")
        if line["run"] is None:  # it could not be begun
            return self._fail(error or {})
        self.latencies.add(line.get("latency_ms") or 0.0)
        self.usage.update(line["usage"])
        for note in line.get("notes", ()):
            self._note(note)
        right = line.get("right")
        self._judge(right, line["nodes"])
        is_sure = True
        for name, node in line["nodes"].items():
            if "rung" in node and node["status"] != "skipped":
                is_sure = is_sure and (node["status"] != "done" or node["confident"] is not False)
                if node["model"] is not None:
                    self._count(name, node, right)
        self.confident += is_sure
        if error is not None:
            return self._fail(error)
        self.statuses[line["status"]] += 1
        return "paused: it has to ask a person" if line["status"] == "paused" else ""

    def _note(self, text: str) -> None:
        """Count a note under what comes before its colon: the rest differs from row to row."""
        head = text.partition(":")[0]
        first, count = self.notes.get(head, (text, 0))
        self.notes[head] = (first, count + 1)

    def _fail(self, error: Mapping[str, str]) -> str:
        self.failed += 1
        self.statuses["failed"] += 1
        self.errors[error.get("code", "error")] += 1
        return error.get("message", "")

    def _judge(self, right: bool | None, nodes: Mapping[str, Any]) -> None:
        if right is None or self.expected is None:
            return
        self.judged += 1
        self.right += right
        if nodes[self.expected.node].get("confident"):
            self.sure += 1
            self.sure_right += right

    def _count(self, name: str, node: Mapping[str, Any], right: bool | None) -> None:
        answers = self.answers.setdefault((name, node["model"]), _Answers(node["rung"] or 0))
        answers.count += 1
        answers.confident += bool(node["confident"])
        if right is not None and self.expected is not None and name == self.expected.node:
            answers.judged += 1
            answers.right += right

    def to_json(self, seconds: float, rate: float | None) -> dict[str, Any]:
        """Return plain data; latencies in milliseconds, shares in [0, 1]; `rows_per_s` once the experts were ready."""
        return {
            "rows": self.rows, "before": self.before, "seconds": round(seconds, 3), "rows_per_s": None if rate is None else round(rate, 1),
            "statuses": dict(self.statuses), "errors": dict(self.errors), "confident": share(self.confident, self.rows),
            "accuracy": share(self.right, self.judged), "accuracy_confident": share(self.sure_right, self.sure),
            "p50_ms": self.latencies.percentile(0.5), "p95_ms": self.latencies.percentile(0.95), "usage": dict(self.usage),
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
    before = f", {tally.before:,} of them before," if tally.before else ""
    lines = [f"{tally.rows:,} rows{before} in {seconds:.1f} s{speed}: {statuses or 'nothing to do'}"]
    lines.append(
        f"confident: {_percent(tally.confident, tally.rows)} of the rows (every expert that ran was)"
    )
    if tally.expected is not None:
        line = f"right: {_percent(tally.right, tally.judged)} of {tally.judged:,} with an expected answer"
        if tally.sure:
            line += f"; {_percent(tally.sure_right, tally.sure)} of the {tally.sure:,} confident ones"
        lines.append(line)
    p50, p95 = (tally.latencies.percentile(q) for q in (0.5, 0.95))
    if p50 is not None and p95 is not None:
        lines.append(f"latency: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    if calls := tally.usage["model_calls"]:
        given, made = tally.usage["input_tokens"], tally.usage["output_tokens"]
        lines.append(f"models: {calls:,} calls, {given:,} tokens read, {made:,} written")
    if tally.errors:
        lines.append(
            "errors: " + ", ".join(f"{count:,} {code}" for code, count in tally.errors.most_common())
        )
    return lines


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
