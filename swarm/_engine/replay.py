"""A recorded run executed again offline: models, tools, people and the router say what they said then.

Nodes, prompts, policies and thresholds are those of today; only what came from outside is taken from the
record. Nothing is written, no server is asked and no tool's code is called. What is asked now and was not
asked then has no answer: the run ends there, with a `StoreError` of code `not_recorded`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from types import CoroutineType
from typing import Any

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.past import error_of
from swarm._engine.result import Ask
from swarm._engine.trail import Recorded, Trail, plain
from swarm.errors import NodeError, StoreError
from swarm.messages import Completion, CompletionRequest, TextDelta, ToolSignature
from swarm.spec.catalogue import ResolvedExpert
from swarm.stores.base import Question

__all__ = ["OfflineBackend", "OfflineTool", "ReplayJournal"]


class ReplayJournal:
    """The journal of a run that is executed again: it recalls what came from outside, and keeps nothing.

    Attributes:
        trail: what the nodes came to this time.
        broken: what was asked and is not in the record; parted: by which node, and of whom.
        arguments: of each tool node that was given others than then: (node, recorded, now).
        held: calls (node, of whom) that have no answer in the record of a run that was cut short: they wait,
            as they did then, for what cut it short.
    """

    def __init__(self, recorded: Recorded) -> None:
        self._recorded, self._past = recorded, recorded.past
        self._calls: dict[tuple[str, str], int] = {}
        self._tool_nodes: set[str] = set()
        self._calling = ""  # the node whose tool is about to be called
        self._compared: set[str] = set()
        self._waiting: dict[str, str] = {}  # model -> the node that asks it, and is cut off there
        self.trail = Trail()
        self.arguments: list[tuple[str, Any, Any]] = []
        self.held: list[tuple[str, str]] = []
        self.broken: StoreError | None = None
        self.parted: tuple[str, str] | None = None

    def settled(self, place: str, kind: str) -> Mapping[str, Any] | None:
        """Return None, so that the node runs again; but a call that a person left out stays left out."""
        body = self._past.result(place)
        return body if body is not None and kind == "tool" and "skipped" in body else None

    async def settle(self, place: str, body: Mapping[str, Any]) -> None:
        """Note what the node came to this time."""
        self.trail.settle(place, plain(body))

    def call(self, place: str, name: str) -> str:
        """Return the name of the next call of this sort inside the node, as the recorded run named it."""
        count = self._calls[place, name] = self._calls.get((place, name), 0) + 1
        return f"{name}#{count}"

    def recalled(self, place: str, call: str) -> Mapping[str, Any] | None:
        """Return what a call inside a node gave then.

        Returns:
            None where the call is taken apart: the turns of a model that was cut off are recalled one by
            one, a tool that a model calls may have been refused, and what was never answered is held.

        Raises:
            StoreError: `not_recorded`, the path diverged here.
            NodeError: the node was cut off here then, and is now.
        """
        body = self._recorded.attempt(place, call)
        if body is not None:
            return body
        name, _, _ = call.rpartition("#")
        is_part = "#" in name
        if is_part and not name.endswith("/turn"):
            return None
        if not is_part and self._past.result(place, f"{call}/turn#1") is not None:
            return None
        model = call.partition("#")[0]
        self._cut_off(place, model)
        self._waiting[model] = place
        return None

    def jot(self, place: str, call: str, body: Mapping[str, Any], *, tried: bool = False) -> None:
        """Write nothing."""

    async def flush(self) -> None:
        """Write nothing."""

    async def keep(self, place: str, call: str, body: Mapping[str, Any]) -> None:
        """Write nothing."""

    def intents(self, place: str, call: str) -> int:
        """Return 0: no effect can happen here, so none is in doubt."""
        return 0

    async def intend(self, place: str, call: str, body: Mapping[str, Any]) -> None:
        """Write nothing: nothing is about to happen."""

    def question(self, place: str, call: str) -> Question | None:
        """Return what a person was asked then; unanswered, it waits as it did then.

        Raises:
            TimeoutError: nobody answered then, until it was too late.
        """
        asked = self._past.questions.get((place, call))
        if asked is not None and asked.answer is None and self._recorded.has_failed(place):
            raise TimeoutError
        return None if asked is None else replace(asked, token=f"{place} {call}")  # a recording has no tokens

    async def ask(self, ask: Ask, call: str, expires: float) -> None:
        """Refuse: this question was not asked then.

        Raises:
            StoreError: `not_recorded`.
        """
        asked = f"a person {ask.text!r}"
        if not self._recorded.may_lack(ask.node):
            raise self._missing(ask.node, asked)
        await self.hold(ask.node, asked)

    def answered(self, question: Question) -> None:
        """Refuse: nobody can answer a run of before."""
        raise AssertionError("a replay has no store")

    def hear(self, event: ev.Event) -> None:
        """Note what is told of nodes, and what their tools are given."""
        if isinstance(event, ev.NodeSkipped | ev.NodeFailed):
            self.trail.tell(ev.to_json(event))
        elif isinstance(event, ev.NodeStarted):
            if event.kind == "tool":
                self._tool_nodes.add(event.node)
        elif isinstance(event, ev.ToolCalled):
            self._calling = event.node
            self._compare(event)

    async def end(self, status: str, body: Mapping[str, Any]) -> None:
        """Write nothing."""

    async def choose(
        self, request: str, choices: Sequence[ResolvedExpert], run: Run, path: str
    ) -> tuple[ResolvedExpert | None, Mapping[str, float], str]:
        """Wait, as the router's choice was never made then."""
        return await self.hold(path, "the router")

    def tool_result(self, name: str) -> CoroutineType[Any, Any, Any]:
        """Return what the tool that is about to be called returned, or raised, then.

        Call it right after the event that tells of the call: that says whose call it is.
        """
        return self._tool_result(self._calling, name)

    async def wait_for(self, model: str) -> Any:
        """Wait until the run ends, as the node did that asked this model."""
        return await self.hold(self._waiting.get(model, "?"), model)

    async def hold(self, place: str, asked: str) -> Any:
        """Wait until the run ends."""
        self.held.append((place, asked))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.held.remove((place, asked))

    async def _tool_result(self, place: str, name: str) -> Any:
        body = self._past.result(place)
        if body is not None and body["kind"] == "tool" and self._recorded.arguments_of(place, name):
            if "error" in body:
                raise error_of(body)
            return body["output"]
        self._cut_off(place, f"tool {name!r}")
        return await self.hold(place, f"tool {name!r}")

    def _compare(self, event: ev.ToolCalled) -> None:
        """Note arguments of a tool node that are not those of then; a model's own calls are its answer."""
        if event.node not in self._tool_nodes or event.node in self._compared:
            return
        self._compared.add(event.node)
        before = self._recorded.arguments_of(event.node, event.tool)
        if before:
            self.arguments.append((event.node, before[-1], plain(event.arguments)))

    def _cut_off(self, place: str, asked: str) -> None:
        """Return where the recorded run was cut short before this answer came; else raise.

        Raises:
            NodeError: the node failed while it waited.
            StoreError: `not_recorded`.
        """
        failure = self._recorded.failure_around(place) if self._recorded.began(place, asked) else None
        if failure is not None:
            raise NodeError(
                failure["message"], where=failure.get("where", ""), hint=failure.get("hint", ""),
                code=failure["code"],
            )  # fmt: skip
        if not self._recorded.may_lack(place):
            raise self._missing(place, asked)

    def _missing(self, place: str, asked: str) -> StoreError:
        """Return the error of what was not asked then; it ends the run, whatever the graph does on errors."""
        again = self._recorded.attempt(place, f"{asked}#1") is not None
        who = "the router" if asked == "route" else asked
        return self.part(place, f"{who} once more" if again else who)

    def part(self, place: str, asked: str) -> StoreError:
        """Return the error of a run that asks for what is not in the record."""
        self.parted = (place, asked)
        self.broken = StoreError(
            f"node {place!r} asks {asked}: the record has no answer to that", where=self._recorded.id,
            code="not_recorded",
            hint="the path parts from the recorded one here: undo the change, or record the run again",
        )  # fmt: skip
        return self.broken


class OfflineTool:
    """A tool whose results are those of a recorded run; its own code is never called."""

    def __init__(self, signature: ToolSignature, journal: ReplayJournal) -> None:
        self._signature, self._journal = signature, journal

    @property
    def signature(self) -> ToolSignature:
        """Return the tool's own."""
        return self._signature

    def call(
        self, arguments: Mapping[str, Any], *, idempotency_key: str = ""
    ) -> CoroutineType[Any, Any, Any]:
        """Return what the tool returned, or raise what it raised, in the recorded run."""
        return self._journal.tool_result(self._signature.name)


class OfflineBackend:
    """A backend that is only asked what the recorded run never got an answer to: so it waits."""

    name = "offline"

    def __init__(self, model: str, journal: ReplayJournal) -> None:
        self._model, self._journal = model, journal

    async def complete(self, request: CompletionRequest) -> Completion:
        """Wait until the run ends."""
        return await self._journal.wait_for(self._model)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Wait until the run ends."""
        yield await self.complete(request)

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""
