"""JSON Schemas, as tools and Python annotations give them, read as types of the graph language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from swarm.spec.types import ANY, Type, record

__all__ = ["from_schema"]


def from_schema(schema: Mapping[str, Any] | None) -> Type:
    """Return the nearest `Type` of a JSON Schema; what it cannot express becomes `any`.

    A type inside itself (a tree, a linked list) is `any` there: the language has no such types.
    """
    return _Schemas((schema or {}).get("$defs", {})).nearest(schema)


class _Schemas:
    """The named schemas of one JSON Schema, and which of them is being read."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._open: set[str] = set()

    def nearest(self, schema: Mapping[str, Any] | None) -> Type:
        if not schema:
            return ANY
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]).rsplit("/", 1)[-1])
        if "anyOf" in schema:
            options = [option for option in schema["anyOf"] if option.get("type") != "null"]
            if len(options) != 1:
                return ANY
            inner = self.nearest(options[0])
            return replace(inner, optional=inner.optional or len(options) < len(schema["anyOf"]))
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return Type(base="list", item=self.nearest(schema.get("items")))
        if kind in ("string", "integer", "number", "boolean"):
            one_of = schema.get("enum", ()) or ((schema["const"],) if "const" in schema else ())
            return Type(base=cast("str", kind), one_of=tuple(one_of))
        return ANY

    def _referred(self, name: str) -> Type:
        if name in self._open:
            return ANY
        self._open.add(name)
        found = self.nearest(self._named.get(name))
        self._open.remove(name)
        return found

    def _object(self, schema: Mapping[str, Any]) -> Type:
        properties: Mapping[str, Any] = schema.get("properties", {})
        if not properties:
            return Type(base="object")
        required = set(schema.get("required", ()))
        fields: dict[str, Type] = {}
        for name, inner in properties.items():
            kind = self.nearest(inner)
            fields[name] = kind if name in required else replace(kind, default=inner.get("default"))
        return record(fields, open=schema.get("additionalProperties", True) is not False)
