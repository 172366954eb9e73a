"""From YAML events to plain data with the place of everything, in one pass.

Scalars follow the core schema of YAML 1.2, and only JSON comes out: `yes`, `on`, dates, `.inf` and
the like stay text, and every key is text. Tags, anchors and aliases are refused, not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from swarm.spec._reading.traps import advice_on_alias, advice_on_tag, brackets_as_key, trap_in_scalar
from swarm.spec.findings import Finding
from swarm.spec.source import Path, Span

__all__ = ["MAX_FINDINGS", "Event", "Tree", "build"]

MAX_DEPTH = 32
MAX_ITEMS = 100_000  # 10,000 nodes with ten values each; reading them takes a few seconds
MAX_FINDINGS = 1_000
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
MAX_DIGITS = 300  # a longer number stays text; int() itself refuses thousands


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of the parse; `start` and `end` are offsets, `flow` is `{...}` or `[...]`."""

    kind: Literal["scalar", "mapping", "sequence", "end", "alias"]
    start: int
    end: int
    value: str = ""
    style: str = ""
    flow: bool = False
    tag: str = ""
    anchor: str = ""


@dataclass(kw_only=True)
class Tree:
    """What a text says.

    Attributes:
        data: plain data: dict, list, str, int, float, bool, None.
        keys, values: where everything stands.
        bad: places whose value was refused or cannot be trusted; `data` has null, or a part, there.
    """

    data: Any = None
    keys: dict[Path, Span] = field(default_factory=dict[Path, Span])
    values: dict[Path, Span] = field(default_factory=dict[Path, Span])
    findings: list[Finding] = field(default_factory=list[Finding])
    bad: set[Path] = field(default_factory=set[Path])

    def add(self, finding: Finding) -> None:
        """Note a finding; after a thousand nobody reads on."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)

    def refuse(self, finding: Finding) -> None:
        """Note that the value at the finding's place cannot be used."""
        self.add(finding)
        self.bad.add(finding.path)

    @property
    def root(self) -> Span:
        """Return the span of the whole."""
        return self.values.get((), Span(start=0, end=0))


def build(events: Iterator[Event], text: str) -> Tree:
    """Return the tree of the first value of `events`; an empty stream is null."""
    tree = Tree()
    first = next(events, None)
    if first is not None:
        builder = _Builder(events, text, tree)
        try:
            tree.data = builder.value(first, ())
            for _ in events:  # whatever follows must be parsed to be refused
                pass
        except _TooMuchError as error:
            tree.findings.append(error.finding)
            tree.bad.add(())
    return tree


class _TooMuchError(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Builder:
    def __init__(self, events: Iterator[Event], text: str, tree: Tree) -> None:
        self.events, self.text, self.tree = events, text, tree
        self.items = 0

    def value(self, event: Event, path: Path) -> Any:
        """Return the value that begins with `event`, and note where it and its parts stand."""
        self._limit(event, path, depth=len(path))
        self.tree.values[path] = Span(start=event.start, end=event.end)
        self._refuse_extras(event, path)
        if path in self.tree.bad:
            self._skip(event, path)
            return None
        match event.kind:
            case "mapping":
                result: Any = self._mapping(event, path)
            case "sequence":
                result = self._sequence(event, path)
            case _:
                result = self._scalar(event, path)
        return None if path in self.tree.bad else result

    def _limit(self, event: Event, path: Path, *, depth: int) -> None:
        self.items += 1
        if self.items > MAX_ITEMS:
            message = f"the file has more than {MAX_ITEMS:,} values"
        elif depth > MAX_DEPTH:
            message = f"the file nests more than {MAX_DEPTH} deep"
        else:
            return
        self.tree.values[path] = Span(start=event.start, end=event.end)
        hint = "move parts into a graph of their own: `graph: part.swarm.yaml`"
        raise _TooMuchError(Finding(code="SW005", message=message, path=path, hint=hint))

    def _refuse_extras(self, event: Event, path: Path) -> None:
        if event.kind == "alias":
            self.tree.refuse(advice_on_alias(event.value, path, alias=True))
        elif event.tag:
            self.tree.refuse(advice_on_tag(event.tag, path))
        elif event.anchor:
            self.tree.refuse(advice_on_alias(event.anchor, path, alias=False))

    def _sequence(self, event: Event, path: Path) -> list[Any]:
        result: list[Any] = []
        end = event.end
        for item in self._until_end():
            inner = (*path, len(result))
            result.append(self.value(item, inner))
            end = self.tree.values[inner].end
        self.tree.values[path] = Span(start=event.start, end=end, style="{" if event.flow else "-")
        return result

    def _mapping(self, event: Event, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        end = event.end
        for key in self._until_end():
            if not self._is_name(key, path):
                self._skip(key, path)
                self._skip(next(self.events), path)
                continue
            inner = (*path, key.value)
            if key.value in result:
                self._twice(key.value, inner)
            self.tree.keys[inner] = Span(start=key.start, end=key.end)
            result[key.value] = self.value(next(self.events), inner)  # of two, the last stands
            end = self.tree.values[inner].end
        self.tree.values[path] = Span(start=event.start, end=end, style="{" if event.flow else "-")
        return result

    def _is_name(self, key: Event, path: Path) -> bool:
        """Return whether `key` is plain text; report it if not."""
        if key.kind in ("mapping", "sequence"):
            self.tree.refuse(brackets_as_key(path))
        elif key.kind == "alias" or key.tag or key.anchor:
            self._refuse_extras(key, path)
        elif not key.value and not key.style:
            self.tree.refuse(Finding(code="SW012", message="a key is missing before ':'", path=path))
        else:
            return True
        return False

    def _skip(self, event: Event, path: Path) -> None:
        """Read past a value that was refused, or has no name."""
        open_ = [event] if event.kind in ("mapping", "sequence") else []
        while open_:
            inner = next(self.events)
            self._limit(inner, path, depth=len(path) + len(open_))
            if inner.kind == "end":
                open_.pop()
            elif inner.kind in ("mapping", "sequence"):
                open_.append(inner)

    def _twice(self, name: str, path: Path) -> None:
        if len(self.tree.findings) >= MAX_FINDINGS:
            return
        line = self.text.count("\n", 0, self.tree.keys[path].start) + 1
        message = f"{name!r} is written twice: first in line {line}"
        self.tree.add(Finding(code="SW002", message=message, path=path, at_key=True, hint="keep one of them"))

    def _scalar(self, event: Event, path: Path) -> Any:
        self.tree.values[path] = Span(start=event.start, end=event.end, style=event.style, text=event.value)
        finding = trap_in_scalar(event.value, event.style, self.text[event.end : event.end + 200], path)
        if finding is not None:
            self.tree.refuse(finding)
        return event.value if event.style else _core(event.value)

    def _until_end(self) -> Iterator[Event]:
        """Yield the events of a collection; whoever takes one also takes what is inside it."""
        for event in self.events:
            if event.kind == "end":
                return
            yield event


def _core(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.2's core schema, as far as JSON can say it."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if len(text) > MAX_DIGITS:
        return text
    if INTEGER.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if NUMBER.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text
