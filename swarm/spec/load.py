"""Read a graph or an expert from YAML: everything wrong with the file at once, each at its place.

The only importer of the YAML library. One parse gives the data and the place of every key and
value; loading never raises for what a file says, imports nothing that it names and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm.spec._reading.overrides import apply_overrides
from swarm.spec._reading.traps import Stumble, explain
from swarm.spec._reading.tree import Event, Tree, build
from swarm.spec._reading.validate import read_expert, read_graph
from swarm.spec.findings import Finding, did_you_mean
from swarm.spec.source import Path as Place
from swarm.spec.source import Source, Span

if TYPE_CHECKING:
    from swarm.errors import Problem
    from swarm.spec.expert import Expert
    from swarm.spec.graph import GraphSpec

__all__ = ["LoadedExpert", "LoadedGraph", "load_expert", "load_graph", "load_text", "read_text_file"]

MAX_BYTES = 1_000_000
LONG_TAG = re.compile(r"(?<![^\s\[\]{},:-])!\S{10000}")  # the parser takes the square of a tag's length
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class LoadedGraph:
    """A graph file as far as it can be understood.

    Attributes:
        spec: the graph without its broken parts; None if there is nothing to go by.
        findings: every problem of YAML and of the format.
        broken: places left out of `spec`, such as `("nodes", "triage")`: known names whose
            content cannot be trusted.
        folder: what paths in the file are relative to. `file`: the path as the user gave it.
    """

    spec: GraphSpec | None
    source: Source
    findings: tuple[Finding, ...]
    broken: frozenset[Place]
    folder: Path
    file: str

    def problems(self, more: Sequence[Finding] = ()) -> tuple[Problem, ...]:
        """Return these findings and `more` as problems, in the order of the file."""
        return self.source.problems([*self.findings, *more])


@dataclass(frozen=True, kw_only=True)
class LoadedExpert:
    """An `expert.yaml` as far as it can be understood; None as `spec` if it has any error."""

    spec: Expert | None
    source: Source
    findings: tuple[Finding, ...]
    folder: Path
    file: str

    def problems(self, more: Sequence[Finding] = ()) -> tuple[Problem, ...]:
        """Return these findings and `more` as problems, in the order of the file."""
        return self.source.problems([*self.findings, *more])


def load_graph(path: str | Path, *, shown: str | None = None, overrides: Sequence[str] = ()) -> LoadedGraph:
    """Return the graph written in the file `path`.

    Args:
        shown: how to name the file in problems; default: `path` as given.
        overrides: `path.in.the.file=value`, put over the file before it is checked.
    """
    file = str(path) if shown is None else shown
    text, trouble = read_text_file(Path(path), MAX_BYTES)
    if trouble is not None:
        return _no_graph(trouble, file=file, folder=Path(path).parent)
    return load_text(text, file=file, folder=Path(path).parent, overrides=overrides)


def load_text(
    text: str,
    *,
    file: str = "graph.swarm.yaml",
    folder: str | Path = ".",
    overrides: Sequence[str] = (),
) -> LoadedGraph:
    """Return the graph written as `text`; `folder` is what paths in it are relative to."""
    trouble = _trouble_of(text)
    if trouble is not None:
        return _no_graph(trouble, file=file, folder=Path(folder), text=text)
    tree = read_yaml(text)
    options, refused = apply_overrides(tree, overrides, read=_read_value) if overrides else ((), ())
    spec, findings, broken = read_graph(tree)
    source = Source(file=file, text=text, keys=tree.keys, values=tree.values, options=options)
    return LoadedGraph(
        spec=spec,
        source=source,
        findings=(*tree.findings, *refused, *findings),
        broken=broken,
        folder=Path(folder),
        file=file,
    )


def load_expert(path: str | Path, *, shown: str | None = None) -> LoadedExpert:
    """Return the expert written in the file `path` (an `expert.yaml`)."""
    file = str(path) if shown is None else shown
    folder = Path(path).parent
    text, trouble = read_text_file(Path(path), MAX_BYTES)
    trouble = trouble or _trouble_of(text)
    if trouble is not None:
        source, findings = _alone(trouble, file, text)
        return LoadedExpert(spec=None, source=source, findings=findings, folder=folder, file=file)
    tree = read_yaml(text)
    spec, findings = read_expert(tree)
    return LoadedExpert(
        spec=spec,
        source=Source(file=file, text=text, keys=tree.keys, values=tree.values),
        findings=(*tree.findings, *findings),
        folder=folder,
        file=file,
    )


def read_text_file(path: Path, max_bytes: int) -> tuple[str, Finding | None]:
    """Return the text of a file, or "" and why it cannot be read (the finding's path is empty)."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except FileNotFoundError:
        return "", _not_there(path)
    except OSError as error:
        folder = isinstance(error, IsADirectoryError)
        reason = "it is a folder" if folder else error.strerror or str(error)
        hint = "name a file in it" if folder else ""
        message = f"{(path.name or str(path))!r} cannot be read: {reason}"
        return "", Finding(code="SW009", message=message, path=(), hint=hint)
    if len(raw) > max_bytes:
        message = f"{path.name!r} is larger than {max_bytes:,} bytes"
        return "", Finding(code="SW005", message=message, path=(), hint="split it")
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError as error:
        message = f"{path.name!r} is not UTF-8: byte {error.start} is {raw[error.start]:#04x}"
        return "", Finding(code="SW009", message=message, path=(), hint="save it as UTF-8")


def read_yaml(text: str) -> Tree:
    """Return what a YAML text says, with every problem of the YAML itself."""
    try:
        return build(_events(text), text)
    except _StumbledError as error:
        return _stumbled(error.stumble, text)


def _read_value(text: str) -> Tree:
    """Return what the value of an option says."""
    trouble = _trouble_of(text)
    if trouble is None:
        return read_yaml(text)
    tree = Tree(values={(): Span(start=trouble.offset, end=trouble.offset + 1)})
    tree.refuse(replace(trouble, offset=0))
    return tree


def _not_there(path: Path) -> Finding:
    message = f"there is no file {path.name!r}"
    folder = path.parent
    if not folder.is_dir():
        return Finding(code="SW020", message=f"{message}: there is no folder {str(folder)!r}", path=())
    names = (entry.name for entry in folder.iterdir() if entry.suffix == path.suffix)
    hint = did_you_mean(path.name, names)
    return Finding(code="SW020", message=message, path=(), hint=hint)


def _trouble_of(text: str) -> Finding | None:
    """Return why a text is not fit to be parsed at all."""
    if len(text) > MAX_BYTES:
        message = f"the text is larger than {MAX_BYTES:,} characters"
        return Finding(code="SW005", message=message, path=(), hint="split it")
    if text.startswith("\ufeff"):
        message = "the file begins with a byte order mark"
        return Finding(code="SW009", message=message, path=(), hint="save it as UTF-8 without BOM")
    match = LONG_TAG.search(text)
    if match is not None:
        message = "a word of more than 10,000 characters begins with '!'"
        return Finding(code="SW005", message=message, path=(), offset=match.start(), hint="split it")
    match = CONTROL.search(text)
    if match is None:
        return None
    message = f"the character {ord(match[0]):#06x} is not allowed"
    return Finding(code="SW009", message=message, path=(), offset=match.start(), hint="delete it")


def _alone(trouble: Finding, file: str, text: str = "") -> tuple[Source, tuple[Finding, ...]]:
    """Return the source and the findings of a text that was not parsed."""
    at = trouble.offset
    values = {(): Span(start=at, end=at + 1)} if trouble.offset else {}
    return Source(file=file, text=text, values=values), (replace(trouble, offset=0),)


def _no_graph(trouble: Finding, *, file: str, folder: Path, text: str = "") -> LoadedGraph:
    source, findings = _alone(trouble, file, text)
    return LoadedGraph(
        spec=None, source=source, findings=findings, broken=frozenset(), folder=folder, file=file
    )


class _StumbledError(Exception):
    def __init__(self, stumble: Stumble) -> None:
        super().__init__(stumble.problem)
        self.stumble = stumble


def _stumbled(stumble: Stumble, text: str) -> Tree:
    trap = explain(stumble, text)
    at = min(trap.at, max(0, len(text.rstrip()) - 1))
    tree = Tree(values={(): Span(start=at, end=at + 1)})
    tree.refuse(Finding(code=trap.code, message=trap.message, path=(), hint=trap.hint))
    return tree


def _events(text: str) -> Iterator[Event]:
    """Yield the events of the first document of `text`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    documents = 0
    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)  # pyright: ignore[reportUnknownMemberType]
    try:
        for event in events:
            name = type(event).__name__
            documents += name == "DocumentStartEvent"
            if documents > 1:
                second = Stumble(problem="a second document begins here", at=_mark(event.start_mark))
                raise _StumbledError(second)
            if name in _KINDS:
                yield _event(event, name)
    except MarkedYAMLError as error:
        raise _StumbledError(_stumble(error)) from error
    except (YAMLError, ValueError) as error:
        raise _StumbledError(Stumble(problem=str(error).splitlines()[0], at=0)) from error


def _stumble(error: Any) -> Stumble:
    at, context = _mark(error.problem_mark), _mark(error.context_mark)
    return Stumble(problem=str(error.problem or error.context), at=max(at, 0), context=context)


_KINDS: dict[str, Any] = {
    "ScalarEvent": "scalar",
    "MappingStartEvent": "mapping",
    "SequenceStartEvent": "sequence",
    "MappingEndEvent": "end",
    "SequenceEndEvent": "end",
    "AliasEvent": "alias",
}


def _event(event: Any, name: str) -> Event:
    kind = _KINDS[name]
    return Event(
        kind=kind,
        start=event.start_mark.index,
        end=event.end_mark.index,
        value=(event.anchor if kind == "alias" else getattr(event, "value", "")) or "",
        style=getattr(event, "style", "") or "",
        flow=bool(getattr(event, "flow_style", False)),
        tag=str(getattr(event, "tag", "") or ""),
        anchor=getattr(event, "anchor", "") or "",
    )


def _mark(mark: Any) -> int:
    return -1 if mark is None else int(mark.index)
