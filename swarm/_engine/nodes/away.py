"""A question to a person out of a node that has a slot: others work in it while the person thinks."""

from __future__ import annotations

import asyncio
from typing import Any

from swarm._engine.context import Run
from swarm._engine.result import Ask

__all__ = ["ask_away"]


async def ask_away(ask: Ask, run: Run, *, name: str) -> dict[str, Any]:
    """Ask, without keeping a slot meanwhile; as many as there are slots could wait for people for days.

    A node that is cancelled while it is away has nothing to give back: whoever gave it its slot looks
    at `run.away`.
    """
    slots = run.services.slots
    if slots is None:
        return await run.question(ask, name=name)
    place, gate = ask.node, run.gate_of.get(ask.node)
    run.away |= {place}
    slots.release()
    if gate is not None:
        gate.release()
    answer = await run.question(ask, name=name)
    if gate is not None:
        await gate.take(run.id)
    try:
        await slots.take(run.id)
    except asyncio.CancelledError:
        if gate is not None:
            gate.release()
        raise
    run.away -= {place}
    return answer
