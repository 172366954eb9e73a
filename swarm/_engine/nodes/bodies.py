"""Nodes with a plan inside: each, repeat, graph."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from swarm._engine.context import Run
from swarm._engine.groups import first_error
from swarm._engine.result import Marks, Outcome
from swarm._engine.scheduler import EndRun, RunNode
from swarm.errors import LimitExceededError, NodeError, SwarmError
from swarm.spec.graph import EachNode, RepeatNode

__all__ = ["each", "graph", "repeat"]

MARKS = Marks().to_json().keys()


async def each(command: RunNode, run: Run, place: str) -> Outcome:
    """Run the body once for every item, `concurrency` at once; keep the order of the items."""
    node, spec = command.node, command.node.spec
    assert isinstance(spec, EachNode)
    assert node.items is not None
    items = node.items(command.scope)
    if items is None:
        items = []
    if not isinstance(items, list | tuple):
        raise NodeError(f"`each` goes over a list, this is {type(items).__name__}", where=place)
    items = cast("list[Any]", items)
    if len(items) > run.limits.fan_out:
        raise LimitExceededError(
            f"{len(items):,} items are more than {run.limits.fan_out:,}", where=place,
            hint="raise Limits(fan_out=...)",
        )  # fmt: skip
    if len(items) > spec.max:
        hint = f"raise `max:` of this node (now {spec.max})"
        raise LimitExceededError(f"{len(items)} items are more than {spec.max}", where=place, hint=hint)
    ends = await _all_items(command, items, run, place)
    values = [end.value for end in ends if end is not None]
    run.measure(values, place)
    found = [marks for value in values if (marks := _marks_in(value)) is not None]
    confident = all(marks.confident for marks in found)
    return Outcome(values, values, Marks(confident=confident) if found else None)


def _marks_in(value: Any) -> Marks | None:
    """Return the marks of an expert's answer; None for a value that is none."""
    if not isinstance(value, Mapping) or not value.keys() >= MARKS:
        return None
    table = cast("Mapping[str, Any]", value)
    return Marks(**{name: table[name] for name in MARKS})


async def _all_items(command: RunNode, items: list[Any], run: Run, place: str) -> list[EndRun | None]:
    """Return how the body ended for each item; None where it gave nothing."""
    node, spec = command.node, command.node.spec
    assert isinstance(spec, EachNode)
    body = node.body
    assert body is not None
    ends: list[EndRun | None] = [None] * len(items)
    queue = iter(enumerate(items))

    async def work() -> None:
        for index, item in queue:  # shared: each worker takes the next item
            run.visit(body, place)
            scope = {**command.scope, spec.as_: item, "index": index}
            end, _ = await run.level(body, scope, run, f"{place}[{index}]/")
            if end.error is None:
                ends[index] = end
            elif end.node is not None or end.error.code != "no_output":
                raise end.error  # of a node inside that came to no output, too: it failed

    async def counted() -> None:
        nonlocal workers
        await work()
        if workers > 1:  # the last one's count goes back to the node, which goes on now
            workers -= 1
            run.rest()

    workers = min(spec.concurrency, len(items))
    if workers <= 1:
        await work()
        return ends
    run.busy += workers - 1  # each holds a count of its own; this node only waits
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(counted())
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors
    finally:
        run.busy += 1 - workers  # those that are left were cancelled
    return ends


async def repeat(command: RunNode, run: Run, place: str) -> Outcome:
    """Run the body until `until` holds or `max` rounds are over; the value is the last state."""
    node, spec = command.node, command.node.spec
    assert isinstance(spec, RepeatNode)
    assert node.body is not None
    assert node.next is not None
    state = {name: command.arguments[name] for name in spec.repeat}
    reached, rounds = False, 0
    while rounds < spec.max and not reached:
        run.visit(node.body, place)
        scope = {**command.scope, "loop": {**state, "round": rounds + 1}}
        end, values = await run.level(node.body, scope, run, f"{place}[{rounds}]/")
        if end.error is not None:
            raise end.error
        rounds += 1
        state = {**state, **_next_state(node.next, values, place)}
        run.measure(state, place)
        values["loop"] = {**state, "round": rounds}
        reached = node.until is not None and bool(node.until(values))
    value = {**state, "rounds": rounds, "reached": reached}
    return Outcome(value, value)


def _next_state(step: Any, values: dict[str, Any], place: str) -> dict[str, Any]:
    try:
        return step(values)
    except SwarmError as error:
        raise NodeError(f"`next`: {error.what}", where=place, hint=error.hint) from error


async def graph(command: RunNode, run: Run, place: str) -> Outcome:
    """Run another graph with the arguments as its input."""
    body = command.node.body
    assert body is not None
    depth = place.count("/") + 1
    if depth >= run.limits.depth:
        raise LimitExceededError(
            f"graphs nest deeper than {run.limits.depth}", where=place, hint="raise Limits(depth=...)"
        )
    given = {name: kind.when_left_out() for name, kind in body.inputs.items()} | command.arguments
    for name, kind in body.inputs.items():
        wrong = next(kind.misfits(given[name], name), "")
        if wrong:
            raise NodeError(f"input does not fit: {wrong}", where=place)
        given[name] = kind.filled(given[name])
    end, values = await run.level(body, {"input": given}, run, f"{place}/")
    if end.error is not None:
        raise end.error
    marks = None
    if end.choice is not None and end.choice.node >= 0:
        marks = _marks_in(values.get(body.nodes[end.choice.node].name))
    return Outcome(end.value, end.value, marks)
