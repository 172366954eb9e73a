"""JSON Schemas of the two formats, for editors: completion, help on hover, and good diagnostics.

Made from the models that read the files, so they cannot disagree with them; then shaped for the
way editors work: draft 7, `if`/`then` by a node's kind instead of a bare `oneOf` (whose only
message is "matches nothing"), and definitions that are reached through properties only. They say
less than `swarm check`, never the contrary, but for `null`: an editor asks to leave a key out
rather than to give it null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic import BaseModel

from swarm.spec.expert import TYPE_SCHEMA, Expert
from swarm.spec.graph import NAME, NODE_KINDS, GraphSpec, Node
from swarm.spec.types import LONG_KEYS, SCALARS

__all__ = ["expert_schema", "graph_schema"]

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
REF = "#/definitions/{model}"
_NAME_PATTERN = "^" + NAME.pattern.replace(r"\Z", "$")
_NAMED = ("nodes", "experts", "models", "input")  # mappings whose keys are names
_WORDS = [word + mark for word in SCALARS for mark in ("", "?")]
_ONE_WORD = "(" + "|".join(SCALARS) + r")\??"


def graph_schema(expert_names: Iterable[str] = (), tool_names: Iterable[str] = ()) -> Schema:
    """Return the JSON Schema of a `*.swarm.yaml` file.

    Args:
        expert_names, tool_names: known names, offered for completion; others stay allowed, since
            a graph may declare experts of its own.
    """
    schema = _shaped(GraphSpec)
    definitions = schema["definitions"]
    experts, tools = _suggest(expert_names), _suggest(tool_names)
    definitions["ExpertNode"]["properties"]["expert"] |= experts
    definitions["RouteNode"]["properties"]["route"] = {
        "description": definitions["RouteNode"]["properties"]["route"]["description"],
        "anyOf": [{"const": "all"}, {"type": "array", "minItems": 1, "items": experts}],
    }
    definitions["ToolNode"]["properties"]["tool"] |= tools
    definitions["Expert"]["properties"]["use"] |= experts
    definitions["Expert"]["properties"]["tools"]["items"] = tools
    definitions["Expert"]["anyOf"] = [{"required": ["use"]}, {"required": ["kind"]}]
    definitions["Node"] = _by_kind(definitions, NODE_KINDS)
    definitions["BodyOrNode"] = _by_kind(definitions, ("nodes", *NODE_KINDS))
    return {"$schema": DRAFT, "title": "A graph of swarm", **schema}


def expert_schema() -> Schema:
    """Return the JSON Schema of an `expert.yaml` file."""
    schema = _shaped(Expert)
    schema["required"] = ["name"]
    schema["anyOf"] = [{"required": ["kind"]}, {"required": ["use"]}]
    return {"$schema": DRAFT, "title": "An expert of swarm", **schema}


def _shaped(model: type[BaseModel]) -> Schema:
    """Return the schema of `model` in draft 7, without what only Python needs."""
    raw = model.model_json_schema(by_alias=True, ref_template=REF)
    definitions = raw.pop("$defs", {})
    schema = _shape(raw)
    schema["definitions"] = {name: _shape(inner) for name, inner in definitions.items()} | _types()
    return schema


def _shape(schema: Any, key: str = "") -> Any:
    """Return a part of a schema for editors; `key` is the property that it belongs to."""
    if isinstance(schema, list):
        return [_shape(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    table = cast("Schema", schema)
    if table.get("anyOf") == TYPE_SCHEMA["anyOf"]:
        return {"$ref": "#/definitions/Type"}
    if "oneOf" in table:  # in these models: the kinds of a node
        kinds = [option["$ref"] for option in table["oneOf"]]
        return {"$ref": "#/definitions/" + ("BodyOrNode" if REF.format(model="Body") in kinds else "Node")}
    shaped = {
        word: _properties(value) if word in ("properties", "$defs") else _shape(value, word)
        for word, value in table.items()
        if word not in ("title", "default")
    }
    return _named(_without_null(shaped, had_default="default" in table), key)


def _properties(properties: Mapping[str, Any]) -> Schema:
    return {name: _named(_shape(inner), name) for name, inner in properties.items()}


def _named(schema: Schema, name: str) -> Schema:
    """Return the schema of a mapping of names with a rule for the names."""
    if name in _NAMED and schema.get("type") == "object":
        return {**schema, "propertyNames": {"pattern": _NAME_PATTERN}}
    return schema


def _without_null(schema: Schema, *, had_default: bool) -> Schema:
    """Return the schema of an optional key as that of the key where it is given."""
    options: list[Schema] = schema.get("anyOf", [])
    rest = [option for option in options if option != {"type": "null"}]
    if not had_default or len(rest) == len(options):
        return schema
    if len(rest) > 1:
        return {**schema, "anyOf": rest}
    return rest[0] | {word: value for word, value in schema.items() if word != "anyOf"}


def _suggest(names: Iterable[str]) -> Schema:
    """Return the schema of a name of which some are known."""
    known = sorted(set(names))
    return {"anyOf": [{"enum": known}, {"type": "string"}]} if known else {"type": "string"}


def _by_kind(definitions: Mapping[str, Schema], kinds: tuple[str, ...]) -> Schema:
    """Return the schema of a mapping that has exactly one of the keys `kinds`, and what goes with it."""
    names = {kind: "Body" if kind == "nodes" else f"{kind.capitalize()}Node" for kind in kinds}
    one = ", ".join(kinds)
    return {
        "type": "object",
        "description": f"Exactly one of {one} says what it does.",
        "properties": {kind: {"description": _help(definitions[name], kind)} for kind, name in names.items()}
        | {key: {"description": field.description or ""} for key, field in _common().items()},
        "oneOf": [{"required": [kind]} for kind in kinds],
        "allOf": [
            {"if": {"required": [kind]}, "then": {"$ref": REF.format(model=name)}}
            for kind, name in names.items()
        ],
    }


def _common() -> dict[str, Any]:
    return {field.alias or name: field for name, field in Node.model_fields.items()}


def _help(definition: Schema, kind: str) -> str:
    more = definition["properties"][kind].get("description", "")
    return f"{definition['description']} {more}".strip()


def _types() -> dict[str, Schema]:
    """Return the definitions of the type language of `swarm.spec.types`."""
    type_ref = {"$ref": "#/definitions/Type"}
    long: Schema = {
        "type": type_ref,
        "optional": {"type": "boolean", "description": "Null is allowed, and an input may be left out."},
        "default": {"description": "For an input that is left out."},
        "one_of": {"type": "array", "description": "The only values allowed."},
        "description": {"type": "string"},
        "private": {"const": False, "description": "Reserved."},
    }
    assert set(long) == set(LONG_KEYS)
    return {
        "Type": {
            "description": TYPE_SCHEMA["description"],
            "anyOf": [
                {"enum": _WORDS},
                {"type": "string", "pattern": rf"^\s*(\[\s*)*{_ONE_WORD}(\s*\]\??)*\s*$"},
                {"type": "array", "minItems": 1, "maxItems": 1, "items": type_ref},
                {"$ref": "#/definitions/ObjectType"},
            ],
        },
        "ObjectType": {
            "type": "object",
            "if": {"required": ["type"]},
            "then": {"properties": long, "additionalProperties": False},
            "else": {"additionalProperties": type_ref},
        },
    }
