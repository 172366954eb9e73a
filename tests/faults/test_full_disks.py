"""Runs in a store that has no room left."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.faults.storage import full_disk
from swarm import Graph, Swarm, tool
from swarm.stores.sqlite import SqliteStore


def test_runs_without_room_say_so_and_go_on_when_there_is_some() -> None:
    (row,) = full_disk(every=5).values()
    assert row.broken == ()


async def test_a_result_without_room_ends_the_run_even_where_failures_are_handled(tmp_path: Path) -> None:
    @tool(effect="pure")
    async def large() -> str:
        """Return more than there is room for."""
        return random.Random(1).randbytes(300_000).hex()

    went_on: list[bool] = []

    @tool(effect="pure")
    async def small() -> str:
        """Note that the run went on."""
        went_on.append(True)
        return "small"

    graph = Graph("large", input={})
    graph.tool("big", large, on_error="skip")
    graph.output(graph.tool("after", small, after="big"))
    store = SqliteStore(tmp_path / "runs.db", file_bytes=200_000, keep=None)
    async with Swarm(graph, store=store) as swarm:
        result = await swarm.run()
    await store.aclose()
    assert result.error is not None
    assert result.error.code == "storage_full"
    assert went_on == [], "it went on as if the node had failed, and the node had not"
