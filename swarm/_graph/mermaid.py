"""A graph as a Mermaid flowchart, for documents that render it."""

from __future__ import annotations

from collections.abc import Iterator

from swarm._graph.drawing import Drawing, DrawnEdge, DrawnNode, one_line

__all__ = ["mermaid"]

_SHAPES = {
    "input": ("([", "])"),
    "expert": ("[", "]"),
    "tool": ("[[", "]]"),
    "reply": ("(", ")"),
    "route": ("{{", "}}"),
    "graph": ("[/", "/]"),
    "ask": (">", "]"),
}
_ARROWS = {"data": "-->", "when": "-.->", "after": "-. order .->", "error": "-- error -->"}
_STATUS = {
    "done": "stroke:#1a7f37,stroke-width:2px",
    "failed": "stroke:#cf222e,stroke-width:2px",
    "skipped": "opacity:0.5",
}


def mermaid(drawing: Drawing) -> str:
    """Return `drawing` as the text of a Mermaid flowchart."""
    seen = {node.status for node in _all(drawing)} - {""}
    styles = [f"  classDef {status} {style}" for status, style in _STATUS.items() if status in seen]
    return "\n".join(["flowchart TD", *_lines(drawing, "", "  "), *styles]) + "\n"


def _all(drawing: Drawing) -> Iterator[DrawnNode]:
    for node in drawing.nodes:
        yield node
        if node.body is not None:
            yield from _all(node.body)


def _lines(drawing: Drawing, prefix: str, indent: str) -> Iterator[str]:
    """Yield the nodes, with bodies as subgraphs, and then the edges."""
    for node in drawing.nodes:
        name = _id(prefix + node.name)
        mark = f":::{node.status}" if node.status else ""
        if node.body is None:
            opening, closing = _SHAPES.get(node.kind, ("[", "]"))
            yield f'{indent}{name}{opening}"{_label(node)}"{closing}{mark}'
        else:
            yield f'{indent}subgraph {name}["{_label(node)}"]'
            yield from _lines(node.body, f"{prefix}{node.name}/", indent + "  ")
            yield f"{indent}end"
    for edge in drawing.edges:
        yield f"{indent}{_edge(edge, prefix)}"


def _edge(edge: DrawnEdge, prefix: str) -> str:
    return f"{_id(prefix + edge.source)} {_ARROWS[edge.kind]} {_id(prefix + edge.target)}"


def _id(path: str) -> str:
    """Return a name that is no word of Mermaid's (`end`, `graph`, `style` ...), one for each path."""
    return "n_" + path.replace("/", "_IN_")  # names are of small letters


def _label(node: DrawnNode) -> str:
    second = node.label if node.kind == "input" else f"{node.kind} {node.label}".rstrip()
    condition = f"if {node.when}" if node.when else ""
    lines = [f"<b>{_text(node.name)}</b>", *(_text(line) for line in (second, condition) if line)]
    return "<br/>".join(lines)


def _text(text: str) -> str:
    """Return `text` for a quoted label: everything that Mermaid or HTML reads is a character code."""
    return "".join(
        char if char.isalnum() or char in " _.,-:?!/" else f"#{ord(char)};" for char in one_line(text)
    )
