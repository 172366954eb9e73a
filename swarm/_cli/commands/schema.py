"""`swarm schema`: the JSON Schemas that editors complete and check YAML with."""

from __future__ import annotations

import json

import click

from swarm._cli import console

__all__ = ["schema"]


@click.command(short_help="Write the JSON Schemas that editors complete YAML with.")
@click.argument("which", type=click.Choice(["graph", "expert"]), required=False)
@click.option("--write", is_flag=True, help="Write .swarm/schema/graph.json and expert.json.")
def schema(which: str | None, write: bool) -> None:
    """\b
    swarm schema --write

    An editor with a YAML language server then completes and checks a file whose first line is

    \b
    # yaml-language-server: $schema=.swarm/schema/graph.json

    Without --write the schema of WHICH (graph, unless given) is printed.
    """
    if not write:
        console.data_json(_schemas()[which or "graph"])
        return
    for path in write_schemas():
        console.say(f"wrote {path}")
    console.say("first line of a graph: # yaml-language-server: $schema=.swarm/schema/graph.json")


def write_schemas(folder: str = ".") -> list[str]:
    """Write both schemas under `folder`; return the files' names."""
    from pathlib import Path

    from swarm._cli.settings import STATE

    target = Path(folder) / STATE / "schema"
    target.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for name, table in _schemas().items():
        path = target / f"{name}.json"
        path.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
        names.append(str(path))
    return names


def _schemas() -> dict[str, object]:
    from swarm.spec.registry import Registry
    from swarm.spec.schema import expert_schema, graph_schema

    return {"graph": graph_schema(Registry().names()), "expert": expert_schema()}
