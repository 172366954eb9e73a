"""Pictures of graphs: readable in a terminal, correct in Mermaid, well-formed and safe in SVG."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm._graph.compile import compile_graph
from swarm._graph.draw import FORMATS, Drawing, DrawnEdge, DrawnNode, Format, draw
from swarm._graph.drawing import EdgeKind, Status
from swarm._graph.layout import arrange
from swarm._graph.picture import drawing_of
from swarm.messages import ToolSignature
from swarm.spec.catalogue import Catalogue
from swarm.spec.compose import Graph


def drawn(*edges: tuple[str, str, EdgeKind]) -> tuple[DrawnEdge, ...]:
    """Return (source, target, kind) as edges."""
    return tuple(DrawnEdge(source=source, target=target, kind=kind) for source, target, kind in edges)


SUPPORT = Drawing(
    name="support",
    description="Answers a shop's customers.",
    nodes=(
        DrawnNode(name="input", kind="input", label="message, order_id"),
        DrawnNode(name="guard", kind="expert", label="moderator"),
        DrawnNode(name="refuse", kind="reply", when="guard.flagged", output=True),
        DrawnNode(name="triage", kind="expert", label="triage", when="not guard.flagged"),
        DrawnNode(name="number", kind="tool", label="find_order_number", when="not guard.flagged"),
        DrawnNode(name="order", kind="tool", label="lookup_order", when='triage.label == "order_status"'),
        DrawnNode(name="answer", kind="expert", label="helpdesk", when="triage.confident", output=True),
        DrawnNode(name="code", kind="expert", label="coder", when='triage.label == "technical"', output=True),
        DrawnNode(name="handoff", kind="tool", label="open_ticket", when="not triage.confident", output=True),
    ),
    edges=drawn(
            ("input", "guard", "data"), ("input", "triage", "data"), ("guard", "refuse", "data"),
            ("guard", "triage", "when"), ("guard", "number", "when"), ("number", "order", "data"),
            ("triage", "order", "when"), ("order", "answer", "data"), ("triage", "answer", "when"),
            ("triage", "code", "when"), ("triage", "handoff", "data"),
    ),
)  # fmt: skip
PICTURE = """\
graph support

                 ┌───────────────────┐
                 │ input             │
                 │ message, order_id │
                 └───────────────────┘
                           │
                           ▼
                 ┌──────────────────┐
                 │ guard            │
                 │ expert moderator │
                 └──────────────────┘
         ┌────────────────┼───────────────────────┐
         ▼                ▼                       ▼
    ┌─────────┐   ┌───────────────┐   ┌────────────────────────┐
    │ refuse  │   │ triage        │   │ number                 │
    │ reply   │   │ expert triage │   │ tool find_order_number │
    └ output ─┘   └───────────────┘   └────────────────────────┘
                          │                       └───┐
       ┌──────────────────┼────────────────────────┐  │
       ▼                  ▼                        ▼  ▼
┌──────────────┐   ┌──────────────────┐   ┌───────────────────┐
│ code         │   │ handoff          │   │ order             │
│ expert coder │   │ tool open_ticket │   │ tool lookup_order │
└───── output ─┘   └───────── output ─┘   └───────────────────┘
                                                    │
                                                    ▼
                                          ┌─────────────────┐
                                          │ answer          │
                                          │ expert helpdesk │
                                          └──────── output ─┘

when
  refuse   guard.flagged
  triage   not guard.flagged
  number   not guard.flagged
  order    triage.label == "order_status"
  answer   triage.confident
  code     triage.label == "technical"
  handoff  not triage.confident
