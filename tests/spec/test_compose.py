"""Composing graphs in Python: what each call declares, and what is refused, with advice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from swarm.errors import SpecError
from swarm.messages import Message, ToolSignature
from swarm.spec.compose import Graph
from swarm.spec.expert import Expert
from swarm.spec.graph import Body, EachNode, ExpertNode, Node, RepeatNode
from swarm.spec.references import first


@dataclass
class Lookup:
    """A tool as `@tool` makes them."""

    signature: ToolSignature


LOOKUP = Lookup(
    ToolSignature(name="lookup_order", description="Find an order.", parameters={"type": "object"})
)


def node_of(graph: Graph, name: str = "node") -> dict[str, Any]:
    """Return what the graph's file would say of the node `name`."""
    graph.output(name)
    node = graph.spec.nodes[name]
    assert isinstance(node, Node)
    return node.model_dump(by_alias=True, exclude_unset=True)


def when_of(condition: Any) -> str:
    """Return the text of a condition, as the file would say it."""
    graph = Graph("g")
    graph.reply("node", "", when=condition)
    return str(node_of(graph)["when"])


A = Graph("g").reply("a", "")
B = Graph("g").reply("b", "")


# What a graph takes -------------------------------------------------------------------------------


class Address(TypedDict):
    street: str
    city: str | None


@dataclass
class Order:
    number: int
    note: str | None = None


class Customer(BaseModel):
    name: str
    level: Literal["new", "old"] = "new"


@pytest.mark.parametrize(
    ("python", "yaml"),
    [
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (bool, "boolean"),
        (dict, "object"),
        (list, ["any"]),
        (Any, "any"),
        (str | None, "string?"),
        (list[str], ["string"]),
        (list[str] | None, {"type": ["string"], "optional": True}),
        (list[Message], "messages"),
        (list[Message] | None, "messages?"),
        (Literal["a", "b"], {"type": "string", "one_of": ["a", "b"]}),
        (Literal["a", "b"] | None, {"type": "string", "optional": True, "one_of": ["a", "b"]}),
        (Address, {"street": "string", "city": "string?"}),
        (Order, {"number": "integer", "note": "string?"}),
        (
            Customer,
            {"name": "string", "level": {"type": "string", "one_of": ["new", "old"], "default": "new"}},
        ),
        (list[Order], [{"number": "integer", "note": "string?"}]),
        (int | str, "any"),
        ("messages?", "messages?"),
        ({"at": Order, "tags": [str]}, {"at": {"number": "integer", "note": "string?"}, "tags": ["string"]}),
    ],
)
def test_a_python_type_declares_what_its_yaml_form_declares(python: Any, yaml: Any) -> None:
    written, declared = Graph("g", input={"x": python}), Graph("g", input={"x": yaml})
    for graph in (written, declared):
        graph.output(graph.reply("node", ""))

    assert written.spec == declared.spec
    assert written.spec.input["x"].render() == yaml


def test_a_type_that_no_graph_can_declare_is_refused_at_once() -> None:
    with pytest.raises(SpecError, match="dataclass") as caught:
        Graph("g", input={"x": object()})

    assert caught.value.problems[0].path == ("input", "x")


def test_an_experts_inputs_may_be_python_types() -> None:
    expert = Expert(kind="write", input={"question": str, "facts": dict[str, Any] | None})

    assert expert == Expert(kind="write", input={"question": "string", "facts": "object?"})


# Nodes --------------------------------------------------------------------------------------------


def test_references_are_expressions_and_all_else_is_constant() -> None:
    graph = Graph("g", input={"message": str})

    graph.expert(
        "node", "writer", question=graph.input.message, facts=[A.x, "as text", 3], style="short", n=None
    )

    assert node_of(graph) == {
        "expert": "writer",
        "with": {"question": "input.message", "facts": ["a.x", '"as text"', 3]},
        "params": {"style": "short", "n": None},
    }


def test_arguments_whose_names_are_options_go_through_with_() -> None:
    graph = Graph("g")

    graph.tool("node", "plan", when=A.ok, with_={"when": A.date, "timeout": 5}, name="x", tool=B)

    assert node_of(graph) == {
        "tool": "plan",
        "when": "a.ok",
        "with": {"when": "a.date", "tool": "b"},
        "params": {"timeout": 5, "name": "x"},
    }


