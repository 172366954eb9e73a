"""Does what the scheduler decides: runs nodes with asyncio and reports what happened.

A lone ready node runs inline, without a task of its own. Tasks live in a task group, so nothing
outlives the level that started it, and cancelling a level cancels what it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.groups import first_error
from swarm._engine.journal import failure_body, outcome_body
from swarm._engine.nodes.kinds import KINDS
from swarm._engine.past import error_of, outcome_of
from swarm._engine.quick import node_done, node_finished, node_skipped, node_started
from swarm._engine.result import NodeResult, Outcome
from swarm._engine.scheduler import (
    STARTED,
    Command,
    Done,
    EndRun,
    Event,
    Failed,
    FailNode,
    RunNode,
    Scheduler,
    SkipNode,
    Skipped,
)
from swarm._engine.slots import Slots
from swarm._graph.plan import Plan, PlanNode
from swarm.errors import InternalError, NodeError, SwarmError, describe
from swarm.spec.plain import SCALARS

__all__ = ["run_level"]

# Kinds that take a slot; nodes with a body would wait for their own nodes.
WORKERS = frozenset({"expert", "tool", "route"})
SIZED = frozenset({str, dict, list})  # types of values that count towards what a run holds


async def run_level(
    plan: Plan, scope: dict[str, Any], run: Run, path: str = ""
) -> tuple[EndRun, dict[str, Any]]:
    """Run a plan to its end; return the end and the values of its nodes by name.

    Args:
        scope: the names around the plan; owned by this call.
        path: what node paths begin with: "" at the top, `notes[17]/` inside a body.

    The caller holds one count of `run.busy`. It is given back while the level only waits for its
    nodes, which hold one each, and is held again when this returns or raises.
    """
    scheduler = Scheduler(plan, scope)
    event: Event = STARTED
    while True:  # a lone ready node needs no task, and a level of such nodes no task group
        commands = scheduler.handle(event)
        if len(commands) == 1 and isinstance(lone := commands[0], RunNode):  # most steps of most runs
            event = await _perform(lone, run, path)
            continue
        ready, end = _obey(commands, run, path)
        if end is not None:
            return end, scope
        if len(ready) > 1:
            return await _side_by_side(scheduler, ready, run, path), scope
        event = await _perform(ready[0], run, path)


async def _side_by_side(scheduler: Scheduler, ready: list[RunNode], run: Run, path: str) -> EndRun:
    """Run a level to its end from where several nodes are ready at once."""
    level = _Level(scheduler, run, path)
    try:
        async with asyncio.TaskGroup() as group:
            level.start(ready, group)
            run.rest()  # until the end comes, only this level's tasks can move, and it cannot
            try:
                end = await level.end
            except asyncio.CancelledError:
                run.busy += 1
                raise
            finally:
                level.closed = True
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors
    finally:
        run.busy -= level.out  # of tasks that were cancelled, or ended after the level did
    return end


class _Level:
    """Nodes at work side by side, each in a task that goes on with a node that its own made ready.

    A task costs more than a node (5 us, and a turn of the loop to tell of its end), so the most urgent
    of the nodes that became ready stays in the task, and only the others get tasks of their own.

    Attributes:
        end: how the level ended, as soon as it has; closed: nothing is decided or started any more.
        out: tasks at work: each has a count of `run.busy`. The last one's passes to who waits for `end`.
    """

    __slots__ = ("closed", "end", "out", "path", "run", "scheduler", "tasks")

    def __init__(self, scheduler: Scheduler, run: Run, path: str) -> None:
        self.scheduler, self.run, self.path = scheduler, run, path
        self.end: asyncio.Future[EndRun] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.out = 0
        self.tasks: dict[asyncio.Task[None], None] = {}  # a set, but ordered: the same run twice is the same

    def start(self, commands: Sequence[RunNode], group: asyncio.TaskGroup) -> None:
        """Run each of these nodes in a task of its own."""
        for command in commands:
            self.tasks[group.create_task(self._work(command, group))] = None
        self.out += len(commands)
        self.run.busy += len(commands)

    async def _work(self, first: RunNode, group: asyncio.TaskGroup) -> None:
        """Run a node, and then one after the other those that became ready through it.

        The level hears of every node, of one that cancelled its own task too, or it would wait for ever.
        """
        command = first
        try:
            while True:
                event = await _perform(command, self.run, self.path)
                if self._is_over():
                    self._tell_late(event)
                    break
                ready = self._settle(event)
                if not ready:
                    break
                command = ready[0]
                if len(ready) > 1:
                    self.start(ready[1:], group)
        except asyncio.CancelledError:
            place = self.path + command.node.name
            error = NodeError("its task was cancelled", where=place, code="cancelled")
            if not self._is_over() and (ready := self._settle(Failed(command.node.index, error))):
                self.start(ready, group)
                self.out -= 1
                self.run.busy -= 1
            raise
        except BaseException:
            self.closed = True  # the group ends its other tasks; nothing may be started in it any more
            raise
        finally:
            self.tasks.pop(cast("asyncio.Task[None]", asyncio.current_task()), None)

    def _is_over(self) -> bool:
        return self.closed or self.end.done()  # done without an end: who waits for it was cancelled

    def _tell_late(self, event: Event) -> None:
        """Tell of a node that failed when the level had ended already: what started has an end."""
        if isinstance(event, Failed):
            node = self.scheduler.nodes[event.index]
            handled = node.spec.on_error != "fail"
            command = FailNode(node, event.error, handled, event.latency_ms)
            _tell_failed(command, self.run, self.path, top=not self.path)

    def _settle(self, event: Event) -> list[RunNode]:
        """Decide what follows an event of a task; return the nodes to run, [] when the task is over."""
        ready, end = _obey(self.scheduler.handle(event), self.run, self.path)
        if end is not None:
            self.closed = True
            self.out -= 1
            self.end.set_result(end)
            for task in self.tasks:
                if task is not asyncio.current_task():
                    task.cancel()
        elif not ready:
            self.out -= 1
            self.run.rest()
        return ready if end is None else []


def _obey(commands: list[Command], run: Run, path: str) -> tuple[list[RunNode], EndRun | None]:
    """Say what is only said; return the nodes to run, and the end if this is it."""
    ready: list[RunNode] = []
    end: EndRun | None = None
    top = not path
    for command in commands:
        if isinstance(command, RunNode):
            ready.append(command)
        elif isinstance(command, SkipNode):
            _tell_skipped(command, run, path, top=top)
        elif isinstance(command, FailNode):
            _tell_failed(command, run, path, top=top)
        else:
            end = command
    return ready, end


async def _perform(command: RunNode, run: Run, path: str) -> Event:
    """Do a node's work and return what became of it; only cancellation from outside is raised."""
    node, services, journal = command.node, run.services, run.journal
    clock, kind = services.clock, node.kind
    place = path + node.name
    if journal is not None and (settled := journal.settled(place, kind)) is not None:
        return _recall(node, settled, run, place, top=not path)
    started = clock()
    try:
        run.count_node()
        for argument in command.arguments.values():
            if type(argument) not in SCALARS:
                run.measure(argument, place)
        run.at_work.add(place)
        if run.sinks:
            run.emit(node_started(run.id, services.wall(), place, kind))
        slots = services.slots if kind in WORKERS else None
        if slots is None:
            outcome = await _work(command, run, place)
        elif node.concurrency:
            outcome, started = await _through_gate(command, run, place, slots)
        else:
            if slots.free:
                slots.free -= 1
            else:
                await slots.wait(run.id, run.urgency(place))
                started = clock()
            try:
                outcome = await _work(command, run, place)
            finally:
                if place not in run.away:
                    slots.release()
        latency_ms = (clock() - started) * 1000
        if type(outcome.output) in SIZED:
            run.hold(outcome.output, place)
        if journal is not None:
            await journal.settle(place, outcome_body(kind, outcome, latency_ms, services.wall()))
    except asyncio.CancelledError as error:
        if _is_cancelled():
            run.emit(ev.NodeCancelled(run=run.id, at=services.wall(), node=place))
            raise
        return await _failed(node, _failure(error, node, place), run, place, started)
    except Exception as error:
        return await _failed(node, _failure(error, node, place), run, place, started)
    finally:
        run.at_work.discard(place)
    if outcome.skipped:
        return Skipped(node.index, outcome.skipped)
    _tell_done(node, outcome, run, place, latency_ms, not path)
    return Done(node.index, outcome.value)


