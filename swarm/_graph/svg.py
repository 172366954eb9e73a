"""A graph as an SVG picture: one file without scripts, fonts or links, light and dark.

Every node is a card: its name, what it asks or calls, and its condition. Solid edges carry data,
dashed ones decide a condition, dotted ones are order only, red ones are taken after an error.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from swarm._graph.drawing import Drawing, DrawnEdge, DrawnNode, one_line
from swarm._graph.layout import Layout, Link, Slot, arrange
from swarm._graph.svg_style import ARROWS, ICONS, STYLE

__all__ = ["svg"]

MARGIN, TITLE = 32, 58
GAP, LAYER_GAP, BEND = 26, 54, 18
TILE, PAD = 30, 12  # the square of the icon, and the space round it
LINE = 17  # of text
MIN_WIDTH, MAX_CHARACTERS = 132, 34
BODY_PAD = 18
NAME_WIDTH, LABEL_WIDTH, CODE_WIDTH = 8.3, 6.9, 6.7  # px per character: generous, no font is measured
RADIUS = 10
LEGEND = 30
EDGE_KINDS = {
    "data": "carries data",
    "when": "decides a condition",
    "after": "order only",
    "error": "after an error",
}


@dataclass(frozen=True, slots=True)
class _Card:
    """A node with its size, and the laid-out body inside it."""

    node: DrawnNode
    width: float
    height: float
    body: _Group | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """A graph or a body laid out; the first layer begins at y = 0."""

    cards: dict[str, _Card]
    layout: Layout
    tops: list[float]
    height: float
    edges: dict[tuple[str, str], DrawnEdge]


def svg(drawing: Drawing) -> str:
    """Return `drawing` as the text of an SVG file."""
    group = _group(drawing)
    subtitle = _cut(drawing.description, max(60, int(group.layout.width / LABEL_WIDTH)))
    title_width = max(len(drawing.name) * 12, _columns(subtitle) * LABEL_WIDTH)
    width = round(max(group.layout.width, title_width, MIN_WIDTH * 2) + 2 * MARGIN)
    kinds = [kind for kind in EDGE_KINDS if kind in _kinds(drawing)]
    height = round(group.height + 2 * MARGIN + TITLE + (LEGEND if len(kinds) > 1 else 0))
    left = (width - group.layout.width) / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{_text("graph " + drawing.name)}">',
        f"<style>{STYLE}</style>",
        f"<defs>{ARROWS}</defs>",
        f'<rect class="page" width="{width}" height="{height}" rx="14"/>',
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 16}">{_text(drawing.name)}</text>',
        f'<text class="label" x="{MARGIN}" y="{MARGIN + 37}">{_text(subtitle)}</text>',
        *_drawn(group, left, MARGIN + TITLE),
        *(_legend(kinds, height - MARGIN + 6) if len(kinds) > 1 else ()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


# Sizes and places ---------------------------------------------------------------------------------


def _group(drawing: Drawing) -> _Group:
    cards = {node.name: _card(node) for node in drawing.nodes}
    edges = {(edge.source, edge.target): edge for edge in drawing.edges}
    widths = {name: card.width for name, card in cards.items()}
    layout = arrange(widths, list(edges), gap=GAP, bend=BEND)
    tops, y = list[float](), 0.0
    for layer in layout.layers:
        tops.append(y)
        y += max(cards[slot.node].height for slot in layer if slot.node) + LAYER_GAP
    return _Group(cards, layout, tops, max(y - LAYER_GAP, 0), edges)


def _card(node: DrawnNode) -> _Card:
    texts = [
        _columns(_cut(node.name)) * NAME_WIDTH,
        _columns(_label(node)) * LABEL_WIDTH,
        _columns(_condition(node)) * CODE_WIDTH - TILE - PAD,
    ]
    width = max(MIN_WIDTH, max(texts) + TILE + 3 * PAD)
    height = TILE + 2 * PAD + (LINE + 6 if node.when else 0)
    if node.body is None:
        return _Card(node, width, height)
    body = _group(node.body)
    width = max(width, body.layout.width + 2 * BODY_PAD)
    return _Card(node, width, height + body.height + BODY_PAD, body)


def _label(node: DrawnNode) -> str:
    if node.kind == "input":
        return _cut(node.label or "where a run begins")
    return _cut(f"{node.kind} · {node.label}" if node.label else node.kind)


def _condition(node: DrawnNode) -> str:
    return _cut(f"if {node.when}", MAX_CHARACTERS + 4) if node.when else ""


def _cut(text: str, most: int = MAX_CHARACTERS) -> str:
    text = one_line(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _columns(text: str) -> int:
    """Return how wide a text is in narrow characters; those of East Asia are twice as wide."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


# Drawing ------------------------------------------------------------------------------------------


def _drawn(group: _Group, left: float, top: float) -> Iterator[str]:
    """Yield a group's edges, then its cards over them."""
    yield f'<g transform="translate({left:g} {top:g})">'
    yield from _edges(group)
    for layer, y in zip(group.layout.layers, group.tops, strict=True):
        for slot in layer:
            if slot.node:
                yield from _drawn_card(group.cards[slot.node], slot.x - slot.width / 2, y)
    yield "</g>"


def _edges(group: _Group) -> Iterator[str]:
    ports = _ports(group)
    paths: dict[tuple[str, str], list[str]] = {}
    for index, links in enumerate(group.layout.links):
        for link in links:
            paths.setdefault(link.edge, []).append(_curve(group, index, link, ports))
    for edge, parts in paths.items():
        drawn = group.edges[edge]
        taken = all(group.cards[name].node.status == "done" for name in edge)
        marks = f"{drawn.kind}{' taken' if taken else ''}"
        head = "taken" if taken else "error" if drawn.kind == "error" else "edge"
        yield f'<path class="edge {marks}" d="{" ".join(parts)}" marker-end="url(#{head})"/>'


