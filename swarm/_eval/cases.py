"""Cases: an input and what would be right, one JSON object a line, in one form wherever they are read.

`{"input": {...} | "...", "expected": ...}` or, the same, `{"text": "...", "label": "..."}`. Other columns are
ignored; `Columns` says where the parts are in a file that calls them something else. A file is read whole:
everything wrong with it is reported at once, by line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from swarm.errors import InputError
from swarm.spec.findings import did_you_mean
from swarm.spec.plain import parse_json
from swarm.spec.types import Type

__all__ = ["Case", "Columns", "bad_rows", "digest_of", "parse_columns", "read_cases", "spread"]

T = TypeVar("T")
SHOWN = 8  # bad lines spelt out; the rest are counted
MAX_LINE = 4_000_000  # characters
MAX_ROWS = 1_000_000
INPUTS, ANSWERS = ("input", "text"), ("expected", "label")
FORM = 'a case is {"text": "...", "label": "..."} or {"input": {...}, "expected": ...}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One input and what would be right.

    Attributes:
        id: the row's `id`, else a hash of its input. line: where it stands, from 1.
        inputs: by name, as the expert or graph takes them. `expected`: as it was written.
    """

    id: str
    line: int
    inputs: Mapping[str, Any]
    expected: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column each part of a case is in, "" where it has the name of its own.

    Attributes:
        inputs, fields: columns of single inputs, and of single fields of what is expected, by name.
        constants: inputs that are the same in every case, as text; a row's own comes first.
    """

    input: str = ""
    expected: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    constants: Mapping[str, str] = field(default_factory=dict[str, str])


def parse_columns(maps: Sequence[str], constants: Sequence[str] = ()) -> Columns:
    """Return what `input=column`, `input.query=column`, `expected=column`, `expected.spans=column` say.

    Args:
        constants: `name=value` each.

    Raises:
        InputError: one of them says something else.
    """
    whole = {"input": "", "expected": ""}
    parts: dict[str, dict[str, str]] = {"input": {}, "expected": {}}
    for text in maps:
        place, sign, column = text.partition("=")
        name, dot, part = place.partition(".")
        if not (sign and column) or name not in whole or (dot and not part):
            raise InputError(
                f"--map {text!r} cannot be read", code="usage",
                hint="write --map input=source, --map expected=answer, or one field: --map input.query=question",
            )  # fmt: skip
        if dot:
            parts[name][part] = column
        else:
            whole[name] = column
    given: dict[str, str] = {}
    for text in constants:
        name, sign, value = text.partition("=")
        if not (sign and name):
            raise InputError(f"--input {text!r} cannot be read", code="usage", hint="write --input words=20")
        given[name] = value
    return Columns(**whole, inputs=parts["input"], fields=parts["expected"], constants=given)


def read_cases(path: Path | str, inputs: Mapping[str, Type], columns: Columns | None = None) -> list[Case]:
    """Return the cases of a JSON lines file, in order.

    Args:
        inputs: what the expert or graph takes, by name, the main one first.

    Raises:
        InputError: the file cannot be read, has no row, or rows that are no case; by their lines.
    """
    reader = _Reader(inputs, columns or Columns())
    bad: list[str] = []
    try:
        with Path(path).open(encoding="utf-8-sig") as lines:
            for number, line in _numbered(lines):
                try:
                    reader.add(line, number)
                except ValueError as error:
                    bad.append(f"{number}: {error}")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or error
        raise InputError(f"the cases cannot be read: {why}", where=str(path), code="invalid_cases") from error
    if bad:
        raise bad_rows(path, bad)
    if not reader.cases:
        raise InputError("there is no case in this file", where=str(path), hint=FORM, code="invalid_cases")
    return reader.cases


def bad_rows(path: Path | str, bad: Sequence[str], hint: str = FORM) -> InputError:
    """Return the error of a file with bad rows, each given as `line: what is wrong`."""
    shown = "".join(f"\n  {path}:{line}" for line in bad[:SHOWN])
    more = f"\n  and {len(bad) - SHOWN:,} more" if len(bad) > SHOWN else ""
    count = f"{len(bad):,} rows are" if len(bad) > 1 else "1 row is"
    return InputError(f"{count} no case:{shown}{more}", hint=hint, code="invalid_cases")


def spread(rows: Sequence[T], limit: int) -> list[T]:
    """Return at most `limit` of the rows, taken evenly from all: they may be sorted by label."""
    if limit >= len(rows):
        return list(rows)
    return [rows[index * len(rows) // limit] for index in range(limit)]


def digest_of(value: Any) -> str:
    """Return twelve hexadecimal digits that identify plain data."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _numbered(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line


