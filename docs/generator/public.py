"""The public names of the package: signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from generator.markdown import block, code, prose

import swarm
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
            function = value.__func__ if isinstance(value, classmethod) else value
            documented = inspect.isfunction(function) or isinstance(function, property)
            if not name.startswith("_") and name not in seen and documented:
                seen.add(name)
                yield name, function


def _signature(name: str, thing: Any) -> str:
    """Return `name(...) -> ...`, one parameter a line where one line is too short."""
    signature = inspect.signature(thing)
    parameters = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    signature = signature.replace(parameters=parameters)
    word = "async " if inspect.iscoroutinefunction(thing) else ""
    text = f"{word}{name}{signature}".replace("'", "")
    if len(text) <= WIDTH:
        return text
    shown = ",\n    ".join(str(one).replace("'", "") for one in _with_markers(parameters))
    result = str(signature.replace(parameters=[])).replace("'", "")
    return f"{word}{name}(\n    {shown},\n){result.removeprefix('()')}"


def _with_markers(parameters: list[inspect.Parameter]) -> Iterator[object]:
    """Yield the parameters with the `*` and `/` that stand between kinds."""
    kinds = inspect.Parameter
    starred = False
    for at, one in enumerate(parameters):
        starred = starred or one.kind is kinds.VAR_POSITIONAL
        if one.kind is kinds.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield one
        after = parameters[at + 1 : at + 2]
        if one.kind is kinds.POSITIONAL_ONLY and not (after and after[0].kind is kinds.POSITIONAL_ONLY):
            yield "/"
