"""What bodies of `each`, `repeat` and `graph` see of the nodes around them, and what these see of the bodies."""

from swarm import Expert, Graph, ScriptedBackend, Swarm, tool
from swarm.messages import CompletionRequest
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


@tool(effect="pure")
async def opinion() -> dict[str, bool]:
    """Return a field that is called like a mark of an expert."""
    return {"confident": True}


async def test_a_field_of_a_tool_is_no_mark_of_an_expert() -> None:
    inner = Graph("inner")
    inner.output(inner.tool("said", opinion))
    outer = Graph("outer", input={"items": "[integer]"})
    inside = outer.graph("inside", inner)
    with outer.each("all", outer.input.items) as body:
        body.tool("do", opinion)
    outer.output(inside=inside, all=body.node)
    async with Swarm(outer) as swarm:
        result = await swarm.run(items=[1])
    assert result.output == {"inside": {"confident": True}, "all": [{"confident": True}]}
    assert (result["inside"].confident, result["all"].confident) == (None, None)


STYLE = {"type": "string", "optional": True, "default": "short"}


async def test_an_input_that_is_left_out_has_its_default_wherever_it_is_declared() -> None:
    inner = Graph("inner", input={"style": STYLE})
    inner.output(inner.reply("told", "{{ input.style }}"))
    expert = Expert(
        kind="write", input={"text": "string", "style": STYLE}, prompt="{{ style }}\n", cascade=["scripted/m"]
    )
    outer = Graph("outer", input={"style": STYLE})
    asked = outer.expert("asked", expert, text=outer.input.style)
    outer.output(own=outer.input.style, graph=outer.graph("inside", inner), expert=asked)
    backend = ScriptedBackend({"m": "written"})
    async with Swarm(outer, backends={"scripted": backend}) as swarm:
        output = (await swarm.run()).output
    (request,) = backend.requests
    assert isinstance(request, CompletionRequest)
    assert (output["own"], output["graph"]["text"], request.messages[0].content) == (
        "short",
        "short",
        "short\n",
    )
