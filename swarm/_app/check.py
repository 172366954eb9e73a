"""From a file, or a graph composed in Python, to a plan and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm._graph.compile import compile_graph
from swarm._graph.plan import Plan
from swarm.confidence.policy import Policy
from swarm.errors import InputError, Problem, SpecError
from swarm.messages import ToolSignature
from swarm.spec.catalogue import Catalogue
from swarm.spec.findings import Finding
from swarm.spec.graph import GraphSpec
from swarm.spec.load import load_graph
from swarm.spec.registry import Registry, catalogue

__all__ = ["Checked", "check_file", "check_graph", "check_spec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A graph that was checked: its plan if it is right, and every problem and warning."""

    spec: GraphSpec | None
    plan: Plan | None
    problems: tuple[Problem, ...]
    folder: Path
    catalogue: Catalogue

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems that keep the graph from running."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def require(self) -> Plan:
        """Return the plan.

        Raises:
            SpecError: with every problem at once.
        """
        if self.errors or self.plan is None:
            raise SpecError(self.errors)
        return self.plan


def check_graph(
    path: Path | str,
    *,
    registry: Registry | None = None,
    tools: Sequence[ToolSignature] = (),
    backends: Collection[str] = (),
    overrides: Sequence[str] = (),
) -> Checked:
    """Read and check a graph's file; nothing is imported and nothing runs.

    Args:
        tools: signatures of tools given in Python, beside those of the file.
        backends: names of backends given in Python.
        overrides: `path.in.the.file=value`, applied before the check.
    """
    loaded = load_graph(path, overrides=overrides)
    findings = list(loaded.findings)
    plan, names = None, Catalogue()
    if loaded.spec is not None:
        names, more = catalogue(
            loaded,
            registry=registry or registry_of(loaded.folder),
            folder=loaded.folder,
            tools=tools,
            backends=backends,
        )
        findings += more
        broken = frozenset(loaded.broken) | {("experts", name) for name in names.broken}
        plan, more = compile_graph(loaded.spec, names, broken=broken)
        findings += [*more, *unreadable_calibrations(names, loaded.spec)]
    problems = loaded.source.problems(findings)
    if any(problem.severity == "error" for problem in problems):
        plan = None
    return Checked(spec=loaded.spec, plan=plan, problems=problems, folder=loaded.folder, catalogue=names)


def registry_of(folder: Path) -> Registry:
    """Return where the experts of a graph in `folder` are found: its own `experts/` comes first."""
    beside = folder / "experts"
    elsewhere = folder.resolve() != Path.cwd() and beside.is_dir()
    return Registry(paths=[beside] if elsewhere else [])


def check_spec(
    spec: GraphSpec,
    *,
    registry: Registry | None = None,
    tools: Sequence[ToolSignature] = (),
    backends: Collection[str] = (),
    graphs: Mapping[str, GraphSpec] | None = None,
) -> Checked:
    """Check a graph composed in Python; relative paths in it belong to the working directory.

    Args:
        graphs: other graphs composed in Python, by the file name that stands for each.
    """
    names, found = catalogue(
        spec,
        registry=registry or Registry(),
        folder=Path.cwd(),
        tools=tools,
        backends=backends,
        graphs=graphs,
    )
    broken = frozenset(("experts", name) for name in names.broken)
    plan, more = compile_graph(spec, names, broken=broken)
    found = (*found, *more, *unreadable_calibrations(names, spec))
    problems = tuple(finding.without_file() for finding in dict.fromkeys(found))
    if any(problem.severity == "error" for problem in problems):
        plan = None
    return Checked(spec=spec, plan=plan, problems=problems, folder=Path.cwd(), catalogue=names)


def check_file(path: Path | str) -> tuple[Problem, ...]:
    """Return every problem and warning of a graph's file, in the order of the file."""
    return check_graph(path).problems


def unreadable_calibrations(names: Catalogue, spec: GraphSpec) -> list[Finding]:
    """Return what is wrong with saved calibrations, at the experts they belong to."""
    findings: list[Finding] = []
    for name, expert in names.experts.items():
        if expert.calibration is None:
            continue
        try:
            Policy.from_json(expert.calibration, where=expert.calibration_file)
        except InputError as error:
            place = ("experts", name) if name in spec.experts else ("nodes",)
            message = f"{error.where}: {error.what}"
            findings.append(Finding(code="SW061", message=message, path=place, at_key=True, hint=error.hint))
    return findings
