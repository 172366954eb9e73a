"""What a run gives back as JSON, from a real run whose times and ids are replaced by fixed ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, cast

from generator.markdown import block, code, table
from swarm._app.facade import Swarm
from swarm._engine.context import Limits
from swarm._engine.result import RunResult
from swarm.backends.scripted import ScriptedBackend
from swarm.events import Event
from swarm.spec.compose import Graph
from swarm.spec.expert import ConfidenceSpec, Expert

__all__ = ["example_run", "fixed", "limits", "run_json"]

FIXED: Mapping[str, object] = {"run": "20260314-092653-3f9a2c71", "at": 1773480413.25, "latency_ms": 1.2}
LABELS = {"refund": "Money back", "other": "Anything else"}


def run_json() -> str:
    """Return the result of a small graph as JSON."""
    result, _ = example_run()
    return block(json.dumps(fixed(result.to_json()), indent=2), "json")


def fixed(value: Any) -> Any:
    """Return plain data with everything that differs from run to run replaced."""
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        return {key: FIXED[key] if key in FIXED else fixed(inner) for key, inner in table.items()}
    return [fixed(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


@cache
def example_run() -> tuple[RunResult, list[Event]]:
    """Run a small graph on a scripted model; return the result and what happened."""
    return asyncio.run(_run())


async def _run() -> tuple[RunResult, list[Event]]:
    happened: list[Event] = []
    backend = ScriptedBackend({"small": {"label": {"refund": 0.93, "other": 0.07}}})
    async with Swarm(_graph(), backends={"scripted": backend}, listeners=[happened.append]) as swarm:
        return await swarm.run(message="I want my money back"), happened


def _graph() -> Graph:
    graph = Graph("desk", input={"message": str})
    expert = Expert(
        use="intent",
        labels=dict(LABELS),
        cascade=["scripted/small"],
        confidence=ConfidenceSpec(target_error=0.1),
    )
    triage = graph.expert("triage", expert, text=graph.input.message)
    answer = graph.reply("answer", f"This is about: {triage.label}.", when=triage.confident)
    person = graph.reply("person", "A person will look at it.", when=~triage.confident)
    graph.output(answer, person)
    return graph


def limits() -> str:
    """Return the limits of a run and what they are without being set."""
    rows = [(code(one.name), code(f"{one.default:,}".replace(",", "_"))) for one in fields(Limits)]
    return table(("limit", "default"), rows)
