"""What all blocks of a graph composed in Python share: its own experts, tools and graphs, by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from swarm.messages import ToolSignature
from swarm.spec._composing.checked import refuse
from swarm.spec.expert import Expert
from swarm.spec.graph import GraphSpec

__all__ = ["Composed", "HasSignature", "Shared"]


class HasSignature(Protocol):
    """A tool, as far as composing needs one: what `@tool` makes of a function."""

    @property
    def signature(self) -> ToolSignature:
        """Return the name and the schemas."""
        ...


class Composed(Protocol):
    """A graph, as far as another graph needs one."""

    name: str

    @property
    def spec(self) -> GraphSpec:
        """Return the finished graph."""
        ...


@dataclass(slots=True)
class Shared:
    """What all blocks of a graph share: its own experts, tools and graphs, by name."""

    experts: dict[str, Expert] = field(default_factory=dict[str, Expert])
    tools: dict[str, HasSignature] = field(default_factory=dict[str, HasSignature])
    graphs: dict[str, Composed] = field(default_factory=dict[str, Composed])

    def add_expert(self, name: str, expert: Expert) -> str:
        """Declare `expert` under its own name, else `name`; return the name."""
        name = expert.name or name
        bare = expert.model_copy(update={"name": None})
        bare.model_fields_set.discard("name")
        if self.experts.setdefault(name, bare) != bare:
            hint = f'Expert(name="{name}_2", ...), or give the same expert by its name: {name!r}'
            raise refuse("SW016", f"there is another expert called {name!r}", ("experts", name), hint)
        return name

    def add_tool(self, tool: str | HasSignature) -> str:
        """Declare a tool given in Python; return its name."""
        if isinstance(tool, str):
            return tool
        signature = getattr(tool, "signature", None)
        if not isinstance(signature, ToolSignature):
            name = getattr(tool, "__name__", repr(tool))
            raise TypeError(
                f"{name} is no tool\n  fix: put @tool (from swarm import tool) above the function"
            )
        if self.tools.setdefault(signature.name, tool) is not tool:
            hint = "give one of the functions another name"
            raise refuse("SW016", f"there is another tool called {signature.name!r}", ("tools",), hint)
        return signature.name

    def add_graph(self, graph: str | Composed) -> str:
        """Declare a graph given in Python; return the file name that stands for it."""
        if isinstance(graph, str):
            return graph
        file = f"{graph.name}.swarm.yaml"
        if self.graphs.setdefault(file, graph) is not graph:
            hint = "give one of the graphs another name"
            raise refuse("SW016", f"there is another graph called {graph.name!r}", ("nodes",), hint)
        return file
