"""Runs that go on while others do something else."""

from __future__ import annotations

from typing import Any

import pytest

from swarm import Graph, StoreError, Swarm, tool
from swarm.stores.base import Claimed
from swarm.stores.memory import MemoryStore


class Killed(BaseException):
    """Stands for the death of the process."""


def graph_of(dies: list[bool], timeout_s: float) -> Graph:
    """Return two nodes; the first is another one with another deadline, the second dies while it is told to."""

    @tool(effect="pure")
    async def first(x: int) -> int:
        """Pass on."""
        return x

    @tool(effect="pure")
    async def last(x: int) -> int:
        """Pass on, or die."""
        if dies:
            raise Killed
        return x

    graph = Graph("two", input={"x": int})
    begun: Any = graph.tool("begun", first, x=graph.input.x, timeout=timeout_s)
    graph.output(graph.tool("ended", last, x=begun))
    return graph


async def test_a_run_that_cannot_go_on_keeps_no_other_from_its_end() -> None:
    store, dies = MemoryStore(), [True]
    for x, timeout_s in ((1, 5.0), (2, 6.0), (3, 6.0)):
        with pytest.raises(Killed):
            await Swarm(graph_of(dies, timeout_s), store=store).run(x=x)
    dies.clear()
    async with Swarm(graph_of(dies, 6.0), store=store) as swarm:
        with pytest.raises(StoreError, match="timeout changed"):
            await swarm.runs.recover()
        assert [head.status for head in await swarm.runs.ls()] == ["completed", "completed", "running"]


class EndsMeanwhile(MemoryStore):
    """A store in which a run ends just before it is claimed."""

    async def claim(self, run_id: str) -> Claimed:
        await self.cancel(run_id, 1.0)
        return await super().claim(run_id)


async def test_a_run_that_ends_while_it_is_looked_at_gives_how_it_ended() -> None:
    store, dies = EndsMeanwhile(), [True]
    with pytest.raises(Killed):
        await Swarm(graph_of(dies, 5.0), store=store).run(x=1)
    async with Swarm(graph_of(dies, 5.0), store=store) as swarm:
        (result,) = await swarm.runs.recover()
    assert result.status == "cancelled"
