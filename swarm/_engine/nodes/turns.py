"""One turn of a model that may call tools; a durable run takes each turn once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarm._engine.context import Run
from swarm._engine.slots import Slots
from swarm.backends.base import ModelBackend
from swarm.messages import Completion, CompletionRequest, ToolCall, Usage

__all__ = ["Turns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who takes the turns, for which node of which run.

    Attributes:
        slots: what each turn waits for, or None.
        asked: what a durable run calls the question that these turns answer.
    """

    backend: ModelBackend
    slots: Slots | None
    run: Run
    place: str
    asked: str

    async def take(self, request: CompletionRequest) -> Completion:
        """Return the next turn; in a run that goes on, the turn that was taken before."""
        journal = self.run.journal
        if journal is None:
            return await self._complete(request)
        call = journal.call(self.place, f"{self.asked}/turn")
        if (body := journal.recalled(self.place, call)) is not None:
            return _turn_of(body)
        await journal.flush()
        completion = await self._complete(request)
        journal.jot(self.place, call, _body_of_turn(completion))
        return completion

    async def _complete(self, request: CompletionRequest) -> Completion:
        if self.slots is None:
            return await self.backend.complete(request)
        async with self.slots.held(self.run.id):
            return await self.backend.complete(request)


def _body_of_turn(completion: Completion) -> dict[str, Any]:
    calls = [{"id": one.id, "name": one.name, "arguments": one.arguments} for one in completion.tool_calls]
    return {
        "text": completion.text,
        "model": completion.model,
        "tool_calls": calls,
        "turn_usage": completion.usage.to_json(),
        "finish": completion.finish,
        "signals": completion.signals,
    }


def _turn_of(body: Mapping[str, Any]) -> Completion:
    made: list[dict[str, Any]] = body["tool_calls"]
    calls = tuple(ToolCall(**one) for one in made)
    return Completion(
        text=body["text"], model=body["model"], tool_calls=calls, finish=body["finish"],
        signals=body["signals"], usage=Usage(**body["turn_usage"]),
    )  # fmt: skip
