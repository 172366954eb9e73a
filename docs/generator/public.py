"""The public names of the package: signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import swarm
from generator.markdown import block, code, prose
from swarm.errors import SwarmError

__all__ = ["names"]

WIDTH = 96
TOGETHER = {"RunPaused": "RunResult"}  # another name for the same thing


def names() -> str:
    """Return every public name but the exceptions, which errors.md lists."""
    parts: list[str] = []
    errors: list[str] = []
    for name in sorted(swarm.__all__, key=str.lower):
        thing = getattr(swarm, name)
        if isinstance(thing, type) and issubclass(thing, SwarmError):
            errors.append(name)
        elif name in TOGETHER:
            parts += [f"## {name}", f"Another name for [{TOGETHER[name]}](#{TOGETHER[name].lower()})."]
        elif not name.startswith("__"):
            parts += _section(name, thing)
    listed = ", ".join(map(code, errors))
    return "\n\n".join([*parts, "## Errors", f"{listed}: see [errors](errors.md)."])


def _section(name: str, thing: Any) -> Iterator[str]:
    yield f"## {name}"
    if not _is_protocol(thing) and not _is_model(thing):
        yield block(_signature(name, thing), "text")
    yield prose(thing)
    if isinstance(thing, type):
        for method, function in _methods(thing):
            yield f"### {name}.{method}"
            if isinstance(function, property):
                yield f"*property*. {prose(function)}"
            else:
                yield block(_signature(method, function), "text")
                yield prose(function)
    if _is_model(thing):
        yield "Its fields are those of [an expert's file](expert.md)."


def _is_protocol(thing: Any) -> bool:
    return bool(getattr(thing, "_is_protocol", False))


def _is_model(thing: Any) -> bool:
    return hasattr(thing, "model_fields")


def _methods(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class, its bases of this package included."""
    seen: set[str] = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("swarm.") or _is_model(base):
            continue
        for name, value in vars(base).items():
            function: Any = getattr(value, "__func__", value)  # a class method's function
            documented = inspect.isfunction(function) or isinstance(function, property)
            if not name.startswith("_") and name not in seen and documented:
                seen.add(name)
                yield name, function


def _signature(name: str, thing: Any) -> str:
    """Return `name(...) -> ...`, one parameter a line where one line is too short."""
    signature = inspect.signature(thing)
    parameters = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    shown = list(_with_markers(parameters))
    head = f"{'async ' if inspect.iscoroutinefunction(thing) else ''}{name}"
    returns = signature.return_annotation
    tail = "" if isinstance(thing, type) or returns is inspect.Signature.empty else f" -> {_written(returns)}"
    text = f"{head}({', '.join(shown)}){tail}"
    return text if len(text) <= WIDTH else f"{head}(\n    " + ",\n    ".join(shown) + f",\n){tail}"


def _with_markers(parameters: Sequence[inspect.Parameter]) -> Iterator[str]:
    """Yield the parameters as text, with the `*` and `/` that stand between kinds."""
    kinds = [one.kind for one in parameters]
    positional = kinds.count(inspect.Parameter.POSITIONAL_ONLY)
    starred = inspect.Parameter.VAR_POSITIONAL in kinds
    for at, one in enumerate(parameters):
        if positional and at == positional:
            yield "/"
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield _parameter(one)
    if positional and positional == len(parameters):
        yield "/"


def _parameter(one: inspect.Parameter) -> str:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(one.kind, "")
    text = f"{stars}{one.name}"
    if one.annotation is not inspect.Parameter.empty:
        text += f": {_written(one.annotation)}"
    if one.default is inspect.Parameter.empty:
        return text
    # what `dataclass` makes of a default factory has no value to show
    default = "..." if repr(one.default).startswith("<") else repr(one.default)
    return f"{text} = {default}"


def _written(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
