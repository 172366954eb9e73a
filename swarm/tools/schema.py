"""What a Python function tells about itself: JSON Schemas from its hints, words from its docstring.

pydantic makes the schemas and converts the arguments; it is imported when a tool is first looked
at, not when it is defined. The docstring is Google style: a summary, then `Args:`.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from swarm.errors import SwarmError, ToolError
from swarm.tools.result import plain

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["KEY_PARAMETER", "Blueprint", "blueprint", "read_docstring"]

KEY_PARAMETER = "idempotency_key"
SECTION = re.compile(r"(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?|Source):\s*$")
ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)")
PLAIN_TYPES = (str, int, float, bool, type(None), Any, object, dict, list)
PLAIN_ORIGINS = (list, dict, Sequence, Mapping, typing.Union, types.UnionType)


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """What is known of a function before it is called.

    Attributes:
        parameters: JSON Schema of the arguments by name, closed.
        returns: JSON Schema of the result; None when nothing is known of it.
        adapters: converts each argument from plain data to what its annotation says.
        converted: the names whose annotation is more than plain data.
    """

    description: str
    parameters: Mapping[str, Any]
    returns: Mapping[str, Any] | None
    adapters: Mapping[str, TypeAdapter[Any]]
    converted: frozenset[str] = field(default_factory=frozenset[str])


def blueprint(function: Callable[..., Any], *, name: str) -> Blueprint:
    """Read a function's hints and docstring.

    Raises:
        ToolError: an annotation cannot be resolved, or has no JSON Schema; names the parameter.
    """
    hints = _hints(function, name)
    parameters = {
        parameter.name: parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != KEY_PARAMETER
    }
    adapters = {argument: _adapter(hints.get(argument, Any), argument, name) for argument in parameters}
    description, notes = read_docstring(function.__doc__ or "")
    return Blueprint(
        description=description,
        parameters=_parameters_schema(parameters, adapters, notes),
        returns=_returns_schema(hints["return"]) if "return" in hints else None,
        adapters=adapters,
        converted=frozenset(argument for argument in parameters if not _is_plain(hints.get(argument, Any))),
    )


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Return the words before the first section, and the description of each argument under `Args:`."""
    before: list[str] = []
    notes: dict[str, str] = {}
    section, entry, margin = "", "", 0
    for line in inspect.cleandoc(text).splitlines():
        indent = len(line) - len(line.lstrip())
        if (heading := SECTION.match(line)) is not None:
            section, entry, margin = heading[1], "", 0
        elif not section:
            before.append(line)
        elif section in ("Args", "Arguments", "Parameters") and line.strip():
            margin = margin or indent
            if indent <= margin and (match := ENTRY.match(line.strip())):
                entry, notes[match[1]] = match[1], match[2].strip()
            elif entry:
                notes[entry] = f"{notes[entry]} {line.strip()}".strip()
    paragraphs = re.split(r"\n\s*\n", "\n".join(before))
    return "\n".join(" ".join(part.split()) for part in paragraphs if part.strip()), notes


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        return {argument: _for_pydantic(hint) for argument, hint in hints.items()}
    except RecursionError as error:
        raise ToolError(
            "a TypedDict that holds itself cannot be described before Python 3.12",
            where=f"tool {name!r}",
            hint="use a dataclass, or TypedDict from typing_extensions",
            code="tool_signature",
        ) from error
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise ToolError(
            f"its annotations cannot be read: {error}",
            where=f"tool {name!r}",
            hint="define or import the types at the top of the module, not inside a function",
            code="tool_signature",
        ) from error


def _for_pydantic(annotation: Any) -> Any:
    """Replace `typing.TypedDict`, which pydantic cannot read before Python 3.12, by its newer twin."""
    if sys.version_info >= (3, 12):
        return annotation
    if typing.is_typeddict(annotation):
        return _newer_twin(annotation)
    arguments = typing.get_args(annotation)
    newer = (
        tuple(map(_for_pydantic, arguments)) if typing.get_origin(annotation) is not Literal else arguments
    )
    if newer == arguments:
        return annotation
    if isinstance(annotation, types.UnionType):
        return typing.Union[newer]  # noqa: UP007 (made, not written)
    if typing.get_origin(annotation) is Annotated:
        return Annotated[newer]
    return (
        annotation.copy_with(newer)
        if hasattr(annotation, "copy_with")
        else typing.get_origin(annotation)[newer]
    )