async def _through_gate(command: RunNode, run: Run, place: str, slots: Slots) -> tuple[Outcome, float]:
    """Work in a slot of the node's own, and then in one of the swarm's; return when it began, too."""
    node, gates = command.node, run.services.gates
    assert gates is not None, "who gives slots gives gates"
    urgency = run.urgency(place)
    gate = gates.of_node(node)
    await gate.take(run.id, urgency)
    try:
        await slots.take(run.id, urgency)
    except asyncio.CancelledError:
        gate.release()
        raise
    run.gate_of = {**run.gate_of, place: gate}
    started = run.services.clock()
    try:
        return await _work(command, run, place), started
    finally:
        if place not in run.away:
            slots.release()
            gate.release()


async def _failed(node: PlanNode, error: SwarmError, run: Run, place: str, started: float) -> Event:
    """Return the failure, written down where the graph goes on from it: then it is a result like any other.

    Raises:
        StoreError: nothing can be written down any more: the run may not go on.
    """
    latency_ms = (run.services.clock() - started) * 1000
    if run.journal is not None:
        if run.journal.broken is not None:
            raise run.journal.broken
        if node.spec.on_error != "fail":
            await run.journal.settle(place, failure_body(node.kind, error, latency_ms, run.now()))
    return Failed(node.index, error, latency_ms)


