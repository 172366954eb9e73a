"""What one run carries along: its services, its limits, what it has used, who listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

import swarm.events as ev
from swarm._engine.gates import Gates
from swarm._engine.journal import Journal
from swarm._engine.limits import Limits
from swarm._engine.quick import model_token
from swarm._engine.result import Ask, NodeResult
from swarm._engine.scheduler import EndRun
from swarm._engine.slots import Slots
from swarm._engine.supervise import Deadlines, Supervised
from swarm._engine.trust import Trusts
from swarm._engine.urgency import Urgency
from swarm._graph.plan import Plan
from swarm.backends.base import ModelBackend
from swarm.confidence.outcomes import Outcome
from swarm.errors import LimitExceededError, describe
from swarm.messages import Usage
from swarm.spec.catalogue import ModelRef, ResolvedExpert
from swarm.spec.plain import SCALARS, weigh
from swarm.tools.base import Tool

__all__ = ["Limits", "Run", "Services"]

NO_USAGE = Usage()
NOBODY: frozenset[str] = frozenset()
CONTAINERS = (list, dict)
NOTHING: Mapping[Any, Any] = MappingProxyType({})  # of a run without questions, notes, bodies: no dict each
Sink = Callable[[ev.Event], None]
Observer = Callable[[Outcome], None]
ASK_TIMEOUT_S = 7 * 86400.0  # every wait has a deadline; a person gets a week


class ChooseExpert(Protocol):
    """Chooses one of several experts for a request (the router, seen from the engine)."""

    async def __call__(
        self, request: str, choices: Sequence[ResolvedExpert], run: Run, path: str
    ) -> tuple[ResolvedExpert | None, Mapping[str, float], str]:
        """Return the expert or None, the scores by name, and the way it was decided."""
        ...


class RunLevel(Protocol):
    """Runs a plan inside a node (the runner, seen from the nodes)."""

    async def __call__(
        self, plan: Plan, scope: dict[str, Any], run: Run, path: str = ""
    ) -> tuple[EndRun, dict[str, Any]]:
        """Return how it ended, and the values by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What runs share: where models are, the tools, the clock.

    Attributes:
        backend: from a model to the backend that reaches it.
        clock: seconds, monotonic. wall: seconds since the epoch. new_id: ids of runs and tokens.
        sleep: waits between tries of a tool. slots, gates: bound what is at work at once;
            urgency: which node of a run gets a slot first.
        deadlines: ends runs that take too long; like the slots of one event loop.
        trusts: what an expert's answers are held against.
        recorders: told what the rungs of every expert answered; learners: of those that learn.
    """

    backend: Callable[[ModelRef], ModelBackend]
    tools: Mapping[str, Tool]
    choose: ChooseExpert
    clock: Callable[[], float]
    wall: Callable[[], float]
    new_id: Callable[[], str]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    limits: Limits = field(default_factory=Limits)
    slots: Slots | None = None
    gates: Gates | None = None
    urgency: Urgency | None = None
    trusts: Trusts = field(default_factory=Trusts)
    recorders: tuple[Observer, ...] = ()
    learners: tuple[Observer, ...] = ()
    deadlines: Deadlines = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadlines", Deadlines(self.limits.run_s))

    def observers(self, expert: ResolvedExpert) -> tuple[Observer, ...]:
        """Return who is told what the rungs of `expert` answered."""
        return (*self.recorders, *self.learners) if expert.learn else self.recorders


class Waiting:
    """One open question of a run and the future of its answer."""

    __slots__ = ("answer", "ask")

    def __init__(self, ask: Ask, answer: asyncio.Future[dict[str, Any]]) -> None:
        self.ask, self.answer = ask, answer


class Run:
    """One run's ledger.

    `busy` counts what can still move: nodes at work and levels with something to decide. When it
    is 0 and a question is open, the run is paused (`paused` is set). `at_work` holds the nodes that
    started and have not ended; `work` is the task of the run and its deadline;
    `waited` says whether a node had to wait for a slot; `away` holds the nodes that have given theirs
    back while a person thinks, `gate_of` those that have a slot of their own node.
    """

    __slots__ = (
        "_paused", "asks", "at_work", "away", "busy", "bytes", "gate_of", "id", "journal", "level", "limits", "nodes", "notes",
        "results", "services", "sinks", "started", "streams", "tool_calls", "usage", "visits", "waited",
        "work",
    )  # fmt: skip

    def __init__(
        self,
        run_id: str,
        services: Services,
        sinks: Sequence[Sink],
        level: RunLevel,
        *,
        streams: bool = False,
        journal: Journal | None = None,
    ) -> None:
        self.journal = journal
        self.id, self.services, self.sinks = run_id, services, list(sinks)
        if journal is not None:
            self.sinks.append(journal.hear)
        self.limits, self.level = services.limits, level
        self.streams = streams
        self.started = services.clock()
        self.usage = NO_USAGE
        self.nodes = 0
        self.tool_calls = 0
        self.bytes = 0
        self.visits: dict[int, int] | None = None
        self.results: dict[str, NodeResult] = {}
        self.notes: Mapping[str, str] = NOTHING
        self.asks: Mapping[str, Waiting] = NOTHING
        self.busy = 0
        self.waited = False
        self._paused: asyncio.Event | None = None  # 0.7 KB that most runs never need
        self.at_work: set[str] = set()
        self.away: frozenset[str] = NOBODY
        self.gate_of: Mapping[str, Slots] = NOTHING
        self.work: Supervised[Any] | None = None

    @property
    def paused(self) -> asyncio.Event:
        """Return the event that is set while only a person can go on."""
        if self._paused is None:
            self._paused = asyncio.Event()
        return self._paused

    def emit(self, event: ev.Event) -> None:
        """Hand an event to every listener, in order; one that raises hears no more of this run."""
        for sink in self.sinks:
            try:
                sink(event)
            except Exception as error:
                self._drop(sink, error)

    def write(self, node: str, text: str) -> None:
        """Hand a piece of an answer to every listener.

        One that is far behind joins it to a piece that waits, if it can (`join`): no event is made then.
        """
        event: ev.ModelToken | None = None
        for sink in self.sinks:
            join: Callable[[str, str], bool] | None = getattr(sink, "join", None)
            if join is not None and join(node, text):
                continue
            if event is None:
                event = model_token(self.id, self.services.wall(), node, text)
            try:
                sink(event)
            except Exception as error:
                self._drop(sink, error)

    def _drop(self, sink: Sink, error: Exception) -> None:
        """Go on without a listener that failed: it may not fail the run, and it is not hidden."""
        self.sinks = [one for one in self.sinks if one is not sink]
        name = getattr(sink, "__qualname__", type(sink).__name__)
        said = f"the listener {name} failed and hears no more of this run: {describe(error)}"
        self.note(f"listener:{id(sink)}", said)

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.services.wall()

    def note(self, code: str, text: str) -> None:
        """Remember something worth knowing, once a run for each `code`."""
        if code not in self.notes:
            self.notes = {**self.notes, code: text}
            self.emit(ev.NoteAdded(run=self.id, at=self.now(), code=code, text=text))

    def spend(self, usage: Usage) -> None:
        """Count what a model call used.

        Raises:
            LimitExceededError: more tokens than the run may write.
        """
        self.usage = self.usage + usage
        if self.usage.output_tokens > self.limits.output_tokens:
            raise LimitExceededError(
                f"the run wrote more than {self.limits.output_tokens:,} tokens",
                hint="raise Limits(output_tokens=...)",
            )

    def urgency(self, place: str) -> float:
        """Note that a node may have to wait for a slot; return how urgent it is."""
        self.waited = True
        return 0.0 if self.services.urgency is None else self.services.urgency.of(place)

    def measure(self, value: Any, place: str) -> None:
        """Check the size of a value that was put together out of others.

        Raises:
            LimitExceededError: it would be larger as JSON than a value may be.
        """
        limit = self.limits.value_bytes
        if isinstance(value, CONTAINERS) and weigh(value, limit) > limit:
            raise LimitExceededError(
                f"a value is larger than {limit:,} bytes", where=place, hint="raise Limits(value_bytes=...)"
            )

    def hold(self, value: Any, place: str) -> None:
        """Count what a node came to.

        Raises:
            LimitExceededError: the values of the run would be larger than a run may hold.
        """
        limit = self.limits.run_bytes
        self.bytes += len(value) if type(value) is str else _weight(value, limit)
        if self.bytes > limit:
            raise LimitExceededError(
                f"the values of the run are larger than {limit:,} bytes together", where=place,
                hint="raise Limits(run_bytes=...)",
            )  # fmt: skip

    def visit(self, plan: Plan, place: str) -> None:
        """Count a run of a body.

        Raises:
            LimitExceededError: it ran more often than it may.
        """
        if self.visits is None:
            self.visits = {}
        count = self.visits[id(plan)] = self.visits.get(id(plan), 0) + 1
        if count > self.limits.visits:
            raise LimitExceededError(
                f"its body ran more than {self.limits.visits:,} times", where=place,
                hint="raise Limits(visits=...)",
            )  # fmt: skip

    def count_node(self) -> None:
        """Count a node that starts.

        Raises:
            LimitExceededError: more nodes than a run may start.
        """
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise LimitExceededError(
                f"the run started more than {self.limits.nodes:,} nodes", hint="raise Limits(nodes=...)"
            )

    def count_tool_call(self) -> None:
        """Count a tool call.

        Raises:
            LimitExceededError: more calls than a run may make.
        """
        if self.tool_calls >= self.limits.tool_calls:  # asked here first: a call less for every node
            self.check_tool_call()
        self.tool_calls += 1

    def check_tool_call(self) -> None:
        """Raise LimitExceededError if a further tool call is more than a run may make."""
        if self.tool_calls >= self.limits.tool_calls:
            raise LimitExceededError(
                f"the run called tools more than {self.limits.tool_calls:,} times",
                hint="raise Limits(tool_calls=...)",
            )

    def rest(self) -> None:
        """Say that something stopped moving; the run is paused if nothing else can.

        While only a person can go on, the run's deadline does not come nearer.
        """
        self.busy -= 1
        if self.busy or not self.asks or self.work is None or self.work.is_over:
            return
        self.work.pause()
        self.paused.set()

    def _go_on(self) -> None:
        """Say that something moves again: a question was answered, or given up."""
        self.busy += 1
        self.paused.clear()
        if self.work is not None:
            self.work.go_on()

    async def question(self, ask: Ask, *, name: str = "ask", limit_s: float = 0.0) -> dict[str, Any]:
        """Wait for a person's answer to `ask`; while only questions are open the run is paused.

        Args:
            name: which sort of question of its node this is; a durable run knows it by that.
            limit_s: seconds until nobody may answer any more; 0 is a week.

        Raises:
            TimeoutError: nobody answered in time.
        """
        limit_s = limit_s or ASK_TIMEOUT_S
        if self.journal is not None:
            call = self.journal.call(ask.node, name)
            if (before := self.journal.question(ask.node, call)) is None:
                await self.journal.ask(ask, call, self.now() + limit_s)
            elif before.answer is not None:
                return self._answered_before(ask.node, before.answer)
            else:
                ask = replace(ask, token=before.token)
                limit_s = before.expires - self.now()
        async with asyncio.timeout(limit_s):
            return await self._wait(ask)

    def _answered_before(self, node: str, answer: str) -> dict[str, Any]:
        given: dict[str, Any] = json.loads(answer)
        self.emit(ev.RunResumed(run=self.id, at=self.now(), node=node, answer=given))
        return given

    async def _wait(self, ask: Ask) -> dict[str, Any]:
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.asks = {**self.asks, ask.token: Waiting(ask, answer)}
        self.emit(
            ev.RunPausedEvent(
                run=self.id, at=self.now(), node=ask.node, text=ask.text, answer=ask.answer, token=ask.token
            )
        )
        self.rest()
        try:
            return await answer
        finally:
            if ask.token in self.asks:  # given up: nobody answered in time
                self._close(ask.token)
                self._go_on()

    def _close(self, token: str) -> Waiting:
        waiting = self.asks[token]
        self.asks = {other: one for other, one in self.asks.items() if other != token}
        return waiting

    def answer(self, token: str, answer: dict[str, Any]) -> bool:
        """Give the answer to an open question; the run goes on. False: its time was over just now."""
        if self.asks[token].answer.done():
            return False
        waiting = self._close(token)
        self._go_on()
        self.emit(ev.RunResumed(run=self.id, at=self.now(), node=waiting.ask.node, answer=answer))
        waiting.answer.set_result(answer)
        return True


def _weight(value: Any, limit: int) -> int:
    """Return what `weigh` does; of an object of small values, as most nodes come to, in a third of the time."""
    if type(value) is not dict:
        return weigh(value, limit)
    table: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
    total = 2
    for key, inner in table.items():
        kind: type[Any] = type(inner)  # pyright: ignore[reportUnknownVariableType]
        if kind not in SCALARS:
            return weigh(table, limit)
        total += len(key) + (len(inner) + 6 if kind is str else 8)
    return total