def test_an_argument_given_twice_is_refused() -> None:
    with pytest.raises(TypeError, match="'x' is given twice"):
        Graph("g").tool("node", "t", x=1, with_={"x": 2})
    with pytest.raises(TypeError, match="'x' of node 'node' is given twice"):
        Graph("g").tool("node", "t", x=A, params={"x": 2})


def test_an_argument_that_no_file_could_say_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"argument 'when_' of node 'node' is .*object"):
        Graph("g").tool("node", "t", when_=object())
    with pytest.raises(TypeError, match="nan"):
        Graph("g").tool("node", "t", x=float("nan"))


def test_the_options_of_a_node_are_those_of_the_file() -> None:
    graph = Graph("g")
    other = graph.reply("other", "")

    graph.tool(
        "node",
        "t",
        after=[other],
        timeout="2m",
        on_error=other,
        retry={"attempts": 2},
        description="Looks it up.",
    )

    assert node_of(graph) == {
        "tool": "t",
        "after": "other",
        "timeout": "2m",
        "on_error": "other",
        "retry": {"attempts": 2},
        "description": "Looks it up.",
    }


def test_a_tool_given_in_python_is_named_in_the_graph_and_kept_beside_it() -> None:
    graph = Graph("g", tools=["tools.py"])

    graph.tool("node", LOOKUP)

    assert node_of(graph) == {"tool": "lookup_order"}
    assert graph.tools == (LOOKUP,)
    assert graph.spec.tools == ["tools.py"]


def test_a_tool_that_only_an_expert_calls_is_given_to_the_graph() -> None:
    assert Graph("g", tools=[LOOKUP]).tools == (LOOKUP,)


def test_a_function_without_the_mark_is_no_tool_and_the_error_says_so() -> None:
    def plain() -> None: ...

    with pytest.raises(TypeError, match="plain is no tool\n  fix: put @tool"):
        Graph("g").tool("node", plain)  # pyright: ignore[reportArgumentType]


def test_an_expert_written_at_a_node_becomes_one_of_the_graph_under_the_nodes_name() -> None:
    graph = Graph("g")
    intent = Expert(use="intent", labels={"refund": "Money back"})

    graph.output(graph.expert("node", intent, text=A.x))

    assert graph.spec.experts == {"node": intent}
    assert graph.spec.nodes["node"] == ExpertNode.model_validate({"expert": "node", "with": {"text": "a.x"}})


def test_one_expert_can_serve_several_nodes() -> None:
    graph = Graph("g")
    intent = Expert(name="triage", use="intent")

    graph.expert("early", intent)
    graph.output(graph.expert("late", intent))

    assert list(graph.spec.experts) == ["triage"]


def test_two_different_experts_cannot_share_a_name() -> None:
    graph = Graph("g", experts={"triage": Expert(use="intent")})

    with pytest.raises(SpecError, match="another expert called 'triage'"):
        graph.expert("triage", Expert(use="moderator"))


def test_a_reply_can_be_an_f_string() -> None:
    graph = Graph("g")

    graph.reply("node", f"Hello {graph.input.name}, order {A.id}.")

    assert node_of(graph)["reply"] == "Hello {{ input.name }}, order {{ a.id }}."


def test_what_may_be_missing_cannot_stand_in_an_f_string() -> None:
    with pytest.raises(TypeError, match="give it to the node by name"):
        f"{A.optional.id}"


def test_a_route_chooses_among_names_and_experts() -> None:
    graph = Graph("g")

    graph.route("node", ["writer", Expert(name="poet", use="writer")], task=A.text)

    assert node_of(graph) == {"route": ["writer", "poet"], "with": {"task": "a.text"}}


def test_a_person_is_asked_for_fields_of_python_types() -> None:
    graph = Graph("g")

    graph.ask("node", f"Refund {A.amount}?", answer={"approved": bool, "note": str | None}, timeout="2d")

    assert node_of(graph) == {
        "ask": "Refund {{ a.amount }}?",
        "answer": {"approved": "boolean", "note": "string?"},
        "timeout": "2d",
    }


