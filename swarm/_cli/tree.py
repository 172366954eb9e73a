"""A run as a tree of its nodes: who did what, how sure, how long."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any, cast

from swarm._cli.console import columns_of, one_line, put, show
from swarm._cli.grid import Cell, Grid, cut
from swarm._cli.story import NodeStory, Story

__all__ = ["shorten", "show_tree", "summary_line"]

TEXT = 64  # characters of an output: about what is left of a terminal of 120 columns
SHOWN_ITEMS = 3  # of an `each`: one can see the pattern, and the rest are counted
STYLES = {"failed": "red", "cancelled": "red", "asking": "yellow", "running": "yellow"}


def show_tree(story: Story, *, reasons: bool = False, stream: IO[str] | None = None) -> None:
    """Print the tree, and the notes under it.

    Args:
        reasons: give each skipped node a line that says why; otherwise they share one.
        stream: default stderr.
    """
    target = stream or sys.stderr
    nodes = list(story.nodes.values())
    shown = [node for node in nodes if reasons or node.status != "skipped"]
    rows = list(_rows(shown, ""))
    if rows:
        show(Grid(rows=rows, right=frozenset({2, 3}), wide=4), target)
    skipped = [node.name for node in nodes if node.status == "skipped"]
    if skipped and not reasons:
        put(cut(f"   not run: {', '.join(skipped)}", columns_of(target) or 400), "dim", target)
    for note in story.notes:
        put(f"   note: {note}", "yellow", target)


def summary_line(story: Story) -> str:
    """Return a run in one line: `support: completed in 12 ms, 3 model calls, run 2026...`."""
    parts = [f"{story.graph}: {story.status}"]
    if story.latency_ms is not None:
        parts[0] += f" in {_duration(story.latency_ms)}"
    if story.confidence is not None:
        parts.append(f"confidence {story.confidence:.2f}")
    calls = story.usage.get("model_calls", 0)
    if calls:
        parts.append(f"{calls} model call{'s' if calls > 1 else ''}")
    path = [node.name for node in story.nodes.values() if node.status == "done"]
    if path:
        parts.append("path " + " > ".join(path))
    parts.append(f"run {story.id}")
    return ", ".join(parts)


def shorten(value: Any, limit: int = TEXT) -> str:
    """Return a node's output in a few words."""
    if isinstance(value, str):
        return one_line(value, limit)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return f"{len(items)} item{'' if len(items) == 1 else 's'}"
    if isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        return one_line(_record(table), limit)
    return json.dumps(value, ensure_ascii=False, default=str)[:limit]


def _record(table: Mapping[str, Any]) -> str:
    if "flagged" in table:
        return f"flagged: {table.get('category')}" if table["flagged"] else "nothing flagged"
    for key in ("text", "label", "code", "summary"):
        if isinstance(table.get(key), str):
            return cast("str", table[key])
    return ", ".join(f"{key}: {_plain(item)}" for key, item in table.items() if key != "probabilities")


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:39] + "…"


def _rows(nodes: Sequence[NodeStory], indent: str, more: int = 0) -> Iterator[list[Cell]]:
    """Yield the lines of these nodes and what is in them; `more` of their kind are only counted."""
    for place, node in enumerate(map(_merged, nodes)):
        last = place == len(nodes) - 1 and not more
        yield _row(node, indent + ("└─ " if last else "├─ "))
        children = list(node.children.values())
        many = node.kind == "each" and len(children) > SHOWN_ITEMS + 1
        shown = children[:SHOWN_ITEMS] if many else children
        yield from _rows(shown, indent + ("   " if last else "│  "), len(children) - len(shown))
    if more:
        yield [Cell(f"{indent}└─ and {more} more", "dim")]


def _merged(node: NodeStory) -> NodeStory:
    """Return an item or a round that is one node as that node."""
    if node.kind or len(node.children) != 1:
        return node
    return replace(next(iter(node.children.values())), name=node.name)


def _row(node: NodeStory, lead: str) -> list[Cell]:
    if node.status == "skipped":
        return [
            Cell(lead + node.name, "dim"),
            Cell("skipped", "dim"),
            Cell(""),
            Cell(""),
            Cell(node.reason, "dim"),
        ]
    if not node.kind and node.children:
        return [Cell(lead + node.name, "dim")]
    marks = node.marks or {}
    doubtful = marks.get("confident") is False
    style = STYLES.get(node.status, "")
    confidence = marks.get("confidence")
    return [
        Cell(lead + node.name, style or "bold"),
        Cell(_who(node, marks), "cyan"),
        Cell("" if confidence is None else f"{confidence:.2f}", "yellow" if doubtful else "green"),
        Cell("" if node.latency_ms is None else _duration(node.latency_ms), "dim"),
        Cell(_what(node), style or ("yellow" if doubtful else "")),
    ]


def _who(node: NodeStory, marks: Mapping[str, Any]) -> str:
    """Return the model that answered and those asked before it; without a model, the node's kind."""
    model = marks.get("model")
    if not model:
        return " → ".join(node.asked) or node.kind
    if marks.get("confident") is False and len(node.asked) > 1:
        return f"{model} (best of {len(node.asked)})"
    before = node.asked[: node.asked.index(model)] if model in node.asked else []
    return " → ".join([*before, model])


def _what(node: NodeStory) -> str:
    if node.status == "done":
        said = shorten(node.value)
        if node.tools:
            said = f"[{', '.join(node.tools)}] {said}"
        return said
    return f"{node.status}: {one_line(node.reason, TEXT * 2)}" if node.reason else node.status


def _duration(ms: float) -> str:
    if ms < 1000:
        return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s"
