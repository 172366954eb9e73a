"""A route node: the router chooses one of several experts, and that one answers."""

from __future__ import annotations

import json
from typing import Any

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.nodes.expert import answer
from swarm._engine.result import Marks, Outcome, text_of
from swarm._engine.scheduler import RunNode

__all__ = ["route"]


async def route(command: RunNode, run: Run, place: str) -> Outcome:
    """Choose an expert for the request and ask it; none fits: `expert` and `text` are null."""
    given = command.arguments
    first = next(iter(given.values()), None)
    request = first if isinstance(first, str) else json.dumps(first, ensure_ascii=False, default=str)
    chosen, scores, way = await run.services.choose(request, command.node.choices, run, place)
    name = chosen.name if chosen is not None else None
    run.emit(ev.RouteDecided(run=run.id, at=run.now(), node=place, expert=name, scores=scores, way=way))
    if chosen is None:
        nothing: dict[str, Any] = {"expert": None, "scores": dict(scores), "text": None, "output": None}
        marks = Marks(confident=False)
        return Outcome({**nothing, **marks.to_json()}, nothing, marks)
    extra = {key: value for key, value in list(given.items())[1:] if key in chosen.inputs}
    output, marks = await answer(chosen, {**extra, chosen.main_input: first}, run, place)
    value = {"expert": name, "scores": dict(scores), "text": text_of(output), "output": output}
    return Outcome({**value, **marks.to_json()}, value, marks)