"""


def chain(*names: str, kind: str = "reply") -> Drawing:
    """Return a drawing of nodes one after the other."""
    nodes = tuple(DrawnNode(name=name, kind=kind) for name in names)
    edges = tuple(DrawnEdge(source=a, target=b) for a, b in pairwise(names))
    return Drawing(name="chain", nodes=nodes, edges=edges)


def one(node: DrawnNode) -> Drawing:
    """Return a drawing of a single node."""
    return Drawing(name="one", nodes=(node,))


# Terminal -----------------------------------------------------------------------------------------


def test_a_graph_is_drawn_for_a_terminal_in_layers_with_its_conditions_below() -> None:
    assert draw(SUPPORT, "ascii") == PICTURE


def test_without_unicode_the_same_picture_is_drawn_with_ascii_characters() -> None:
    plain = draw(SUPPORT, "ascii", unicode=False)

    assert plain.isascii()
    assert len(plain.splitlines()) == len(PICTURE.splitlines())
    assert "| expert moderator |" in plain


def test_an_edge_that_others_imply_is_not_drawn() -> None:
    long = Drawing(
        name="g",
        nodes=chain("a", "b", "c").nodes,
        edges=(*chain("a", "b", "c").edges, DrawnEdge(source="a", target="c", kind="when")),
    )

    assert draw(long, "mermaid") == draw(chain("a", "b", "c"), "mermaid")


def test_a_body_is_drawn_inside_its_node() -> None:
    text = draw(
        one(DrawnNode(name="notes", kind="each", label="input.documents", body=chain("a", "b"))), "ascii"
    )

    assert "│ ┌───────┐" in text
    assert text.index("notes") < text.index("│ a ") < text.index("│ b ")


def test_what_became_of_a_node_is_marked_beside_its_name() -> None:
    signs: dict[Status, str] = {"done": "✓", "failed": "✗", "skipped": "·"}
    for status, sign in signs.items():
        assert f"│ a {sign}" in draw(one(DrawnNode(name="a", kind="reply", status=status)), "ascii")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_edge_of_any_graph_arrives_at_a_box(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    names = [f"n{index}" for index in range(count)]
    pairs = data.draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))))
    edges = tuple(
        DrawnEdge(source=names[a], target=names[b], kind="error") for a, b in sorted(pairs) if a < b
    )
    drawing = Drawing(name="g", nodes=chain(*names).nodes, edges=edges)

    lines = draw(drawing, "ascii").splitlines()

    heads = [
        (row, column) for row, line in enumerate(lines) for column, sign in enumerate(line) if sign == "▼"
    ]
    assert len(heads) == len(edges)
    for row, column in heads:
        assert lines[row + 1][column] in "─┌┐", "an arrow points at the border of a box"
        assert lines[row - 1][column] in "│┌┐┬┼├┤┘└", "an arrow comes from a line"


# Layout -------------------------------------------------------------------------------------------


def test_every_node_lies_below_all_that_it_waits_for_and_none_overlap() -> None:
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d"), ("e", "d")]

    layout = arrange(dict.fromkeys("abcde", 10.0), edges, gap=2, bend=1)

    layer = {slot.node: index for index, layer in enumerate(layout.layers) for slot in layer}
    assert all(layer[source] < layer[target] for source, target in edges)
    assert layer["e"] == layer["d"] - 1, "a beginning stands just above what follows it"
    for slots in layout.layers:
        for left, right in pairwise(slots):
            assert right.x - left.x >= (left.width + right.width) / 2 + 2 - 1e-6


def test_a_layer_is_ordered_so_that_edges_do_not_cross() -> None:
    layout = arrange(dict.fromkeys("abxy", 4.0), [("a", "y"), ("b", "x")], gap=1, bend=1)

    top, bottom = ([slot.node for slot in layer] for layer in layout.layers)
    assert [{"a": "y", "b": "x"}[name] for name in top] == bottom


# Mermaid ------------------------------------------------------------------------------------------


def test_mermaid_shows_nodes_conditions_and_the_kinds_of_edges() -> None:
    lines = draw(SUPPORT, "mermaid").splitlines()

    assert lines[0] == "flowchart TD"
    assert '  n_guard["<b>guard</b><br/>expert moderator"]' in lines
    assert '  n_number[["<b>number</b><br/>tool find_order_number<br/>if not guard.flagged"]]' in lines
    assert "  n_input --> n_guard" in lines
    assert "  n_triage -.-> n_code" in lines


def test_mermaid_texts_are_escaped_and_names_are_no_words_of_mermaid() -> None:
    node = DrawnNode(name="end", kind="reply", label='say "hi" <b>;#', when='x == "]"')

    text = draw(one(node), "mermaid")

    assert (
        'n_end("<b>end</b><br/>reply say #34;hi#34; #60;b#62;#59;#35;<br/>if x #61;#61; #34;#93;#34;")'
        in text
    )


def test_a_body_is_a_subgraph_in_mermaid() -> None:
    text = draw(one(DrawnNode(name="better", kind="repeat", body=chain("judge", "rewrite"))), "mermaid")

    assert '  subgraph n_better["<b>better</b><br/>repeat"]' in text
    assert "    n_better_IN_judge --> n_better_IN_rewrite" in text


# SVG ----------------------------------------------------------------------------------------------


def test_an_svg_is_one_well_formed_file_without_anything_from_outside() -> None:
    text = draw(SUPPORT, "svg")

    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert re.fullmatch(r"0 0 \d+ \d+", root.attrib["viewBox"])
    assert "prefers-color-scheme:dark" in text
    outside = re.findall(r"<script|<image|<a |href|@import|url\((?!#)", text)
    assert outside == []


def test_an_svg_shows_every_node_and_tells_the_rest_on_hover() -> None:
    long = "triage.confident and triage.label in [" + ", ".join(f'"label_{n}"' for n in range(9)) + "]"
    text = draw(one(DrawnNode(name="answer", kind="expert", label="writer", when=long)), "svg")

    texts = ["".join(part.itertext()) for part in ElementTree.fromstring(text).iter()]
    assert {"answer", "expert · writer"} <= set(texts)
    assert any(part.endswith("…") for part in texts), "a long condition is cut on the card"
    assert f"answer: expert writer\nwhen: {long}" in texts


def test_every_edge_of_an_svg_has_the_style_of_its_kind_and_a_legend_says_what_it_means() -> None:
    text = draw(SUPPORT, "svg")

    assert len(re.findall(r'class="edge \w+" d="[^"]*" marker-end', text)) == 9  # of 11, two are implied
    assert "decides a condition" in text
    assert "order only" not in text


def test_the_path_of_a_run_is_marked_in_an_svg() -> None:
    nodes = (
        DrawnNode(name="a", kind="reply", status="done"),
        DrawnNode(name="b", kind="reply", status="done"),
        DrawnNode(name="c", kind="reply", status="skipped"),
        DrawnNode(name="d", kind="reply", status="failed"),
    )
    edges = tuple(DrawnEdge(source="a", target=name) for name in "bcd")

    text = draw(Drawing(name="g", nodes=nodes, edges=edges), "svg")

    assert text.count('class="edge data taken"') == 1
    assert 'class="card reply skipped"' in text
    assert 'class="card reply failed"' in text


@pytest.mark.parametrize("format", FORMATS)
def test_hostile_texts_do_no_harm(format: Format) -> None:
    evil = "</text><script>alert(1)</script>\"'&\x00\x1b[31m\n\u202e😀" + "x" * 500
    node = DrawnNode(name="a", kind="expert", label=evil, when=evil)

    text = draw(Drawing(name=evil, description=evil, nodes=(node,)), format)

    assert "\x00" not in text
    assert "\x1b" not in text
    assert format == "ascii" or "<script>" not in text
    if format == "svg":
        ElementTree.fromstring(text)


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_drawing_is_drawn(format: Format) -> None:
    assert draw(Drawing(name="nothing", nodes=()), format).endswith("\n")


# Plans --------------------------------------------------------------------------------------------


def test_the_drawing_of_a_plan_says_why_nodes_wait_for_each_other() -> None:
    graph = Graph("g", input={"message": str, "documents": list[str]})
    a = graph.reply("a", f"{graph.input.message}")
    b = graph.tool("b", "look", message=a.text, on_error="sorry")
    c = graph.reply("c", "C", when=a.text == "x", after=b)
    graph.reply("sorry", f"{graph.error.message}")
    with graph.each("notes", graph.input.documents) as body:
        body.reply("do", f"{body.item}")
    graph.output(c, body.node)
    tools = {"look": ToolSignature(name="look", description="", parameters={"type": "object"})}
    plan, findings = compile_graph(graph.spec, Catalogue(tools=tools))
    assert plan is not None, findings

    drawing = drawing_of(plan, statuses={"a": "done"})

    nodes = {node.name: node for node in drawing.nodes}
    assert {(edge.source, edge.target): edge.kind for edge in drawing.edges} == {
        ("input", "a"): "data",
        ("input", "notes"): "data",
        ("a", "b"): "data",
        ("a", "c"): "when",
        ("b", "c"): "after",
        ("b", "sorry"): "error",
    }
    assert nodes["input"].label == "message, documents"
    assert (nodes["a"].status, nodes["c"].status) == ("done", "")
    assert (nodes["c"].output, nodes["notes"].output, nodes["a"].output) == (True, True, False)
    assert nodes["notes"].body is not None
    assert [node.name for node in nodes["notes"].body.nodes] == ["do"]