def test_a_graph_given_in_python_stands_under_a_file_name() -> None:
    inner, outer = Graph("refund"), Graph("g")

    outer.graph("node", inner, order_id=A.id)

    assert node_of(outer) == {"graph": "refund.swarm.yaml", "with": {"order_id": "a.id"}}
    assert outer.graphs == {"refund.swarm.yaml": inner}


def test_the_body_of_an_each_is_a_with_block() -> None:
    graph = Graph("g", input={"documents": [str]})

    with graph.each("notes", graph.input.documents, as_="doc", concurrency=4) as body:
        short = body.expert("short", "summarizer", text=body.item.text)
        long = body.reply("long", f"{body.index}: {body.item}", when=short.text == "")
        body.output(long, short)
    graph.output(body.node)

    notes = graph.spec.nodes["notes"]
    assert isinstance(notes, EachNode)
    assert isinstance(notes.do, Body)
    assert (notes.each, notes.as_, notes.concurrency, notes.do.output) == (
        "input.documents", "doc", 4, ["long", "short"],
    )  # fmt: skip
    assert notes.do.nodes["long"].model_dump(exclude_unset=True) == {
        "reply": "{{ index }}: {{ doc }}",
        "when": 'short.text == ""',
    }


def test_a_body_of_one_node_called_do_is_that_node() -> None:
    graph = Graph("g", input={"documents": [str]})

    with graph.each("notes", graph.input.documents) as body:
        body.expert("do", "summarizer", text=body.item)
    graph.output(body.node)

    assert node_of(graph, "notes")["do"] == {"expert": "summarizer", "with": {"text": "item"}}


def test_the_body_of_a_repeat_says_how_its_state_goes_on() -> None:
    graph = Graph("g")

    with graph.repeat("better", {"draft": A.text, "note": "none"}, max=4) as body:
        judge = body.expert("judge", "judge", text=body.loop.draft)
        again = body.expert("again", "writer", draft=body.loop.draft, when=~judge.good)
        body.next(draft=first(again.optional.text, body.loop.draft))
        body.until(judge.good & (body.loop.round > 1))
    graph.output(body.node.draft)

    better = graph.spec.nodes["better"]
    assert isinstance(better, RepeatNode)
    assert better.repeat == {"draft": "a.text", "note": '"none"'}
    assert better.next == {"draft": {"first": ["again?.text", "loop.draft"]}}
    assert better.until == "judge.good and loop.round > 1"
    assert graph.spec.output == "better.draft"


def test_experts_of_a_body_belong_to_the_graph() -> None:
    graph = Graph("g")

    with graph.each("notes", A) as body:
        body.expert("short", Expert(use="summarizer"))
    graph.output(body.node)

    assert list(graph.spec.experts) == ["short"]


def test_a_body_that_was_not_entered_is_noticed() -> None:
    graph = Graph("g")
    graph.each("notes", A)
    graph.output("notes")

    with pytest.raises(SpecError, match="body of 'notes' was not closed"):
        graph.spec


def test_an_error_inside_a_body_is_the_error_that_is_seen() -> None:
    graph = Graph("g")

    with pytest.raises(SpecError, match="is no name"), graph.each("notes", A) as body:
        body.reply("Bad Name", "")


# Names and outputs --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Answer", "1st", "a-b", "", "input", "not"])
def test_a_name_that_no_node_can_have_is_refused_at_once(name: str) -> None:
    with pytest.raises(SpecError, match=r"error\[SW015\]"):
        Graph("g").reply(name, "")


def test_two_nodes_cannot_have_the_same_name() -> None:
    graph = Graph("g")
    graph.reply("a", "")

    with pytest.raises(SpecError, match="another node called 'a'"):
        graph.reply("a", "")


def test_a_value_that_does_not_fit_is_named_with_its_place() -> None:
    with pytest.raises(SpecError) as caught:
        Graph("g").tool("order", "t", timeout="soon", retry={"attempts": 99})

    assert [problem.where for problem in caught.value.problems] == [
        "nodes.order.timeout",
        "nodes.order.retry.attempts",
    ]


