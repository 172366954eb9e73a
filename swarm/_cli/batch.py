"""`swarm run --batch`: a graph on every line of a file, so many at once, in order or as they come.

Rows are read as they are needed and results written as they come, so a batch of any length takes
the same memory. With `--out FILE` it survives the death of its process: `--resume` goes on.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from swarm._app.ids import new_run_id
from swarm._cli import console
from swarm._cli.batch_durable import durable_swarm, effects_of, forget_runs
from swarm._cli.batch_identity import Identity, forget, identify, note_of
from swarm._cli.batch_ledger import Ledger, is_regular
from swarm._cli.batch_output import Output, begin, drop_unsettled, open_stream
from swarm._cli.batch_rows import Row, RowSet, count_lines, open_rows, read_rows
from swarm._cli.batch_window import run_rows
from swarm._cli.batch_work import RowWork, columns_of, expectation_of, line_of
from swarm._cli.exits import FAILED, INTERRUPTED, OK
from swarm._cli.progress import Progress
from swarm._cli.recording import Recorder
from swarm._cli.session import Session, log_listeners
from swarm._cli.settings import Settings
from swarm._cli.tally import Tally, show_tally
from swarm._engine.result import RunResult
from swarm.errors import InputError, SwarmError

__all__ = ["run_batch"]

TOLD = 20  # failed rows that are told of one by one; all of them are in the results


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What the command line asks for.

    Attributes:
        out: None for standard output. is_kept: results go to a file, which says what is done.
        can_resume: and the input is a file, too.
    """

    graph: Path
    file: str
    settings: Settings
    options: Mapping[str, Any]
    verbose: int
    out: Path | None

    @property
    def is_kept(self) -> bool:
        return self.out is not None and is_regular(self.out)

    @property
    def can_resume(self) -> bool:
        return self.is_kept and self.file != "-" and Path(self.file).is_file()


def run_batch(graph: Path, file: str, settings: Settings, options: Mapping[str, Any], *, verbose: int) -> int:
    """Run the graph on every line of `file`; return the exit code: 1 if a row failed."""
    out: Path | None = options["out"]
    call = _Call(
        graph=graph, file=file, settings=settings, options=options, verbose=verbose,
        out=None if out is None or str(out) == "-" else out,
    )  # fmt: skip
    if options["resume"] and not call.can_resume:
        raise click.UsageError(
            "--resume goes on where the output ends\n  fix: give files to --batch and to --out, not pipes"
        )
    recorder = None if options["record"] is None else Recorder(options["record"])
    with ExitStack() as closing:
        session = closing.enter_context(
            Session(
                graph, settings, overrides=options["overrides"], verbose=verbose, save=False,
                recorders=[] if recorder is None else [recorder],
            )
        )  # fmt: skip
        session.swarm.listeners = log_listeners(verbose)  # nobody reads the story of a row
        batch = _Batch(call, session, recorder, closing)
        with ExitStack() as at_work:
            ended = batch.run(at_work)
        if ended:
            batch.forget()
    if not ended:
        return _interrupted(call, batch.tally)
    if recorder is not None:
        console.say(recorder.said, "dim")
    show_tally(
        batch.tally, batch.progress.seconds, batch.progress.rate,
        as_json=options["as_json"] and options["out"] is not None,
    )  # fmt: skip
    return FAILED if batch.tally.failed else OK


