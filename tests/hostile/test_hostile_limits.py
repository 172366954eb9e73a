"""Every limit has a finite default, is kept, and says how to raise it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import fields
from typing import Any

import pytest

from swarm import Graph, Limits, Swarm, tool
from swarm.spec.plain import parse_json, plain_data, weigh


@tool(effect="pure")
async def keep(x: object) -> object:
    """Return what is given."""
    return x


def chain(length: int) -> Graph:
    """Return a graph of tools one after the other."""
    graph = Graph("chain", input={"x": "any"})
    node: Any = graph.input.x
    for number in range(length):
        node = graph.tool(f"n{number}", keep, x=node)
    graph.output(node)
    return graph


@pytest.mark.parametrize("name", [limit.name for limit in fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
def test_a_limit_is_above_zero_and_finite(name: str, value: Any) -> None:
    assert 0 < getattr(Limits(), name) < math.inf
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})


@pytest.mark.parametrize(
    ("limits", "raises"),
    [
        (Limits(nodes=3), "nodes"),
        (Limits(tool_calls=3), "tool_calls"),
        (Limits(value_bytes=50), "value_bytes"),
    ],
    ids=["nodes", "tool calls", "value"],
)
async def test_a_run_that_goes_too_far_says_which_limit_to_raise(limits: Limits, raises: str) -> None:
    async with asyncio.timeout(5), Swarm(chain(5), limits=limits) as swarm:
        result = await swarm.run(x=["x" * 100])
    assert result.error is not None
    assert result.error.code == "limit"
    assert f"Limits({raises}=...)" in result.error.hint


async def test_an_ask_without_an_answer_ends_at_its_timeout_and_takes_no_answer_after_it() -> None:
    graph = Graph("late")
    one = graph.ask("one", "One?", answer={"ok": "boolean"}, timeout=0.01, on_error="skip")
    graph.output(
        graph.reply("end", "{% if one %}answered{% else %}nobody answered{% endif %}", one=one.optional)
    )
    told: asyncio.Queue[Any] = asyncio.Queue()
    async with asyncio.timeout(5), Swarm(graph, listeners=[told.put_nowait]) as swarm:
        paused = await swarm.run()
        assert paused.status == "paused"
        event = await told.get()
        while event.type != "run.finished":
            event = await told.get()
        assert event.text == "nobody answered"
        with pytest.raises(Exception, match="no run waits"):
            await swarm.resume(paused, ok=True)


async def test_the_clock_of_a_run_stands_still_while_it_waits_for_a_person() -> None:
    graph = Graph("patient")
    one = graph.ask("one", "One?", answer={"ok": "boolean"})
    graph.output(graph.reply("end", "{{ ok }}", ok=one.ok))
    async with asyncio.timeout(5), Swarm(graph, limits=Limits(run_s=0.05)) as swarm:
        paused = await swarm.run()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):  # twice as long as the run may take
                await asyncio.Event().wait()
        assert (await swarm.resume(paused, ok=True)).text == "true"


def test_a_shared_part_weighs_each_time_it_would_be_written() -> None:
    value: Any = "x" * 100
    for _ in range(40):
        value = [value, value]
    assert weigh(value, 1_000_000) > 1_000_000
    assert weigh({"a": ["x" * 10, 1, None, True]}, 1_000) < 60


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", "[1e999]", '{"a": 1, "a": 1}', "[" * 100_000, "[" * 65 + "]" * 65, "9" * 2_000, "9" * 5_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_json_from_outside_is_read_by_the_letter(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, true, null, "\\ud800\\u0000"]}', '""', "0", "[]"])
def test_json_that_is_json_is_read(text: str) -> None:
    value = parse_json(text)
    assert plain_data(value, limit_bytes=1_000) == value
