"""Where experts are found outside a graph: Python, explicit paths, `./experts`, the bundled ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from swarm.errors import Problem, SpecError
from swarm.spec._resolving.datafiles import Base
from swarm.spec._resolving.models import Models
from swarm.spec._resolving.resolve import Layer, resolve
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.expert import Expert
from swarm.spec.findings import Finding, did_you_mean, has_errors
from swarm.spec.load import load_expert
from swarm.spec.source import Path as Place

__all__ = ["Entry", "Registry", "bundled", "expert_problems"]

FILE = "expert.yaml"


def bundled() -> Path | None:
    """Return the folder of the bundled experts: in the installed package, else of a checkout."""
    package = Path(__file__).resolve().parents[2]
    installed, checkout = package / "_experts", package.parent / "experts"
    if installed.is_dir():
        return installed
    return checkout if (package.parent / "pyproject.toml").is_file() and checkout.is_dir() else None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One expert that can be found.

    Attributes:
        origin: `python`, `./experts`, `bundled`, or the explicit path it was found under.
        file: as problems name it, "" in Python. `spec`: None where `problems` has errors.
    """

    name: str
    origin: str
    base: Base
    spec: Expert | None
    file: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Shelf:
    """A place where experts are found: folders by name, or experts of Python."""

    origin: str
    folders: Mapping[str, Path]
    experts: Mapping[str, Expert] | None = None


class Registry:
    """The experts outside a graph: Python's, then explicit paths, `./experts`, the bundled ones.

    Args:
        experts: experts composed in Python, by name.
        paths: folders that hold expert folders, or expert folders themselves.
        cwd: where `./experts` is looked for.
    """

    def __init__(
        self,
        *,
        experts: Mapping[str, Expert] | None = None,
        paths: Sequence[str | Path] = (),
        cwd: str | Path = ".",
    ) -> None:
        self.cwd = Path(cwd)
        self._experts = dict(experts or {})
        self._paths = tuple(Path(path) for path in paths)
        self._entries: dict[tuple[str, str], Entry] = {}

    def names(self) -> tuple[str, ...]:
        """Return every name, sorted."""
        return tuple(sorted({name for shelf in self._shelves for name in _names(shelf)}))

    def entries(self, name: str) -> Iterator[Entry]:
        """Yield the experts called `name`, in the order of the search; a later one is hidden."""
        for shelf in self._shelves:
            if name in _names(shelf):
                key = (shelf.origin, name)
                if key not in self._entries:
                    self._entries[key] = self._read(shelf, name)
                yield self._entries[key]

    def get(self, name: str) -> ResolvedExpert:
        """Return the expert `name`, its files read.

        Raises:
            SpecError: there is none of that name, or its file is wrong; with every problem.
        """
        place: Place = ("expert",)
        layers, findings = self.layers(name, place)
        expert = None
        if layers:
            expert, findings = resolve(name, layers, Models({}), [self.cwd])
        if expert is None or has_errors(findings):
            raise SpecError([finding.without_file() for finding in findings])
        return expert

    def layers(
        self, name: str, place: Place, *, above: Sequence[Layer] = ()
    ) -> tuple[tuple[Layer, ...], tuple[Finding, ...]]:
        """Return `above` and the layers that `name`, written at `place`, leads to; or why not.

        An expert that uses its own name starts from the one that it hides.
        """
        layers = list(above)
        seen: set[tuple[str, str]] = set()
        while True:
            entry = next((e for e in self.entries(name) if (e.origin, name) not in seen), None)
            if entry is None:
                return (), (self._unknown(name, place, seen),)
            seen.add((entry.origin, name))
            if entry.spec is None:
                return (), _told(entry, place)
            layers.append(
                Layer(
                    spec=entry.spec,
                    place=place,
                    base=entry.base,
                    own=False,
                    origin=entry.origin,
                    file=entry.file,
                )
            )
            if entry.spec.use is None:
                return tuple(layers), ()
            name = entry.spec.use

    def _unknown(self, name: str, place: Place, seen: set[tuple[str, str]]) -> Finding:
        if any(name == known for _, known in seen):
            message = f"{name!r} uses itself"
            return Finding(code="SW048", message=message, path=place, hint="give it a kind of its own")
        hint = did_you_mean(name, self.names(), what="experts: is there a folder `experts`?")
        return Finding(code="SW040", message=f"unknown expert {name!r}", path=place, hint=hint)

    def _read(self, shelf: _Shelf, name: str) -> Entry:
        if shelf.experts is not None:
            base = Base(folder=self.cwd, confined=False)
            return Entry(name=name, origin=shelf.origin, base=base, spec=shelf.experts[name])
        folder = shelf.folders[name]
        loaded = load_expert(folder / FILE)
        more: list[Finding] = []
        if loaded.spec is not None and loaded.spec.name not in (None, name):
            message = f"the expert is called {loaded.spec.name!r}, its folder {name!r}"
            more = [Finding(code="SW048", message=message, path=("name",), hint=f"write `name: {name}`")]
        return Entry(
            name=name,
            origin=shelf.origin,
            base=Base(folder=folder),
            spec=None if more else loaded.spec,
            file=loaded.file,
            problems=loaded.problems(more),
        )

    @cached_property
    def _shelves(self) -> tuple[_Shelf, ...]:
        shelves = [_Shelf(origin="python", folders={}, experts=self._experts)]
        shelves += [_Shelf(origin=str(path), folders=_folders(path)) for path in self._paths]
        own, shipped = self.cwd / "experts", bundled()
        if shipped is None or own.resolve() != shipped.resolve():
            shelves.append(_Shelf(origin="./experts", folders=_folders(own)))
        if shipped is not None:
            shelves.append(_Shelf(origin="bundled", folders=_folders(shipped)))
        return tuple(shelves)


def expert_problems(file: Path) -> tuple[Problem, ...]:
    """Return what is wrong with an expert's file, or with the files it names, each at its place."""
    loaded = load_expert(file)
    if loaded.spec is None:
        return loaded.problems()
    folder = file.parent if file.parent.name not in ("", "..") else file.parent.resolve()
    registry = Registry(paths=[folder])
    entry = next(registry.entries(folder.name))
    if entry.spec is None:
        return entry.problems
    layers, found = registry.layers(folder.name, ("use",))
    if layers:
        own = replace(layers[0], own=True, place=())
        _, found = resolve(folder.name, (own, *layers[1:]), Models({}))
    return loaded.problems(found)


def _names(shelf: _Shelf) -> Mapping[str, object]:
    return shelf.folders if shelf.experts is None else shelf.experts


def _folders(path: Path) -> dict[str, Path]:
    """Return the expert folders in `path`, which may be one itself."""
    if (path / FILE).is_file():
        return {path.name: path}
    if not path.is_dir():
        return {}
    return {entry.name: entry for entry in sorted(path.iterdir()) if (entry / FILE).is_file()}


def _told(entry: Entry, place: Place) -> tuple[Finding, ...]:
    """Return the problems of an expert's file, as those of the place that names it."""
    errors = [problem for problem in entry.problems if problem.severity == "error"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    first = errors[0]
    message = f"{first.where}: {first.message}{more}"
    return (Finding(code=first.code, message=message, path=place, hint=first.hint),)
