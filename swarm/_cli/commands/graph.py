"""`swarm graph`: a picture of a graph, and of the way a run took through it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console

if TYPE_CHECKING:
    from swarm._graph.drawing import Status

__all__ = ["graph"]


@click.command(short_help="Draw a graph.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["ascii", "mermaid", "svg"]),
    help="By default ascii, or as -o ends.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the nodes and edges as JSON.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.option("--run", "run_id", metavar="ID", help="Show what became of each node in a run; `latest`.")
@click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a field of the graph first."
)
def graph(
    graph: Path,
    form: str | None,
    as_json: bool,
    out: Path | None,
    run_id: str | None,
    overrides: tuple[str, ...],
) -> None:
    """\b
    swarm graph support.swarm.yaml --format svg -o support.svg

    Draws GRAPH: for a terminal (ascii), for a Markdown document (mermaid), or as a picture (svg).
    """
    if as_json and (form or out):
        raise click.UsageError("--json is a form of its own\n  fix: leave --format and --out away")
    from swarm._app.check import check_graph
    from swarm._graph.draw import draw
    from swarm._graph.picture import drawing_of

    plan = check_graph(graph, overrides=overrides).require()
    drawing = drawing_of(plan, _statuses(run_id) if run_id else None)
    if as_json:
        console.data_json(asdict(drawing))
        return
    form = form or {".svg": "svg", ".mmd": "mermaid", ".md": "mermaid"}.get(
        out.suffix if out else "", "ascii"
    )
    text = draw(drawing, form, unicode=out is not None or _takes_lines())  # pyright: ignore[reportArgumentType]
    if out is None:
        console.data(text, end="")
    else:
        out.write_text(text, encoding="utf-8")
        console.say(f"wrote {out}")


def _takes_lines() -> bool:
    """Return whether stdout can show the characters that boxes are drawn with."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _statuses(run_id: str) -> dict[str, Status]:
    """Return what became of each node in a kept run."""
    from swarm._cli.commands.runs import find_run

    story = find_run(run_id).story
    known: dict[str, Status] = {"done": "done", "skipped": "skipped", "failed": "failed"}
    return {name: known[node.status] for name, node in story.nodes.items() if node.status in known}