@functools.cache
def _newer_twin(table: Any) -> Any:
    import typing_extensions

    wrapper = {True: typing_extensions.Required, False: typing_extensions.NotRequired}
    hints = {name: _for_pydantic(hint) for name, hint in typing.get_type_hints(table).items()}
    fields: dict[str, Any] = {
        name: wrapper[name in table.__required_keys__][hint] for name, hint in hints.items()
    }
    twin: Any = typing_extensions.TypedDict(table.__name__, fields)  # type: ignore[misc]
    twin.__doc__ = table.__doc__
    return twin


def _adapter(annotation: Any, argument: str, name: str) -> TypeAdapter[Any]:
    from pydantic import PydanticUserError, TypeAdapter

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        adapter.json_schema()
    except PydanticUserError as error:
        raise ToolError(
            f"the type of its parameter {argument!r} cannot be described to a model: {inspect.formatannotation(annotation)}",
            where=f"tool {name!r}",
            hint="use str, int, float, bool, list, dict, a dataclass, a TypedDict or a pydantic model",
            code="tool_signature",
        ) from error
    return adapter


def _parameters_schema(
    parameters: Mapping[str, inspect.Parameter],
    adapters: Mapping[str, TypeAdapter[Any]],
    notes: Mapping[str, str],
) -> dict[str, Any]:
    from pydantic import TypeAdapter

    mode: Literal["validation"] = "validation"
    schemas, shared = TypeAdapter.json_schemas([(name, mode, adapter) for name, adapter in adapters.items()])
    properties: dict[str, Any] = {}
    for name, parameter in parameters.items():
        properties[name] = _untitled(schemas[name, mode])
        if name in notes:
            properties[name].setdefault("description", notes[name])
        properties[name] |= _default(parameter)
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return schema | _untitled({key: shared[key] for key in ("$defs",) if key in shared})


def _default(parameter: inspect.Parameter) -> dict[str, Any]:
    if parameter.default is parameter.empty:
        return {}
    try:
        return {"default": plain(parameter.default)}
    except SwarmError:  # a default that is no plain data is Python's business alone
        return {}


def _returns_schema(annotation: Any) -> dict[str, Any] | None:
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return _untitled(TypeAdapter(annotation).json_schema(mode="serialization")) or None
    except PydanticUserError:  # a class of the author's own: what comes is checked for being plain data
        return None


def _untitled(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the titles pydantic adds: they repeat the names, and a small model reads every token."""
    return {key: _untitled_part(key, part) for key, part in schema.items() if key != "title"}


def _untitled_part(key: str, part: Any) -> Any:
    if isinstance(part, Mapping):
        table = cast("Mapping[str, Any]", part)
        if key in ("properties", "$defs", "patternProperties"):  # here a key is a name, `title` too
            return {name: _untitled(inner) for name, inner in table.items()}
        return _untitled(table) if key in ("items", "additionalProperties", "not") else dict(table)
    if isinstance(part, list) and key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [_untitled(inner) for inner in cast("list[Mapping[str, Any]]", part)]
    return cast("Any", part)


def _is_plain(annotation: Any, inside: tuple[Any, ...] = ()) -> bool:
    """Return whether JSON values can be passed for this annotation as they are."""
    if annotation in PLAIN_TYPES or annotation in inside:
        return True
    if typing.is_typeddict(annotation):
        inside = (*inside, annotation)
        return all(_is_plain(hint, inside) for hint in typing.get_type_hints(annotation).values())
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return all(type(value) in PLAIN_TYPES for value in typing.get_args(annotation))
    if origin in (typing.Required, typing.NotRequired) or origin in PLAIN_ORIGINS:
        return all(_is_plain(argument, inside) for argument in typing.get_args(annotation))
    return False
