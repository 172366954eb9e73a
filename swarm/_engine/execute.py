"""One run from its input to its result."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.ending import end_body
from swarm._engine.quick import run_finished, run_result, run_started
from swarm._engine.result import Marks, NodeResult, RunResult, text_of
from swarm._engine.runner import run_level
from swarm._engine.scheduler import EndRun
from swarm._engine.supervise import Ending, Supervised
from swarm._graph.plan import Plan
from swarm.errors import (
    InputError,
    InternalError,
    LimitExceededError,
    NodeError,
    StoreError,
    SwarmError,
    describe,
)
from swarm.spec.graph import AskNode, ReplyNode
from swarm.spec.plain import NotPlainError, TooLargeError, plain_data, weigh
from swarm.stores.log import CONTINUED

__all__ = ["check_input", "execute", "may_ask", "node_results"]

MAX_MISFITS = 20  # shown, of an input that does not fit
MAX_INPUTS = 10_000  # of an input's names that are looked at
SCALARS = {"string": str, "integer": int, "boolean": bool}


def check_input(plan: Plan, given: Mapping[str, Any], limit_bytes: int) -> dict[str, Any]:
    """Return the input as plain data, copied, with what may be left out filled in.

    Raises:
        InputError: missing, extra or wrong; every misfit is named.
        LimitExceededError: larger than `limit_bytes`.
    """
    filled: dict[str, Any] = {}
    wrong: list[str] = []
    for name, kind in plan.inputs.items():
        if name in given:
            try:
                filled[name] = plain_data(given[name], limit_bytes=limit_bytes, root=name)
                if type(filled[name]) is SCALARS.get(kind.base) and not kind.one_of:
                    continue  # most inputs: looking for misfits that cannot be takes 1 us each
                misfits = list(islice(kind.misfits(filled[name], name), MAX_MISFITS))
                if not misfits and kind.base in ("list", "record"):
                    filled[name] = kind.filled(filled[name])
                wrong += misfits
            except NotPlainError as error:
                wrong.append(f"{error.what} ({error.hint})")
            except TooLargeError as error:
                raise _too_large(plan, limit_bytes) from error
        elif kind.required:
            wrong.append(f"{name}: missing")
        else:
            filled[name] = kind.when_left_out()
    if not given.keys() <= plan.inputs.keys():
        wrong += [f"{name}: unknown" for name in islice(given, MAX_INPUTS) if name not in plan.inputs]
    if wrong:
        takes = ", ".join(f"{name}: {kind}" for name, kind in plan.inputs.items()) or "nothing"
        shown = "; ".join(wrong[:MAX_MISFITS])
        raise InputError(f"the input does not fit: {shown}", where=plan.name, hint=f"it takes {takes}")
    if len(filled) > 1 and weigh(filled, limit_bytes) > limit_bytes:
        raise _too_large(plan, limit_bytes)
    return filled


def _too_large(plan: Plan, limit_bytes: int) -> LimitExceededError:
    return LimitExceededError(
        f"the input is larger than {limit_bytes:,} bytes", where=plan.name, code="input_too_large",
        hint="shorten it (in Python the limit can be raised: Limits(input_bytes=...))",
    )  # fmt: skip


def may_ask(plan: Plan) -> bool:
    """Return whether a run of this plan can stop to ask a person."""
    for node in plan.nodes:
        if isinstance(node.spec, AskNode) or (node.body is not None and may_ask(node.body)):
            return True
        experts = (node.expert, *node.choices) if node.expert is not None else node.choices
        if any(one.tools and one.approve != "never" for one in experts):
            return True
    return False


async def execute(plan: Plan, given: Mapping[str, Any], run: Run, *, again: bool = False) -> RunResult:
    """Run a plan on a checked input; a failure is a result, only cancellation is raised.

    Args:
        again: it goes on with a run that was cut off, paused or forked; its journal knows what was done.
    """
    if again:
        run.note(CONTINUED, "the run went on from what was kept of it")
    else:
        run.emit(run_started(run.id, run.now(), plan.name, given))
    run.busy = 1
    run.work = work = Supervised(_work(plan, given, run), run.services.deadlines)
    try:
        came = await work.result()
    except asyncio.CancelledError:
        _tell_left_behind(run)
        _tell_cancelled(run)
        run.sinks = []
        raise
    _tell_left_behind(run)
    if run.waited and run.services.urgency is not None:
        run.services.urgency.learn(run.results)
    result = _result(plan, _end_of(came, run), run)
    if came is not Ending.STOPPED:
        result = await _kept(result, plan, run)
    if came is Ending.STOPPED or _was_cancelled(run):
        result = replace(result, status="cancelled")
        _tell_cancelled(run)
    else:
        _tell_end(result, run)
    run.sinks = []  # what was left behind may go on, but the run has been told to its end
    return result


async def _kept(result: RunResult, plan: Plan, run: Run) -> RunResult:
    """Write down how the run ended, before anybody is told; what cannot be written has not ended."""
    journal = run.journal
    if journal is None:
        return result
    error = journal.broken
    if error is None:
        try:
            await journal.end(result.status, end_body(result, run.now()))
            return result
        except StoreError as failed:
            error = failed
    return _result(plan, EndRun(error=error), run)


def _was_cancelled(run: Run) -> bool:
    """Return whether somebody cancelled it in the store: nobody else ends a run that is ours."""
    journal = run.journal
    return journal is not None and journal.broken is not None and journal.broken.code == "ended"


async def _work(plan: Plan, given: Mapping[str, Any], run: Run) -> EndRun:
    assert run.work is not None
    run.work.begun()
    try:
        end, _ = await run_level(plan, {"input": given}, run)
        run.measure(end.value, plan.name)
    except SwarmError as error:
        return EndRun(error=error)
    except Exception as error:
        found = InternalError(describe(error), where=plan.name, hint="this is our bug: please report it")
        found.__cause__ = error
        return EndRun(error=found)
    finally:
        run.work.wake()
    return end


def _end_of(came: EndRun | Ending, run: Run) -> EndRun:
    """Return how the run ended; of one that was ended, the error that says why."""
    if isinstance(came, EndRun):
        return came
    match came:
        case Ending.DEADLINE:
            what, hint = (
                f"the run took longer than {run.limits.run_s:g} s",
                "give it longer: --timeout, or Limits(run_s=...)",
            )
            return EndRun(error=LimitExceededError(what, code="deadline", hint=hint))
        case Ending.STOPPED:
            what, hint = "the run was cancelled, or its swarm closed", "await the run before closing it"
            return EndRun(error=SwarmError(what, hint=hint, code="cancelled"))
        case Ending.CANCELLED_ITSELF:
            what, hint = (
                "code that the run calls cancelled its task",
                "do not cancel the current task in a tool",
            )
            return EndRun(error=NodeError(what, hint=hint, code="cancelled"))


def _tell_left_behind(run: Run) -> None:
    """Say which nodes did not stop when they were cancelled."""
    if run.work is None or not run.work.is_left_behind:
        return
    for place in sorted(run.at_work):
        run.emit(ev.NodeCancelled(run=run.id, at=run.now(), node=place))
        run.note(f"left_behind:{place}", f"{place} did not stop when it was cancelled, and was left behind")


def _tell_cancelled(run: Run) -> None:
    latency = (run.services.clock() - run.started) * 1000
    run.emit(ev.RunCancelled(run=run.id, at=run.now(), latency_ms=latency))


def _tell_end(result: RunResult, run: Run) -> None:
    if not run.sinks:
        return
    at = run.now()
    if result.error is not None:
        run.emit(
            ev.RunFailed(
                run=run.id, at=at, code=result.error.code, message=result.error.what, node=result.error_node,
                latency_ms=result.latency_ms,
            )
        )  # fmt: skip
        return
    run.emit(run_finished(result, at))


def _result(plan: Plan, end: EndRun, run: Run) -> RunResult:
    nodes = node_results(plan, run)
    latency_ms = (run.services.clock() - run.started) * 1000
    notes = tuple(run.notes.values())
    if end.error is not None:
        return RunResult(
            id=run.id, graph=plan.name, status="failed", nodes=nodes, usage=run.usage,
            path=tuple(name for name, node in nodes.items() if node.status == "done"),
            latency_ms=latency_ms, error=end.error, notes=notes,
            error_node=end.node.name if end.node is not None else None,
        )  # fmt: skip
    output, refused = end.value, False
    marks: Marks | None = None
    if end.choice is not None and end.choice.node >= 0:
        node = plan.nodes[end.choice.node]
        done = nodes[node.name]
        output = done.output if end.choice.whole else output
        marks = done.marks
        refused = isinstance(node.spec, ReplyNode) and node.spec.refusal
    return run_result(
        run.id, plan.name, "refused" if refused else "completed", nodes, output=output, text=text_of(output),
        marks=marks, usage=run.usage, latency_ms=latency_ms, notes=notes,
    )  # fmt: skip


def node_results(plan: Plan, run: Run) -> dict[str, NodeResult]:
    """Return what became of every node, in the plan's order."""
    if len(run.results) == len(plan.nodes):  # all are settled, as they are at the end of most runs
        return {node.name: run.results[node.name] for node in plan.nodes}
    asking = {re.split(r"[/\[]", one.ask.node)[0] for one in run.asks.values()}
    missing = "the run ended first" if not asking else "not reached yet"
    return {
        node.name: run.results.get(node.name)
        or NodeResult(
            name=node.name, kind=node.kind, status="skipped",
            reason="it waits for a person" if node.name in asking else missing,
        )
        for node in plan.nodes
    }  # fmt: skip
