"""Random graphs against a sequential interpreter of what a graph means (`oracle.py`)."""

from __future__ import annotations

import os
import random
from typing import Any

from agreement import check_events, check_nothing_else_happened, check_result
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from oracle import expected
from random_graphs import Taste, cases, is_contradiction
from shapes import Case, composed
from workload import returned

import swarm.events as ev
from swarm import Limits, SpecError, Swarm, tool

EXAMPLES = int(os.environ.get("SWARM_EXAMPLES", "250"))
slow_to_draw = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)  # fmt: skip


@tool(effect="pure")
async def work(tag: str, shape: str, fails: int, error: str, flaky: int, slow: bool, x: object) -> object:
    """Return, or raise, what the arguments decide."""
    return returned({"tag": tag, "shape": shape, "fails": fails, "error": error}, x)


def ready(case: Case, order: random.Random, **more: Any) -> Swarm:
    """Return the graph ready to run, its nodes written in a random order; one that is refused is not counted."""
    try:
        return Swarm(composed(case, order, tools=[work]), **more)
    except SpecError as error:
        refused = {problem.code for problem in error.problems}
        assert refused <= {"SW020", "SW022"}, (
            error
        )  # 22: conditions that contradict each other; 20: so inside
        reject()


@slow_to_draw
@given(cases(Taste(), nodes=30), st.randoms(use_true_random=True))
async def test_a_graph_means_what_it_says_in_whatever_order_it_is_written(
    case: Case, order: random.Random
) -> None:
    told = expected(case)
    events: list[ev.Event] = []
    limits = Limits(nodes=len(told.status) + 1, run_s=30)  # it ends, and never does more than it has to
    async with ready(case, order, listeners=[events.append], limits=limits) as swarm:
        result = await swarm.run(**case.given)
    check_result(result, told)
    check_events(events)
    check_nothing_else_happened(events, told)
