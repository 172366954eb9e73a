"""A field that a tool's return type lets be left out is null where it is left out."""

from typing import NotRequired

from typing_extensions import TypedDict

from swarm import Graph, Swarm, tool


class Found(TypedDict):
    id: str
    note: NotRequired[str]


@tool(effect="pure")
def find(text: str) -> list[Found]:
    """Find what the text names."""
    return [{"id": text}, {"id": text, "note": "seen"}]


async def test_a_field_that_may_be_left_out_is_null_in_the_graph() -> None:
    graph = Graph("g", input={"message": str})
    found = graph.tool("found", find, text=graph.input.message)
    graph.output(found.note)
    async with Swarm(graph) as swarm:
        result = await swarm.run(message="x")
    assert result.output == [None, "seen"]
    assert result["found"].output == [{"id": "x", "note": None}, {"id": "x", "note": "seen"}]
