"""The type language: what is written, what values fit, and what it makes of types it cannot say."""

from dataclasses import dataclass, field

import pytest

from swarm import Graph, Swarm, tool
from swarm.spec.types import TypeSyntaxError, parse_type


@pytest.mark.parametrize("depth", [21, 5_000])
def test_a_list_of_lists_of_lists_ends_at_a_limit_and_not_in_a_crash(depth: int) -> None:
    with pytest.raises(TypeSyntaxError, match="at most 20 deep"):
        parse_type("[" * depth + "string" + "]" * depth)


@dataclass
class Tree:
    name: str
    branches: "list[Tree]" = field(default_factory=list["Tree"])


async def test_a_tool_may_take_and_return_a_type_that_holds_itself() -> None:
    @tool(effect="pure")
    async def grown(tree: Tree) -> Tree:
        """Return the tree with a branch more."""
        return Tree(tree.name, [*tree.branches, Tree("new")])

    graph = Graph("forest")
    graph.output(graph.tool("grow", grown, tree={"name": "oak", "branches": [{"name": "old"}]}))
    async with Swarm(graph) as swarm:
        result = await swarm.run()
    assert [branch["name"] for branch in result.output["branches"]] == ["old", "new"]
