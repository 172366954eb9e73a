"""The type language of inputs, answers and outputs: `string?`, `[string]`, `{city: string?}`.

A `Type` says what a value must look like. It comes from YAML (`parse_type`) or from a JSON Schema
(`schema_types.from_schema`), and checks values (`misfits`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

__all__ = [
    "ANY",
    "LONG_KEYS",
    "NO_DEFAULT",
    "SCALARS",
    "Type",
    "TypeSyntaxError",
    "parse_type",
    "record",
    "same",
]

SCALARS = ("string", "integer", "number", "boolean", "object", "any", "messages")
LONG_KEYS = ("type", "optional", "default", "one_of", "description", "private")
ROLES = ("system", "user", "assistant", "tool")
MAX_DEPTH = 20


class TypeSyntaxError(ValueError):
    """A type is written wrongly; `.path` leads to the wrong part, `.hint` says what to write."""

    def __init__(self, message: str, *, path: tuple[str | int, ...] = (), hint: str = "") -> None:
        super().__init__(message)
        self.path, self.hint = path, hint


class _NoDefault:
    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Any = _NoDefault()


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """What a value must look like.

    Attributes:
        base: a word of `SCALARS`, or `list` (of `item`), or `record` (an object with known `fields`).
        optional: null is a value of it, and an input may be left out.
        one_of: the only values allowed, or () for no such limit. A label set for a classifier.
        default: for an input that is left out, or NO_DEFAULT.
        open: a record that may have fields beside the known ones (a tool's loose result).
    """

    base: str
    optional: bool = False
    item: Type | None = None
    fields: Mapping[str, Type] = field(default_factory=dict[str, "Type"])
    one_of: tuple[Any, ...] = ()
    default: Any = NO_DEFAULT
    description: str = ""
    open: bool = False

    @property
    def required(self) -> bool:
        """Return whether an input of this type must be given."""
        return not self.optional and self.default is NO_DEFAULT

    def when_left_out(self) -> Any:
        """Return the value of an input that was left out: a copy of the default, else null."""
        return None if self.default is NO_DEFAULT else copy.deepcopy(self.default)

    def filled(self, value: Any) -> Any:
        """Return a value that fits, with the fields that were left out of it: their default, else null."""
        if self.base == "list" and self.item is not None and value is not None:
            return [self.item.filled(element) for element in value]
        if self.base == "record" and value is not None:
            known = {
                name: kind.filled(value[name]) if name in value else kind.when_left_out()
                for name, kind in self.fields.items()
            }
            return {**known, **{name: inner for name, inner in value.items() if name not in known}}
        return value

    def render(self) -> Any:
        """Return the type as YAML writes it; `parse_type(t.render()) == t` but for `open`."""
        long: dict[str, Any] = {}
        if self.one_of:
            long["one_of"] = list(self.one_of)
        if self.default is not NO_DEFAULT:
            long["default"] = self.default
        if self.description:
            long["description"] = self.description
        short = self._short()
        if not long and (isinstance(short, str) or not self.optional):
            return f"{short}?" if self.optional else short
        return {"type": short} | ({"optional": True} if self.optional else {}) | long

    def _short(self) -> Any:
        if self.base == "list":
            return [(self.item or ANY).render()]
        if self.base == "record":
            return {name: kind.render() for name, kind in self.fields.items()}
        return self.base

    def __str__(self) -> str:
        mark = "?" if self.optional else ""
        if self.base == "list":
            return f"[{self.item}]{mark}"
        if self.base == "record":
            return "{" + ", ".join(f"{name}: {kind}" for name, kind in self.fields.items()) + "}" + mark
        return self.base + mark

    def misfits(self, value: Any, where: str = "") -> Iterator[str]:
        """Yield a sentence for every part of `value` that does not fit; nothing when it fits."""
        at = f"{where}: " if where else ""
        if value is None:
            if not self.optional and self.base != "any":
                yield f"{at}expected {self.base}, got null"
            return
        if not _is(self.base, value):
            yield f"{at}expected {_article(self)}, got {_name_of(value)}"
            return
        if self.one_of and not any(same(value, allowed) for allowed in self.one_of):
            yield f"{at}{value!r} is not one of {', '.join(map(repr, self.one_of))}"
        if self.base == "list" and self.item is not None:
            for index, element in enumerate(value):
                yield from self.item.misfits(element, f"{where}[{index}]")
        elif self.base == "record":
            yield from self._field_misfits(value, where)
        elif self.base == "messages":
            yield from _message_misfits(value, where)

    def _field_misfits(self, value: Mapping[str, Any], where: str) -> Iterator[str]:
        for name, kind in self.fields.items():
            place = f"{where}.{name}" if where else name
            if name not in value:
                if kind.required and kind.base != "any":
                    yield f"{place}: missing"
            else:
                yield from kind.misfits(value[name], place)
        if not self.open:
            for name in value:
                if name not in self.fields:
                    yield f"{where}.{name}: unknown field" if where else f"{name}: unknown field"

    def to_schema(self) -> dict[str, Any]:
        """Return the type as JSON Schema."""
        schema: dict[str, Any]
        if self.base == "list":
            schema = {"type": "array", "items": (self.item or ANY).to_schema()}
        elif self.base == "record":
            schema = {
                "type": "object",
                "properties": {name: kind.to_schema() for name, kind in self.fields.items()},
                "required": [name for name, kind in self.fields.items() if kind.required],
                "additionalProperties": self.open,
            }
        elif self.base == "messages":
            schema = {"type": "array", "items": _MESSAGE_SCHEMA}
        elif self.base == "any":
            schema = {}
        else:
            schema = {"type": self.base}
        if self.one_of:
            schema["enum"] = [*self.one_of, *([None] if self.optional else [])]
        if self.optional and "type" in schema:
            schema["type"] = [schema["type"], "null"]
        if self.description:
            schema["description"] = self.description
        return schema

    def accepts(self, given: Type) -> bool:
        """Return whether a value of type `given` can fit here; unknown parts count as fitting."""
        if self.base == "any" or given.base == "any":
            return True
        if given.optional and not self.optional:
            return self.accepts(replace(given, optional=False))  # may be null at run time: checked then
        if self.one_of and given.one_of:
            return any(same(a, b) for a in self.one_of for b in given.one_of)
        if self.base == given.base == "list":
            return (self.item or ANY).accepts(given.item or ANY)
        if self.base == given.base == "record":
            return self._accepts_record(given)
        pairs = {
            ("number", "integer"),
            ("object", "record"),
            ("record", "object"),
            ("messages", "list"),
            ("list", "messages"),
        }
        return self.base == given.base or (self.base, given.base) in pairs

    def _accepts_record(self, given: Type) -> bool:
        for name, kind in self.fields.items():
            if name in given.fields:
                if not kind.accepts(given.fields[name]):
                    return False
            elif kind.required and not given.open:
                return False
        return True


ANY = Type(base="any", optional=True)
_MESSAGE_SCHEMA = {
    "type": "object",
    "properties": {"role": {"enum": list(ROLES)}, "content": {"type": "string"}},
    "required": ["role", "content"],
}


def record(fields: Mapping[str, Type], *, optional: bool = False, open: bool = False) -> Type:
    """Return the type of an object with these fields."""
    return Type(base="record", fields=dict(fields), optional=optional, open=open)


def same(left: Any, right: Any) -> bool:
    """Return whether two values are equal as JSON is: `true` is not 1, 1 is 1.0."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def parse_type(raw: Any, _depth: int = 0) -> Type:
    """Return the `Type` written as `raw` (a string, a list of one, or a mapping).

    Raises:
        TypeSyntaxError: with the path to the wrong part.
    """
    if _depth > MAX_DEPTH:
        raise TypeSyntaxError(f"types nest at most {MAX_DEPTH} deep")
    if isinstance(raw, str):
        return _parse_word(raw, _depth)
    if isinstance(raw, list):
        items = cast("list[Any]", raw)
        if len(items) != 1:
            raise TypeSyntaxError("a list type names exactly one type", hint="[string]")
        return Type(base="list", item=_nested(items[0], 0, _depth))
    if isinstance(raw, Mapping):
        table = cast("Mapping[Any, Any]", raw)
        if "type" in table:
            return _parse_long(table, _depth)
        return record({_field_name(name): _nested(kind, name, _depth) for name, kind in table.items()})
    raise TypeSyntaxError(f"{raw!r} is no type", hint=f"one of {', '.join(SCALARS)}")


def _nested(raw: Any, key: str | int, depth: int) -> Type:
    try:
        return parse_type(raw, depth + 1)
    except TypeSyntaxError as error:
        raise TypeSyntaxError(str(error), path=(key, *error.path), hint=error.hint) from error


def _field_name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise TypeSyntaxError(f"a field's name is text, not {name!r}")
    return name


def _parse_word(raw: str, depth: int) -> Type:
    word = raw.strip()
    optional = word.endswith("?")
    word = word.removesuffix("?")
    if word.startswith("[") and word.endswith("]"):
        return Type(base="list", item=_nested(word[1:-1], 0, depth), optional=optional)
    if word not in SCALARS:
        import difflib

        near = difflib.get_close_matches(word, SCALARS, 1) or _FOREIGN.get(word.lower(), [])
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(SCALARS)}"
        raise TypeSyntaxError(f"unknown type {word!r}", hint=hint)
    return Type(base=word, optional=optional)


