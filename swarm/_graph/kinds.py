"""What type a name, a reference, a binding and a node have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from swarm._graph.forms import Bound, First, Form, OutputForm
from swarm.spec.catalogue import Catalogue
from swarm.spec.condition import Const, Expr, ListOf, Ref
from swarm.spec.fields import UnknownField, field_type
from swarm.spec.graph import AskNode, ExpertNode, ReplyNode, RouteNode, ToolNode
from swarm.spec.schema_types import from_schema
from swarm.spec.types import ANY, Type, record

__all__ = [
    "Env",
    "bound_type",
    "inputs_of",
    "item_type",
    "items_type",
    "loop_type",
    "node_type",
    "outputs_type",
    "type_of",
]

Env = Mapping[str, Type]
STRING = Type(base="string")
BOOLEAN = Type(base="boolean")
INTEGER = Type(base="integer")
MARKS: dict[str, Type] = {
    "confidence": Type(base="number", optional=True),
    "confident": BOOLEAN,
    "model": Type(base="string", optional=True),
    "rung": Type(base="integer", optional=True),
    "escalated": BOOLEAN,
}


def type_of(expr: Expr, env: Env) -> Type:
    """Return the type of an expression; what is not known is `any`."""
    if isinstance(expr, Ref):
        if expr.name not in env:
            return ANY
        kind = env[expr.name]
        if expr.optional:
            kind = replace(kind, optional=True)
        found = field_type(kind, expr.fields)
        return ANY if isinstance(found, UnknownField) else found
    if isinstance(expr, Const):
        return _constant_type(expr.value)
    if isinstance(expr, ListOf):
        return Type(base="list", item=_common([type_of(item, env) for item in expr.items]))
    return BOOLEAN


def _constant_type(value: object) -> Type:
    if value is None:
        return ANY
    for base, cls in (("boolean", bool), ("string", str), ("integer", int), ("number", float)):
        if isinstance(value, cls):
            return Type(base=base, one_of=(value,) if base == "string" else ())
    return ANY


def bound_type(bound: Bound, env: Env) -> Type:
    """Return the type of a binding."""
    if isinstance(bound, First):
        kinds = [bound_type(item, env) for item in bound.items]
        return replace(
            _common([replace(kind, optional=False) for kind in kinds]), optional=_all_optional(kinds)
        )
    if isinstance(bound, list):
        return Type(base="list", item=_common([bound_type(item, env) for item in bound]))
    if isinstance(bound, dict):
        return record({name: bound_type(value, env) for name, value in bound.items()})
    return type_of(bound, env)


def _all_optional(kinds: Sequence[Type]) -> bool:
    return all(kind.optional for kind in kinds)


def _common(kinds: Sequence[Type]) -> Type:
    """Return the one type of all, else `any`."""
    if not kinds:
        return ANY
    bases = {kind.base for kind in kinds}
    if len(bases) == 1 and kinds[0].base not in ("list", "record"):
        return Type(base=kinds[0].base, optional=any(kind.optional for kind in kinds))
    return kinds[0] if all(kind == kinds[0] for kind in kinds) else ANY


def inputs_of(form: Form, catalogue: Catalogue) -> Mapping[str, Type] | None:
    """Return what an expert, tool or graph node takes, by name; None when that is not known."""
    spec = form.spec
    if isinstance(spec, ExpertNode):
        expert = catalogue.experts.get(spec.expert)
        return expert.inputs if expert is not None else None
    if isinstance(spec, ToolNode):
        tool = catalogue.tools.get(spec.tool)
        if tool is None:
            return None
        shape = from_schema(tool.parameters)
        return (
            shape.fields
            if shape.base == "record" and not shape.open
            else ({} if _closed(tool.parameters) else None)
        )
    if form.kind == "graph":
        inner = catalogue.subgraphs.get(str(getattr(spec, "graph", "")))
        return inner.spec.input if inner is not None else None
    return None


def _closed(schema: Mapping[str, object]) -> bool:
    return not schema.get("properties") and schema.get("additionalProperties") is False


def node_type(form: Form, catalogue: Catalogue, env: Env, body: Type | None = None) -> Type:
    """Return the type of a node's value (design §4.2); `body` is that of its body or graph."""
    spec = form.spec
    if isinstance(spec, ExpertNode):
        expert = catalogue.experts.get(spec.expert)
        return record({**expert.output.fields, **MARKS}, open=expert.output.open) if expert else ANY
    if isinstance(spec, ToolNode):
        tool = catalogue.tools.get(spec.tool)
        return from_schema(tool.returns) if tool is not None else ANY
    if isinstance(spec, ReplyNode):
        return record({"text": STRING})
    if isinstance(spec, RouteNode):
        names = () if spec.route == "all" else tuple(spec.route)
        chosen = Type(base="string", one_of=names, optional=True)
        return record(
            {
                "expert": chosen,
                "scores": Type(base="object"),
                "text": Type(base="string", optional=True),
                "output": ANY,
                **MARKS,
            }
        )
    if isinstance(spec, AskNode):
        return record(spec.answer or {"text": STRING})
    if form.kind == "each":
        return Type(base="list", item=body or ANY)
    if form.kind == "repeat":
        state = {name: replace(bound_type(form.values[name], env), one_of=()) for name in _state_names(form)}
        return record({**state, "rounds": INTEGER, "reached": BOOLEAN})
    return body or ANY


def _state_names(form: Form) -> list[str]:
    names = list(getattr(form.spec, "repeat", {}))
    return [name for name in (*names, *(n for n in form.next if n not in names)) if name in form.values]


def loop_type(form: Form, env: Env) -> Type:
    """Return the type of `loop` inside a repeat's body: its state and the round."""
    state = {name: replace(bound_type(form.values[name], env), one_of=()) for name in _state_names(form)}
    return record({**state, "round": INTEGER})


def items_type(form: Form, env: Env) -> Type:
    """Return the type of what an `each` node goes over."""
    return type_of(form.items, env) if form.items is not None else ANY


def item_type(form: Form, env: Env) -> Type:
    """Return the type of an `each` node's item."""
    kind = items_type(form, env)
    if kind.base == "list":
        return kind.item or ANY
    return record({"role": STRING, "content": STRING}) if kind.base == "messages" else ANY


def outputs_type(outputs: Sequence[OutputForm], env: Env) -> Type:
    """Return the type of what a graph or body gives."""
    kinds = [bound_type(output.value, env) for output in outputs]
    if len(kinds) == 1:
        return kinds[0]
    if kinds and all(kind.base == "record" for kind in kinds):
        shared = {name for name in kinds[0].fields if all(name in kind.fields for kind in kinds)}
        every = dict.fromkeys(name for kind in kinds for name in kind.fields)
        fields = {name: kinds[0].fields[name] if name in shared else ANY for name in every}
        return record(
            {
                name: replace(kind, optional=True) if name not in shared else kind
                for name, kind in fields.items()
            },
            open=True,
        )
    return _common(kinds)
