"""Which node gets a slot first: before the first run by the plan, after it by how long nodes took."""

from __future__ import annotations

import asyncio

from swarm import Graph, Limits, Swarm, tool
from swarm._engine.result import NodeResult
from swarm._engine.urgency import Urgency


class Bench:
    """Nodes that note when they begin and take as many turns of the loop as they are told."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    async def work(self, name: str, turns: int) -> None:
        self.begun.append(name)
        for _ in range(turns):
            await asyncio.sleep(0)


def two_paths(bench: Bench) -> Graph:
    """Return a graph with two paths, `quick_a` to `quick_c` in a row and `slow`, beside a longer one.

    Its first node, `hold`, has the only slot when both begin, so that both wait.
    """
    work = tool(effect="pure")(bench.work)
    graph = Graph("two paths")
    start = graph.tool("start", work, name="start", turns=0)
    hold = start
    for name in ("hold", "b", "c", "d", "e"):
        hold = graph.tool(name, work, name=name, turns=20, after=hold)
    last = start
    for name in ("quick_a", "quick_b", "quick_c"):
        last = graph.tool(name, work, name=name, turns=0, after=last)
    slow = graph.tool("slow", work, name="slow", turns=5_000, after=start)
    graph.output(graph.reply("end", "done", after=[hold, last, slow]))
    return graph


async def test_a_graph_that_has_run_begins_with_what_took_longest() -> None:
    bench = Bench()
    async with asyncio.timeout(10), Swarm(two_paths(bench), limits=Limits(concurrency=1)) as swarm:
        await swarm.run()
        first = [name for name in bench.begun if name in ("quick_a", "slow")]
        bench.begun.clear()
        await swarm.run()
        again = [name for name in bench.begun if name in ("quick_a", "slow")]
    assert first == ["quick_a", "slow"], "three nodes are a longer path than one"
    assert again == ["slow", "quick_a"], "one that takes 5,000 turns is a longer path than three quick ones"


def urgency_of(graph: Graph) -> Urgency:
    return Urgency(Swarm(graph).plan)


def took(name: str, latency_ms: float) -> NodeResult:
    return NodeResult(name=name, kind="tool", status="done", latency_ms=latency_ms)


def test_before_the_first_run_urgency_is_the_longest_path_in_nodes() -> None:
    urgency = urgency_of(two_paths(Bench()))
    assert urgency.of("start") > urgency.of("quick_a") > urgency.of("quick_b") > urgency.of("slow")


def test_after_a_run_urgency_is_the_longest_path_in_time() -> None:
    urgency = urgency_of(two_paths(Bench()))
    urgency.learn({name: took(name, 1.0) for name in ("start", "quick_a", "quick_b", "quick_c")} | {"slow": took("slow", 50.0)})  # fmt: skip
    assert urgency.of("start") == 51.0
    assert urgency.of("slow") == 50.0
    assert urgency.of("quick_a") == 3.0


def test_a_node_that_did_not_run_keeps_what_it_took_before() -> None:
    urgency = urgency_of(two_paths(Bench()))
    urgency.learn({"slow": took("slow", 50.0)})
    urgency.learn({"slow": NodeResult(name="slow", kind="tool", status="skipped", reason="?")})
    assert urgency.of("slow") == 50.0


def test_a_node_inside_a_body_is_as_urgent_as_the_node_of_the_body() -> None:
    urgency = urgency_of(two_paths(Bench()))
    assert urgency.of("quick_a[17]/inner") == urgency.of("quick_a/inner") == urgency.of("quick_a")
    assert urgency.of("nowhere") == 0.0