_FOREIGN = {
    "str": ["string"],
    "text": ["string"],
    "int": ["integer"],
    "float": ["number"],
    "bool": ["boolean"],
    "dict": ["object"],
    "list": ["[any]"],
    "array": ["[any]"],
}


def _parse_long(raw: Mapping[Any, Any], depth: int) -> Type:
    for key in raw:
        if key not in LONG_KEYS:
            raise TypeSyntaxError(
                f"unknown key {key!r} in a type", path=(key,), hint=f"one of {', '.join(LONG_KEYS)}"
            )
    if raw.get("private") not in (None, False):
        raise TypeSyntaxError(
            "`private` is reserved: it is refused until it is enforced",
            path=("private",),
            hint="leave it out",
        )
    kind = _nested(raw["type"], "type", depth)
    optional = raw.get("optional", False)
    if not isinstance(optional, bool):
        raise TypeSyntaxError("`optional` is true or false", path=("optional",))
    one_of = raw.get("one_of", ())
    if not isinstance(one_of, list | tuple):
        raise TypeSyntaxError("`one_of` is a list of values", path=("one_of",))
    kind = replace(
        kind,
        optional=kind.optional or optional,
        one_of=tuple(cast("list[Any]", one_of)),
        description=str(raw.get("description", "")),
    )
    if "default" in raw:
        wrong = next(kind.misfits(raw["default"]), "")
        if wrong:
            raise TypeSyntaxError(f"the default does not fit: {wrong}", path=("default",))
        kind = replace(kind, default=raw["default"])
    return kind


def _is(base: str, value: Any) -> bool:
    match base:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "object" | "record":
            return isinstance(value, Mapping)
        case "list" | "messages":
            return isinstance(value, list | tuple)
        case _:
            return True


def _article(kind: Type) -> str:
    return {"list": f"a list {kind}", "record": f"an object {kind}", "messages": "a list of messages"}.get(
        kind.base, kind.base
    )


def _name_of(value: Any) -> str:
    for base in ("boolean", "string", "integer", "number", "list", "object"):
        if _is(base, value):
            text = repr(value)
            return f"{base} {text if len(text) <= 40 else text[:37] + '...'}"
    return type(value).__name__


def _message_misfits(value: Any, where: str) -> Iterator[str]:
    for index, turn in enumerate(value):
        place = f"{where}[{index}]"
        if not isinstance(turn, Mapping):
            yield f"{place}: expected an object {{role, content}}, got {_name_of(turn)}"
            continue
        table = cast("Mapping[str, Any]", turn)
        if table.get("role") not in ROLES:
            yield f"{place}.role: {table.get('role')!r} is not one of {', '.join(ROLES)}"
        if not isinstance(table.get("content"), str):
            yield f"{place}.content: expected string, got {_name_of(table.get('content'))}"
