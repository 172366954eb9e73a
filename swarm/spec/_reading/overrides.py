"""`--set path.in.the.file=value`: put values over a file before it is checked.

The value is read as YAML and checked like the file; what is wrong with it is reported at the
option (`--set nodes.answer.when`), not at a line that the author did not write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from swarm.spec._reading.tree import Tree
from swarm.spec._reading.wording import field_names
from swarm.spec.findings import Finding, did_you_mean
from swarm.spec.graph import GraphSpec
from swarm.spec.source import Path, Source, Span, starts_with

__all__ = ["apply_overrides"]

KEPT = ("tools", "swarm")
NAMED = ("input", "models", "experts", "nodes")
HOW = "write `--set path.in.the.file=value`, such as `--set models.small=ollama/qwen3:4b`"
Options = tuple[tuple[Path, Source], ...]


class _RefusedError(Exception):
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def apply_overrides(
    tree: Tree, options: Sequence[str], *, read: Callable[[str], Tree]
) -> tuple[Options, tuple[Finding, ...]]:
    """Change `tree.data` by the options, in their order.

    Args:
        read: reads a YAML text (`swarm.spec.load.read_yaml`).

    Returns:
        A source for every place that an option wrote, and what could not be applied.
    """
    sources: list[tuple[Path, Source]] = []
    findings: list[Finding] = []
    for option in options:
        words, sign, text = option.partition("=")
        path, value = _path(words.strip(), tree.data), read(text)
        try:
            if not sign:
                raise _RefusedError(f"--set {option!r} has no '='", HOW)
            written = _put(tree.data, path, value.data)
        except _RefusedError as error:
            at: Path = (f"--set {words}",)
            findings.append(Finding(code="SW070", message=error.message, path=at, hint=error.hint))
            sources.append((at, Source(file=f"--set {words}", text=option, values={at: _all(option)})))
            continue
        source = _source(words, option, path, value)
        sources += [(place, source) for place in {written, path}]
        findings += [replace(finding, path=(*path, *finding.path)) for finding in value.findings]
        _replace_bad(tree, path, value)
    return tuple(sources), tuple(findings)


def _all(option: str) -> Span:
    return Span(start=0, end=len(option))


def _path(words: str, data: Any) -> Path:
    """Return `output.0` as a path: a number is an index where the file has a list."""
    path: list[str | int] = []
    for word in words.split("."):
        is_list = isinstance(data, list)
        path.append(int(word) if is_list and word.isdecimal() else word)
        data = _look(data, path[-1])
    return tuple(path)


def _look(data: Any, key: str | int) -> Any:
    if isinstance(data, dict):
        return cast("dict[str | int, Any]", data).get(key)
    if isinstance(data, list) and isinstance(key, int) and key < len(cast("list[Any]", data)):
        return cast("list[Any]", data)[key]
    return None


def _put(data: Any, path: Path, value: Any) -> Path:
    """Write `value` at `path`; return the topmost place that was not there before, or `path`."""
    if not isinstance(data, dict):
        raise _RefusedError("the file has nothing that an option could change")
    if path[0] in KEPT:
        raise _RefusedError(f"{path[0]!r} cannot be changed by an option", "change it in the file")
    if "" in path:
        raise _RefusedError(f"{'.'.join(map(str, path))!r} is no path", HOW)
    created = path
    for size in range(1, len(path)):
        inner: Any = _look(data, path[size - 1])
        if inner is None:
            inner = _create(data, path[:size])
            created = path[:size] if created == path else created
        if not isinstance(inner, dict | list):
            where = ".".join(map(str, path[:size]))
            raise _RefusedError(f"{where!r} is {inner!r}: there is nothing in it to change")
        data = cast("Any", inner)
    _write(data, path, value)
    return created


def _create(data: Any, path: Path) -> dict[str, Any]:
    """Add an empty mapping at the end of `path`, which is in `data`."""
    _check_may_create(data, path)
    made: dict[str, Any] = {}
    cast("dict[str, Any]", data)[str(path[-1])] = made
    return made


def _check_may_create(data: Any, path: Path) -> None:
    """Refuse to invent an entry, such as a node, by writing one of its fields."""
    if isinstance(data, list):
        raise _RefusedError(_no_index(cast("list[Any]", data), path))
    known = list(cast("dict[str, Any]", data)) if len(path) > 1 else field_names(GraphSpec)
    if (len(path) == 2 and path[0] in NAMED) or (len(path) == 1 and path[0] not in known):
        where = f"{path[0]!r} has" if len(path) == 2 else "a graph has"
        raise _RefusedError(f"{where} no {path[-1]!r}", did_you_mean(str(path[-1]), known))


def _write(data: Any, path: Path, value: Any) -> None:
    if isinstance(data, dict):
        cast("dict[str | int, Any]", data)[path[-1]] = value
        return
    items = cast("list[Any]", data)
    if not isinstance(path[-1], int) or path[-1] >= len(items):
        raise _RefusedError(_no_index(items, path))
    items[path[-1]] = value


def _no_index(items: list[Any], path: Path) -> str:
    where = ".".join(map(str, path[:-1]))
    return f"{where!r} is a list of {len(items)}, counted from 0: it has no {str(path[-1])!r}"


def _replace_bad(tree: Tree, path: Path, value: Tree) -> None:
    """Forget what was wrong with the value that is gone; note what is wrong with the new one."""
    tree.bad -= {place for place in tree.bad if starts_with(place, path)}
    tree.findings[:] = [f for f in tree.findings if not starts_with(f.path, path) or f.at_key]
    tree.bad |= {(*path, *place) for place in value.bad}


def _source(words: str, option: str, path: Path, value: Tree) -> Source:
    """Return where the parts of an option's value stand in the option."""
    shift = len(words) + 1

    def moved(span: Span) -> Span:
        return replace(span, start=span.start + shift, end=span.end + shift)

    keys = {(*path, *place): moved(span) for place, span in value.keys.items()}
    values = {(*path, *place): moved(span) for place, span in value.values.items()}
    name = Span(start=0, end=len(words))
    above = {path[:size]: name for size in range(1, len(path) + 1)}
    return Source(file=f"--set {words}", text=option, keys=above | keys, values=above | values)
