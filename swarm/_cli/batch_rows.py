"""The rows of a batch: read one by one, those that are done skipped, never more than one in memory."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from swarm.errors import InputError
from swarm.spec.plain import parse_json

__all__ = ["Row", "RowSet", "count_lines", "open_rows", "read_rows"]

MAX_LINE = 64_000_000  # bytes
COUNTED = 256_000_000  # bytes of a file in which lines are counted; a longer one is estimated from them
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the input: its number from 1, and its columns, or what is wrong with it."""

    number: int
    columns: Mapping[str, Any]
    wrong: str = ""


class RowSet:
    """Numbers of rows, from 1, in one bit each: a million take 125 KB."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._count = 0
        self.last = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & (1 << (number & 7)))

    def add(self, number: int) -> bool:
        """Take a number in; return False if it was there already."""
        if number in self:
            return False
        place = number >> 3
        if place >= len(self._bits):
            self._bits.extend(bytes(place - len(self._bits) + 1))
        self._bits[place] |= 1 << (number & 7)
        self._count += 1
        self.last = max(self.last, number)
        return True


@contextmanager
def open_rows(file: str) -> Generator[BinaryIO]:
    """Open the input, `-` for standard input.

    Raises:
        UsageError: it cannot be read.
    """
    if file == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as closing:
        try:
            stream = closing.enter_context(Path(file).open("rb", buffering=CHUNK))
        except OSError as error:
            raise click.UsageError(f"--batch {file!r} cannot be read: {error.strerror}") from error
        yield stream


def count_lines(file: str) -> tuple[int | None, bool]:
    """Return how many lines a file has, and whether that is exact; None of a stream."""
    path = Path(file)
    if file == "-" or not path.is_file():
        return None, False
    lines = seen = 0
    last = b"\n"
    with path.open("rb", buffering=0) as stream:
        while seen < COUNTED and (chunk := stream.read(CHUNK)):
            lines += chunk.count(b"\n")
            seen, last = seen + len(chunk), chunk[-1:]
    size = path.stat().st_size
    if size > seen:
        return round(lines * size / seen), False
    return lines + (last != b"\n"), True


def read_rows(stream: BinaryIO, done: RowSet, *, ordered: bool) -> Iterator[Row]:
    """Yield the rows that are not done; empty lines are none.

    Args:
        done: what an earlier part of this batch has written. ordered: it has to be the first rows.

    Raises:
        InputError: what is done does not fit this input.
    """
    skipped = 0
    for number, line in _lines(stream):
        if number == done.last + 1 and skipped < len(done):
            raise _misfit(f"{len(done) - skipped:,} of its rows are empty lines of the input")
        if not line.strip():
            continue
        if number in done:
            skipped += 1
        elif ordered and number < done.last:
            raise _misfit(f"row {number} is missing in it, and later ones are there")
        else:
            yield _row(number, line)
    if skipped < len(done):
        raise _misfit(f"{len(done) - skipped:,} of its rows are not in the input")


def _misfit(what: str) -> InputError:
    return InputError(
        f"the output does not fit the input: {what}", code="usage",
        hint="give the input and the output of the same batch, or start again into another file",
    )  # fmt: skip


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines and their numbers; of one that is too long only its beginning."""
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        yield number, line if number > 1 else line.removeprefix(BOM_UTF8)
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE + 1)


def _row(number: int, line: bytes) -> Row:
    if len(line) > MAX_LINE:
        return Row(number, {}, f"longer than {MAX_LINE:,} bytes")
    try:
        table = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError:
        return Row(number, {}, "not UTF-8")
    except ValueError as error:
        return Row(number, {}, f"not JSON: {error}")
    if isinstance(table, dict):
        return Row(number, cast("dict[str, Any]", table))
    return Row(number, {}, 'not an object: a line is {"column": value}')
