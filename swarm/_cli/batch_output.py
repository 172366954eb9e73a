"""Where the results of a batch go, and how one that was cut off is gone on with."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import click

from swarm._cli import console
from swarm._cli.batch_identity import Identity, forget, note_of, read_note, refuse_other, write_note
from swarm._cli.batch_ledger import Ledger
from swarm._cli.batch_rows import RowSet
from swarm._cli.tally import Tally
from swarm.errors import InputError

__all__ = ["Output", "Stream", "begin", "drop_unsettled", "open_stream"]


class Output(Protocol):
    """What takes the lines of results."""

    def append(self, result: Mapping[str, Any]) -> None:
        """Add the line of a row."""
        ...


@dataclass(frozen=True, slots=True)
class Stream:
    """Standard output, a pipe or a device: a line is there when it is written, and is never read again."""

    sink: IO[str]

    def append(self, result: Mapping[str, Any]) -> None:
        """Add the line of a row."""
        console.data_line(result, self.sink)


@contextmanager
def open_stream(out: Path | None) -> Generator[Stream]:
    """Open what is no regular file; None is standard output.

    Raises:
        UsageError: it cannot be opened.
    """
    if out is None:
        yield Stream(console.stdout())
        return
    with ExitStack() as closing:
        try:
            sink = closing.enter_context(out.open("w", encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise click.UsageError(f"--out {str(out)!r} cannot be written: {error.strerror}") from error
        yield Stream(sink)


def begin(ledger: Ledger, now: Identity, tally: Tally, *, resume: bool, size: int | None) -> Identity | None:
    """Make the ledger ready for the first row that is not done; return the batch that it belongs to.

    Args:
        now: the batch as the command describes it. tally: counts what is there already.
        size: bytes of the input; None of a stream, whose batch cannot be gone on with.

    Returns:
        None: there are results and no note, so the batch has ended, if it is this one.

    Raises:
        InputError: results would be lost, or the batch is another one.
    """
    note = read_note(ledger.path)
    if not resume or (note is None and ledger.is_empty):
        if note is not None and not ledger.is_empty:
            raise InputError(
                "this file has the results of a batch that has not ended", where=str(ledger.path), code="usage",
                hint="go on with it: the same command with --resume; to begin anew, delete"
                f" {ledger.path} and {note_of(ledger.path)}",
            )  # fmt: skip
        ledger.clear()
        if size is None:
            forget(ledger.path)
        else:
            write_note(ledger.path, now)
        return now
    if note is not None:
        refuse_other(note, now, ledger.path)
    ordered = now.parts["order"] == "of the input"
    ledger.read(tally.add, ordered=ordered, at_most=(size or 0) + 1)
    tally.before = tally.rows
    return note


def drop_unsettled(record: Path, batch: Identity, done: RowSet) -> None:
    """Take out of a file of outcomes those of rows that are not done: they are run, and recorded, again.

    Raises:
        OSError: the file cannot be read or written.
    """
    if not record.is_file():
        return
    record = record.resolve()  # a link stays one
    mark = json.dumps(f"{batch.id}-")[1:-1].encode()
    fresh, dropped = record.with_name(f".{record.name}.{os.getpid()}.new"), 0
    with record.open("rb") as lines, fresh.open("wb") as kept:
        for line in lines:
            if mark in line and not _is_settled(line, batch, done):
                dropped += 1
            else:
                kept.write(line)
        kept.flush()
        os.fsync(kept.fileno())
    if dropped:
        shutil.copymode(record, fresh)
        fresh.replace(record)
    else:
        fresh.unlink()


def _is_settled(line: bytes, batch: Identity, done: RowSet) -> bool:
    try:
        run = str(json.loads(line)["id"]).partition("/")[0]
    except (ValueError, KeyError, TypeError):
        return True  # damaged: whoever reads it says so
    begins, _, row = run.rpartition("-")
    return begins != batch.id or not row.isdecimal() or int(row) in done
