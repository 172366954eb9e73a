"""Graphs composed in Python: each method adds a node and returns a reference to its value.

    graph = Graph("support", input={"message": str})
    triage = graph.expert("triage", "intent", text=graph.input.message)
    answer = graph.expert("answer", "writer", question=graph.input.message, when=triage.confident)
    graph.output(answer)

What is composed is a `GraphSpec`, the same as a file loads to; names and fields are checked when
the graph is compiled, as those of a file are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from swarm.spec._composing.blocks import Block, output_of
from swarm.spec._composing.checked import checked, raise_for, refuse
from swarm.spec._composing.shared import HasSignature, Shared
from swarm.spec._reading.tree import Tree
from swarm.spec._reading.validate import read_graph
from swarm.spec.annotations import type_of
from swarm.spec.condition import Ref
from swarm.spec.dump import plain_of, to_yaml
from swarm.spec.expert import Expert
from swarm.spec.graph import GraphSpec, ModelSpec
from swarm.spec.references import Reference
from swarm.spec.types import Type, TypeSyntaxError

__all__ = ["Graph"]


class Graph(Block):
    """A graph under construction.

    Args:
        name: the graph's name.
        input: what a run takes, the main one first: Python types (`str`, `str | None`,
            `list[Message]`, a dataclass ...) or the words of the YAML form (`"string?"`).
        description: what it does.
        models: logical names, such as `{"small": "ollama/qwen3:4b"}`.
        tools: a file beside the graph's file (`"tools.py"`), or the tools themselves; those given
            to `.tool(...)` need not be repeated here, those that only experts call must be.
        experts: experts of this graph by name; one given to `.expert(...)` need not be here.

    Raises:
        SpecError: a type, a model or a name is wrong.
    """

    def __init__(
        self,
        name: str,
        *,
        input: Mapping[str, object] | None = None,
        description: str = "",
        models: Mapping[str, str | ModelSpec | Mapping[str, Any]] | None = None,
        tools: str | Sequence[str | HasSignature] | None = None,
        experts: Mapping[str, Expert] | None = None,
    ) -> None:
        super().__init__(Shared())
        self.name = name
        self._head: dict[str, Any] = {
            "name": name,
            "description": description,
            "input": {field: _declared(field, kind) for field, kind in (input or {}).items()},
            "models": dict(models or {}),
            "tools": tools if isinstance(tools, str) else self._tool_files(tools or ()),
        }
        self._output: Any = None
        for expert_name, expert in (experts or {}).items():
            self._shared.add_expert(expert_name, expert)

    def _tool_files(self, tools: Sequence[str | HasSignature]) -> list[str] | None:
        for tool in tools:
            if not isinstance(tool, str):
                self._shared.add_tool(tool)
        return [tool for tool in tools if isinstance(tool, str)] or None

    @property
    def input(self) -> Reference:
        """Return the input of a run: `graph.input.message`."""
        return Reference(Ref(name="input"))

    @property
    def error(self) -> Reference:
        """Return what went wrong, for the node that an `on_error` names: `graph.error.message`."""
        return Reference(Ref(name="error"))

    def output(self, *nodes: Reference | str, **fields: Reference | str) -> None:
        """Say what a run answers; said again, it replaces what was said before.

        Args:
            nodes: one node or expression; or several nodes, of which the first that ran counts.
            fields: instead of `nodes`, a mapping of names to expressions.
        """
        self._output = output_of(nodes, fields)

    @property
    def spec(self) -> GraphSpec:
        """Return the graph as its file would declare it.

        Raises:
            SpecError: there is no node or no output yet, or a body was not closed.
        """
        nodes = self._finished()
        if self._output is None:
            hint = "graph.output(node), or graph.output(first_choice, second_choice)"
            raise refuse("SW011", f"graph {self.name!r} does not say what it answers", ("output",), hint)
        whole = {**self._head, "experts": self._shared.experts, "nodes": nodes, "output": self._output}
        spec = checked(GraphSpec, whole, (), f"graph {self.name!r}")
        _, findings, _ = read_graph(Tree(data=plain_of(spec)))
        raise_for(findings)
        return spec

    @property
    def tools(self) -> tuple[HasSignature, ...]:
        """Return the tools given in Python, in the order given."""
        return tuple(self._shared.tools.values())

    @property
    def graphs(self) -> Mapping[str, Graph]:
        """Return the graphs given to `.graph(...)`, by the file name that stands for each."""
        return {name: cast("Graph", graph) for name, graph in self._shared.graphs.items()}

    def to_yaml(self) -> str:
        """Return the graph as the text of a `*.swarm.yaml` file.

        Tools given in Python appear by name only: `Swarm.load(path, tools=[...])` brings them back.
        """
        return to_yaml(self.spec)

    @classmethod
    def from_spec(cls, spec: GraphSpec, *, tools: Sequence[HasSignature] = ()) -> Graph:
        """Return `spec` as a graph to which nodes can be added; `graph["name"]` refers to those it has."""
        files = [spec.tools] if isinstance(spec.tools, str) else (spec.tools or [])
        graph = cls(
            spec.name,
            input=spec.input,
            description=spec.description,
            models=spec.models,
            tools=[*files, *tools],
            experts=spec.experts,
        )
        graph._head["tools"] = spec.tools
        graph._nodes.update(spec.nodes)
        graph._output = spec.output
        return graph

    def __repr__(self) -> str:
        return f"<Graph {self.name!r}: {', '.join(self._nodes) or 'no nodes yet'}>"


def _declared(name: str, kind: object) -> Type:
    try:
        return type_of(kind)
    except TypeSyntaxError as error:
        raise refuse("SW017", str(error), ("input", name, *error.path), error.hint) from error
