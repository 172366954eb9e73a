"""Where in a file a place of the structure stands: from a `Finding` to a `Problem`.

A `Source` is made by `swarm.spec.load` from one parse of the text. It knows the span of every key
and value, and finds a column *inside* a text value too, whatever quotes or folding it was written
with. Values that came from a `--set` option have a `Source` of their own, so that a problem points
at the option that caused it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from swarm.errors import Problem
from swarm.spec.findings import Finding

__all__ = ["Path", "Source", "Span", "part_of", "starts_with"]

Path = tuple[str | int, ...]

BLOCK_STYLES = ("|", ">")
# Escapes in double quotes that stand for white space, which YAML may fold as well.
_SPACE_ESCAPES = frozenset("nrtvfN_LP \n")
_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of the text.

    Attributes:
        start, end: character offsets into the text; `end` is exclusive.
        style: how a scalar is written: "" plain, `'`, `"`, `|`, `>`; `{` or `-` for a flow or a
            block collection.
        text: what a scalar says once quotes, escapes and folding are undone.
    """

    start: int
    end: int
    style: str = ""
    text: str = ""

    def index(self, raw: str, offset: int) -> int:
        """Return where in `raw` the character `offset` of `.text` is written."""
        at = self._content(raw)
        for char in self.text[:offset]:
            if not char.isspace():
                at = self._after(raw, self._seek(raw, at))
        wanted = self.text[offset : offset + 1]
        return at if not wanted or wanted.isspace() else self._seek(raw, at)

    def _content(self, raw: str) -> int:
        if self.style in BLOCK_STYLES:
            line_end = raw.find("\n", self.start, self.end)
            return self.end if line_end < 0 else line_end + 1
        return self.start + (1 if self.style in ("'", '"') else 0)

    def _seek(self, raw: str, at: int) -> int:
        """Skip white space, which YAML may fold; escapes for white space too."""
        while at < self.end:
            if raw[at].isspace():
                at += 1
            elif self.style == '"' and raw[at] == "\\" and raw[at + 1 : at + 2] in _SPACE_ESCAPES:
                at += 2
            else:
                break
        return at

    def _after(self, raw: str, at: int) -> int:
        """Return the place behind the character written at `at`."""
        if self.style == '"' and raw[at : at + 1] == "\\":
            return at + 2 + _ESCAPE_DIGITS.get(raw[at + 1 : at + 2], 0)
        if self.style == "'" and raw[at : at + 2] == "''":
            return at + 2
        return at + 1


@dataclass(frozen=True, kw_only=True)
class Source:
    """The text of a file and where in it everything stands.

    Attributes:
        file: the path as the user gave it, or the option (`--set experts.triage.examples`).
        keys, values: spans by path. A sequence's entries have values only.
        options: sources of the values that options put over the file's; the last one wins.
    """

    file: str
    text: str = ""
    keys: Mapping[Path, Span] = field(default_factory=dict[Path, Span])
    values: Mapping[Path, Span] = field(default_factory=dict[Path, Span])
    options: tuple[tuple[Path, Source], ...] = ()

    def problem(self, finding: Finding) -> Problem:
        """Return `finding` with its file, line, column, line of source and width of the caret."""
        owner = self._option(finding.path)
        if owner is not None:
            return owner.problem(finding)
        start, end = self._range(finding)
        line, col = self.line_col(start)
        source = self._line(line)
        return Problem(
            finding.code,
            finding.message,
            file=self.file,
            line=line,
            col=col,
            source=source,
            length=max(1, min(end - start, len(source) - col + 1)),
            path=finding.path,
            hint=finding.hint,
            severity=finding.severity,
        )

    def problems(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """Return the findings as problems in the order of the file, one root cause per place.

        Of two errors at the same value only the first is kept, and a warning where there is an
        error already is dropped. Two fields missing in the same node are two problems.
        """
        found = [(finding, self.problem(finding)) for finding in findings]
        found.sort(key=lambda pair: (pair[1].file != self.file, pair[1].line, pair[1].col, _rank(pair[1])))
        kept: list[Problem] = []
        seen: set[tuple[object, ...]] = set()
        for finding, problem in found:
            place = (problem.file, problem.line, problem.col)
            identity = (*place, problem.code, problem.message)
            if identity in seen or (place in seen and (problem.severity == "warning" or not finding.at_key)):
                continue
            seen.update((place, identity))
            kept.append(problem)
        return tuple(kept)

    def is_option(self, path: Path) -> bool:
        """Return whether the value at `path` was given as an option, not in the file."""
        return self._option(path) is not None

    def line_col(self, index: int) -> tuple[int, int]:
        """Return line and column, both from 1, of a character offset."""
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def _option(self, path: Path) -> Source | None:
        for prefix, source in reversed(self.options):
            if starts_with(path, prefix):
                return source
        return None

    def _range(self, finding: Finding) -> tuple[int, int]:
        span = (self.keys if finding.at_key else self.values).get(finding.path)
        if span is None:
            span = self._nearest(finding.path)
        elif not finding.at_key and (finding.offset or finding.length):
            start = span.index(self.text, finding.offset)
            if not finding.length:
                return start, span.end
            return start, span.index(self.text, finding.offset + finding.length - 1) + 1
        return span.start, span.end

    def _nearest(self, path: Path) -> Span:
        for size in range(len(path), -1, -1):
            for spans in (self.values, self.keys) if size == len(path) else (self.keys, self.values):
                if path[:size] in spans:
                    return spans[path[:size]]
        return Span(start=0, end=0)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(index + 1 for index, char in enumerate(self.text) if char == "\n")]

    def _line(self, line: int) -> str:
        start = self._starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


def starts_with(path: Path, prefix: Path) -> bool:
    """Return whether `path` is `prefix` or inside it."""
    return path[: len(prefix)] == prefix


def part_of(path: Path) -> Path:
    """Return the place of the innermost part, read on its own, that `path` is in.

    Parts are an entry of `input`, `models`, `experts` or `nodes`, a body (`do`), a node in a body,
    and every other field of the file.
    """
    if path[:1] not in (("input",), ("models",), ("experts",), ("nodes",)):
        return path[:1]
    size = 2
    while path[0] == "nodes" and path[size : size + 1] == ("do",):
        inside = path[size + 1 : size + 2] == ("nodes",) and len(path) > size + 2
        size += 3 if inside else 1
    return path[:size]


def _rank(problem: Problem) -> int:
    return 1 if problem.severity == "warning" else 0
