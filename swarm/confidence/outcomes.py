"""Outcomes: what the rungs of a cascade answered to one input, what was measured of it, and what was right.

One line of JSON each, in one form wherever they are written or read (design §6):

    {"id": "17", "expert": "triage", "input": "where is it?", "rungs": [
      {"model": "embedded/ngram", "signals": {"probability": 0.91, "margin": 0.8}, "output": "order",
       "correct": true, "cost": 0, "latency_ms": 0.4}, ...]}

Rungs are listed cheapest first. A signal is any number, higher meaning surer, or null where it was not
measured. `correct` is null where nobody said. Keys that are not named here are ignored.
"""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO, cast

from swarm.errors import InputError

__all__ = ["Outcome", "RungOutcome", "read_outcomes", "refuse_other_file", "write_outcomes"]

SHOWN = 8  # bad lines spelt out; the rest are counted
MAX_LINE = 4_000_000  # bytes
MAX_ROWS = 5_000_000
LARGEST = 1e15  # of `cost` and `latency_ms`: sums and squares of millions of them stay exact enough
LEAST_LIKELY = (
    1e-9  # propensity: a row counts 1 / propensity times, and the square of that has to be a number
)
RECORD = "record some: swarm eval EXPERT --data cases.jsonl --record outcomes.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class RungOutcome:
    """What one rung did with the input.

    Attributes:
        model: as `backend/name`, or any name.
        signals: what was measured of the answer, by name; None where it was not.
        output: the answer, as JSON; a label or a mapping with the key `label` gives the row's group.
        correct: whether the answer is right; None where nobody said.
        cost: in any unit, the same in all rows; None where it is unknown.
        latency_ms: from asking to the answer; None where it is unknown.
        digest: identifies the weights where the server says so, else "".
    """

    model: str
    signals: Mapping[str, float | None] = field(default_factory=dict[str, "float | None"])
    output: Any = None
    correct: bool | None = None
    cost: float | None = None
    latency_ms: float | None = None
    digest: str = ""

    @property
    def label(self) -> str | None:
        """Return the label this rung answered with, where its answer is one."""
        output = self.output
        if isinstance(output, Mapping):
            output = cast("Mapping[str, Any]", output).get("label")
        return output if isinstance(output, str) else None

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what is unknown is left out."""
        data: dict[str, Any] = {"model": self.model, "signals": dict(self.signals), "output": self.output}
        known = {"correct": self.correct, "cost": self.cost, "latency_ms": self.latency_ms}
        data |= {name: value for name, value in known.items() if value is not None}
        return data | ({"digest": self.digest} if self.digest else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One input and what each rung that was asked made of it, cheapest first.

    Attributes:
        expert: whose cascade it was. `expected`: the right answer, where there is one.
        version: identifies prompt, labels and examples of the expert at that time, or "".
        propensity: how likely it was that the rungs after the first were asked, in (0, 1].
    """

    id: str
    rungs: tuple[RungOutcome, ...]
    expert: str = ""
    input: Any = None
    expected: Any = None
    version: str = ""
    propensity: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = {"id": self.id, "expert": self.expert, "input": self.input}
        if self.expected is not None:
            data["expected"] = self.expected
        if self.version:
            data["version"] = self.version
        if self.propensity != 1.0:
            data["propensity"] = self.propensity
        return data | {"rungs": [rung.to_json() for rung in self.rungs]}


def read_outcomes(path: Path | str) -> tuple[Outcome, ...]:
    """Return the outcomes of a JSON lines file, in order.

    Raises:
        InputError: the file cannot be read, has no outcome, or lines that are none; the first of them
            are named by their number and what is wrong.
    """
    outcomes: list[Outcome] = []
    bad: list[str] = []
    seen: dict[str, int] = {}
    try:
        with Path(path).open("rb") as lines:
            for number, line in enumerate(_lines(lines), start=1):
                if not line.strip():
                    continue
                try:
                    outcome = _outcome(line, number)
                    if outcome.id in seen:
                        raise ValueError(f"id {outcome.id!r} is that of line {seen[outcome.id]}")
                except ValueError as error:
                    bad.append(f"{number}: {error}")
                    continue
                seen[outcome.id] = number
                outcomes.append(outcome)
    except OSError as error:
        raise InputError(
            f"the outcomes cannot be read: {error.strerror or error}", where=str(path), hint=RECORD,
            code="invalid_outcomes",
        ) from error  # fmt: skip
    if bad:
        raise _bad(str(path), bad)
    if not outcomes:
        raise InputError(
            "there is no outcome in this file", where=str(path), hint=RECORD, code="invalid_outcomes"
        )
    return tuple(outcomes)


def refuse_other_file(path: Path | str) -> None:
    """Refuse a file to append to whose first line is no outcome.

    Raises:
        InputError: it is something else. OSError: it cannot be read.
    """
    if not Path(path).is_file():
        return
    with Path(path).open("rb") as lines:
        first = next(_lines(lines), b"")
    try:
        if first.strip():
            _outcome(first, 1)
    except ValueError as error:
        raise InputError(
            f"this file holds something else than outcomes: line 1: {error}", where=str(path),
            hint="record into another file", code="invalid_outcomes",
        ) from error  # fmt: skip


