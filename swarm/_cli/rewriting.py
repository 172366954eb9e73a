"""Change when an expert's answers are accepted, in its YAML: that one value, and every comment kept.

The change is made at the places that loading the file found, and only taken if the changed file reads as the
old one with the new value in it. Where that cannot be done, what to write by hand is said instead.
"""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swarm._cli.outputs import replace_text
from swarm.spec.expert import ConfidenceSpec, Expert
from swarm.spec.load import load_expert, load_graph
from swarm.spec.source import Path as Place
from swarm.spec.source import Source, Span, starts_with

__all__ = ["Change", "propose"]

GUESS = re.compile(r"\A[ \t]*#[^\n\r]*\bguess\b[^\n\r]*")  # a comment that is no longer true
AFTER = (
    "cascade",
    "use",
    "kind",
)  # a new `confidence` goes under the first of these that has a line of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one file, not made yet.

    Attributes:
        after: the whole text; that of `before` where nothing has to change, or where it cannot be done safely.
        by_hand: what to write instead of it, "" where `after` does.
    """

    file: Path
    before: str
    after: str
    by_hand: str = ""

    @property
    def diff(self) -> str:
        """Return the change as a unified diff, "" where nothing changes."""
        old, new = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, str(self.file), str(self.file)))

    def make(self) -> None:
        """Write the file.

        Raises:
            OSError: it cannot be written.
        """
        replace_text(self.file, self.after)


def propose(file: Path, expert: str, target_error: float, with_confidence: float | None) -> Change:
    """Return the change that makes an expert keep a target.

    Args:
        file: a graph, or an `expert.yaml`; it has been loaded without errors.
        expert: its name: under `experts:` of a graph, or that of the file.
    """
    with file.open(encoding="utf-8", newline="") as stream:  # line ends stay as they are
        text = stream.read()
    source, specs = _read(file)
    place: Place = ("experts", expert) if file.name != "expert.yaml" else ()
    spec = specs.get(expert)
    if spec is None:
        advice = f"experts:\n  {expert}:\n    use: {expert}\n    confidence: {_written(None, target_error, with_confidence)}"
        return Change(file=file, before=text, after=text, by_hand=advice)
    old = spec.confidence
    promise = {"target_error": target_error, "with_confidence": with_confidence, "at_least": None}
    wanted = (old or ConfidenceSpec()).model_copy(update=promise)
    if old == wanted:
        return Change(file=file, before=text, after=text)
    value = _written(old, target_error, with_confidence)
    after = _edited(text, source, place, value)
    if after is None or not _means(
        file, after, {**specs, expert: spec.model_copy(update={"confidence": wanted})}
    ):
        return Change(file=file, before=text, after=text, by_hand=f"confidence: {value}")
    return Change(file=file, before=text, after=after)


def _read(file: Path) -> tuple[Source, Mapping[str, Expert]]:
    """Return where everything stands, and the experts written in the file by name."""
    if file.name == "expert.yaml":
        loaded = load_expert(file)
        return loaded.source, {} if loaded.spec is None else {loaded.spec.name or "": loaded.spec}
    graph = load_graph(file)
    return graph.source, {} if graph.spec is None else graph.spec.experts


def _written(old: ConfidenceSpec | None, target_error: float, with_confidence: float | None) -> str:
    parts = [] if old is None or old.from_ == "auto" else [f"from: {old.from_}"]
    parts.append(f"target_error: {target_error!r}")
    parts += [] if with_confidence is None else [f"with_confidence: {with_confidence!r}"]
    for name in ("samples", "witness") if old is not None else ():
        value = getattr(old, name)
        parts += [] if value is None else [f"{name}: {value}"]
    return "{" + ", ".join(parts) + "}"


def _edited(text: str, source: Source, place: Place, value: str) -> str | None:
    """Return the text with the value in it; None where it is not clear where that would go."""
    if source.text != text:
        return None  # it changed since it was loaded
    key, span = source.keys.get((*place, "confidence")), source.values.get((*place, "confidence"))
    if key is None or span is None:
        return _inserted(text, source, place, value)
    return (
        _replaced_flow(text, span, value)
        if span.style == "{"
        else _replaced_block(text, source, place, value)
    )


def _replaced_flow(text: str, span: Span, value: str) -> str | None:
    """Replace `{...}`; the span ends at its last value."""
    rest = text[span.end :].lstrip(" \r\n,")
    if not rest.startswith("}") or "#" in text[span.start : span.end]:
        return None
    return f"{text[: span.start]}{value}{GUESS.sub('', rest[1:], count=1)}"


def _replaced_block(text: str, source: Source, place: Place, value: str) -> str | None:
    """Replace the indented lines under the key, up to their last value, if no comment would be lost."""
    top = (*place, "confidence")
    end = max(
        (span.end for path, span in source.values.items() if starts_with(path, top) and path != top),
        default=0,
    )
    key = source.keys[top]
    return None if not end or "#" in text[key.end : end] else f"{text[: key.end]}: {value}{text[end:]}"


def _inserted(text: str, source: Source, place: Place, value: str) -> str | None:
    """Return the text with a new line under one that is complete in itself."""
    for name in AFTER:
        key, span = source.keys.get((*place, name)), source.values.get((*place, name))
        if key is None or span is None or "\n" in text[key.start : span.end]:
            continue
        line = text.rfind("\n", 0, key.start) + 1
        end = text.find("\n", span.end)
        indent = text[line : key.start]
        if indent.strip() or end < 0:
            continue
        ending = "\r\n" if text[end - 1] == "\r" else "\n"
        return f"{text[: end + 1]}{indent}confidence: {value}{ending}{text[end + 1 :]}"
    return None


def _means(file: Path, text: str, wanted: Mapping[str, Expert]) -> bool:
    """Return whether a text reads without errors as these experts."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        copy.write_text(text, encoding="utf-8", newline="")
        return dict(_read(copy)[1]) == dict(wanted)
