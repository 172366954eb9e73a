"""`swarm check`: everything wrong with graphs and experts, each at its line; nothing runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console

if TYPE_CHECKING:
    from swarm.errors import Problem

__all__ = ["check"]

GRAPH, EXPERT = ".swarm.yaml", "expert.yaml"
SKIPPED = ("node_modules", "__pycache__", "site-packages")


@click.command(short_help="Find everything wrong with graphs and experts.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@click.pass_context
def check(ctx: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """\b
    swarm check support.swarm.yaml

    Checks graphs (*.swarm.yaml) and experts (expert.yaml), or all that are in a folder; by default in this
    one. Nothing is imported and nothing runs. Exit code 2 if there is an error; a warning changes nothing.
    """
    from swarm._cli.exits import OK, USAGE

    files = [file for path in paths or (Path(),) for file in _files(path)]
    if not files:
        where = ", ".join(str(path) for path in paths) or "this folder"
        raise click.UsageError(f"no *.swarm.yaml and no expert.yaml in {where}\n  fix: swarm init my_bot")
    problems = [problem for file in files for problem in _problems(file)]
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        console.data_json(
            {
                "ok": not errors,
                "files": [str(file) for file in files],
                "errors": errors,
                "warnings": len(problems) - errors,
                "problems": [problem.to_json() for problem in problems],
            }
        )
    else:
        _print(files, problems, errors)
    ctx.exit(USAGE if errors else OK)


def _print(files: Sequence[Path], problems: Sequence[Problem], errors: int) -> None:
    for problem in problems:
        head, _, rest = problem.render().partition("\n")
        console.data(head, "red" if problem.severity == "error" else "yellow")
        console.data(f"{rest}\n" if rest else "")
    found = ", ".join(
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (len(problems) - errors, "warning"))
        if count
    )
    what = str(files[0]) if len(files) == 1 else f"{len(files)} files"
    console.data(f"{what}: {found or 'no problems'}")


def _files(path: Path) -> Iterator[Path]:
    """Yield the files to check: the path itself, or those in a folder, in the order of their names."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        yield from (Path(folder) / name for name in sorted(names) if name.endswith(GRAPH) or name == EXPERT)


def _problems(file: Path) -> Sequence[Problem]:
    if file.name == EXPERT:
        from swarm.spec.registry import expert_problems

        return expert_problems(file)
    from swarm._app.check import check_file

    return check_file(file)
