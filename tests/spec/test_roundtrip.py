"""A graph written as YAML and read again is the same graph, whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swarm.spec.compose import Graph
from swarm.spec.dump import to_yaml
from swarm.spec.expert import ConfidenceSpec, Expert
from swarm.spec.graph import GraphSpec, ModelSpec
from swarm.spec.load import load_graph, load_text
from swarm.spec.references import first

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/*.swarm.yaml"))
TRAPS = [
    "", " ", "a #b", "#a", "a: b", "a:", ": a", "- a", "-", "?", "? a", "{{ a }}", "{a}", "[a]", "a, b", "*a", "&a",
    "!a", "!!str a", "|", ">", "%a", "@a", "`a`", "'", '"', "''", '""', "it's", 'say "hi"', "a\\b", "\\", "yes", "No",
    "on", "off", "y", "null", "Null", "~", "true", "FALSE", "1", "-1", "1.5", "1e3", "0x1F", "0o17", ".5", "1_000", "1:30",
    ".inf", ".nan", "2024-01-01", "10s", "2d", "<<", "=", "---", "...", "a\nb", "a\n", "\na", "\n", "a\n\n", " a\nb",
    "a\n  b\n", "a\n \nb", "\ta\nb", "a\r\nb", "a\tb", "a\x85b", "a\u2028b", "é", "日本", "😀", "\ufeff", "a\x07b", "trailing ",
    "a" * 200, "word " * 60 + "end", "two  spaces " * 20 + "end", "ollama/hf.co/a/b:Q4_K_M", "http://a:1/b", "a,b", "a:b,c", "a?",
    "a #", "#", "key: |\n  text", "# comment\ntext\n", "1.2.3.4", "+1", "e5", "_", "a}", "x]", ",", "- - a", "a\n---\nb",
]  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(TRAPS),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40),
    st.text(st.sampled_from(" \n\t#:-?,[]{}&*!|>'\"%@`ab1.~\\"), max_size=20),
)
KEY = TEXT.filter(lambda text: len(text) < 100)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=10,
)


def read(text: str) -> GraphSpec:
    """Return the graph that a text declares; it must be without a problem."""
    loaded = load_text(text)
    assert loaded.spec is not None
    assert not loaded.findings, f"{loaded.findings}\n{text}"
    return loaded.spec


def support() -> Graph:
    """Return a graph with a node of every kind."""
    graph = Graph(
        "support",
        description="Answers a shop's customers: with care.",
        input={"message": str, "order_id": str | None, "documents": list[str], "how": {"type": "string", "default": "x"}},
        models={"small": "ollama/qwen3:4b", "own": ModelSpec(model="openai/x", url="http://127.0.0.1:8000/v1")},
        tools="tools.py",
    )  # fmt: skip
    labels: dict[str, str | None] = {"refund": "Money back, return", "other": None}
    confidence = ConfidenceSpec(at_least=0.6)
    intent = Expert(use="intent", labels=labels, cascade=["embedded/ngram", "small"], confidence=confidence)
    guard = graph.expert("guard", "moderator", text=graph.input.message)
    refuse = graph.reply(
        "refuse", f"I can't help with that ({guard.category}).", when=guard.flagged, refusal=True
    )
    triage = graph.expert("triage", intent, text=graph.input.message, when=~guard.flagged)
    order = graph.tool(
        "order", "lookup_order", order_id=graph.input.order_id, deep={"a": [1, None, "yes"]},
        when=(triage.label == "order_status") & triage.label.in_(["a", "b: c"]),
        retry={"attempts": 3, "on": ["timeout", "error"]}, timeout=0.25, on_error="skip",
    )  # fmt: skip
    answer = graph.expert(
        "answer", "writer", question=graph.input.message, facts=order.optional, style="short"
    )
    helper = graph.route("helper", "all", task=graph.input.message, after=[answer, order])
    with graph.each("notes", graph.input.documents, as_="doc", concurrency=2) as body:
        body.expert("do", "summarizer", text=body.item)
    with graph.repeat("better", {"draft": answer.text}, max=4) as body:
        judge = body.expert("judge", "judge", text=body.loop.draft)
        again = body.expert("again", "writer", draft=body.loop.draft, when=~judge.good)
        body.next(draft=first(again.optional.text, body.loop.draft))
        body.until(judge.good)
    graph.graph("refund", "refund.swarm.yaml", order_id=order.id)
    graph.ask("approve", "Refund?\nSure?\n", answer={"approved": bool, "note": str | None}, timeout="2d")
    graph.output(refuse, answer, helper)
    return graph


def test_a_graph_from_python_comes_back_from_its_file_the_same() -> None:
    graph = support()

    assert read(graph.to_yaml()) == graph.spec


def test_a_graph_goes_from_its_spec_to_python_and_back() -> None:
    graph = support()

    again = Graph.from_spec(graph.spec)

    assert again.spec == graph.spec
    assert again.to_yaml() == graph.to_yaml()


def test_nodes_can_be_added_to_a_graph_that_was_read() -> None:
    graph = Graph.from_spec(read(support().to_yaml()))

    graph.output(graph.reply("more", f"{graph['answer'].text}!"))

    assert list(graph.spec.nodes)[-1] == "more"
    assert graph.spec.output == "more"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_file_of_an_example_is_written_stably(path: Path) -> None:
    spec = load_graph(path).spec
    assert spec is not None

    once = to_yaml(spec)

    assert read(once) == spec
    assert to_yaml(read(once)) == once


def test_what_was_left_out_of_an_expert_stays_left_out() -> None:
    graph = Graph("g", experts={"triage": Expert(use="intent", labels=None)})
    graph.output(graph.reply("a", ""))

    assert read(graph.to_yaml()).experts["triage"].model_fields_set == {"use", "labels"}


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_anywhere_comes_back_the_same(data: st.DataObject) -> None:
    graph = Graph(
        "g", description=data.draw(TEXT), input={"x": {"type": "string", "description": data.draw(TEXT)}}
    )
    labels = data.draw(st.dictionaries(KEY, st.none() | TEXT, min_size=1, max_size=3))
    rows = data.draw(st.lists(st.dictionaries(KEY, DATA, max_size=2), max_size=2))
    graph.expert("e", Expert(use="intent", labels=labels, prompt=data.draw(TEXT), examples=rows))
    graph.tool("t", "t", params=data.draw(st.dictionaries(KEY, DATA, max_size=3)))
    with graph.each("body", "input.x") as body:
        body.reply("do", data.draw(TEXT), description=data.draw(TEXT))
    graph.output(graph.ask("a", data.draw(TEXT), when="a.b == " + json.dumps(data.draw(TEXT))))

    text = graph.to_yaml()

    assert read(text) == graph.spec, text
    assert to_yaml(read(text)) == text


@given(st.floats(min_value=1e-9, max_value=366 * 86400))
def test_any_duration_comes_back_the_same(seconds: float) -> None:
    graph = Graph("g")
    graph.output(graph.tool("t", "t", timeout=seconds))

    assert read(graph.to_yaml()) == graph.spec


WRITTEN = [
    ({"x": "plain text"}, "params: {x: plain text}"),
    ({"x": "yes"}, 'params: {x: "yes"}'),
    ({"x": "10s"}, "params: {x: 10s}"),
    ({"x": "a, b"}, 'params: {x: "a, b"}'),
    ({"x": 'say "hi"'}, "params: {x: 'say \"hi\"'}"),
    ({"x": ["a", 1, None, True]}, "params: {x: [a, 1, null, true]}"),
    ({"x": "a\nb\n"}, "params:\n      x: |\n        a\n        b\n"),
    ({"x": "a\nb"}, "params:\n      x: |-\n        a\n        b\n"),
    ({"x": "word " * 30 + "end"}, "params:\n      x: >-\n        word word"),
    ({"rows": [{"text": "t" * 60, "n": 1}] * 2}, "params:\n      rows:\n        - {text: ttt"),
]


@pytest.mark.parametrize(("params", "lines"), WRITTEN)
def test_values_are_written_as_a_person_would_write_them(params: dict[str, Any], lines: str) -> None:
    graph = Graph("g")
    graph.output(graph.tool("t", "t", params=params))

    assert lines in graph.to_yaml()


def test_a_graph_is_written_in_the_order_of_the_manual() -> None:
    graph = Graph("hello", input={"name": str})
    graph.output(
        graph.reply("greet", f"Hello {graph.input.name}!", when=graph.input.name != "", refusal=True)
    )

    assert graph.to_yaml() == (
        "swarm: 1\n"
        "name: hello\n"
        "\n"
        "input:\n"
        "  name: string\n"
        "\n"
        "nodes:\n"
        "  greet:\n"
        '    reply: "Hello {{ input.name }}!"\n'
        '    when: input.name != ""\n'
        "    refusal: true\n"
        "\n"
        "output: greet\n"
    )
