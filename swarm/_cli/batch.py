"""`swarm run --batch`: a graph on every line of a file, at most so many at once, in the order of the input.

Rows are read as they are needed and results written as they come, so a batch of any length takes
the same memory.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import click

from swarm._app.facade import Swarm
from swarm._cli import console
from swarm._cli.exits import FAILED, INTERRUPTED, OK
from swarm._cli.inputs import NOT_UTF8
from swarm._cli.progress import Progress
from swarm._cli.recording import Recorder
from swarm._cli.session import Session
from swarm._cli.settings import Settings
from swarm._cli.tally import Expectation, Tally, show_tally
from swarm._engine.result import RunResult
from swarm._graph.plan import Plan
from swarm.errors import InputError, LimitExceededError
from swarm.spec.findings import did_you_mean
from swarm.spec.plain import parse_json

__all__ = ["run_batch"]

TOLD = 20  # failed rows that are told of one by one; all of them are in the results
WINDOW = 8  # results that may wait for a slow row before them, for each row at work


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the input: its number from 1, and its columns, or what is wrong with it."""

    number: int
    columns: Mapping[str, Any]
    wrong: str = ""


def run_batch(graph: Path, file: str, settings: Settings, options: Mapping[str, Any], *, verbose: int) -> int:
    """Run the graph on every line of `file`; return the exit code: 1 if a row failed."""
    with ExitStack() as closing:
        recorder = None if options["record"] is None else Recorder(options["record"])
        session = closing.enter_context(
            Session(
                graph, settings, overrides=options["overrides"], verbose=verbose, save=False,
                recorders=[] if recorder is None else [recorder],
            )
        )  # fmt: skip
        plan = session.plan
        columns = _columns(options["maps"], plan)
        expected = _expectation(options["expect"], plan)
        if recorder is not None:
            recorder.expected = expected
        source = closing.enter_context(_source(file))
        sink = closing.enter_context(_sink(options["out"]))
        session.announce()
        tally = Tally(expected)
        progress = closing.enter_context(Progress(_lines_in(file)))
        work = _run_rows(
            session.swarm, source, sink, columns, tally, progress, settings.concurrency, recorder
        )
        try:
            session.loop.run(work)
        except KeyboardInterrupt:
            progress.close()
            console.say(f"interrupted: {_rows(tally.rows)} written to {options['out'] or 'standard output'}")
            return INTERRUPTED
    if recorder is not None:
        console.say(recorder.said, "dim")
    show_tally(
        tally, progress.seconds, progress.rate, as_json=options["as_json"] and options["out"] is not None
    )
    return FAILED if tally.failed else OK


async def _run_rows(
    swarm: Swarm,
    source: IO[str],
    sink: IO[str],
    columns: Mapping[str, str],
    tally: Tally,
    progress: Progress,
    concurrency: int,
    recorder: Recorder | None,
) -> None:
    async with aclosing(_results(swarm, source, columns, concurrency)) as results:
        async for row, result in results:
            console.data_line(result if isinstance(result, dict) else result.to_json(), sink)
            if recorder is not None and isinstance(result, RunResult):
                recorder.settle(result.id, row.columns)
            problem = tally.add(row.columns, result)
            progress.step(failed=tally.failed)
            if problem and tally.failed <= TOLD:
                progress.tell(problem if problem.startswith("line ") else f"line {row.number}: {problem}")


async def _results(
    swarm: Swarm, source: IO[str], columns: Mapping[str, str], concurrency: int
) -> AsyncGenerator[tuple[_Row, RunResult | dict[str, Any]]]:
    """Yield every row and its result, in the order of the input."""
    slots = asyncio.Semaphore(concurrency)
    waiting: deque[tuple[_Row, asyncio.Task[RunResult | dict[str, Any]]]] = deque()

    async def work(row: _Row) -> RunResult | dict[str, Any]:
        try:
            return await _run_row(swarm, row, columns)
        finally:
            slots.release()

    try:
        for row in _rows_of(source):
            await slots.acquire()
            waiting.append((row, asyncio.create_task(work(row))))
            while waiting and (waiting[0][1].done() or len(waiting) >= concurrency * WINDOW):
                first, task = waiting.popleft()
                yield first, await task
        while waiting:
            first, task = waiting.popleft()
            yield first, await task
    finally:
        for _, task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait([task for _, task in waiting])