def _ports(group: _Group) -> dict[tuple[int, bool], float]:
    """Return the x at which each link leaves its upper card and reaches its lower one.

    Keys are the link's identity and whether this is its lower end.
    """
    ends: dict[tuple[int, bool], list[tuple[float, Link, Slot]]] = {}
    for link in (link for links in group.layout.links for link in links):
        ends.setdefault((id(link.upper), False), []).append((link.lower.x, link, link.upper))
        ends.setdefault((id(link.lower), True), []).append((link.upper.x, link, link.lower))
    ports: dict[tuple[int, bool], float] = {}
    for (_, lower), found in ends.items():
        found.sort(key=lambda end: end[0])
        for at, (_, link, slot) in enumerate(found, 1):
            spread = min(slot.width * 0.7, 26.0 * len(found)) if slot.node else 0.0
            ports[id(link), lower] = slot.x + spread * (at / (len(found) + 1) - 0.5)
    return ports


def _curve(group: _Group, index: int, link: Link, ports: dict[tuple[int, bool], float]) -> str:
    """Return the part of a path between two layers, with the straight part above it."""
    x, end = ports[id(link), False], ports[id(link), True]
    floor = group.tops[index + 1] - LAYER_GAP
    bottom = group.tops[index] + group.cards[link.upper.node].height if link.upper.node else group.tops[index]
    y = group.tops[index + 1] - (7 if link.lower.node else 0)
    bend = LAYER_GAP * 0.55
    start = f"M{x:.1f} {bottom:.1f}" if link.upper.node else f"L{x:.1f} {bottom:.1f}"
    return (
        f"{start} L{x:.1f} {floor:.1f} C{x:.1f} {floor + bend:.1f} {end:.1f} {y - bend:.1f} {end:.1f} {y:.1f}"
    )


def _kinds(drawing: Drawing) -> set[str]:
    """Return the kinds of edge in a drawing and in its bodies."""
    inside = (_kinds(node.body) for node in drawing.nodes if node.body is not None)
    return {edge.kind for edge in drawing.edges}.union(*inside)


def _legend(kinds: list[str], y: float) -> Iterator[str]:
    x = float(MARGIN)
    for kind in kinds:
        yield f'<path class="edge {kind}" d="M{x:g} {y - 4:g}h26"/>'
        yield f'<text class="label small" x="{x + 33:g}" y="{y:g}">{EDGE_KINDS[kind]}</text>'
        x += 33 + len(EDGE_KINDS[kind]) * 6.2 + 20


def _drawn_card(card: _Card, x: float, y: float) -> Iterator[str]:
    node = card.node
    marks = " ".join(part for part in ("card", node.kind, node.status, "last" if node.output else "") if part)
    yield f'<g class="{_text(marks)}" transform="translate({x:.1f} {y:.1f})">'
    yield f"<title>{_text(_tip(node))}</title>"
    if node.kind == "each":  # a stack of cards: one for every item
        yield f'<rect class="box" x="5" y="5" width="{card.width:.1f}" height="{card.height:.1f}" rx="{RADIUS}"/>'
    yield f'<rect class="box" width="{card.width:.1f}" height="{card.height:.1f}" rx="{RADIUS}"/>'
    yield f'<rect class="tile" x="{PAD}" y="{PAD}" width="{TILE}" height="{TILE}" rx="8"/>'
    yield f'<path class="icon" transform="translate({PAD + 5} {PAD + 5})" d="{ICONS.get(node.kind, ICONS["graph"])}"/>'
    left = TILE + 2 * PAD
    yield f'<text class="name" x="{left}" y="{PAD + 12}">{_text(_cut(node.name))}</text>'
    yield f'<text class="label" x="{left}" y="{PAD + 28}">{_text(_label(node))}</text>'
    if node.when:
        yield f'<text class="code" x="{PAD}" y="{PAD + TILE + LINE + 1}">{_text(_condition(node))}</text>'
    yield from _badges(card)
    if card.body is not None:
        yield from _drawn(
            card.body, (card.width - card.body.layout.width) / 2, card.height - card.body.height - BODY_PAD
        )
    yield "</g>"


def _badges(card: _Card) -> Iterator[str]:
    """Yield the marks on a card's border: what became of it, and that a run can end here."""
    if card.node.status in ("done", "failed"):
        sign = "M-4 0 l3 3 l5 -6" if card.node.status == "done" else "M-3.5 -3.5 l7 7 m0 -7 l-7 7"
        yield f'<g class="badge" transform="translate({card.width - 4:.1f} 4)"><circle r="9"/><path d="{sign}"/></g>'
    if card.node.output:
        yield (
            f'<g class="end" transform="translate({card.width - 38:.1f} {card.height:.1f})">'
            '<rect x="-27" y="-8" width="54" height="16" rx="8"/><text y="3.5">output</text></g>'
        )


def _tip(node: DrawnNode) -> str:
    """Return what a pointer over the card shows: everything, uncut."""
    lines = [f"{node.name}: {node.kind} {node.label}".rstrip(), f"when: {node.when}" if node.when else ""]
    return "\n".join([*filter(None, lines), *([node.status] if node.status else [])])


def _text(text: str) -> str:
    """Return `text` fit for XML: escaped, without characters that it cannot hold."""
    return escape("\n".join(map(one_line, text.split("\n"))))