def _recall(node: PlanNode, settled: Mapping[str, Any], run: Run, place: str, *, top: bool) -> Event:
    """Return what became of a node before the run was cut off; nothing is done or told a second time."""
    latency_ms = float(settled["latency_ms"])
    run.count_node()
    if "error" in settled:
        return Failed(node.index, error_of(settled), latency_ms)
    outcome = outcome_of(settled)
    if outcome.skipped:
        return Skipped(node.index, outcome.skipped)
    if top:
        run.results[place] = node_done(place, node.kind, outcome.output, latency_ms, outcome.marks)
    return Done(node.index, outcome.value)


def _work(command: RunNode, run: Run, place: str) -> Awaitable[Outcome]:
    """Return the work of the node's kind, within the node's deadline if it has one."""
    kind, limit = command.node.kind, command.node.spec.timeout
    work = KINDS[kind](command, run, place)
    if limit is None or kind in ("tool", "ask"):  # these keep their deadline themselves
        return work
    return _within(limit, work)


async def _within(limit_s: float, work: Awaitable[Outcome]) -> Outcome:
    async with asyncio.timeout(limit_s):
        return await work


def _is_cancelled() -> bool:
    """Return whether someone cancelled this task; else the work raised CancelledError of its own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _failure(error: BaseException, node: PlanNode, place: str) -> SwarmError:
    """Return what a node failed with, in the words of our errors."""
    if isinstance(error, SwarmError):
        return error
    found: SwarmError
    if isinstance(error, TimeoutError) and node.spec.timeout is not None:
        hint = "give it more time, or say what to do: on_error"
        found = NodeError(f"took longer than {node.spec.timeout:g} s", where=place, code="timeout", hint=hint)
    elif isinstance(error, asyncio.CancelledError):
        hint = "raise another error than CancelledError in the code it calls"
        found = NodeError("it cancelled itself", where=place, code="cancelled", hint=hint)
    else:
        found = InternalError(describe(error), where=place, hint="this is our bug: please report it")
    found.__cause__ = error
    return found


def _tell_done(node: PlanNode, outcome: Outcome, run: Run, place: str, latency_ms: float, top: bool) -> None:
    output, marks = outcome.output, outcome.marks
    if top:
        run.results[place] = node_done(place, node.kind, output, latency_ms, marks)
    if run.sinks:
        said = marks.to_json() if marks is not None else None
        run.emit(node_finished(run.id, run.services.wall(), place, output, latency_ms, said))


def _tell_skipped(command: SkipNode, run: Run, path: str, *, top: bool) -> None:
    node = command.node
    if top:
        run.results[node.name] = _skipped(node.name, node.kind, command.reason)
    if run.sinks:
        run.emit(node_skipped(run.id, run.services.wall(), path + node.name, command.reason))


@lru_cache(maxsize=4096)
def _skipped(name: str, kind: str, reason: str) -> NodeResult:
    """Return the result of a skipped node; the same few come back in every run of a graph."""
    return NodeResult(name=name, kind=kind, status="skipped", reason=reason)


def _tell_failed(command: FailNode, run: Run, path: str, *, top: bool) -> None:
    place, error = path + command.node.name, command.error
    error.where = error.where or place  # an expression or a template does not know whose it is
    if top:
        run.results[place] = NodeResult(
            name=place, kind=command.node.kind, status="failed", error=error, latency_ms=command.latency_ms
        )
    run.emit(
        ev.NodeFailed(
            run=run.id, at=run.services.wall(), node=place, code=error.code, message=str(error.what),
            handled=command.handled, latency_ms=command.latency_ms,
        )
    )  # fmt: skip
