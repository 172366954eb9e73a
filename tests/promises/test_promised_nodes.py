"""What the eight kinds of nodes promise, and what is missing, null, late or wrong between them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from swarm import Graph, RunResult, Swarm, first, tool

HEAD = "swarm: 1\nname: g\n"


@tool(effect="pure")
def echo(value: object = None) -> object:
    """Give back what was given."""
    return value


@tool(effect="pure")
def fail(value: object = None) -> dict[str, str]:
    """Fail."""
    raise ValueError("no luck")


@tool
async def hang() -> dict[str, str]:
    """Wait for ever."""
    await asyncio.Event().wait()
    return {}


def loaded(yaml: str) -> Swarm:
    Path("g.swarm.yaml").write_text(HEAD + yaml, encoding="utf-8")
    return Swarm.load("g.swarm.yaml", tools=[echo, fail, hang])


async def ran(yaml: str, **given: Any) -> RunResult:
    async with loaded(yaml) as swarm:
        return await swarm.run(**given)


EVERY_KIND = """
input:
  message: string
  amount: {type: integer, default: 5}
  documents: {type: [{text: string}], default: []}
tools: tools.py
experts:
  labels:
    use: intent
    labels: {order: Where is my parcel, money: Money back}
    cascade: [embedded/ngram]
nodes:
  number: {tool: find_number, with: {message: input.message}}
  order:
    tool: look_up
    with: {number: number.id}
    when: number.id != null
    retry: {attempts: 2, on: [error]}
    timeout: 10s
    on_error: apologise
  apologise: {reply: "Sorry: {{ error.message }} ({{ error.code }})"}
  sort: {expert: labels, with: {text: input.message}}
  helper: {route: [summarizer, writer], with: {task: input.message}}
  notes:
    each: input.documents
    as: doc
    do: {expert: summarizer, with: {text: doc.text}}
    concurrency: 2
    max: 3
  joined: {reply: "{% for t in notes.text %}{{ t }}|{% endfor %}"}
  better:
    repeat: {draft: input.message}
    do:
      nodes:
        judge: {tool: judge, with: {text: loop.draft}}
        shorter: {tool: shorten, with: {text: loop.draft}, when: not judge.good}
    next: {draft: {first: [shorter?.text, loop.draft]}}
    until: judge.good
    max: 9
  refund: {graph: refund.swarm.yaml, with: {number: number.id}, when: number.id != null}
  approve: {ask: "Refund {{ input.amount }}?", answer: {approved: boolean, note: string?}, timeout: 2d}
output:
  sorry: apologise?.text
  label: sort.label
  joined: joined.text
  draft: better.draft
  rounds: better.rounds
  refund: refund?.text
  approved: approve.approved
"""
TOOLS = '''
import re
from dataclasses import dataclass

from swarm import tool


@dataclass
class Number:
    id: str | None


@tool(effect="pure")
def find_number(message: str) -> Number:
    """Find a number."""
    found = re.search(r"[0-9]{4}", message)
    return Number(id=found[0] if found else None)


@tool(effect="idempotent")
async def look_up(number: str) -> dict[str, str]:
    """Look it up."""
    raise ConnectionError("the shop is closed")


@dataclass
class Verdict:
    good: bool


@tool(effect="pure")
def judge(text: str) -> Verdict:
    """Say if it is short."""
    return Verdict(good=len(text) <= 12)


@dataclass
class Text:
    text: str


@tool(effect="pure")
def shorten(text: str) -> Text:
    """Take the last word off."""
    return Text(text=text.rsplit(" ", 1)[0])
'''
REFUND = """
swarm: 1
name: refund
input: {number: string, reason: string?}
nodes:
  said: {reply: "Refunding {{ input.number }}{{ input.reason }}."}
output: said
"""


async def test_a_graph_with_every_kind_of_node_runs_pauses_and_goes_on(
    folder: Path, refused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", refused_url)
    (folder / "tools.py").write_text(TOOLS, encoding="utf-8")
    (folder / "refund.swarm.yaml").write_text(REFUND, encoding="utf-8")
    documents = [{"text": "Cats sleep."}, {"text": "Dogs bark."}]
    async with loaded(EVERY_KIND) as swarm:
        paused = await swarm.run(message="where is my parcel 1042", documents=documents)
        assert (paused.status, paused.text) == ("paused", "Refund 5?")
        assert paused["approve"].reason == "it waits for a person"
        result = await swarm.resume(paused, approved=True)
    assert result.error is None
    assert result.output == {
        "sorry": "Sorry: raised ConnectionError: the shop is closed (error)",
        "label": "order",
        "joined": "Cats sleep.|Dogs bark.|",
        "draft": "where is my",
        "rounds": 3,
        "refund": "Refunding 1042.",
        "approved": True,
    }
    assert (result["order"].status, result["approve"].output["note"]) == ("failed", None)


async def test_a_name_without_a_value_skips_the_node_whatever_else_its_condition_says() -> None:
    result = await ran(
        """
