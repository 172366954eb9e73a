"""Where the nodes of a picture go: in layers, with few crossings and straight edges.

Layers by the longest path, order by barycentres (Sugiyama, Tagawa, Toda 1981), and columns by
least squares under the order (isotonic regression). Units are the caller's: pixels or characters.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Layout", "Link", "Slot", "arrange"]

Edge = tuple[str, str]
ORDER_SWEEPS = 16
COLUMN_SWEEPS = 24
BEND_WEIGHT = 4.0  # how much more a bend of a long edge wants to be straight than a node


@dataclass(slots=True)
class Slot:
    """A place in a layer: of a node, or of an edge that passes through it (`node` is "").

    Attributes:
        x: of the centre.
    """

    node: str
    width: float
    x: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """The part of `edge` between two neighbouring layers."""

    edge: Edge
    upper: Slot
    lower: Slot


@dataclass(frozen=True, slots=True)
class Layout:
    """Layers from the top, each from the left; `links[i]` lie between layers i and i + 1."""

    layers: Sequence[Sequence[Slot]]
    links: Sequence[Sequence[Link]]
    width: float


def arrange(widths: Mapping[str, float], edges: Sequence[Edge], *, gap: float, bend: float) -> Layout:
    """Return a layout of the nodes of these widths, in the order given where nothing else decides.

    Args:
        edges: without a cycle, each pair once.
        gap: at least so much between neighbours. `bend`: the width of an edge passing a layer.
    """
    layers, links = _layered(widths, edges, bend)
    _order(layers, links)
    _columns(layers, links, gap)
    right = max((slot.x + slot.width / 2 for layer in layers for slot in layer), default=0.0)
    return Layout(layers, links, right)


def _ranks(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return each node's layer: below all it waits for, and beginnings just above what follows them."""
    following: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for source, target in edges:
        following[source].append(target)
        waiting[target] += 1
    first = [name for name in names if waiting[name] == 0]
    order, rank = list(first), dict.fromkeys(names, 0)
    for name in order:
        for target in following[name]:
            rank[target] = max(rank[target], rank[name] + 1)
            waiting[target] -= 1
            if waiting[target] == 0:
                order.append(target)
    for name in first:
        rank[name] = min((rank[target] - 1 for target in following[name]), default=0)
    return rank


def _layered(
    widths: Mapping[str, float], edges: Sequence[Edge], bend: float
) -> tuple[list[list[Slot]], list[list[Link]]]:
    rank = _ranks(list(widths), edges)
    layers: list[list[Slot]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    links: list[list[Link]] = [[] for _ in layers[1:]]
    slots = {name: Slot(name, width) for name, width in widths.items()}
    for name, slot in slots.items():
        layers[rank[name]].append(slot)
    for source, target in edges:
        upper = slots[source]
        for layer in range(rank[source] + 1, rank[target] + 1):
            lower = slots[target] if layer == rank[target] else Slot("", bend)
            if not lower.node:
                layers[layer].append(lower)
            links[layer - 1].append(Link((source, target), upper, lower))
            upper = lower
    return layers, links


def _order(layers: list[list[Slot]], links: list[list[Link]]) -> None:
    """Order each layer in place by where its neighbours are, keeping the best order seen."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers, links)
    for sweep in range(ORDER_SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        for index in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            _by_barycentre(layers, links, index, down=down)
        count = _crossings(layers, links)
        if count < fewest:
            best, fewest = [list(layer) for layer in layers], count
    for layer, order in zip(layers, best, strict=True):
        layer[:] = order


def _by_barycentre(layers: list[list[Slot]], links: list[list[Link]], index: int, *, down: bool) -> None:
    fixed = layers[index - 1 if down else index + 1]
    place = {id(slot): float(at) for at, slot in enumerate(fixed)}
    seen: dict[int, list[float]] = {}
    for link in links[index - 1 if down else index]:
        mine, other = (link.lower, link.upper) if down else (link.upper, link.lower)
        seen.setdefault(id(mine), []).append(place[id(other)])
    stay = {id(slot): float(at) for at, slot in enumerate(layers[index])}
    layers[index].sort(key=lambda slot: _mean(seen.get(id(slot), [stay[id(slot)]])))


def _crossings(layers: list[list[Slot]], links: list[list[Link]]) -> int:
    count = 0
    for (upper, lower), between in zip(pairwise(layers), links, strict=True):
        above = {id(slot): at for at, slot in enumerate(upper)}
        below = {id(slot): at for at, slot in enumerate(lower)}
        ends: list[int] = []
        for _, end in sorted((above[id(link.upper)], below[id(link.lower)]) for link in between):
            count += len(ends) - bisect_left(ends, end + 1)
            insort(ends, end)
    return count


def _columns(layers: list[list[Slot]], links: list[list[Link]], gap: float) -> None:
    """Give every slot its x: near its neighbours, in the order of its layer, `gap` apart."""
    near: dict[int, list[tuple[Slot, bool]]] = {}
    for link in (link for between in links for link in between):
        near.setdefault(id(link.lower), []).append((link.upper, True))
        near.setdefault(id(link.upper), []).append((link.lower, False))
    for layer in layers:
        _settle(layer, [0.0] * len(layer), gap)
    for sweep in range(COLUMN_SWEEPS):
        down, both = sweep % 2 == 0, sweep >= COLUMN_SWEEPS - 4
        for layer in layers if down else reversed(layers):
            _settle(layer, [_wanted(slot, near.get(id(slot), []), down, both) for slot in layer], gap)
    left = min((slot.x - slot.width / 2 for layer in layers for slot in layer), default=0.0)
    for slot in (slot for layer in layers for slot in layer):
        slot.x -= left


def _wanted(slot: Slot, near: Sequence[tuple[Slot, bool]], down: bool, both: bool) -> float:
    seen = [other.x for other, above in near if both or above is down]
    return _mean(seen) if seen else slot.x


def _settle(layer: list[Slot], wanted: Sequence[float], gap: float) -> None:
    """Place a layer as near as possible to where its slots want to be (pool adjacent violators)."""
    offsets = [0.0]
    for left, right in pairwise(layer):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, slots
    for slot, want, offset in zip(layer, wanted, offsets, strict=True):
        mean, weight, count = want - offset, 1.0 if slot.node else BEND_WEIGHT, 1
        while pools and pools[-1][0] >= mean:
            left_mean, left_weight, left_count = pools.pop()
            mean = (mean * weight + left_mean * left_weight) / (weight + left_weight)
            weight, count = weight + left_weight, count + left_count
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    for slot, mean, offset in zip(layer, means, offsets, strict=True):
        slot.x = mean + offset


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
