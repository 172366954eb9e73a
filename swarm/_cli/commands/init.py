"""`swarm init`: write a project that works, to be changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from swarm._cli import console

__all__ = ["init"]

SCHEMA_LINE = "# yaml-language-server: $schema="


@click.command(short_help="Write a new project to change.")
@click.argument("folder", metavar="[DIR]", default=Path(), type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--template", type=click.Choice(["support", "blank"]), default="support", show_default=True,
    help="A support chatbot, or two nodes to start from.",
)  # fmt: skip
def init(folder: Path, template: str) -> None:
    """\b
    swarm init my_bot

    Writes a working project into DIR (by default this folder): a graph, its tools, examples and documents.
    Never overwrites: if one of its files is there already, nothing is written.
    """
    from swarm._cli.commands.schema import write_schemas

    files = _support() if template == "support" else _blank()
    taken = [name for name in files if os.path.lexists(folder / name)]
    if taken:
        shown = ", ".join(taken[:3]) + (f" and {len(taken) - 3} more" if len(taken) > 3 else "")
        raise click.UsageError(f"already in {str(folder)!r}: {shown}\n  fix: swarm init another_folder")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_schemas(str(folder))
    graph = next(name for name in files if name.endswith(".swarm.yaml"))
    console.say(f"wrote {len(files)} files into {folder}\n\nnext:")
    if folder.resolve() != Path.cwd():
        console.data(f"cd {folder}")
    console.data(f"swarm check {graph}")
    console.data(f"swarm chat {graph}")


def _support() -> Mapping[str, bytes]:
    """Return the files of the support chatbot, as they are for a project of one's own."""
    from swarm._cli import templates
    from swarm._cli.bundled import GRAPH, support_chatbot

    source = support_chatbot()
    names = [
        "tools.py",
        "orders.sql",
        "intents.jsonl",
        *(f"policies/{p.name}" for p in source.glob("policies/*.md")),
    ]
    graph = _with_own_schema((source / GRAPH).read_text(encoding="utf-8"))
    return {
        GRAPH: graph.encode(),
        **{name: (source / name).read_bytes() for name in sorted(names) if (source / name).is_file()},
        ".gitignore": templates.GITIGNORE.encode(),
        "README.md": templates.SUPPORT_README.encode(),
    }


def _blank() -> Mapping[str, bytes]:
    from swarm._cli import templates

    return {name: text.encode() for name, text in templates.BLANK.items()}


def _with_own_schema(text: str) -> str:
    """Return a graph whose first line names the schema of its own folder."""
    lines = text.splitlines(keepends=True)
    rest = lines[1:] if lines and lines[0].startswith(SCHEMA_LINE) else lines
    return f"{SCHEMA_LINE}.swarm/schema/graph.json\n" + "".join(rest)
