"""Random graphs: whatever a recorded run went through, executed again it goes through the same."""

from __future__ import annotations

import asyncio
import os
import random
import zlib

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from random_graphs import Taste, cases, is_contradiction
from shapes import Case, composed
from workload import returned

from swarm import SpecError, Swarm, tool
from swarm.stores.memory import MemoryStore
from swarm.stores.recording import dump_recording, load_recording

EXAMPLES = int(os.environ.get("SWARM_EXAMPLES", "60"))


@tool(effect="pure")
async def work(tag: str, shape: str, fails: int, error: str, flaky: int, slow: bool, x: object) -> object:
    """Return, or raise, what the arguments decide, at once or some turns of the loop later."""
    for _ in range(zlib.crc32(tag.encode()) % 5):
        await asyncio.sleep(0)
    return returned({"tag": tag, "shape": shape, "fails": fails, "error": error}, x)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)  # fmt: skip
@given(cases(Taste(failing=0.4, timeouts=True), nodes=20), st.randoms(use_true_random=True))
async def test_a_recorded_run_of_any_graph_is_replayed_without_a_difference_in_whatever_order_it_is_written(
    case: Case, order: random.Random
) -> None:
    try:
        graph, other = composed(case, order, tools=[work]), composed(case, order, tools=[work])
        swarm = Swarm(graph, store=MemoryStore())
    except SpecError as error:
        if not is_contradiction(error):
            raise
        reject()
    async with swarm:
        result = await swarm.run(**case.given)
        recording = load_recording(dump_recording(await swarm.runs.export(result.id)))
    async with Swarm(other) as later:
        replayed = await later.runs.replay(recording)
    assert replayed.differences == (), replayed.report()
    assert replayed.result.status == result.status
