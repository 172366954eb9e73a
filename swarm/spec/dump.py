"""A graph or an expert back as YAML text: keys in the order the manual writes them, no comments.

What was left out stays left out, so a file that is loaded and written is written the same again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from swarm.spec._composing.checked import without_defaults
from swarm.spec._composing.emit import Quoted, Tall, emit
from swarm.spec.expert import Expert
from swarm.spec.graph import Body, EachNode, GraphSpec, Node, RepeatNode, kind_of

__all__ = ["plain_of", "to_yaml"]

_NODE_KEYS = (
    "description", "as", "with", "params", "when", "after", "do", "next", "until", "answer",
    "concurrency", "max", "retry", "timeout", "on_error", "refusal",
)  # fmt: skip
_HEADER = ("swarm", "name", "description")  # the keys that stand together at the top of a graph
_TEXTS = ("reply", "ask")


def to_yaml(spec: GraphSpec | Expert) -> str:
    """Return `spec` as the text of a `*.swarm.yaml` file, or of an `expert.yaml`.

    Loading the text gives an equal spec.
    """
    if isinstance(spec, Expert):
        return "".join(f"{line}\n" for line in emit({"swarm": spec.swarm, **_expert(spec)}))
    return "".join(f"{line}\n" for line in _sections(plain_of(spec)))


def _sections(table: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a graph with an empty one between its sections."""
    yield from emit({key: table[key] for key in table if key in _HEADER})
    for key in table:
        if key not in _HEADER:
            yield ""
            yield from emit({key: table[key]})


def plain_of(spec: GraphSpec) -> dict[str, Any]:
    """Return `spec` as the plain data that its file holds, in the order it is written."""
    values = spec.model_dump(
        by_alias=True, include={"name", "description", "input", "models", "tools", "output"}
    )
    values["input"], values["models"] = Tall(values["input"]), Tall(_models(spec))
    values["experts"] = Tall({name: Tall(_expert(expert)) for name, expert in spec.experts.items()})
    values["nodes"] = _nodes(spec.nodes)
    order = (key for key in GraphSpec.model_fields if values.get(key) not in ("", {}, None))
    return {"swarm": spec.swarm} | {key: values[key] for key in order}


def _models(spec: GraphSpec) -> dict[str, Any]:
    return {
        name: model if isinstance(model, str) else model.model_dump(exclude_unset=True)
        for name, model in spec.models.items()
    }


def _expert(expert: Expert) -> dict[str, Any]:
    values = expert.model_dump(by_alias=True, exclude_unset=True, exclude={"swarm"})
    for key in ("labels", "questions", "input", "output"):
        if values.get(key):
            values[key] = Tall(values[key])
    return values


def _nodes(nodes: dict[str, Any]) -> Tall:
    return Tall({name: Tall(_node(node)) for name, node in nodes.items()})


def _node(node: Node) -> dict[str, Any]:
    """Return the keys of a node that are not as they would be anyway, its kind first."""
    kind = str(kind_of(node))
    given = without_defaults(type(node), node.model_dump(by_alias=True, exclude_unset=True))
    if isinstance(node, EachNode | RepeatNode):
        given["do"] = _body(node.do)
    if kind in _TEXTS:
        given[kind] = Quoted(given[kind])
    return {key: given[key] for key in (kind, *_NODE_KEYS) if key in given}


def _body(body: Body | Node) -> dict[str, Any]:
    if isinstance(body, Node):
        return _node(body)
    output = {} if body.output is None else {"output": body.output}
    return Tall({"nodes": _nodes(body.nodes), **output})
