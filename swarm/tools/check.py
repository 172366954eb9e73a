"""Whether a value fits a JSON Schema, fast when it does and well worded when it does not.

A tool is called far more often with right arguments than with wrong ones. So a schema is compiled
to plain Python checks that only ever say "certainly fits"; whatever they do not accept goes to
jsonschema, which decides and words the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

__all__ = ["SchemaCheck"]

Check = Callable[[Any], bool]

MAX_PROBLEMS = 5
MAX_SENTENCE = 200  # characters: jsonschema quotes the whole value, which may be megabytes
MAX_DEPTH = 12  # deeper or recursive schemas are left to jsonschema
NOTES = {"title", "description", "default", "examples", "format", "$defs", "$schema"}  # these limit nothing
SCALARS: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "null": frozenset({type(None)}),
}


class SchemaCheck:
    """One schema, compiled once.

    Args:
        schema: a JSON Schema; `$ref` may point into its own `$defs`.

    Attributes:
        fits: says whether a value fits, for certain and without jsonschema; False may still mean it fits.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self.fits: Check = _compile(schema, schema.get("$defs", {}), MAX_DEPTH) or _never

    def problems(self, value: Any) -> tuple[str, ...]:
        """Return a sentence for each misfit, the place first; at most five, () when `value` fits."""
        if self.fits(value):
            return ()
        found = self._validator.iter_errors(value)
        return tuple(_sentence(error) for error, _ in zip(found, range(MAX_PROBLEMS), strict=False))

    @cached_property
    def _validator(self) -> Validator:
        from jsonschema.validators import validator_for

        return validator_for(self.schema)(self.schema)


def _sentence(error: ValidationError) -> str:
    """Word one misfit: where it is, and what was expected there."""
    leaves: list[ValidationError] = list(error.context or ())
    if leaves and all(leaf.validator == "type" and not leaf.relative_path for leaf in leaves):
        wanted = " or ".join(_words(leaf.validator_value for leaf in leaves))
        text = f"{_shortened(repr(error.instance), 80)} is not of type {wanted}"
    else:
        while error.context:  # an `anyOf`: the alternative that came nearest says it best
            error = max(error.context, key=lambda leaf: len(leaf.absolute_path))
        text = error.message
    place = _place(error.absolute_path)
    return _shortened(f"{place}: {text}" if place else text, MAX_SENTENCE)


def _words(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from _words(cast("list[Any]", value)) if isinstance(value, list) else [repr(value)]


def _place(path: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2 - 2
    return f"{text[:half]} ... {text[-half:]}"


def _never(_value: Any) -> bool:
    return False


def _always(_value: Any) -> bool:
    return True


def _compile(schema: Any, defs: Mapping[str, Any], depth: int) -> Check | None:
    """Return a check that is true only for values that fit; None for what is not simple."""
    if schema is True or schema == {}:
        return _always
    if not isinstance(schema, Mapping) or depth == 0:
        return None
    table = cast("Mapping[str, Any]", schema)
    if "$ref" in table:
        target = defs.get(str(table["$ref"]).removeprefix("#/$defs/"))
        return _compile(target, defs, depth - 1) if target is not None else None
    limits = table.keys() - NOTES
    if limits == {"anyOf"}:
        return _compile_any([_compile(option, defs, depth - 1) for option in table["anyOf"]])
    match table.get("type"):
        case "object" if limits <= {"type", "properties", "required", "additionalProperties"}:
            return _compile_object(table, defs, depth)
        case "array" if limits <= {"type", "items"}:
            return _compile_array(_compile(table.get("items", True), defs, depth - 1))
        case str(kind) if kind in SCALARS and limits <= {"type", "enum"}:
            return _compile_scalar(SCALARS[kind], table.get("enum"))
        case None if not limits:
            return _always
        case _:
            return None


def _compile_scalar(types: frozenset[type], enum: Sequence[Any] | None) -> Check:
    if enum is None and len(types) == 1:
        (only,) = types
        return lambda value: type(value) is only
    if enum is None:
        return lambda value: type(value) in types
    allowed = frozenset(enum)
    return lambda value: type(value) in types and value in allowed


def _compile_any(options: list[Check | None]) -> Check | None:
    checks = [check for check in options if check is not None]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) or second(value)
    return (lambda value: any(check(value) for check in checks)) if checks else None


def _compile_array(item: Check | None) -> Check | None:
    if item is None:
        return None
    return lambda value: type(value) is list and all(map(item, cast("list[Any]", value)))


def _compile_object(schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> Check | None:
    fields = {name: _compile(inner, defs, depth - 1) for name, inner in schema.get("properties", {}).items()}
    extra = schema.get("additionalProperties", True)
    others = None if extra is False else _compile(extra, defs, depth - 1)
    required = frozenset(schema.get("required", ()))
    if (extra is not False and others is None) or None in fields.values():
        return None

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return False
        table: dict[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
        for name, inner in table.items():
            known = fields.get(name, others)
            if known is None or type(name) is not str or not known(inner):
                return False
        return (others is None and len(table) == len(fields)) or required <= table.keys()

    return check