class _Batch:
    """One batch, opened: what it reads, what it writes, what is counted. `closing` closes it all."""

    def __init__(self, call: _Call, session: Session, recorder: Recorder | None, closing: ExitStack) -> None:
        self._call, self._session, self._recorder = call, session, recorder
        self._columns = columns_of(call.options["maps"], session.plan)
        expected = expectation_of(call.options["expect"], session.plan)
        if recorder is not None:
            recorder.expected = expected
        self.tally = Tally(expected)
        self._ordered = not call.options["unordered"]
        self._source = closing.enter_context(open_rows(call.file))
        self._ledger = closing.enter_context(Ledger(call.out)) if call.is_kept and call.out else None
        self._output: Output = self._ledger or closing.enter_context(open_stream(call.out))
        self._done = self._ledger.done if self._ledger else RowSet()
        self._id = self._begin()
        session.announce()
        total, is_exact = count_lines(call.file)
        self.progress = closing.enter_context(Progress(total, done=len(self._done), about=not is_exact))
        self._told = 0

    def run(self, closing: ExitStack) -> bool:
        """Run the rows that are not done; return False if a person interrupted it."""
        rows = read_rows(self._source, self._done, ordered=self._ordered)
        if self._id is None:
            self._refuse_rest(rows)
        work, at_once = self._work(closing), self._call.settings.concurrency
        try:
            self._session.loop.run(run_rows(rows, work, self._settle, at_once=at_once, ordered=self._ordered))
        except KeyboardInterrupt:
            self.progress.close()
            return False
        return True

    def forget(self) -> None:
        """Leave nothing but the output. Until every line is durable there is something to go on with."""
        if self._ledger is not None:
            self._ledger.sync()
            forget_runs(self._ledger.path)
            forget(self._ledger.path)

    def _work(self, closing: ExitStack) -> RowWork:
        """Return what runs a row; where going on could repeat an effect, its runs are durable."""
        call, swarm = self._call, self._session.swarm
        effects = effects_of(swarm.checked) if call.can_resume and self._id else ()
        if effects and call.out is not None:
            swarm = closing.enter_context(durable_swarm(self._session, call.out, self._recorder, call.graph))
            console.say(f"tools with effects ({', '.join(effects)}): every row is a durable run", "dim")
        return RowWork(
            swarm=swarm,
            columns=self._columns,
            batch=self._id or "",
            is_durable=swarm is not self._session.swarm,
        )

    def _begin(self) -> str | None:
        """Return the batch's id; None if it has ended before, or seems to."""
        call, batch_id = self._call, new_run_id()
        if self._ledger is None:
            return batch_id
        size = Path(call.file).stat().st_size if call.can_resume else None
        if size is None:
            now = Identity(id=batch_id, began=time.time(), parts={})
        else:
            checked = self._session.swarm.checked
            now = identify(checked, call.file, call.options, batch_id=batch_id, began=time.time())
        found = begin(self._ledger, now, self.tally, resume=call.options["resume"], size=size)
        if not call.options["resume"]:
            forget_runs(self._ledger.path)
        else:
            if found is not None and self._recorder is not None:
                drop_unsettled(self._recorder.path, found, self._done)
            console.say(f"going on: {_rows(len(self._done))} done before", "dim")
        return None if found is None else found.id

    def _refuse_rest(self, rows: Iterator[Row]) -> None:
        """Refuse rows that are not done, where nothing says what the others came from."""
        row = next(rows, None)
        if row is not None and self._ledger is not None:
            raise InputError(
                f"row {row.number} is not done, and {note_of(self._ledger.path).name}, which says what this batch is,"
                " is not there", where=str(self._ledger.path), code="usage",
                hint="write to another file, or delete this one to begin anew",
            )  # fmt: skip

    def _settle(self, row: Row, result: RunResult | SwarmError) -> None:
        """Count and write a row. What was recorded of it comes first: a row whose line is there is never run again."""
        line = line_of(row, result, self.tally.expected)
        if self._recorder is not None and isinstance(result, RunResult):
            self._recorder.settle(result.id, row.columns)
        self._output.append(line)
        problem = self.tally.add(line)
        self.progress.step(failed=self.tally.failed)
        if problem and self._told < TOLD:
            self._told += 1
            self.progress.tell(problem if problem.startswith("line ") else f"line {row.number}: {problem}")


def _interrupted(call: _Call, tally: Tally) -> int:
    console.say(f"interrupted: {_rows(tally.rows)} written to {call.out or 'standard output'}")
    if call.can_resume:
        console.say(f"go on with: {_command(call)}")
    return INTERRUPTED


def _command(call: _Call) -> str:
    """Return the command that goes on with this batch."""
    options = call.options
    words = ["swarm", "run", str(call.graph), "--batch", call.file, "--out", str(call.out), "--resume"]
    for name, flag in (("unordered", "--unordered"), ("as_json", "--json")):
        words += [flag] if options[name] else []
    for name, flag in (("maps", "--map"), ("overrides", "--set")):
        words += [word for value in options[name] for word in (flag, value)]
    for name in ("expect", "record", "concurrency", "timeout"):
        words += [] if options[name] is None else [f"--{name}", str(options[name])]
    return shlex.join(words)


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
