"""Graphs that are too large, too deep, or run for ever: bounded, and quick to check."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from swarm import Graph, Limits, SpecError, Swarm, tool
from swarm.spec.load import load_text

MANY = 3_000


@tool(effect="pure")
async def keep(x: object) -> object:
    """Return what is given."""
    return x


def swarm_of(text: str, **more: Any) -> Swarm:
    spec = load_text(text).spec
    assert spec is not None
    return Swarm(spec, tools=[keep], **more)


def replies(lines: list[str]) -> str:
    """Return a graph of these nodes, `n0`, `n1` and so on; its output is the last."""
    nodes = "\n".join(f"  n{number}: {{{line}}}" for number, line in enumerate(lines))
    return f"swarm: 1\nname: many\ninput: {{x: string}}\nnodes:\n{nodes}\noutput: n{len(lines) - 1}\n"


SHAPES = {
    "chain": replies(
        ["reply: '{{ input.x }}'", *(f"reply: '{{{{ n{before}.text }}}}'" for before in range(MANY - 1))]
    ),
    "star": replies(
        ["reply: '{{ input.x }}'", *["reply: '{{ n0.text }}', when: n0.text == 'hello'"] * (MANY - 1)]
    ),
    "conditions on conditions": replies(
        [
            "reply: '{{ input.x }}'",
            *(f"reply: '{{{{ n{n}.text }}}}', when: n{n}.text == 'hello'" for n in range(MANY // 2 - 1)),
        ]
    ),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
async def test_thousands_of_nodes_are_checked_and_run_without_taking_the_square_of_them(text: str) -> None:
    async with asyncio.timeout(10), swarm_of(text) as swarm:
        result = await swarm.run(x="hello")
    assert result.text == "hello"
    assert len(result.path) >= MANY // 2


def test_a_circle_of_three_thousand_nodes_is_one_problem_that_can_be_read() -> None:
    circle = replies([f"reply: '{{{{ n{(number + 1) % MANY}.text }}}}'" for number in range(MANY)])
    with pytest.raises(SpecError) as caught:
        swarm_of(circle)
    assert [problem.code for problem in caught.value.problems] == ["SW021"]


def test_graphs_that_run_themselves_are_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.swarm.yaml").write_text(
            f"swarm: 1\nname: {name}\nnodes: {{n: {{graph: {other}.swarm.yaml}}}}\noutput: n\n"
        )
    with pytest.raises(SpecError, match="the graph runs itself"):
        Swarm.load(tmp_path / "a.swarm.yaml")


async def test_each_over_more_items_than_a_run_may_start_nodes_ends_with_the_limit() -> None:
    text = (
        "swarm: 1\nname: g\ninput: {xs: [integer]}\nnodes:\n"
        "  all: {each: input.xs, do: {reply: '{{ item }}'}, max: 1000000, concurrency: 1000}\noutput: all\n"
    )
    async with asyncio.timeout(20), swarm_of(text, limits=Limits(nodes=10_000)) as swarm:
        result = await swarm.run(xs=list(range(100_000)))
        assert result.error is not None
        assert result.error.code == "limit"
        assert len((await swarm.run(xs=list(range(5_000)))).output) == 5_000


async def test_a_loop_whose_end_never_comes_ends_at_its_bound() -> None:
    text = (
        "swarm: 1\nname: g\ninput: {x: string}\nnodes:\n"
        "  loops: {repeat: {x: input.x}, do: {nodes: {n: {reply: 'no'}}}, next: {x: n.text},"
        " until: n.text == 'yes', max: 1000}\noutput: loops\n"
    )
    async with asyncio.timeout(10), swarm_of(text) as swarm:
        result = await swarm.run(x="no")
    assert result.output == {"x": "no", "rounds": 1_000, "reached": False}


async def test_a_value_that_doubles_every_round_is_stopped_before_it_is_written() -> None:
    text = (
        "swarm: 1\nname: g\ninput: {x: any}\nnodes:\n"
        "  bomb: {repeat: {x: input.x}, do: {nodes: {n: {tool: keep, with: {x: input.x}}}},"
        " next: {x: [loop.x, loop.x]}, max: 60}\n"
        "  end: {reply: '{{ bomb.x }}'}\noutput: end\n"
    )
    async with asyncio.timeout(10), swarm_of(text) as swarm:
        result = await swarm.run(x="x" * 100)
    assert result.error is not None
    assert (result.error.code, result.error_node) == ("limit", "bomb")


async def test_lists_of_lists_of_lists_are_stopped_before_a_tool_is_given_them() -> None:
    graph = Graph("bomb", input={"x": "any"})
    lists = [f"nodes_{depth}" for depth in range(12)]
    node: Any = graph.input.x
    for name in lists:
        node = graph.tool(name, keep, x=[node] * 8)
    graph.output(node)
    async with asyncio.timeout(10), Swarm(graph) as swarm:
        result = await swarm.run(x=1)
    assert result.error is not None
    assert result.error.code == "limit"


TEMPLATES: Mapping[str, tuple[str, Any]] = {
    "a hundred megabytes": ("{% for a in input.xs %}{% for b in input.xs %}{{ a }}{% endfor %}{% endfor %}", ["x" * 1_000] * 400),
    "loops that write nothing": (
        "{% for a in input.xs %}{% for b in input.xs %}{% for c in input.xs %}{% endfor %}{% endfor %}{% endfor %}",
        ["x"] * 3_000,
    ),
    "a search in a loop": (
        "{% for a in input.xs %}{% if 'q' in input.xs %}y{% endif %}{% endfor %}", ["x"] * 100_000,
    ),
    "a filter in a loop": (
        "{% for a in input.xs %}{% if input.xs|join == a %}y{% endif %}{% endfor %}", ["x" * 100] * 9_000,
    ),
    "a text that grows": ("{{ input.xs|join|replace('x', '" + "y" * 1_000 + "') }}", ["x" * 1_000] * 100),
}  # fmt: skip


@pytest.mark.parametrize(("template", "xs"), TEMPLATES.values(), ids=TEMPLATES.keys())
async def test_a_template_that_would_render_for_ever_is_stopped(template: str, xs: list[str]) -> None:
    graph = Graph("templates", input={"xs": "[string]"})
    graph.output(graph.reply("r", template))
    async with asyncio.timeout(10), Swarm(graph) as swarm:
        result = await swarm.run(xs=xs)
    assert result.error is not None
    assert result.error.code == "limit"
