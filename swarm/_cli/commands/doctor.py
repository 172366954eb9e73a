"""`swarm doctor`: what is installed, running and missing, and what to type about it."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console
from swarm._cli.grid import Cell, Grid

if TYPE_CHECKING:
    from swarm._app.detect import Ollama
    from swarm._cli.needs import Need
    from swarm.spec.catalogue import ResolvedExpert

__all__ = ["doctor"]


@click.command(short_help="See what is installed, running and missing.")
@click.argument("graph", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def doctor(ctx: click.Context, graph: Path | None, as_json: bool) -> None:
    """\b
    swarm doctor support.swarm.yaml

    Looks at this machine: Python, extras, Ollama, and the models that the bundled experts may ask, or those
    of GRAPH. Exit code 3 if GRAPH needs a model that is missing: Ollama is there without it, or an expert is
    left with no model at all.
    """
    import asyncio

    from swarm._app.detect import detect_ollama
    from swarm._cli.exits import MISSING, OK
    from swarm._cli.needs import needs_of, without_model
    from swarm._cli.settings import load_settings, use_ollama_of

    use_ollama_of(load_settings())
    experts = _experts(graph)
    found = asyncio.run(detect_ollama(with_models=True))
    embedded = importlib.util.find_spec("sklearn") is not None
    needs = needs_of(experts, found, embedded=embedded)
    stranded = without_model(experts, needs)
    lacking = [
        need
        for need in needs
        if need.present is False and (found.is_there or need.model.backend == "embedded")
    ]
    report = {
        "ok": not stranded and not lacking,
        "python": platform.python_version(),
        "swarm": _version(),
        "extras": {"embedded": embedded},
        "ollama": {
            "found": found.is_there,
            "url": found.url,
            "version": found.version,
            "reason": found.reason,
        },
        "models": [_need_json(need) for need in needs],
        "without_model": list(stranded),
        "writable": os.access(".swarm" if Path(".swarm").exists() else ".", os.W_OK),
        "calibration": _calibration(experts),
    }
    if as_json:
        console.data_json(report)
    else:
        _print(report, needs, found)
    ctx.exit(MISSING if graph is not None and not report["ok"] else OK)


def _experts(graph: Path | None) -> Sequence[ResolvedExpert]:
    """Return the experts of a graph, else those of the library that can be used."""
    from swarm.errors import SpecError
    from swarm.spec.library import Library

    if graph is not None:
        from swarm._app.check import check_graph
        from swarm._cli.needs import experts_of

        return experts_of(check_graph(graph).require())
    library, found = Library(), list[Any]()
    for name in library.names():
        try:
            found.append(library.get(name))
        except SpecError as error:
            console.warn(f"expert {name!r} cannot be used: {error.problems[0].message}")
    return found


def _print(report: dict[str, Any], needs: Sequence[Need], found: Ollama) -> None:
    good, bad = Cell("ok", "green"), Cell("--", "yellow")
    embedded, writable = report["extras"]["embedded"], report["writable"]
    rows = [
        [
            good,
            Cell("swarm", "bold"),
            Cell(f"{report['swarm']}, Python {report['python']} on {sys.platform}"),
        ],
        [
            good if embedded else bad,
            Cell("embedded models", "bold"),
            Cell("scikit-learn is installed" if embedded else "pip install 'swarm-slm[embedded]'"),
        ],
        [
            good if found.is_there else bad,
            Cell("Ollama", "bold"),
            Cell(
                f"{found.version} at {found.url}"
                if found.is_there
                else f"nothing at {found.url}: {found.reason}"
            ),
        ],
        [
            good if writable else bad,
            Cell(".swarm", "bold"),
            Cell("runs can be kept here" if writable else "this folder is read-only: runs are not kept"),
        ],
    ]
    console.show(Grid(rows=rows, wide=2), sys.stdout)
    console.data("\nmodels, and the experts that may ask them", "bold")
    console.show(Grid(rows=[_need_row(need) for need in needs], wide=3), sys.stdout)
    for name in report["without_model"]:
        console.data(f"  nobody answers for {name!r}: each of its models is missing", "yellow")
    _print_fixes(report, needs, found)


def _print_fixes(report: dict[str, Any], needs: Sequence[Need], found: Ollama) -> None:
    fixes = [need.fix for need in needs if need.present is False]
    if not found.is_there and any(need.model.backend == "ollama" for need in needs):
        fixes.insert(0, "ollama serve    (install it: https://ollama.com/download)")
    if fixes:
        console.data("\nto have them all", "bold")
        for fix in dict.fromkeys(fixes):
            console.data(f"  {fix}")
    if report["calibration"]:
        console.data("\nthresholds that rest on no data yet", "bold")
    for hint in report["calibration"]:
        console.data(f"  {hint}")


def _need_row(need: Need) -> list[Cell]:
    mark = (
        Cell("?", "dim")
        if need.present is None
        else Cell("ok", "green")
        if need.present
        else Cell("--", "yellow")
    )
    state = {None: "on a server of its own", True: "", False: "missing"}[need.present]
    return [mark, Cell(str(need.model), "cyan"), Cell(state, "yellow"), Cell(", ".join(need.experts))]


def _need_json(need: Need) -> dict[str, Any]:
    return {"model": str(need.model), "experts": list(need.experts), "present": need.present, "fix": need.fix}


def _calibration(experts: Sequence[ResolvedExpert]) -> list[str]:
    """Say which thresholds rest on no data yet."""
    hints: list[str] = []
    for expert in experts:
        policy = expert.confidence
        if policy is None:
            continue
        if policy.at_least is not None:
            hints.append(f"{expert.name}: `at_least: {policy.at_least:g}` is a guess, not taken from data")
        elif policy.target_error is not None:
            hints.append(
                f"{expert.name}: not calibrated; `target_error: {policy.target_error:g}` accepts a raw score of"
                f" at least {1 - policy.target_error:g}"
            )
    return hints


def _version() -> str:
    from importlib.metadata import version

    return version("swarm-slm")
