"""A tool as a node: bounded, counted, tried again where that is allowed."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

from swarm._engine.context import Run
from swarm._engine.nodes.effects import LEFT_OUT, may_call
from swarm._engine.patience import outlast
from swarm._engine.quick import tool_called, tool_finished
from swarm._engine.result import Outcome
from swarm._engine.scheduler import RunNode
from swarm.errors import SwarmError, ToolError, describe
from swarm.spec.graph import ToolNode
from swarm.spec.plain import SCALARS
from swarm.tools.base import Tool

__all__ = ["call_tool", "tool"]

GRACE_S = 1.0  # how long a cancelled tool may take to clean up before it is left behind
FIRST_WAIT_S = 0.1  # between tries; doubles, at most 10 s


async def tool(command: RunNode, run: Run, place: str) -> Outcome:
    """Call the node's tool with the node's arguments."""
    spec = command.node.spec
    assert isinstance(spec, ToolNode)
    found = run.services.tools.get(spec.tool)
    if found is None:
        raise ToolError(
            f"tool {spec.tool!r} has no code here", where=place,
            hint="give it: Swarm.load(path, tools=[...]), or name its file under `tools:`",
        )  # fmt: skip
    retry, timeout_s = spec.retry, spec.timeout
    key = f"{run.id}/{place}" if found.signature.takes_key else ""
    if run.journal is not None and not await may_call(found, command.arguments, key, run, place):
        return Outcome(None, None, skipped=LEFT_OUT)
    attempt, wait = 1, FIRST_WAIT_S
    while True:
        try:
            value = await call_tool(found, command.arguments, run, place, timeout_s, attempt, key)
        except SwarmError as error:
            found_out = "timeout" if error.code == "timeout" else "error"
            if retry is None or attempt >= retry.attempts or found_out not in retry.on:
                raise
            await run.services.sleep(wait)
            attempt, wait = attempt + 1, min(10.0, wait * 2)
        else:
            return Outcome(value, value)


async def call_tool(
    found: Tool,
    arguments: dict[str, Any],
    run: Run,
    place: str,
    timeout_s: float | None = None,
    attempt: int = 1,
    key: str = "",
) -> Any:
    """Call a tool once; one event before and one after, whatever happens.

    The tool gets copies of lists and objects: what it does to them stays with it.
    """
    services = run.services
    name, clock, wall = found.signature.name, services.clock, services.wall
    run.count_tool_call()
    if run.sinks:
        run.emit(tool_called(run.id, wall(), place, name, arguments, attempt))
    started = clock()
    said = "cancelled"
    own = arguments.copy()
    for argument, value in own.items():
        if type(value) not in SCALARS:
            own[argument] = copy.deepcopy(value)
    try:
        call = found.call(own, idempotency_key=key) if key else found.call(own)
        value = await (call if timeout_s is None else _within(call, timeout_s, place))
        said = ""
    except Exception as error:
        said = describe(error)
        raise
    finally:
        if run.sinks:
            latency = (clock() - started) * 1000
            run.emit(tool_finished(run.id, wall(), place, name, latency, said or None))
    return value


async def _within(call: Any, timeout_s: float, place: str) -> Any:
    """Return the call's value; after `timeout_s` stop it, even if it swallows its cancellation."""
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
    except asyncio.CancelledError:
        await _stopped(task)
        raise
    if done:
        return task.result()
    await _stopped(task)
    if task.done() and not task.cancelled():
        task.exception()  # retrieved: what a timed-out attempt did or raised no longer counts
    raise ToolError(
        f"took longer than {timeout_s:g} s",
        where=place,
        code="timeout",
        hint="give it more time, or on_error",
    )


async def _stopped(task: asyncio.Future[Any]) -> None:
    """Cancel a call and wait for it to clean up."""
    task.cancel()
    await outlast(task, GRACE_S)
