"""`swarm doctor`: what is installed, running and missing, and what to type about it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from swarm._cli import console
from swarm._cli.grid import Cell, Grid
from swarm._cli.options import store_option

if TYPE_CHECKING:
    from swarm._app.detect import Ollama
    from swarm._cli.calibrations import Basis
    from swarm._cli.needs import Need
    from swarm._cli.store_health import StoreHealth
    from swarm.spec.catalogue import ResolvedExpert

__all__ = ["doctor"]


@click.command(short_help="See what is installed, running and missing.")
@click.argument("graph", required=False, type=click.Path(path_type=Path))
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def doctor(ctx: click.Context, graph: Path | None, store: str | None, as_json: bool) -> None:
    """\b
    swarm doctor support.swarm.yaml

    Looks at this machine: Python, extras, Ollama, the store of runs (all of it is read), and the models that the bundled experts may ask, or those
    of GRAPH. Exit code 3 if GRAPH needs a model that is missing: Ollama is there without it, or an expert is
    left with no model at all.
    """
    import asyncio

    from swarm._app.detect import detect_ollama
    from swarm._cli.exits import MISSING, OK
    from swarm._cli.settings import load_settings, use_ollama_of
    from swarm._cli.store_health import look_at_store

    settings = load_settings(store=store)
    use_ollama_of(settings)
    experts = _experts(graph)
    kept = asyncio.run(look_at_store(settings))
    findings = _look(experts, asyncio.run(detect_ollama(with_models=True)), kept, graph)
    if as_json:
        console.data_json(findings.to_json())
    else:
        _print(findings)
    ctx.exit(MISSING if graph is not None and not findings.ok else OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Findings:
    """What was seen. `stranded`: experts that nobody would answer for."""

    ollama: Ollama
    embedded: bool
    writable: bool
    store: StoreHealth
    needs: Sequence[Need]
    stranded: Sequence[str]
    bases: Sequence[Basis]

    @property
    def missing(self) -> list[Need]:
        """Return the models that are not there."""
        return [need for need in self.needs if need.present is False]

    @property
    def ok(self) -> bool:
        """Return whether every expert has a model, and no server that is there lacks one."""
        could_be = [need for need in self.missing if self.ollama.is_there or need.model.backend == "embedded"]
        return not self.stranded and not could_be

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        found = self.ollama
        return {
            "ok": self.ok,
            "python": platform.python_version(),
            "swarm": version("swarm-slm"),
            "extras": {"embedded": self.embedded},
            "ollama": {
                "found": found.is_there,
                "url": found.url,
                "version": found.version,
                "reason": found.reason,
            },
            "models": [
                {
                    "model": str(need.model),
                    "experts": list(need.experts),
                    "present": need.present,
                    "fix": need.fix,
                }
                for need in self.needs
            ],
            "without_model": list(self.stranded),
            "writable": self.writable,
            "store": self.store.to_json(),
            "calibration": [
                {"expert": one.expert, "state": one.state, "said": one.said, "fix": one.fix}
                for one in self.bases
            ],
        }


def _look(
    experts: Sequence[ResolvedExpert], found: Ollama, store: StoreHealth, graph: Path | None
) -> _Findings:
    from swarm._cli.calibrations import bases
    from swarm._cli.needs import has_embedded, needs_of, without_model
    from swarm._cli.settings import STATE

    needs = needs_of(experts, found, embedded=has_embedded())
    return _Findings(
        ollama=found,
        embedded=has_embedded(),
        writable=os.access(STATE if STATE.exists() else ".", os.W_OK),
        store=store,
        needs=needs,
        stranded=without_model(experts, needs),
        bases=bases(experts, found, target=str(graph or "")),
    )


def _experts(graph: Path | None) -> Sequence[ResolvedExpert]:
    """Return the experts of a graph, else those of the registry that can be used."""
    from swarm.errors import SpecError
    from swarm.spec.registry import Registry

    if graph is not None:
        from swarm._app.check import check_graph
        from swarm._cli.needs import experts_of

        return experts_of(check_graph(graph).require())
    registry, found = Registry(), list[Any]()
    for name in registry.names():
        try:
            found.append(registry.get(name))
        except SpecError as error:
            console.warn(f"expert {name!r} cannot be used: {error.problems[0].message}")
    return found


def _print(findings: _Findings) -> None:
    found = findings.ollama
    python = f"{version('swarm-slm')}, Python {platform.python_version()} on {sys.platform}"
    rows = [
        _row(True, "swarm", python, ""),
        _row(
            findings.embedded,
            "embedded models",
            "scikit-learn is installed",
            "pip install 'swarm-slm[embedded]'",
        ),
        _row(
            found.is_there,
            "Ollama",
            f"{found.version} at {found.url}",
            f"nothing at {found.url}: {found.reason}",
        ),
        _row(findings.writable, ".swarm", "runs can be kept here", "read-only: runs are not kept"),
        _row(not findings.store.damage, "store", findings.store.said(), findings.store.said()),
    ]
    console.show(Grid(rows=rows, wide=2), sys.stdout)
    if findings.needs:
        console.data("\nmodels, and the experts that may ask them", "bold")
        console.show(Grid(rows=[_need_row(need) for need in findings.needs], wide=3), sys.stdout)
    for name in findings.stranded:
        console.data(f"  nobody answers for {name!r}: each of its models is missing", "yellow")
    _print_list("to have them all", _fixes(findings))
    _print_bases(findings.bases)


def _row(good: bool, name: str, said: str, otherwise: str) -> list[Cell]:
    mark = Cell("ok", "green") if good else Cell("--", "yellow")
    return [mark, Cell(name, "bold"), Cell(said if good else otherwise)]


def _print_list(head: str, lines: Sequence[str]) -> None:
    if lines:
        console.data(f"\n{head}", "bold")
    for line in lines:
        console.data(f"  {line}")


def _print_bases(bases: Sequence[Basis]) -> None:
    if not bases:
        return
    console.data("\nwhat the thresholds rest on", "bold")
    marks = {"calibrated": Cell("ok", "green"), "broken": Cell("--", "red")}
    doubtful = Cell("--", "yellow")
    rows = [[marks.get(one.state, doubtful), Cell(one.expert, "bold"), Cell(one.said)] for one in bases]
    console.show(Grid(rows=rows, wide=2), sys.stdout)
    fix = next((one.fix for one in bases if one.fix), "")
    if fix:
        console.data(f"  data tells better: {fix}", "dim")


def _fixes(findings: _Findings) -> list[str]:
    fixes = [need.fix for need in findings.missing]
    if not findings.ollama.is_there and any(need.model.backend == "ollama" for need in findings.missing):
        fixes.insert(0, "ollama serve    (install it: https://ollama.com/download)")
    return list(dict.fromkeys(fixes))


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
