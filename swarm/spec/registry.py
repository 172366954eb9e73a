"""Make the `Catalogue` of a graph: everything its names stand for, found, read and resolved.

This is where a graph meets the disk: experts, the files they name, tool files (as syntax) and
other graphs. What cannot be resolved is reported at the name, and known to be broken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from swarm.messages import ToolSignature
from swarm.spec._resolving.consistency import doubts
from swarm.spec._resolving.datafiles import Base, DataError, find
from swarm.spec._resolving.models import Models
from swarm.spec._resolving.resolve import Layer, resolve
from swarm.spec._resolving.shelves import Entry, Registry, bundled, expert_problems
from swarm.spec._resolving.toolfile import read_tools
from swarm.spec.catalogue import Catalogue, ResolvedExpert, Subgraph
from swarm.spec.expert import Expert
from swarm.spec.findings import Finding, did_you_mean, has_errors
from swarm.spec.graph import Body, EachNode, ExpertNode, GraphNode, GraphSpec, Node, RepeatNode, RouteNode
from swarm.spec.load import LoadedGraph, load_graph
from swarm.spec.source import Path as Place
from swarm.spec.source import Source
from swarm.spec.version import stale

__all__ = ["Entry", "Registry", "bundled", "catalogue", "expert_problems"]


def catalogue(
    graph: LoadedGraph | GraphSpec,
    *,
    registry: Registry,
    folder: str | Path | None = None,
    tools: Sequence[ToolSignature] = (),
    backends: Collection[str] = (),
    graphs: Mapping[str, GraphSpec] | None = None,
) -> tuple[Catalogue, tuple[Finding, ...]]:
    """Return what the graph's names stand for, and what is wrong with them.

    Args:
        graph: a file as loaded, or a graph composed in Python, whose paths may be anywhere.
        folder: what the graph's paths are relative to; default: the folder of its file.
        tools: the signatures of functions given in Python; they hide those of the tool files.
        backends: names of backends given in Python.
        graphs: graphs composed in Python, by the file name that stands for each in a node.
    """
    given = _Given(tools=tools, backends=backends, graphs=graphs or {})
    maker = _Maker(_Origin.of(graph, registry, folder), registry, given)
    return maker.catalogue(), tuple(maker.findings)


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """The graph, and where its paths and problems belong. `chain`: the files that led here."""

    spec: GraphSpec
    base: Base
    elsewhere: Base
    source: Source
    broken: frozenset[Place] = frozenset()
    chain: tuple[Path, ...] = ()

    @classmethod
    def of(cls, graph: LoadedGraph | GraphSpec, registry: Registry, folder: str | Path | None) -> _Origin:
        elsewhere = Base(folder=registry.cwd, confined=False)
        if isinstance(graph, GraphSpec):
            base = Base(folder=registry.cwd if folder is None else Path(folder), confined=False)
            return cls(spec=graph, base=base, elsewhere=elsewhere, source=Source(file=""))
        home = graph.folder if folder is None else Path(folder)
        return cls(
            spec=graph.spec or GraphSpec.model_construct(nodes={}, output=[]),
            base=Base(folder=home),
            elsewhere=elsewhere,
            source=graph.source,
            broken=graph.broken,
            chain=((home / Path(graph.file).name).resolve(),),
        )

    def base_of(self, place: Place) -> Base:
        """Return what a path at `place` is relative to: an option's may be anywhere."""
        return self.elsewhere if self.source.is_option(place) else self.base

    def broken_in(self, section: str) -> frozenset[str]:
        """Return the names of a section that were left out as broken."""
        return frozenset(str(path[1]) for path in self.broken if len(path) == 2 and path[0] == section)


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What Python hands to a graph beside its file."""

    tools: Sequence[ToolSignature]
    backends: Collection[str]
    graphs: Mapping[str, GraphSpec]


@dataclass
class _Maker:
    """Makes one catalogue; `findings` grows as it goes."""

    origin: _Origin
    registry: Registry
    given: _Given
    findings: list[Finding] = field(default_factory=list[Finding])
    used: dict[str, ResolvedExpert | None] = field(default_factory=dict[str, ResolvedExpert | None])

    def catalogue(self) -> Catalogue:
        """Return the catalogue of the graph."""
        spec = self.origin.spec
        self.model_errors()
        tools, tools_known = self.tools()
        own = {name: self.own_expert(name, expert) for name, expert in spec.experts.items()}
        self.used = dict(own)
        places = list(_nodes(spec.nodes, ("nodes",)))
        for place, node in places:
            self.experts_of(node, place)
        routable = self.routable() if any(_routes_to_all(node) for _, node in places) else ()
        for name in {**self.used}:
            self.check_tools(name, tools, tools_known)
        found = {name: expert for name, expert in self.used.items() if expert is not None}
        return Catalogue(
            experts=found,
            routable=routable,
            tools=tools,
            tools_known=tools_known,
            subgraphs=self.subgraphs(places),
            broken=self.origin.broken_in("experts") | (self.used.keys() - found.keys()),
        )

    @cached_property
    def models(self) -> Models:
        """Return the logical models of the graph."""
        return Models(self.origin.spec.models, self.origin.broken_in("models"), self.given.backends)

    def model_errors(self) -> None:
        for name, error in self.models.errors.items():
            place: Place = ("models", name)
            if not isinstance(self.origin.spec.models[name], str):
                place = (*place, "model")
            self.findings.append(Finding(code="SW042", message=error.message, path=place, hint=error.hint))

    def tools(self) -> tuple[dict[str, ToolSignature], bool]:
        """Return the tools of the graph's files and of Python, and whether all could be read."""
        names, known = self.origin.spec.tools or (), ("tools",) not in self.origin.broken
        found: dict[str, ToolSignature] = {}
        for index, name in enumerate([names] if isinstance(names, str) else names):
            place: Place = ("tools",) if isinstance(names, str) else ("tools", index)
            try:
                signatures = read_tools(find(name, self.origin.base_of(place)), name)
            except DataError as error:
                known = False
                self.findings.append(
                    Finding(code=error.code, message=error.message, path=place, hint=error.hint)
                )
            else:
                found |= {signature.name: signature for signature in signatures}
        return found | {signature.name: signature for signature in self.given.tools}, known

    def own_expert(self, name: str, expert: Expert) -> ResolvedExpert | None:
        """Return an expert of the graph, `use` followed."""
        place: Place = ("experts", name)
        layer = Layer(
            spec=expert,
            place=place,
            base=self.origin.base,
            file=self.origin.source.file,
            base_of=self.origin.base_of,
        )
        layers: tuple[Layer, ...] = (layer,)
        if expert.use is not None:
            layers, wrong = self.registry.layers(expert.use, (*place, "use"), above=layers)
            self.findings += wrong
        resolved = self.resolved(name, layers) if layers else None
        policy = expert.confidence
        if resolved is not None and policy is not None and policy.at_least is not None:
            at = (*place, "confidence", "at_least")
            message = f"{policy.at_least:g} is a guess"
            file = self.origin.source.file or "GRAPH"
            hint = f"let data choose it: swarm calibrate {file}:{name} --data FILE.jsonl --target-error 0.05 --write"
            self.findings.append(
                Finding(code="SW091", message=message, path=at, hint=hint, severity="warning")
            )
        return resolved

    def resolved(self, name: str, layers: Sequence[Layer]) -> ResolvedExpert | None:
        expert, findings = resolve(name, layers, self.models, [self.origin.base.folder])
        self.findings += findings
        if expert is not None:
            self.check_calibration(expert, layers[0])
        if expert is not None and expert.origin != "bundled":
            for doubt in doubts(expert):
                own = layers[0].own and bool(doubt.key) and getattr(layers[0].spec, doubt.key) is not None
                place = layers[0].at(*((doubt.key, *doubt.at) if own else ()))
                self.findings.append(
                    Finding(
                        code="SW092",
                        message=doubt.message,
                        path=place,
                        at_key=layers[0].own and not own,
                        hint=doubt.hint,
                        severity="warning",
                    )
                )
        return expert

    def check_calibration(self, expert: ResolvedExpert, layer: Layer) -> None:
        """Note why the saved calibration no longer fits."""
        for reason in stale(expert):
            hint = "until it is made again the raw score counts: swarm calibrate, with --write"
            self.findings.append(
                Finding(
                    code="SW095",
                    message=f"{expert.calibration_file}: {reason}",
                    path=layer.at(),
                    at_key=layer.own,
                    hint=hint,
                    severity="warning",
                )
            )

    def experts_of(self, node: Node, place: Place) -> None:
        """Resolve the experts that a node names."""
        if isinstance(node, ExpertNode):
            self.use(node.expert, (*place, "expert"))
        elif isinstance(node, RouteNode) and node.route != "all":
            for index, name in enumerate(node.route):
                self.use(name, (*place, "route", index))

    def use(self, name: str, place: Place) -> None:
        """Resolve the expert `name` for the node that names it at `place`."""
        own = name in self.origin.spec.experts
        if name in self.origin.broken_in("experts") or ("experts",) in self.origin.broken:
            return
        if name not in self.used:
            layers, wrong = self.registry.layers(name, place)
            self.findings += [self.with_own_names(finding, name) for finding in wrong]
            self.used[name] = self.resolved(name, layers) if layers else None
        expert = self.used[name]
        if expert is not None and expert.kind == "classify" and not expert.labels:
            message = f"{name} has no labels: give labels or examples"
            hint = "" if own else f"make one of your own: `experts: {{triage: {{use: {name}, labels: ...}}}}`"
            at: Place = ("experts", name) if own else place
            self.findings.append(Finding(code="SW048", message=message, path=at, at_key=own, hint=hint))

    def with_own_names(self, finding: Finding, name: str) -> Finding:
        """Return an unknown expert's finding with the graph's own names as choices too."""
        if finding.code != "SW040":
            return finding
        names = {*self.registry.names(), *self.origin.spec.experts, *self.origin.broken_in("experts")}
        hint = did_you_mean(name, names)
        return Finding(code="SW040", message=finding.message, path=finding.path, hint=hint)

    def routable(self) -> tuple[str, ...]:
        """Resolve every expert there is; return those that one text is enough for."""
        for name in self.registry.names():
            if name not in self.used:
                layers, _ = self.registry.layers(name, ())
                expert, wrong = (
                    resolve(name, layers, self.models, [self.origin.base.folder]) if layers else (None, ())
                )
                self.used[name] = None if has_errors(wrong) else expert
        return tuple(name for name, expert in self.used.items() if expert is not None and _one_text(expert))

    def check_tools(self, name: str, tools: Mapping[str, ToolSignature], known: bool) -> None:
        expert = self.used[name]
        own = self.origin.spec.experts.get(name)
        for index, tool in enumerate(() if expert is None or not known else expert.tools):
            if tool not in tools:
                written = own is not None and own.tools is not None
                place: Place = ("experts", name, "tools", index) if written else ("experts", name)
                hint = did_you_mean(tool, tools, what="tools: write `tools: tools.py`")
                message = f"unknown tool {tool!r}"
                self.findings.append(Finding(code="SW041", message=message, path=place, hint=hint))

    def subgraphs(self, places: Sequence[tuple[Place, Node]]) -> dict[str, Subgraph]:
        """Return the graphs that nodes run, by the path written."""
        found: dict[str, Subgraph] = {}
        for place, node in places:
            if isinstance(node, GraphNode) and node.graph not in found:
                subgraph = self.subgraph(node.graph, (*place, "graph"))
                if subgraph is not None:
                    found[node.graph] = subgraph
        return found

    def subgraph(self, name: str, place: Place) -> Subgraph | None:
        if name in self.given.graphs:
            return self.composed(self.given.graphs[name], name, place)
        base = self.origin.base_of(place)
        try:
            path = find(name, base)
        except DataError as error:
            self.findings.append(Finding(code=error.code, message=error.message, path=place, hint=error.hint))
            return None
        if path.resolve() in self.origin.chain:
            files = [*self.origin.chain[self.origin.chain.index(path.resolve()) :], path]
            circle = " -> ".join(file.name for file in files)
            message = f"the graph runs itself: {circle}"
            self.findings.append(
                Finding(code="SW021", message=message, path=place, hint="a loop is a `repeat` with `max`")
            )
            return None
        loaded = load_graph(path, shown=str(base.folder / name))
        return self.inner(loaded, name, place)

    def composed(self, spec: GraphSpec, name: str, place: Place) -> Subgraph | None:
        """Resolve a graph composed in Python that a node runs."""
        graphs = {other: graph for other, graph in self.given.graphs.items() if other != name}
        inner = _Maker(replace(self.origin, spec=spec), self.registry, replace(self.given, graphs=graphs))
        made = inner.catalogue()
        for finding in inner.findings:
            self.findings.append(replace(finding, message=f"{name}: {finding.message}", path=place))
        return (
            None
            if any(f.severity == "error" for f in inner.findings)
            else Subgraph(spec=spec, catalogue=made, file=name)
        )

    def inner(self, loaded: LoadedGraph, name: str, place: Place) -> Subgraph | None:
        origin = _Origin.of(loaded, self.registry, None)
        chain = (*self.origin.chain, *origin.chain)
        inner = _Maker(replace(origin, chain=chain), self.registry, self.given)
        made = inner.catalogue()
        errors = [p for p in loaded.problems(inner.findings) if p.severity == "error"]
        if not errors and loaded.spec is not None:
            return Subgraph(spec=loaded.spec, catalogue=made, file=loaded.file)
        more = f" (and {len(errors) - 1} more: `swarm check {loaded.file}`)" if len(errors) > 1 else ""
        message = f"{errors[0].where}: {errors[0].message}{more}"
        self.findings.append(Finding(code=errors[0].code, message=message, path=place, hint=errors[0].hint))
        return None


def _nodes(nodes: Mapping[str, Node], place: Place) -> Iterator[tuple[Place, Node]]:
    """Yield every node with its place, those in bodies too."""
    for name, node in nodes.items():
        yield from _inside(node, (*place, name))


def _inside(node: Node, place: Place) -> Iterator[tuple[Place, Node]]:
    yield place, node
    if isinstance(node, EachNode | RepeatNode):
        body = node.do
        if isinstance(body, Body):
            yield from _nodes(body.nodes, (*place, "do", "nodes"))
        else:
            yield from _inside(body, (*place, "do"))


def _routes_to_all(node: Node) -> bool:
    return isinstance(node, RouteNode) and node.route == "all"


def _one_text(expert: ResolvedExpert) -> bool:
    """Return whether a router may choose the expert: its main input is all that it must be given."""
    _, *others = expert.inputs.values()
    return not any(kind.required for kind in others) and (expert.kind != "classify" or bool(expert.labels))
