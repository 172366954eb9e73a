"""What bodies of `each` and `repeat` see of the nodes around them."""

from swarm import Swarm
from swarm.spec.load import load_text

OPTIONAL_INSIDE = """
name: g
input: {items: [string], go: boolean}
nodes:
  maybe: {reply: "yes", when: input.go}
  up:
    each: input.items
    do:
      nodes:
        a: {reply: "A{{ item }}", when: maybe.text == "yes"}
        b: {reply: "B{{ item }}"}
      output: [a, b]
output: up
"""


async def test_a_condition_inside_a_body_skips_the_inner_node_and_not_the_whole_body() -> None:
    spec = load_text(OPTIONAL_INSIDE).spec
    assert spec is not None
    async with Swarm(spec) as swarm:
        without = await swarm.run(items=["1", "2"], go=False)
        along = await swarm.run(items=["1", "2"], go=True)
    assert [item["text"] for item in without.output] == ["B1", "B2"]
    assert [item["text"] for item in along.output] == ["A1", "A2"]