def write_outcomes(path: Path | str, outcomes: Iterable[Outcome]) -> int:
    """Append outcomes to a JSON lines file, which is made where it is not there; return how many.

    Each line is written at once, so that several processes may record into one file; a last line that was
    left without an end gets one first.
    """
    count, is_open = 0, _has_open_end(Path(path))
    with Path(path).open("ab") as file:
        for outcome in outcomes:
            line = json.dumps(outcome.to_json(), ensure_ascii=False, allow_nan=False) + "\n"
            # half of a surrogate pair becomes its escape, which JSON reads back
            file.write((b"\n" if is_open else b"") + line.encode("utf-8", "backslashreplace"))
            file.flush()
            count, is_open = count + 1, False
    return count


def _has_open_end(path: Path) -> bool:
    """Return whether the last line of a file has no end: its writing was interrupted, or it was edited."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, SEEK_END)
        return file.read(1) != b"\n"


def _bad(where: str, bad: list[str]) -> InputError:
    shown = "".join(f"\n  {where}:{line}" for line in bad[:SHOWN])
    more = f"\n  and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    return InputError(
        f"{len(bad)} line{'s are' if len(bad) > 1 else ' is'} no outcome:{shown}{more}",
        code="invalid_outcomes",
        hint='a line is {"id": "1", "rungs": [{"model": "m", "signals": {"margin": 0.8}, "correct": true}]};'
        " a signal that was not measured is null. Mend these lines, or delete them",
    )


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, without the mark at its start; nothing after one that is too long."""
    while line := file.readline(MAX_LINE + 1):
        yield line.removeprefix(BOM_UTF8)
        if len(line) > MAX_LINE:
            return


def _object(line: bytes, number: int) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE:,} bytes: nothing after it was read")
    if number > MAX_ROWS:
        raise ValueError(f"more than {MAX_ROWS:,} lines")
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 text: byte {error.start + 1} is {line[error.start]:#04x}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON at character {error.pos + 1}: {error.msg.removesuffix(' at')}") from error
    if not isinstance(row, dict):
        raise ValueError("not an object {...}")
    return cast("dict[str, Any]", row)


def _outcome(line: bytes, number: int) -> Outcome:
    table = _object(line, number)
    rungs = table.get("rungs")
    if not isinstance(rungs, list) or not rungs:
        raise ValueError("`rungs` is no list with at least one rung")
    name = table.get("id", number)
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise ValueError("`id` is neither text nor a whole number")
    propensity = _number(table.get("propensity"), "propensity")
    if propensity is not None and not LEAST_LIKELY <= propensity <= 1:
        raise ValueError(
            f"`propensity` is {propensity:g}: a number above 0 ({LEAST_LIKELY:g} or more), up to 1"
        )
    return Outcome(
        id=str(name), expert=_word(table, "expert"), input=table.get("input"), expected=table.get("expected"),
        version=_word(table, "version"), propensity=1.0 if propensity is None else propensity,
        rungs=tuple(_rungs(cast("list[Any]", rungs))),
    )  # fmt: skip


def _rungs(rungs: list[Any]) -> Iterator[RungOutcome]:
    for index, rung in enumerate(rungs):
        try:
            if not isinstance(rung, dict):
                raise ValueError("not an object {...}")
            yield _rung(cast("dict[str, Any]", rung), index)
        except ValueError as error:
            raise ValueError(f"rungs[{index}]: {error}") from error


def _rung(table: dict[str, Any], index: int) -> RungOutcome:
    signals: object = table.get("signals")
    if signals is None:
        signals = {}
    if not isinstance(signals, dict):
        raise ValueError("`signals` is no object {...}")
    correct = table.get("correct")
    if correct is not None and correct not in (True, False):  # 0 and 1 are these, too
        raise ValueError(f"`correct` is {correct!r}: true, false, or null where nobody said")
    cost, latency_ms = _number(table.get("cost"), "cost"), _number(table.get("latency_ms"), "latency_ms")
    for name, value in (("cost", cost), ("latency_ms", latency_ms)):
        if value is not None and not 0 <= value <= LARGEST:
            raise ValueError(f"`{name}` is {value:g}: a number from 0 to {LARGEST:g}")
    return RungOutcome(
        model=_word(table, "model") or f"rung {index}",
        signals={k: _number(v, f"signals.{k}") for k, v in cast("dict[str, Any]", signals).items()},
        output=table.get("output"), correct=None if correct is None else bool(correct),
        cost=cost, latency_ms=latency_ms, digest=_word(table, "digest"),
    )  # fmt: skip


def _word(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"`{key}` is no text")
    return value


def _number(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise ValueError(f"`{name}` is {value!r}: a number, or null where it was not measured")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"`{name}` is too large for a number")
    return number


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON; write null where nothing was measured")