async def _run_row(swarm: Swarm, row: _Row, columns: Mapping[str, str]) -> RunResult | dict[str, Any]:
    if row.wrong:
        return _failed("invalid_row", f"line {row.number}: {row.wrong}")
    given = {name: row.columns[column] for name, column in columns.items() if column in row.columns}
    try:
        result = await swarm.run_input(given)
        await swarm.cancel(result)  # nobody is there to answer a question: a paused row ends here
        return result
    except (InputError, LimitExceededError) as error:
        return _failed(error.code, f"line {row.number}: {error.what}{_absent(row, columns)}")


def _absent(row: _Row, columns: Mapping[str, str]) -> str:
    """Return which columns that `--map` names the row has not: the likely cause of a missing input."""
    names = [column for name, column in columns.items() if name != column and column not in row.columns]
    return f" (it has no column {', '.join(map(repr, names))})" if names else ""


def _failed(code: str, message: str) -> dict[str, Any]:
    """Return a result, in the shape of `--json`, of a row that could not be run."""
    return {
        "run": None, "status": "failed", "output": None, "text": "", "confidence": None, "path": [], "nodes": {},
        "usage": {"input_tokens": 0, "output_tokens": 0, "model_calls": 0},
        "error": {"code": code, "message": message, "node": None},
    }  # fmt: skip


def _rows_of(source: IO[str]) -> Iterator[_Row]:
    """Yield the rows; empty lines are none."""
    for number, line in enumerate(source, start=1):
        if not line.strip():
            continue
        if NOT_UTF8.search(line):
            yield _Row(number, {}, "not UTF-8")
            continue
        try:
            table = parse_json(line)
        except ValueError as error:
            yield _Row(number, {}, f"not JSON: {error}")
            continue
        if isinstance(table, dict):
            yield _Row(number, cast("dict[str, Any]", table))
        else:
            yield _Row(number, {}, 'not an object: a line is {"column": value}')


def _columns(maps: tuple[str, ...], plan: Plan) -> dict[str, str]:
    """Return input -> column: as mapped, else the column of the input's own name."""
    columns = {name: name for name in plan.inputs}
    for text in maps:
        name, sign, column = text.partition("=")
        if not sign or not column:
            raise click.UsageError(f"--map {text!r} has no column\n  fix: write --map message=text")
        if name not in plan.inputs:
            hint = did_you_mean(name, plan.inputs)
            raise click.UsageError(
                f"--map {text!r}: graph {plan.name!r} has no input {name!r}\n  fix: {hint}"
            )
        columns[name] = column
    return columns


def _expectation(text: str | None, plan: Plan) -> Expectation | None:
    if text is None:
        return None
    place, sign, column = text.partition("=")
    node, dot, field = place.partition(".")
    if not (sign and column and dot and field):
        raise click.UsageError(f"--expect {text!r} cannot be read\n  fix: write --expect triage.label=label")
    if node not in plan.index:
        hint = did_you_mean(node, plan.index)
        raise click.UsageError(f"--expect {text!r}: graph {plan.name!r} has no node {node!r}\n  fix: {hint}")
    known = plan.nodes[plan.index[node]].output
    if known.base == "record" and not known.open and field not in known.fields:
        hint = did_you_mean(field, known.fields)
        raise click.UsageError(f"--expect {text!r}: node {node!r} has no field {field!r}\n  fix: {hint}")
    return Expectation(node=node, field=field, column=column)


@contextmanager
def _source(file: str) -> Generator[IO[str]]:
    if file == "-":
        yield sys.stdin
        return
    with ExitStack() as closing:
        try:
            stream = closing.enter_context(Path(file).open(encoding="utf-8", errors="surrogateescape"))
        except OSError as error:
            raise click.UsageError(f"--batch {file!r} cannot be read: {error.strerror}") from error
        yield stream


@contextmanager
def _sink(out: Path | None) -> Generator[IO[str]]:
    if out is None or str(out) == "-":
        yield sys.stdout
        return
    with ExitStack() as closing:
        try:
            stream = closing.enter_context(out.open("w", encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise click.UsageError(f"--out {str(out)!r} cannot be written: {error.strerror}") from error
        yield stream


def _lines_in(file: str) -> int | None:
    """Return how many lines a file has, None for a stream."""
    path = Path(file)
    if file == "-" or not path.is_file():
        return None
    with path.open("rb") as stream:
        return sum(1 for line in stream if line.strip())


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
