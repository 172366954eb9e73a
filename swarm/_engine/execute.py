"""One run from its input to its result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, cast

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.result import Marks, NodeResult, RunResult, text_of
from swarm._engine.runner import run_level
from swarm._engine.scheduler import EndRun
from swarm._graph.plan import Plan
from swarm.errors import InputError, LimitExceededError, SwarmError
from swarm.spec.graph import AskNode, ReplyNode
from swarm.spec.types import NO_DEFAULT, Type

__all__ = ["check_input", "execute", "may_ask"]


def check_input(plan: Plan, given: Mapping[str, Any], limit_bytes: int) -> dict[str, Any]:
    """Return the input with what may be left out filled in.

    Raises:
        InputError: missing, extra or wrong; every misfit is named.
        LimitExceededError: larger than `limit_bytes`.
    """
    filled: dict[str, Any] = {}
    wrong: list[str] = []
    for name, kind in plan.inputs.items():
        if name in given:
            filled[name] = value = given[name]
            if kind.base != "string" or type(value) is not str or kind.one_of:  # most inputs are just text
                wrong += kind.misfits(value, name)
        elif kind.required:
            wrong.append(f"{name}: missing")
        else:
            filled[name] = _left_out(kind)
    wrong += [f"{name}: unknown" for name in given if name not in plan.inputs]
    if wrong:
        takes = ", ".join(f"{name}: {kind}" for name, kind in plan.inputs.items()) or "nothing"
        raise InputError(
            "the input does not fit: " + "; ".join(wrong[:20]), where=plan.name, hint=f"it takes {takes}"
        )
    size = sum(_sizes(filled))
    if size > limit_bytes:
        raise LimitExceededError(
            f"the input has {size:,} bytes; the limit is {limit_bytes:,}", where=plan.name,
            hint="shorten it, or raise Limits(input_bytes=...)",
        )  # fmt: skip
    return filled


def _left_out(kind: Type) -> Any:
    return None if kind.default is NO_DEFAULT else kind.default


def _sizes(value: Any) -> Iterator[int]:
    """Yield sizes that add up to about the value's size as JSON; strings decide."""
    if isinstance(value, str):
        yield len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[str, Any]", value).items():
            yield len(str(key))
            yield from _sizes(item)
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            yield from _sizes(item)
    else:
        yield 8


def may_ask(plan: Plan) -> bool:
    """Return whether a run of this plan can stop to ask a person."""
    for node in plan.nodes:
        if isinstance(node.spec, AskNode) or (node.body is not None and may_ask(node.body)):
            return True
        experts = (node.expert, *node.choices) if node.expert is not None else node.choices
        if any(one.tools and one.approve != "never" for one in experts):
            return True
    return False


async def execute(plan: Plan, given: Mapping[str, Any], run: Run) -> RunResult:
    """Run a plan on a checked input; a failure is a result, only cancellation is raised."""
    services = run.services
    run.emit(ev.RunStarted(run=run.id, at=run.now(), graph=plan.name, input=given))
    run.busy = 1
    try:
        async with asyncio.timeout(run.limits.run_s) as run.deadline:
            end, _ = await run_level(plan, {"input": given}, run)
    except TimeoutError:
        error = LimitExceededError(
            f"the run took longer than {run.limits.run_s:g} s",
            code="deadline",
            hint="raise Limits(run_s=...)",
        )
        end = EndRun(error=error)
    except asyncio.CancelledError:
        latency = (services.clock() - run.started) * 1000
        run.emit(ev.RunCancelled(run=run.id, at=run.now(), latency_ms=latency))
        raise
    except SwarmError as error:
        end = EndRun(error=error)
    result = _result(plan, end, run)
    _tell_end(result, run)
    return result


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
    run.emit(
        ev.RunFinished(
            run=run.id, at=at, status=result.status, output=result.output, text=result.text,
            confidence=result.confidence, usage=result.usage.to_json(), latency_ms=result.latency_ms,
        )
    )  # fmt: skip


def _result(plan: Plan, end: EndRun, run: Run) -> RunResult:
    nodes = node_results(plan, run)
    path = tuple(name for name, node in nodes.items() if node.status == "done")
    latency_ms = (run.services.clock() - run.started) * 1000
    notes = tuple(run.notes.values())
    if end.error is not None:
        where = end.node.name if end.node is not None else None
        return RunResult(
            id=run.id, graph=plan.name, status="failed", path=path, nodes=nodes, usage=run.usage,
            latency_ms=latency_ms, error=end.error, error_node=where, notes=notes,
        )  # fmt: skip
    output, marks, refused = end.value, Marks(), False
    if end.choice is not None and end.choice.node >= 0:
        node = plan.nodes[end.choice.node]
        done = nodes[node.name]
        output = done.output if end.choice.whole else output
        marks = done.marks
        refused = isinstance(node.spec, ReplyNode) and node.spec.refusal
    return RunResult(
        id=run.id, graph=plan.name, status="refused" if refused else "completed", output=output,
        text=text_of(output), confidence=marks.confidence if marks else None,
        confident=marks.confident if marks and end.choice and end.choice.node >= 0 else None, path=path, nodes=nodes,
        usage=run.usage, latency_ms=latency_ms, notes=notes,
    )  # fmt: skip


def node_results(plan: Plan, run: Run) -> dict[str, NodeResult]:
    """Return what became of every node, in the plan's order."""
    results = run.results
    missing = "the run ended first" if not run.asks else "not reached yet"
    return {
        node.name: results.get(node.name)
        or NodeResult(name=node.name, kind=node.kind, status="skipped", reason=missing)
        for node in plan.nodes
    }
