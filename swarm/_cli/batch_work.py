"""One row of a batch: its input from its columns, its run, and the line of its result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from swarm._app.facade import Swarm
from swarm._cli.batch_rows import Row
from swarm._cli.tally import Expectation
from swarm._engine.result import Ask, RunResult
from swarm._graph.plan import Plan
from swarm.errors import InputError, LimitExceededError, StoreError, SwarmError
from swarm.spec.findings import did_you_mean

__all__ = ["RowWork", "columns_of", "expectation_of", "line_of"]

OVERLOADED = "overloaded"  # too much is at work: nothing of the row has begun, and it waits
RETRY_S = 0.05
TOO_LARGE = "too_large"  # of the errors of a store, the one that is the row's own


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWork:
    """Runs the graph on a row.

    Attributes:
        columns: input -> column. batch: the batch's id; with the row's number it names the run.
        is_durable: the swarm has a store; a row that was begun before goes on, or has ended.
    """

    swarm: Swarm
    columns: Mapping[str, str]
    batch: str
    is_durable: bool

    async def __call__(self, row: Row) -> RunResult | SwarmError:
        """Return how the run ended, or why there was none.

        Raises:
            StoreError: the run cannot be kept, and so not be done.
        """
        if row.wrong:
            return InputError(f"line {row.number}: {row.wrong}", code="invalid_row")
        given = {name: row.columns[column] for name, column in self.columns.items() if column in row.columns}
        try:
            result = await self._admitted(row.number, given)
            if result.ask is not None:
                await self.swarm.cancel(result)  # nobody is there to answer: a paused row ends here
            return result
        except (InputError, LimitExceededError) as error:
            what = f"line {row.number}: {error.what}{self._absent(row)}"
            return InputError(what, code=error.code)

    async def _admitted(self, number: int, given: Mapping[str, Any]) -> RunResult:
        """Run it as soon as there is room."""
        while True:
            try:
                return await self._run(number, given)
            except LimitExceededError as error:
                if error.code != OVERLOADED:
                    raise
            await asyncio.sleep(RETRY_S)

    async def _run(self, number: int, given: Mapping[str, Any]) -> RunResult:
        if self.is_durable:
            result = await self.swarm.run_input(given, key=f"{self.batch}/{number}")
            if isinstance(result.error, StoreError) and result.error.code != TOO_LARGE:
                raise result.error  # not the row has failed, but what keeps it: it goes on with --resume
            return await self._as_it_paused(result) if result.status == "cancelled" else result
        return await self.swarm.run_input(given, run_id=f"{self.batch}-{number}")

    async def _as_it_paused(self, ended: RunResult) -> RunResult:
        """Return the result that a row had before it was given up: its line did not come to the disk."""
        saved = await self.swarm.runs.show(ended.id)
        if not saved.questions:
            return ended
        one = saved.questions[0]
        ask = Ask(node=one.place, text=one.text, answer=json.loads(one.fields), token=one.token)
        return replace(ended, status="paused", text=one.text, ask=ask)

    def _absent(self, row: Row) -> str:
        """Return which columns that `--map` names the row has not: the likely cause of a missing input."""
        names = [
            column for name, column in self.columns.items() if name != column and column not in row.columns
        ]
        return f" (it has no column {', '.join(map(repr, names))})" if names else ""


def line_of(row: Row, result: RunResult | SwarmError, expected: Expectation | None) -> dict[str, Any]:
    """Return the result of a row in the shape of `--json`, with `row`, `latency_ms` and, where asked, `right`."""
    line: dict[str, Any] = {"row": row.number, "latency_ms": None}
    if expected is not None:
        line["right"] = expected.judge(row.columns, result) if isinstance(result, RunResult) else None
    if isinstance(result, RunResult):
        return line | {"latency_ms": round(result.latency_ms, 3)} | result.to_json()
    return line | {
        "run": None, "status": "failed", "output": None, "text": "", "confidence": None, "path": [], "nodes": {},
        "usage": {"input_tokens": 0, "output_tokens": 0, "model_calls": 0},
        "error": {"code": result.code, "message": result.what, "node": None},
    }  # fmt: skip


def columns_of(maps: tuple[str, ...], plan: Plan) -> dict[str, str]:
    """Return input -> column: as mapped, else the column of the input's own name.

    Raises:
        UsageError: a `--map` cannot be read, or names no input.
    """
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


def expectation_of(text: str | None, plan: Plan) -> Expectation | None:
    """Return what `--expect` says is right, None if it is not given.

    Raises:
        UsageError: it cannot be read, or names no node or no field of it.
    """
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