input: {a: any?}
nodes:
  x: {tool: echo, with: {value: input.a}, when: input.a != null}
  y: {reply: "y", when: x == 1 or true}
  z: {reply: "z", when: x? == null}
output: [y, z]
"""
    )
    assert (result.text, result["y"].status) == ("z", "skipped")


async def test_null_is_less_than_nothing_and_a_null_condition_does_not_hold() -> None:
    result = await ran(
        """
input: {a: number?, b: boolean?}
nodes:
  less: {reply: "less", when: input.a < 3}
  more: {reply: "more", when: input.a >= 3}
  yes: {reply: "yes", when: input.b}
  neither: {reply: "neither [{{ input.a }}]", when: input.a == null}
output: [less, more, yes, neither]
"""
    )
    assert result.text == "neither []"


async def test_what_was_left_out_of_an_objects_fields_is_null_or_its_default() -> None:
    fields = "{id: string, note: string?, lines: [{sku: string, count: {type: integer, default: 1}}]}"
    result = await ran(
        f"""
input: {{order: {fields}}}
nodes:
  said:
    reply: "{{{{ input.order.note }}}}{{% for line in input.order.lines %}}{{{{ line.count }}}}{{% endfor %}}"
  bare: {{reply: "no note", when: input.order.note == null}}
output: {{said: said.text, bare: bare?.text}}
""",
        order={"id": "1", "lines": [{"sku": "a"}, {"sku": "b", "count": 2}]},
    )
    assert result.output == {"said": "12", "bare": "no note"}


async def test_arguments_may_be_lists_and_objects_of_references_and_constants() -> None:
    result = await ran(
        """
input: {a: integer, b: string}
nodes:
  all: {tool: echo, with: {value: {list: [input.a, 3, null], deep: {text: input.b}}}}
output: all
""",
        a=1,
        b="x",
    )
    assert result.output == {"list": [1, 3, None], "deep": {"text": "x"}}


async def test_of_several_the_first_that_is_not_null_counts_the_same_in_python_and_yaml() -> None:
    graph = Graph("g", input={"a": str | None, "b": str})
    maybe = graph.tool("maybe", echo, value=graph.input.a, when=graph.input.a != None)  # noqa: E711
    graph.output(graph.tool("said", echo, value=first(maybe.optional, graph.input.b)))
    async with Swarm(graph) as swarm:
        assert (await swarm.run(b="B")).output == "B"
        assert (await swarm.run(a="A", b="B")).output == "A"
    body = graph.to_yaml().partition("\n\n")[2]
    assert (await ran(body, b="B")).output == "B"


async def test_a_handler_inside_a_body_takes_over_for_its_own_item() -> None:
    result = await ran(
        """
input: {items: [integer]}
nodes:
  all:
    each: input.items
    do:
      nodes:
        bad: {tool: fail, when: item == 2, on_error: sorry}
        sorry: {reply: "{{ item }} {{ error.message }}"}
        good: {reply: "{{ item }}", when: item != 2}
      output: [good, sorry]
output: all.text
""",
        items=[1, 2, 3],
    )
    assert result.output == ["1", "2 raised ValueError: no luck", "3"]


async def test_each_item_may_ask_a_person_and_is_answered_on_its_own() -> None:
    yaml = """
input: {items: [string]}
nodes:
  all: {each: input.items, do: {ask: "{{ item }}?", answer: {ok: boolean}}}
output: all.ok
"""
    asked: list[str] = []
    async with loaded(yaml) as swarm:
        result = await swarm.run(items=["a", "b"])
        while result.ask is not None:
            asked.append(result.ask.text)
            result = await swarm.resume(result, ok=result.ask.text == "b?")
    assert asked == ["a?", "b?"]
    assert result.output == [False, True]


@pytest.mark.parametrize(
    "node",
    [
        "{each: input.items, do: {tool: hang}, timeout: 10ms, on_error: late}",
        "{repeat: {n: 1}, do: {tool: hang}, max: 3, timeout: 10ms, on_error: late}",
        '{ask: "Well?", timeout: 10ms, on_error: late}',
    ],
)
async def test_a_deadline_of_any_kind_of_node_is_an_error_that_may_be_handled(node: str) -> None:
    result = await ran(
        f"""
input: {{items: {{type: [integer], default: [1, 2]}}}}
nodes:
  slow: {node}
  late: {{reply: "{{{{ error.code }}}}"}}
  busy: {{tool: hang, timeout: 100ms, on_error: skip}}
output: [slow, late]
"""
    )
    assert result.text == "timeout"


async def test_an_error_of_an_expression_says_which_node_it_is_of() -> None:
    result = await ran(
        """
nodes:
  nothing: {tool: echo}
  said: {reply: "x", when: nothing.field == 1}
output: said
"""
    )
    assert str(result.error).startswith("said: nothing.field: null has no field 'field'")
    assert "write `?` after the name" in str(result.error)