def test_a_graph_without_an_output_is_not_finished() -> None:
    graph = Graph("g")
    graph.reply("a", "")

    with pytest.raises(SpecError, match=r"graph\.output\(node\)"):
        graph.spec


def test_an_output_is_a_node_a_choice_an_expression_or_a_mapping() -> None:
    graph = Graph("g")
    a, b = graph.reply("a", ""), graph.reply("b", "")

    outputs: list[Any] = []
    graph.output(a)
    outputs.append(graph.spec.output)
    graph.output(a, b)
    outputs.append(graph.spec.output)
    graph.output(a.text)
    outputs.append(graph.spec.output)
    graph.output(text=a.text, other=b.optional.text)
    outputs.append(graph.spec.output)

    assert outputs == ["a", ["a", "b"], "a.text", {"text": "a.text", "other": "b?.text"}]


def test_a_node_added_before_is_found_by_name_and_a_wrong_name_gets_advice() -> None:
    graph = Graph("g")
    graph.reply("triage", "")

    assert when_of(graph["triage"].label == "x") == 'triage.label == "x"'
    with pytest.raises(SpecError, match="did you mean 'triage'"):
        graph["triag"]


# Conditions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (A.flagged, "a.flagged"),
        (~A.flagged, "not a.flagged"),
        (A == None, "a == null"),  # noqa: E711
        (A.label != "x", 'a.label != "x"'),
        (A.score >= 0.5, "a.score >= 0.5"),
        (A.label.in_(["x", "y"]), 'a.label in ["x", "y"]'),
        (A.label.not_in(B.labels), "a.label not in b.labels"),
        (A.labels.contains("x"), '"x" in a.labels'),
        (A.x == B.y, "a.x == b.y"),
        (A.optional.x == True, "a?.x == true"),  # noqa: E712
        (A.x.y.optional == 1, "a?.x.y == 1"),
        (A["optional"] == -1, "a.optional == -1"),
        (A["in_"].optional, "a?.in_"),
        (A.x & B.y & (A.z == 1), "a.x and b.y and a.z == 1"),
        (A.x | B.y & A.z, "a.x or b.y and a.z"),
        ((A.x | B.y) & A.z, "(a.x or b.y) and a.z"),
        (~(A.x & B.y), "not (a.x and b.y)"),
        (A.x == 'say "hi"\n', r'a.x == "say \"hi\"\n"'),
        ("a.x and b.y", "a.x and b.y"),
    ],
)
def test_a_condition_in_python_is_the_same_text_as_in_yaml(condition: Any, text: str) -> None:
    assert when_of(condition) == text


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (lambda: A.x and B.y, "write `&` for and"),
        (lambda: A.x or B.y, "`|` for or"),
        (lambda: not A.x, "`~` for not"),  # pyright: ignore[reportGeneralTypeIssues]
        (lambda: A.label in ("x", "y"), r"`\.in_\(\[\.\.\.\]\)` for in"),
        (lambda: 0 < A.x < 1, "chained comparisons"),
        (lambda: "x" in A.labels, r"a\.labels\.contains\('x'\)"),
        (lambda: [*A.items], r"graph\.each"),  # pyright: ignore[reportGeneralTypeIssues, reportUnknownLambdaType]
        (lambda: A.items[0], "pick an element of a list in a tool"),  # pyright: ignore[reportArgumentType]
        (lambda: A.x & 1, "brackets round comparisons"),
        (lambda: A.x == object(), "compare with text"),
        (lambda: bool(A), "when="),
    ],
)
def test_pythons_own_words_are_refused_and_the_error_says_which_to_use(wrong: Any, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        wrong()


def test_references_can_be_kept_in_sets_and_as_keys() -> None:
    names = {A: "a", B: "b"}

    assert (names[A], names[B], len({A, B, A})) == ("a", "b", 2)


def test_names_that_python_asks_for_are_no_fields() -> None:
    assert not hasattr(A, "_repr_html_")
    assert repr(A.x) == "<Reference a.x>"
