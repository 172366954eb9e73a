"""`swarm experts`: what experts there are, and what is known of one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console
from swarm._cli.grid import Cell, Grid

if TYPE_CHECKING:
    from swarm.spec.catalogue import ResolvedExpert

__all__ = ["experts"]


@click.group(
    short_help="List the experts, or show one.", invoke_without_command=True, subcommand_metavar="[show NAME]"
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def experts(ctx: click.Context, as_json: bool) -> None:
    """\b
    swarm experts show intent

    Lists the experts that a graph may name: those in ./experts, and the bundled ones.
    """
    if ctx.invoked_subcommand is None:
        _list(as_json)


@experts.command()
@click.argument("name")
@click.option("--prompt", is_flag=True, help="Show its prompt too.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(name: str, prompt: bool, as_json: bool) -> None:
    """\b
    swarm experts show intent --prompt

    Shows an expert: what it does, what it takes and answers, and which models are asked in turn.
    """
    from swarm.spec.registry import Registry

    expert = Registry().get(name)
    if as_json:
        console.data_json(_as_json(expert) | ({"prompt": expert.prompt} if prompt else {}))
        return
    rows = [[Cell(key, "bold"), Cell(value)] for key, value in _facts(expert)]
    console.show(Grid(rows=rows), sys.stdout)
    if prompt:
        console.data("\n" + (expert.prompt.rstrip() or "(no prompt: the main input is sent as it is)"))


def _list(as_json: bool) -> None:
    from swarm.errors import SpecError
    from swarm.spec.registry import Registry

    registry = Registry()
    found: list[ResolvedExpert] = []
    broken: list[tuple[str, SpecError]] = []
    for name in registry.names():
        try:
            found.append(registry.get(name))
        except SpecError as error:
            broken.append((name, error))
    if as_json:
        console.data_json([_as_json(one) for one in found])
    else:
        console.show(_grid(found), sys.stdout)
    for name, error in broken:
        console.warn(f"expert {name!r} cannot be used: {error.problems[0].message}")


def _grid(found: list[ResolvedExpert]) -> Grid:
    from swarm._cli.console import one_line

    rows = [
        [
            Cell(one.name, "bold"),
            Cell(one.kind),
            Cell(one.origin, "dim"),
            Cell(" → ".join(map(str, one.cascade)), "cyan"),
            Cell(one_line(one.description, 70)),
        ]
        for one in found
    ]
    return Grid(rows=rows, head=("expert", "kind", "from", "asks", "what it does"), wide=4)


def _facts(expert: ResolvedExpert) -> list[tuple[str, str]]:
    policy = expert.confidence
    facts = [
        ("expert", expert.name),
        ("kind", expert.kind),
        ("does", expert.description),
        ("from", f"{expert.origin} {expert.file}".strip()),
        ("takes", ", ".join(f"{name}: {kind}" for name, kind in expert.inputs.items())),
        ("answers", str(expert.output)),
        ("asks", " → ".join(map(str, expert.cascade))),
        (
            "accepts",
            ""
            if policy is None or policy.threshold is None
            else f"from {policy.threshold:g} ({policy.from_})",
        ),
        ("labels", ", ".join(expert.labels)),
        ("questions", ", ".join(f"{name} ({one.type})" for name, one in expert.questions.items())),
        ("examples", f"{len(expert.examples):,}" if expert.examples else ""),
        ("documents", ", ".join(one.name for one in expert.documents)),
        ("tools", ", ".join(expert.tools)),
        ("use it", f"expert: {expert.name}"),
    ]
    return [(key, value) for key, value in facts if value]


def _as_json(expert: ResolvedExpert) -> dict[str, Any]:
    policy = expert.confidence
    return {
        "name": expert.name,
        "kind": expert.kind,
        "description": expert.description,
        "origin": expert.origin,
        "file": expert.file,
        "inputs": {name: kind.render() for name, kind in expert.inputs.items()},
        "output": expert.output.render(),
        "cascade": [str(model) for model in expert.cascade],
        "threshold": None if policy is None else policy.threshold,
        "labels": dict(expert.labels),
        "examples": len(expert.examples),
        "tools": list(expert.tools),
    }
