"""From names to objects: which backend reaches a model, where a graph's tools are."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from swarm.backends.base import ModelBackend
from swarm.errors import BackendError, SwarmError, ToolError
from swarm.spec.catalogue import Catalogue, ModelRef
from swarm.spec.compose import Graph
from swarm.spec.graph import GraphSpec
from swarm.stores.base import RunStore
from swarm.tools.base import Tool
from swarm.tools.function import FunctionTool
from swarm.tools.guarded import Guarded

__all__ = ["Backends", "file_tools", "import_tools", "inner_graphs", "open_store", "tools_by_name"]


def _ollama(ref: ModelRef) -> ModelBackend:
    from swarm.backends.ollama import OllamaBackend

    return OllamaBackend(url=ref.url or None)


def _openai(ref: ModelRef) -> ModelBackend:
    from swarm.backends.openai import OpenAIBackend

    return OpenAIBackend(url=ref.url or os.environ.get("SWARM_OPENAI_URL", ""), key_env=ref.key_env)


def _embedded(ref: ModelRef) -> ModelBackend:
    from swarm.backends.embedded.backend import EmbeddedBackend

    return EmbeddedBackend()


def _scripted(ref: ModelRef) -> ModelBackend:
    raise BackendError(
        f"model {str(ref)!r} is scripted, and no script is given",
        hint='Swarm(graph, backends={"scripted": ScriptedBackend({...})})',
    )


FACTORIES: Mapping[str, Callable[[ModelRef], ModelBackend]] = {
    "ollama": _ollama,
    "openai": _openai,
    "embedded": _embedded,
    "scripted": _scripted,
}


class Backends:
    """Makes each backend when it is first needed and closes those it made.

    Args:
        given: backends by name that are used instead; whoever made them closes them.
    """

    def __init__(self, given: Mapping[str, ModelBackend] | None = None) -> None:
        self._given = dict(given or {})
        self._made: dict[tuple[str, str, str], ModelBackend] = {}

    def __call__(self, ref: ModelRef) -> ModelBackend:
        """Return the backend that reaches `ref`.

        Raises:
            BackendError: there is no such backend.
        """
        if ref.backend in self._given:
            return self._given[ref.backend]
        place = (ref.backend, ref.url, ref.key_env)
        if place not in self._made:
            factory = FACTORIES.get(ref.backend)
            if factory is None:
                raise BackendError(f"unknown backend {ref.backend!r}", hint=f"one of {', '.join(FACTORIES)}")
            self._made[place] = factory(ref)
        return self._made[place]

    async def aclose(self) -> None:
        """Close the backends made here; calling it twice is fine."""
        made, self._made = self._made, {}
        async with AsyncExitStack() as stack:  # each is closed, whatever another raises
            for backend in made.values():
                stack.push_async_callback(backend.aclose)


def tools_by_name(tools: Iterable[Any]) -> dict[str, Tool]:
    """Return tools by name; plain functions become tools.

    Raises:
        SwarmError: two tools with one name.
    """
    table: dict[str, Tool] = {}
    for one in tools:
        found: Tool = one if hasattr(one, "signature") and hasattr(one, "call") else FunctionTool(one)
        name = found.signature.name
        if name in table and table[name] is not found:
            raise SwarmError(f"two tools are called {name!r}", hint='rename one: @tool(name="...")')
        table[name] = found
    return {name: one if isinstance(one, FunctionTool) else Guarded(one) for name, one in table.items()}


def import_tools(path: Path) -> dict[str, Tool]:
    """Import a graph's tool file and return its tools by name.

    Raises:
        ToolError: the file raised while it was imported.
    """
    name = f"_swarm_tools_{abs(hash(str(path.resolve()))):x}"
    module = sys.modules.get(name) or _import(name, path)
    return tools_by_name([value for value in vars(module).values() if _is_tool(value)])


def _is_tool(value: object) -> bool:
    return isinstance(value, FunctionTool)


def inner_graphs(graph: Graph) -> dict[str, Graph]:
    """Return the graphs composed in Python that this one runs, at any depth, by file name.

    Raises:
        SwarmError: two different graphs have one name.
    """
    found: dict[str, Graph] = {}
    for name, inner in graph.graphs.items():
        for key, one in {name: inner, **inner_graphs(inner)}.items():
            if found.setdefault(key, one) is not one:
                raise SwarmError(f"two graphs are called {key!r}", hint="give one of them another name")
    return found


def file_tools(spec: GraphSpec | None, folder: Path, catalogue: Catalogue) -> dict[str, Tool]:
    """Import the tool files of a graph and of the graphs it runs; return the tools by name.

    Raises:
        ToolError: a file raised while it was imported.
        SwarmError: two files have a tool of one name.
    """
    named = spec.tools if spec is not None else None
    files = [] if named is None else [named] if isinstance(named, str) else named
    found: dict[str, Tool] = {}
    parts = [import_tools(folder / name) for name in files]
    parts += [
        file_tools(inner.spec, Path(inner.file).parent, inner.catalogue)
        for inner in catalogue.subgraphs.values()
    ]
    for part in parts:
        for key, one in part.items():
            if found.setdefault(key, one) is not one:
                raise SwarmError(f"two tools are called {key!r}", hint='rename one: @tool(name="...")')
    return found


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ToolError(f"{path.name!r} is no Python file", where=str(path), hint="tools: tools.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ToolError(
            f"importing it raised {type(error).__name__}: {error}", where=str(path), hint=f"python {path}"
        ) from error
    return module


def open_store(store: RunStore | str | Path) -> RunStore:
    """Return the store: of a path the SQLite one in that file, of `postgresql://...` the one in that database.

    Raises:
        StoreError: it cannot be opened, or another process owns it.
    """
    if not isinstance(store, str | Path):
        return store
    if isinstance(store, str) and store.startswith(("postgresql://", "postgres://", "env:")):
        from swarm.stores.postgres import PostgresStore

        return PostgresStore(store)
    from swarm.stores.sqlite import SqliteStore

    return SqliteStore(store)
