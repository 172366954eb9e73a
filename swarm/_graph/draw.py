"""Draw a graph for a terminal, for a Markdown document, or as a picture; offline, by our own code."""

from __future__ import annotations

from typing import Literal

from swarm._graph.drawing import Drawing, DrawnEdge, DrawnNode, essential
from swarm._graph.mermaid import mermaid
from swarm._graph.svg import svg
from swarm._graph.terminal import terminal

__all__ = ["FORMATS", "Drawing", "DrawnEdge", "DrawnNode", "draw"]

Format = Literal["ascii", "mermaid", "svg"]
FORMATS: tuple[Format, ...] = ("ascii", "mermaid", "svg")


def draw(drawing: Drawing, format: Format, *, unicode: bool = True) -> str:
    """Return `drawing` as text in `format`, ending with a line break.

    Edges that others imply are left out, so that pictures stay readable.

    Args:
        unicode: in `ascii`, draw lines and corners; without it only ASCII characters are used.
    """
    drawing = essential(drawing)
    match format:
        case "ascii":
            return terminal(drawing, unicode=unicode)
        case "mermaid":
            return mermaid(drawing)
        case "svg":
            return svg(drawing)
