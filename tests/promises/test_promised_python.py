"""Graphs, experts and the registry from Python: the same things as in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from swarm import Expert, Graph, Registry, Router, ScriptedBackend, Swarm, tool

PUNS = Expert(
    kind="write",
    description="Makes puns. Serves requests for a pun or a wordplay.",
    input={"text": "string"},
    cascade=["scripted/punster"],
)


@tool(effect="pure")
async def lookup_order(order_id: str | None) -> dict[str, str] | None:
    """Find an order by its number."""
    return {"state": "shipped"} if order_id == "1042" else None


def support() -> Graph:
    graph = Graph("support", input={"message": str, "order_id": str | None})
    guard = graph.expert("guard", "moderator", text=graph.input.message)
    labels = {"order_status": "Where is my parcel", "refund": "Money back"}
    triage = graph.expert(
        "triage",
        Expert(use="intent", labels=labels, cascade=["embedded/ngram"]),  # pyright: ignore[reportArgumentType]
        text=graph.input.message,
        when=~guard.flagged,
    )
    order = graph.tool(
        "order", lookup_order, order_id=graph.input.order_id, when=triage.label == "order_status"
    )
    answer = graph.expert(
        "answer", "writer", question=graph.input.message, facts=order.optional, when=triage.confident
    )
    graph.output(answer)
    return graph


async def test_a_graph_its_file_and_the_graph_read_back_run_alike(folder: Path) -> None:
    (folder / "support.swarm.yaml").write_text(support().to_yaml(), encoding="utf-8")
    again = Graph.from_spec(support().spec, tools=[lookup_order])
    assert again.to_yaml() == support().to_yaml()
    given = {"message": "Where is my parcel?", "order_id": "1042"}
    results: list[tuple[str, str, tuple[str, ...], float | None]] = []
    for swarm in (Swarm(support()), Swarm.load("support.swarm.yaml", tools=[lookup_order]), Swarm(again)):
        async with swarm:
            result = await swarm.run(**given)
            results.append((result.status, result.text, result.path, result.confidence))
    assert results[0] == results[1] == results[2]
    status, text, path, _ = results[0]
    assert (status, path) == ("completed", ("guard", "triage", "order", "answer"))
    assert "shipped" in text


async def test_an_expert_added_in_python_is_found_by_graphs_and_by_the_router() -> None:
    registry = Registry(experts={"puns": PUNS})
    assert registry.get("puns").origin == "python"
    backend = ScriptedBackend({"punster": "Cat-astrophic."})
    graph = Graph("pun", input={"text": str})
    graph.output(graph.expert("pun", "puns", text=graph.input.text))
    async with Swarm(graph, registry=registry, backends={"scripted": backend}) as swarm:
        assert (await swarm.run(text="cats")).text == "Cat-astrophic."
    async with Router(registry, experts=["puns", "summarizer"], backends={"scripted": backend}) as router:
        decision = await router.route("Make a pun about cats")
        assert decision.expert == "puns"
        assert set(decision.scores) == {"puns", "summarizer", "none of them"}


def test_an_output_by_name_is_written_with_keywords_and_the_error_says_so() -> None:
    graph = Graph("g", input={"text": str})
    said = graph.reply("said", "hello")
    with pytest.raises(TypeError, match=r"output\(text=a\.text\)"):
        graph.output({"text": said.text})  # pyright: ignore[reportArgumentType]
    graph.output(text=said.text)
    assert graph.spec.output == {"text": "said.text"}
