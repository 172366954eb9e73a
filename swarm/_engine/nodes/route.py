"""A route node: the router chooses one of several experts, and that one answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.nodes.expert import answer
from swarm._engine.result import Marks, Outcome, text_of
from swarm._engine.scheduler import RunNode
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["route"]


async def route(command: RunNode, run: Run, place: str) -> Outcome:
    """Choose an expert for the request and ask it; none fits: `expert` and `text` are null."""
    given = command.arguments
    first = next(iter(given.values()), None)
    request = first if isinstance(first, str) else json.dumps(first, ensure_ascii=False, default=str)
    chosen, scores, way = await _chosen(request, command, run, place)
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


async def _chosen(
    request: str, command: RunNode, run: Run, place: str
) -> tuple[ResolvedExpert | None, Mapping[str, float], str]:
    """Return what the router decides; in a run that goes on, what it decided before."""
    journal, choices = run.journal, command.node.choices
    if journal is None:
        return await run.services.choose(request, choices, run, place)
    call = journal.call(place, "route")
    if (body := journal.recalled(place, call)) is not None:
        return next((one for one in choices if one.name == body["expert"]), None), body["scores"], body["way"]
    chosen, scores, way = await run.services.choose(request, choices, run, place)
    name = chosen.name if chosen is not None else None
    journal.jot(place, call, {"expert": name, "scores": scores, "way": way})
    return chosen, scores, way
