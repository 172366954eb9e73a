"""The formats of graphs and experts, as tables, from the pydantic models that read them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from generator.markdown import code, first_line, table
from swarm.spec import condition, graph, template, types
from swarm.spec._resolving import models
from swarm.spec.expert import TYPE_SCHEMA, ConfidenceSpec, Expert, QuestionSpec, Spec

__all__ = [
    "expert_fields",
    "expression_words",
    "graph_fields",
    "model_names",
    "node_fields",
    "node_kinds",
    "template_filters",
    "type_words",
]

HEAD = ("field", "value", "default", "meaning")
KINDS: Mapping[str, type[graph.Node]] = {
    "expert": graph.ExpertNode,
    "tool": graph.ToolNode,
    "reply": graph.ReplyNode,
    "route": graph.RouteNode,
    "each": graph.EachNode,
    "repeat": graph.RepeatNode,
    "graph": graph.GraphNode,
    "ask": graph.AskNode,
}
NAMED: Mapping[str, str] = {
    "Body": "a [body](#a-body-of-several-nodes)",
    "ConfidenceSpec": "[confidence](expert.md#confidence)",
    "Expert": "[expert](expert.md)",
    "ModelSpec": "[model](#models)",
    "QuestionSpec": "[question](expert.md#questions)",
    "RetrySpec": "[retry](#retry)",
} | {kind.__name__: "a node" for kind in KINDS.values()}
WORDS = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "`true` or `false`"}


def graph_fields() -> str:
    """Return the fields at the top of a graph, and of an entry under `models`."""
    return "\n\n".join(
        [table(HEAD, _rows(graph.GraphSpec)), "### Models", table(HEAD, _rows(graph.ModelSpec))]
    )


def node_fields() -> str:
    """Return the fields that every node may have."""
    return table(HEAD, _rows(graph.Node))


def node_kinds() -> str:
    """Return the fields of each kind of node, and of what stands inside one."""
    common = set(graph.Node.model_fields)
    parts: list[str] = []
    for name, kind in KINDS.items():
        parts += [f"### `{name}`", first_line(kind), table(HEAD, _rows(kind, without=common))]
    parts += ["### Retry", first_line(graph.RetrySpec), table(HEAD, _rows(graph.RetrySpec))]
    parts += ["### A body of several nodes", first_line(graph.Body), table(HEAD, _rows(graph.Body))]
    return "\n\n".join(parts)


def expert_fields() -> str:
    """Return the fields of an expert, of its confidence policy, and of a question."""
    parts = [table(HEAD, _rows(Expert))]
    for title, model in (("Confidence", ConfidenceSpec), ("Questions", QuestionSpec)):
        parts += [f"### {title}", first_line(model), table(HEAD, _rows(model))]
    return "\n\n".join(parts)


def type_words() -> str:
    """Return the words of the type language."""
    return (
        f"Words: {_list(types.SCALARS)}. Keys of the long form: {_list(types.LONG_KEYS)}."
        f" Types nest at most {types.MAX_DEPTH} deep."
    )


def expression_words() -> str:
    """Return the words, the comparisons and the limits of the expression language."""
    return "\n".join(
        [
            f"- Comparisons: {_list((*condition.COMPARISONS, 'in', 'not in'))}. They do not chain.",
            f"- Words that are no names: {_list(graph.RESERVED)}.",
            f"- At most {condition.MAX_LENGTH:,} characters, brackets at most {condition.MAX_DEPTH} deep.",
        ]
    )


def template_filters() -> str:
    """Return the filters and the limits of templates."""
    return (
        f"Filters: {_list(template.FILTERS)}. Inside a `for`: {_list('loop.' + f for f in template.LOOP_FIELDS)}."
        f" Loops nest at most {template.MAX_LOOPS} deep, and a template writes at most"
        f" {template.MAX_OUTPUT:,} characters."
    )


def model_names() -> str:
    """Return the backends and the embedded models."""
    return f"Backends: {_list(models.BACKENDS)}. Embedded models: {_list(models.EMBEDDED)}."


def _list(words: Iterator[str] | Sequence[str] | Mapping[str, Any]) -> str:
    return " ".join(code(word) for word in words)


def _rows(model: type[Spec], *, without: Collection[str] = ()) -> Iterator[tuple[str, str, str, str]]:
    schema = model.model_json_schema(by_alias=True)
    if "$ref" in schema:
        schema = schema["$defs"][model.__name__]
    required: Sequence[str] = schema.get("required", ())
    for name, field in model.model_fields.items():
        if name in without:
            continue
        key = field.alias or name
        written: Mapping[str, Any] = schema["properties"][key]
        default = "required" if key in required else _default(written.get("default"))
        meaning = field.description or written.get("description", "")
        yield code(key), _value(written), default, meaning


def _default(value: object) -> str:
    return "" if value in (None, "", [], {}) else code(_json(value))


def _json(value: object) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _value(schema: Mapping[str, Any]) -> str:
    """Return in a few words what a field takes."""
    if "$ref" in schema:
        return NAMED[str(schema["$ref"]).rsplit("/", 1)[-1]]
    if schema.get("description") == TYPE_SCHEMA["description"]:
        return "a [type](graph.md#types)"
    options = cast("Sequence[Mapping[str, Any]]", schema.get("anyOf") or schema.get("oneOf") or ())
    if options:
        if any("pattern" in one and "ms|s" in one["pattern"] for one in options):
            return "a duration"
        return " or ".join(dict.fromkeys(_value(one) for one in options if one.get("type") != "null"))
    if "const" in schema or "enum" in schema:
        return " or ".join(code(_json(word)) for word in schema.get("enum", [schema.get("const")]))
    return _plural(schema)


def _plural(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"a list of {_value(schema.get('items', {}))}"
    if kind == "object":
        inner: Any = schema.get("additionalProperties")
        return (
            f"name: {_value(cast('Mapping[str, Any]', inner))}" if isinstance(inner, Mapping) else "a mapping"
        )
    return WORDS.get(str(kind), "anything")