class _Reader:
    """Turns lines into cases; remembers which ids were taken."""

    def __init__(self, inputs: Mapping[str, Type], columns: Columns) -> None:
        self.inputs, self.columns = inputs, columns
        self.main = next(iter(inputs), "text")
        self.cases: list[Case] = []
        self._constants = {name: self._constant(name, text) for name, text in columns.constants.items()}
        self._taken: dict[str, int] = {}
        self._repeated: dict[str, int] = {}

    def _constant(self, name: str, text: str) -> Any:
        """Return the value of an input that is the same in every case: text for a string, else JSON."""
        where = f"--input {name}={text}"
        kind = self.inputs.get(name)
        if kind is None:
            hint = did_you_mean(name, self.inputs)
            raise InputError(f"there is no input {name!r}", where=where, hint=hint, code="usage")
        try:
            value = text if kind.base == "string" else parse_json(text)
        except ValueError as error:
            raise InputError(f"the value is not JSON: {error}", where=where, code="usage") from error
        wrong = next(kind.misfits(value, name), "")
        if wrong:
            raise InputError(wrong, where=where, code="usage")
        return value

    def add(self, line: str, number: int) -> None:
        """Read one line.

        Raises:
            ValueError: what is wrong with it.
        """
        if len(line) > MAX_LINE:
            raise ValueError(f"longer than {MAX_LINE:,} characters")
        if number > MAX_ROWS:
            raise ValueError(f"more than {MAX_ROWS:,} lines")
        try:
            table = parse_json(line)
        except ValueError as error:
            raise ValueError(f"not JSON ({error})") from error
        if not isinstance(table, dict):
            raise ValueError("not an object {...}")
        row = cast("dict[str, Any]", table)
        given = self._given(row)
        expected = self._expected(row)
        self.cases.append(Case(id=self._id(row, given, number), line=number, inputs=given, expected=expected))

    def _given(self, row: Mapping[str, Any]) -> dict[str, Any]:
        columns = self.columns
        names = (columns.input,) if columns.input else INPUTS
        name = next((name for name in names if name in row), None)
        if name is None and not columns.inputs:
            raise ValueError(f"no {' or '.join(f'`{name}`' for name in names)}{_mapping(row)}")
        value: Any = {} if name is None else row[name]
        given = dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else {self.main: value}
        for key, column in columns.inputs.items():
            if column not in row:
                raise ValueError(f"no column {column!r} for the input {key!r}")
            given[key] = row[column]
        given = {**self._constants, **given}
        self._check(given)
        return given

    def _check(self, given: Mapping[str, Any]) -> None:
        for key in given:
            if key not in self.inputs:
                hint = did_you_mean(key, self.inputs)
                raise ValueError(f"there is no input {key!r}" + (f" ({hint})" if hint else ""))
        for key, kind in self.inputs.items():
            if key in given:
                wrong = next(kind.misfits(given[key], key), "")
            else:
                wrong = f"{key}: missing" if kind.required else ""
            if wrong:
                raise ValueError(wrong)
        main = given.get(self.main)
        if isinstance(main, str) and not main.strip():
            raise ValueError(f"{self.main}: empty")

    def _expected(self, row: Mapping[str, Any]) -> Any:
        columns = self.columns
        names = (columns.expected,) if columns.expected else ANSWERS
        name = next((name for name in names if name in row), None)
        if name is None and not columns.fields:
            raise ValueError(f"no {' or '.join(f'`{name}`' for name in names)}{_mapping(row)}")
        if not columns.fields:
            return row[cast("str", name)]
        value: Any = row[name] if name is not None else {}
        fields = dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else {"label": value}
        for key, column in columns.fields.items():
            if column not in row:
                raise ValueError(f"no column {column!r} for the expected {key!r}")
            fields[key] = row[column]
        return fields

    def _id(self, row: Mapping[str, Any], given: Mapping[str, Any], number: int) -> str:
        known = row.get("id")
        if isinstance(known, str | int) and not isinstance(known, bool):
            first = self._taken.setdefault(str(known), number)
            if first != number:
                raise ValueError(f"id {known!r} is that of line {first}")
            return str(known)
        digest = digest_of(given)
        again = self._repeated[digest] = self._repeated.get(digest, 0) + 1
        return digest if again == 1 else f"{digest}-{again}"


def _mapping(row: Mapping[str, Any]) -> str:
    """Return what to say of a row whose columns are called something else."""
    names = ", ".join(map(repr, list(row)[:8]))
    return f"; its columns are {names}: --map input=COLUMN --map expected=COLUMN" if names else ""
