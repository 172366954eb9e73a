"""Panels with axes, drawn as SVG. Colours come from the page's style, so that a picture is dark where the page is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

__all__ = ["Axis", "Panel", "across", "picture", "shares", "text"]

XY = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis. `ticks`: (value, what is written there); `label`: what it measures, with the unit."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    label: str = ""

    def share(self, value: float) -> float:
        """Return where a value lies between the ends: 0 to 1, outside these beyond the ends."""
        return (value - self.low) / (self.high - self.low)


def shares(low: float, high: float, label: str) -> Axis:
    """Return an axis of shares, written as percentages, from `low` to at least `high`."""
    step = _step((high - low) / 5)
    top = low + math.ceil((high - low) / step - 1e-9) * step
    ticks = [low + step * at for at in range(round((top - low) / step) + 1)]
    digits = max(0, -math.floor(math.log10(step * 100) + 1e-9))
    return Axis(
        low=low, high=top, label=label, ticks=[(tick, f"{tick * 100:.{digits}f} %") for tick in ticks]
    )


def across(high: float, label: str) -> Axis:
    """Return an axis of numbers from 0 to `high`, which is above 0."""
    step = _step(high / 6)
    ticks = [step * at for at in range(math.floor(high / step + 1e-9) + 1)]
    return Axis(low=0.0, high=high, label=label, ticks=[(tick, f"{tick:.3g}") for tick in ticks])


@dataclass(slots=True, kw_only=True)
class Panel:
    """A rectangle of a picture with two axes; what is drawn in it is cut at its edges.

    Positions and sizes are in pixels of the picture; values are in the units of the axes.
    """

    left: float
    top: float
    width: float
    height: float
    x: Axis
    y: Axis
    _inside: list[str] = field(default_factory=list[str])
    _over: list[str] = field(default_factory=list[str])

    def at(self, point: XY) -> XY:
        """Return where values lie in the picture."""
        across, up = self.x.share(point[0]), self.y.share(point[1])
        return self.left + across * self.width, self.top + (1 - up) * self.height

    def line(self, points: Iterable[XY], look: str) -> None:
        """Draw a line through the points."""
        self._inside.append(f'<polyline class="{look}" points="{self._places(points)}"/>')

    def band(self, upper: Sequence[XY], lower: Sequence[XY], look: str) -> None:
        """Fill what lies between two lines."""
        edge = [*upper, *reversed(lower)]
        self._inside.append(f'<polygon class="{look}" points="{self._places(edge)}"/>')

    def bar(self, low: XY, high: XY, look: str, tip: str) -> None:
        """Fill the rectangle between two corners."""
        (x0, y0), (x1, y1) = self.at(low), self.at(high)
        size = f'width="{abs(x1 - x0):.1f}" height="{abs(y1 - y0):.1f}"'
        self._inside.append(
            f'<rect class="{look}" x="{min(x0, x1):.1f}" y="{min(y0, y1):.1f}" {size}>{_tip(tip)}</rect>'
        )

    def dot(self, point: XY, look: str, tip: str, radius: float = 4) -> None:
        """Draw a dot, also where it lies on the edge."""
        x, y = self.at(point)
        self._over.append(
            f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{_tip(tip)}</circle>'
        )

    def note(
        self, point: XY, words: str, *, dx: float = 0, dy: float = 0, look: str = "", anchor: str = "start"
    ) -> None:
        """Write beside a place."""
        x, y = self.at(point)
        self._over.append(text(x + dx, y + dy, words, look=look, anchor=anchor))

    def svg(self) -> str:
        """Return the panel: its grid, what is in it, and its axes."""
        box = f"{self.left:g} {self.top:g} {self.width:g} {self.height:g}"
        place = f'x="{self.left:g}" y="{self.top:g}" width="{self.width:g}" height="{self.height:g}"'
        inside = f'<svg {place} viewBox="{box}">{"".join(self._inside)}</svg>'
        return "".join([*self._rulers(), inside, *self._over])

    def _places(self, points: Iterable[XY]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, points))

    def _rulers(self) -> Iterable[str]:
        bottom, end = self.top + self.height, self.left + self.width
        for value, words in self.y.ticks:
            y = self.at((self.x.low, value))[1]
            yield f'<line class="grid" x1="{self.left:g}" x2="{end:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield text(self.left - 6, y + 4, words, look="tick", anchor="end")
        for value, words in self.x.ticks:
            x = self.at((value, self.y.low))[0]
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.top:g}" y2="{bottom:g}"/>'
            yield text(x, bottom + 16, words, look="tick", anchor="middle")
        yield text(self.left + self.width / 2, bottom + 34, self.x.label, look="label", anchor="middle")
        yield self._upright(self.y.label)

    def _upright(self, words: str) -> str:
        x, y = self.left - 48, self.top + self.height / 2
        turned = f'transform="rotate(-90 {x:g} {y:g})"'
        return f'<text class="label" x="{x:g}" y="{y:g}" text-anchor="middle" {turned}>{escape(words)}</text>'


def picture(title: str, description: str, width: float, height: float, parts: Iterable[str]) -> str:
    """Return an SVG picture that says in words what it shows, for those who cannot see it."""
    head = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    size = f'viewBox="0 0 {width:g} {height:g}" style="max-width:{width * 1.35:g}px"'
    return f'<svg role="img" {size}>{head}{"".join(parts)}</svg>'


def text(x: float, y: float, words: str, *, look: str = "", anchor: str = "start") -> str:
    """Return words at a place of the picture; `anchor`: start, middle or end."""
    if not words:
        return ""
    name = f' class="{look}"' if look else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _tip(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


def _step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20 ... (any power of ten) that is not below `least`."""
    power = 10 ** math.floor(math.log10(least))
    return next(size * power for size in (1, 2, 5, 10) if size * power >= least * (1 - 1e-9))
