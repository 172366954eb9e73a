"""When a run pauses: only a person can go on; and it does pause, whatever failed or was cancelled before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from swarm import InputError, Limits, Swarm, tool
from swarm.events import Event, RunFailed
from swarm.spec.load import load_text


@tool(effect="pure")
async def fail_first(item: int) -> int:
    """Fail for the first item and hang for the others."""
    await asyncio.sleep(0)
    if item == 0:
        raise ValueError("the first one is broken")
    return await asyncio.Event().wait()


@tool(effect="pure")
async def soon(ok: bool) -> bool:
    """Return, or fail, after one turn of the loop."""
    await asyncio.sleep(0)
    if not ok:
        raise ValueError("it is not ok")
    return ok


@tool(effect="pure")
async def hang() -> bool:
    """Wait for ever."""
    return await asyncio.Event().wait()


def swarm_of(nodes: str, **more: Any) -> Swarm:
    """Return a swarm of a graph with these nodes, whose output is `sure`."""
    spec = load_text(f"name: g\ninput: {{items: [integer]}}\nnodes:{nodes}\noutput: sure\n").spec
    assert spec is not None
    return Swarm(spec, tools=[fail_first, soon, hang], **more)


AN_ITEM_FAILS_WHILE_ANOTHER_WAITS = """
  both:
    each: input.items
    concurrency: 2
    do:
      nodes:
        a: {tool: fail_first, with: {item: item}}
        b: {tool: fail_first, with: {item: item}}
      output: a
    on_error: skip
"""
A_NODE_IS_CANCELLED_BEFORE_IT_STARTS = """
  inner:
    each: input.items
    concurrency: 1
    do:
      nodes:
        good: {tool: soon, params: {ok: true}}
        bad: {tool: soon, params: {ok: false}}
        next: {tool: soon, with: {ok: good}}
      output: next
    on_error: skip
"""
A_LEVEL_RUNS_OUT_OF_TIME = """
  late:
    each: input.items
    concurrency: 1
    do:
      nodes:
        a: {tool: hang}
        b: {tool: hang}
      output: a
    timeout: 0.01
    on_error: skip
"""
ASKED = "\n  sure: {ask: 'Go on?', answer: {yes: boolean}, after: %s}"


@pytest.mark.parametrize(
    ("nodes", "last"),
    [
        (AN_ITEM_FAILS_WHILE_ANOTHER_WAITS, "both"),
        (A_NODE_IS_CANCELLED_BEFORE_IT_STARTS, "inner"),
        (A_LEVEL_RUNS_OUT_OF_TIME, "late"),
    ],
)
async def test_a_run_pauses_after_a_level_that_was_cancelled(nodes: str, last: str) -> None:
    async with swarm_of(nodes + ASKED % last, limits=Limits(run_s=2)) as swarm:
        paused = await swarm.run(items=[0, 1])
        assert paused.status == "paused", "the count of what can still move is off: the run waits for its end"
        result = await swarm.resume(paused, yes=True)
    assert result.output == {"yes": True}


NOBODY_ANSWERS = """
  asked: {ask: "Sure?", timeout: 0.01, on_error: skip}
  sure: {tool: hang, after: asked}
"""


async def test_a_question_that_nobody_answers_in_time_starts_the_runs_clock_again() -> None:
    events: list[Event] = []
    ended = asyncio.Event()

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, RunFailed):
            ended.set()

    async with swarm_of(NOBODY_ANSWERS, limits=Limits(run_s=0.05), listeners=[listen]) as swarm:
        paused = await swarm.run(items=[])
        assert paused.status == "paused"
        async with asyncio.timeout(2):
            await ended.wait()
        with pytest.raises(InputError, match="no run waits"):
            await swarm.resume(paused, text="too late")
    assert [event.code for event in events if isinstance(event, RunFailed)] == ["deadline"]


TWO_QUESTIONS = """
  one: {ask: "One?"}
  two: {ask: "Two?"}
  sure: {reply: "{{ one.text }} {{ two.text }}"}
"""


async def test_two_open_questions_are_answered_one_after_the_other() -> None:
    async with swarm_of(TWO_QUESTIONS) as swarm:
        one = await swarm.run(items=[])
        two = await swarm.resume(one, text="uno")
        assert (one.text, two.text, two.status) == ("One?", "Two?", "paused")
        assert (await swarm.resume(two, text="due")).text == "uno due"


async def test_a_run_given_up_with_two_open_questions_takes_no_answer_to_either() -> None:
    async with swarm_of(TWO_QUESTIONS) as swarm:
        one = await swarm.run(items=[])
        two = await swarm.resume(one, text="uno")
        await swarm.cancel(two)
        with pytest.raises(InputError, match="no run waits"):
            await swarm.resume(two, text="due")


RESUMED = """
  asked: {ask: "Sure?"}
  sure: {tool: hang, after: asked}
"""


async def test_closing_while_a_resumed_run_is_at_work_ends_it_with_a_result() -> None:
    async with swarm_of(RESUMED) as swarm:
        paused = await swarm.run(items=[])
        resumed = asyncio.ensure_future(swarm.resume(paused, text="yes"))
        await asyncio.sleep(0)
    assert (await resumed).status == "cancelled"
