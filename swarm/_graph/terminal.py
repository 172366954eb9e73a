"""A graph drawn with characters: boxes in layers, lines between them, the conditions listed below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from swarm._graph.drawing import Drawing, DrawnNode, one_line
from swarm._graph.layout import Layout, Link, Slot, arrange

__all__ = ["terminal"]

MAX_TEXT = 26  # characters of a line in a box
OUTPUT = " output "  # on the border of a node that a run may answer with
UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
UNICODE = dict(zip(range(16), " ╵╷│╴┘┐┤╶└┌├─┴┬┼", strict=True))
ASCII = dict(zip(range(16), " |||-+++-+++-+++", strict=True))
SIGNS = {"done": ("✓", "*"), "failed": ("✗", "!"), "skipped": ("·", "-"), "": ("", "")}


def terminal(drawing: Drawing, *, unicode: bool = True) -> str:
    """Return `drawing` as lines of text; without `unicode`, of ASCII characters only."""
    lines = [line.rstrip() for line in _picture(drawing, unicode)]
    conditions = list(_conditions(drawing))
    if conditions:
        width = max(len(name) for name, _ in conditions)
        lines += ["", "when", *(f"  {name:<{width}}  {one_line(when)}" for name, when in conditions)]
    text = "\n".join([f"graph {one_line(drawing.name)}", "", *lines]) + "\n"
    return text if unicode else text.encode("ascii", "replace").decode()


def _conditions(drawing: Drawing) -> Iterator[tuple[str, str]]:
    for node in drawing.nodes:
        if node.when:
            yield node.name, node.when
        if node.body is not None:
            yield from _conditions(node.body)


# Boxes --------------------------------------------------------------------------------------------


def _box(node: DrawnNode, arriving: int, unicode: bool) -> list[str]:
    """Return a node as lines of the same width, wide enough for `arriving` arrows."""
    sign = SIGNS[node.status][0 if unicode else 1]
    label = node.label if node.kind == "input" else f"{node.kind} {node.label}".rstrip()
    inside = [f"{node.name} {sign}".rstrip(), *([_cut(label, unicode)] if label else [])]
    if node.body is not None:
        inside += ["", *_picture(node.body, unicode)]
    width = max(len(OUTPUT) - 1 if node.output else 0, 2 * arriving - 1, *(len(line) for line in inside))
    corners, across, side = ("┌┐└┘", "─", "│") if unicode else ("++++", "-", "|")
    bottom = across * (width + 2)
    if node.output:
        bottom = f"{OUTPUT}{across}".rjust(width + 2, across)
    return [
        corners[0] + across * (width + 2) + corners[1],
        *(f"{side} {line:<{width}} {side}" for line in inside),
        corners[2] + bottom + corners[3],
    ]


def _cut(text: str, unicode: bool) -> str:
    text = one_line(text)
    end = "…" if unicode else "..."
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(end)].rstrip() + end


def _picture(drawing: Drawing, unicode: bool) -> list[str]:
    """Return the boxes and the lines of a drawing, without its title."""
    arriving = Counter(edge.target for edge in drawing.edges)
    boxes = {node.name: _box(node, arriving[node.name], unicode) for node in drawing.nodes}
    edges = [(edge.source, edge.target) for edge in drawing.edges]
    layout = arrange({name: len(box[0]) for name, box in boxes.items()}, edges, gap=3, bend=1)
    _snap(layout)
    lines: list[str] = []
    for index, layer in enumerate(layout.layers):
        lines += _layer(layer, boxes, layout.links[index] if index < len(layout.links) else (), unicode)
        if index < len(layout.links):
            lines += _Channel(layout.links[index]).drawn(
                UNICODE if unicode else ASCII, "▼" if unicode else "v"
            )
    return lines


def _snap(layout: Layout) -> None:
    """Move every slot to whole characters; the layout left room enough to do so."""
    for layer in layout.layers:
        free = 0
        for slot in layer:
            left = max(free, round(slot.x - slot.width / 2))
            slot.x = left + (int(slot.width) - 1) // 2
            free = left + int(slot.width) + 1


def _layer(
    layer: Sequence[Slot], boxes: dict[str, list[str]], links: Sequence[Link], unicode: bool
) -> list[str]:
    """Return the lines of a layer: its boxes, and the lines that pass or leave them."""
    height = max(len(boxes[slot.node]) for slot in layer if slot.node)
    leaving = {int(link.upper.x) for link in links}
    pipe = "│" if unicode else "|"
    lines = [""] * height
    for slot in layer:
        box = boxes[slot.node] if slot.node else []
        left = int(slot.x) - (int(slot.width) - 1) // 2
        below = pipe if not slot.node or int(slot.x) in leaving else " "
        for row in range(height):
            text = box[row] if row < len(box) else below.rjust(int(slot.x) - left + 1)
            lines[row] = lines[row].ljust(left) + text
    return lines


# Lines between two layers -------------------------------------------------------------------------


@dataclass(slots=True)
class _Net:
    """All the lines that leave one slot for the next layer; they share one horizontal line."""

    source: int
    targets: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])  # column, ends in a box
    row: int = 0

    @property
    def span(self) -> tuple[int, int]:
        columns = [self.source, *(column for column, _ in self.targets)]
        return min(columns), max(columns)


class _Channel:
    """The lines between two layers: nets are given rows so that none lies on another."""

    def __init__(self, links: Sequence[Link]) -> None:
        self.nets: list[_Net] = []
        self._make(links)
        self._give_rows()

    def _make(self, links: Sequence[Link]) -> None:
        sources = {int(link.upper.x) for link in links}
        nets: dict[int, _Net] = {}
        for link, column in _ports(links, sources):
            net = nets.setdefault(id(link.upper), _Net(int(link.upper.x)))
            net.targets.append((column, bool(link.lower.node)))
        self.nets = sorted(nets.values(), key=lambda net: net.span)

    def _give_rows(self) -> None:
        """Give each net the first row below all that it overlaps with and that should lie above it."""
        placed: list[_Net] = []
        for net in self._upper_first():
            low, high = net.span
            if low != high:
                met = (other for other in placed if other.span[0] <= high + 1 and low - 1 <= other.span[1])
                net.row = max((other.row + 1 for other in met), default=0)
                placed.append(net)

    def _upper_first(self) -> list[_Net]:
        """Return the nets from the top, in an order that makes few of them cross."""
        rest, order = list(self.nets), list[_Net]()
        while rest:
            best = min(rest, key=lambda net: sum(_cost(net, other) - _cost(other, net) for other in rest))
            rest.remove(best)
            order.append(best)
        return order

    def drawn(self, signs: dict[int, str], head: str) -> list[str]:
        """Return the lines of the channel."""
        height = 2 + max((net.row for net in self.nets), default=0)
        width = 1 + max((net.span[1] for net in self.nets), default=0)
        masks = [[0] * width for _ in range(height)]
        owner = [[-1] * width for _ in range(height)]
        for index, net in enumerate(self.nets):
            for row, column, mask in _strokes(net, height):
                other = owner[row][column] not in (-1, index)
                # a line that crosses another passes over it, so that no join is seen where none is
                masks[row][column] = UP | DOWN if other else masks[row][column] | mask
                owner[row][column] = index
        grid = [[signs[mask] for mask in line] for line in masks]
        for column in (column for net in self.nets for column, ends in net.targets if ends):
            grid[-1][column] = head
        return ["".join(line) for line in grid]


def _cost(upper: _Net, lower: _Net) -> int:
    """Return how bad it is if `upper` turns above `lower`: crossings, and worse, lines on one another."""
    if upper is lower:
        return 0
    (low, high), (left, right) = upper.span, lower.span
    crossings = (low <= lower.source <= high) + sum(left <= column <= right for column, _ in upper.targets)
    return crossings + 100 * any(column == lower.source for column, _ in upper.targets)


def _ports(links: Sequence[Link], sources: set[int]) -> Iterator[tuple[Link, int]]:
    """Yield each link with the column at which it comes down; every one has its own."""
    by_target: dict[int, list[Link]] = {}
    for link in links:
        by_target.setdefault(id(link.lower), []).append(link)
    for group in by_target.values():
        group.sort(key=lambda link: link.upper.x)
        lower = group[0].lower
        centre, reach = int(lower.x), (int(lower.width) - 3) // 2
        if len(group) == 1 and abs(int(group[0].upper.x) - centre) <= reach:
            yield group[0], int(group[0].upper.x)  # straight down
            continue
        step = max(1, min(4, 2 * reach // len(group)))
        for at, link in enumerate(group):
            column = centre + round((at - (len(group) - 1) / 2) * step)
            if column in sources and column != int(link.upper.x) and reach > 1:
                column += 1 if column < centre + reach else -1  # another line leaves right above
            yield link, column


def _strokes(net: _Net, height: int) -> Iterator[tuple[int, int, int]]:
    """Yield (row, column, directions) of every character of a net, corners last."""
    low, high = net.span
    for row in range(net.row):
        yield row, net.source, UP | DOWN
    if low != high:
        for column in range(low, high + 1):
            yield net.row, column, (LEFT if column > low else 0) | (RIGHT if column < high else 0)
    yield net.row, net.source, UP
    for column, _ in net.targets:
        yield net.row, column, DOWN
        for row in range(net.row + 1, height):
            yield row, column, UP | DOWN
