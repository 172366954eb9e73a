"""One turn of a model that may call tools; a durable run takes each turn once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swarm._engine.context import Run
from swarm.backends.base import ModelBackend
from swarm.messages import Completion, CompletionRequest, ToolCall, Usage

__all__ = ["completed_once"]


async def completed_once(
    request: CompletionRequest, asked: str, backend: ModelBackend, run: Run, place: str
) -> Completion:
    """Return one turn of a model that may call tools; in a run that goes on, the turn it took before.

    Args:
        asked: what the run calls the question that these turns answer.
    """
    journal = run.journal
    if journal is None:
        return await backend.complete(request)
    call = journal.call(place, f"{asked}/turn")
    if (body := journal.recalled(place, call)) is not None:
        return _turn_of(body)
    completion = await backend.complete(request)
    journal.jot(place, call, _body_of_turn(completion))
    return completion


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
