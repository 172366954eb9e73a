"""From a graph and a catalogue of names to a checked, frozen `Plan`; the only user of networkx.

Nothing here reads a disk, a clock or the network. All problems are collected; a plan comes out
only when there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import networkx as nx

from swarm._graph import check
from swarm._graph.assemble import Edges, output_choices, plan_nodes, roots_of
from swarm._graph.facts import Facts
from swarm._graph.forms import (
    Form,
    OutputForm,
    Read,
    node_form,
    output_form,
    refs_of,
)
from swarm._graph.kinds import item_type, items_type, loop_type, node_type, outputs_type
from swarm._graph.lint import check_shadows, warn_unused
from swarm._graph.plan import Plan, PlanNode
from swarm.spec.catalogue import Catalogue
from swarm.spec.condition import Expr, write
from swarm.spec.findings import Finding
from swarm.spec.graph import EachNode, ExpertNode, GraphNode, GraphSpec, RepeatNode
from swarm.spec.types import ANY, Type, record

__all__ = ["compile_graph"]

PathT = tuple[str | int, ...]
ERROR = record({"message": Type(base="string"), "code": Type(base="string")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Where a set of nodes stands: the names around it and what is known to hold there."""

    catalogue: Catalogue
    findings: list[Finding]
    outer: Mapping[str, Type]
    broken: frozenset[PathT] = frozenset()
    given: tuple[Expr, ...] = ()
    present: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One level compiled: its nodes, the types of all names, what its conditions imply."""

    nodes: tuple[PlanNode, ...]
    env: Mapping[str, Type]
    facts: Facts
    index: Mapping[str, int] = field(default_factory=dict[str, int])


def compile_graph(
    spec: GraphSpec, catalogue: Catalogue, *, broken: frozenset[PathT] = frozenset()
) -> tuple[Plan | None, list[Finding]]:
    """Return the plan and everything found; the plan is None when an error was found.

    Args:
        broken: paths of nodes and experts that could not be read; they are known names of unknown
            content, so that one mistake is reported once.
    """
    findings: list[Finding] = []
    forms = {name: node_form(name, node, ("nodes", name), findings) for name, node in spec.nodes.items()}
    outputs = output_form(spec.output, ("output",), findings)
    unread = {str(path[1]): ANY for path in broken if len(path) == 2 and path[0] == "nodes"}
    outer = {"input": record(spec.input), **unread}
    level = Level(catalogue=catalogue, findings=findings, broken=broken, outer=outer)
    compiled = _level(forms, level)
    _check_outputs(outputs, compiled, findings)
    warn_unused(spec, forms, outputs, findings)
    if any(finding.severity == "error" for finding in findings) or not compiled.nodes:
        return None, findings
    plan = Plan(
        name=spec.name,
        nodes=compiled.nodes,
        inputs=spec.input,
        outputs=output_choices(outputs, compiled.index),
        output=outputs_type(outputs, compiled.env),
        roots=roots_of(compiled.nodes),
        index=compiled.index,
    )
    return plan, findings


def _level(forms: Mapping[str, Form], level: Level) -> Compiled:
    findings = level.findings
    known = {**dict.fromkeys(forms), **{name: None for name in level.outer if name != "input"}}
    for form in forms.values():
        check.check_names(form, level.catalogue, known, findings)
        check.check_tools(form, level.catalogue, findings)
    graph = _edges(forms)
    order = _order(graph, forms, findings)
    env: dict[str, Type] = {**level.outer, **dict.fromkeys(forms, ANY)}
    inner: dict[str, Plan | None] = {}
    sorted_forms = {name: forms[name] for name in order}
    facts = Facts(sorted_forms, env, given=level.given, present=level.present)
    for name in order:
        inner[name], body_type = _inner(forms[name], level, _seen(name, env, facts), facts)
        env[name] = node_type(forms[name], level.catalogue, env, body_type)
    for form in forms.values():
        _check_node(form, level, env, facts)
    return Compiled(
        nodes=_nodes(sorted_forms, graph, level, env, inner), env=env, facts=facts,
        index={name: position for position, name in enumerate(order)},
    )  # fmt: skip


def _edges(forms: Mapping[str, Form]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(forms)
    for name, form in forms.items():
        for read in form.outward():
            if read.ref.name in forms:
                graph.add_edge(read.ref.name, name)
        graph.add_edges_from((other, name) for other in form.spec.after_names if other in forms)
        if form.spec.on_error in forms and form.spec.on_error != name:
            graph.add_edge(name, form.spec.on_error)
    return graph


def _order(graph: nx.DiGraph[str], forms: Mapping[str, Form], findings: list[Finding]) -> list[str]:
    """Return the names in topological order, ties as written; report every cycle once."""
    written = {name: position for position, name in enumerate(forms)}
    for component in nx.strongly_connected_components(graph):
        first = min(component, key=written.__getitem__)
        if len(component) == 1 and not graph.has_edge(first, first):
            continue
        cycle = [first]
        edges = cast("list[tuple[str, str]]", nx.find_cycle(graph.subgraph(component), first))  # pyright: ignore[reportUnknownMemberType]
        cycle += [source for source, _ in edges[1:]]
        findings.append(
            Finding(
                code="SW021", message=f"nodes wait for each other: {' -> '.join([*cycle, first])}",
                path=forms[first].path, at_key=True,
                hint="let one of them go without the other; for rounds there is `repeat`",
            )
        )  # fmt: skip
    if any(finding.code == "SW021" for finding in findings):
        return list(forms)
    return list(nx.lexicographical_topological_sort(graph, key=written.__getitem__))


def _inner(
    form: Form, level: Level, env: Mapping[str, Type], facts: Facts
) -> tuple[Plan | None, Type | None]:
    """Return the plan and the type of what is inside a node, if anything is."""
    if isinstance(form.spec, GraphNode):
        return _subgraph(form, level)
    if form.body is None:
        return None, None
    bound: dict[str, Type] = {}
    if isinstance(form.spec, EachNode):
        kind = items_type(form, env)
        if kind.base not in ("list", "messages", "any"):
            message = f"`each` goes over a list, this is {kind}"
            level.findings.append(Finding(code="SW046", message=message, path=(*form.path, "each")))
        bound = {form.spec.as_: item_type(form, env), "index": Type(base="integer")}
    elif isinstance(form.spec, RepeatNode):
        bound = {"loop": loop_type(form, env)}
    check_shadows(form, env, bound, level.findings)
    unread = {str(path[-1]): ANY for path in level.broken if path[:-1] == (*form.path, "do", "nodes")}
    known, present = facts.at(form.name)
    inside = Level(
        catalogue=level.catalogue,
        findings=level.findings,
        broken=level.broken,
        outer={**env, **bound, **unread},
        given=known,
        present=present | frozenset(bound),
    )
    compiled = _level(form.body.nodes, inside)
    check.check_reads(form.inner_reads, compiled.env, level.findings)
    _check_outputs(form.body.outputs, compiled, level.findings, check_names=False)
    body_type = outputs_type(form.body.outputs, compiled.env) if form.body.outputs else ANY
    check.check_rounds(form, compiled.facts, level.findings)
    if form.until is not None:
        check.check_condition(form.until, compiled.env, (*form.path, "until"), level.findings)
    plan = Plan(
        name=form.name,
        nodes=compiled.nodes,
        inputs={},
        outputs=output_choices(form.body.outputs, compiled.index),
        output=body_type,
        roots=roots_of(compiled.nodes),
        index=compiled.index,
    )
    return plan, body_type


def _subgraph(form: Form, level: Level) -> tuple[Plan | None, Type | None]:
    assert isinstance(form.spec, GraphNode)
    found = level.catalogue.subgraphs.get(form.spec.graph)
    if found is None:
        return None, ANY
    plan, problems = compile_graph(found.spec, found.catalogue)
    errors = [finding for finding in problems if finding.severity == "error"]
    if errors:
        message = f"{form.spec.graph!r} has {len(errors)} problem(s): {errors[0].message}"
        hint = f"swarm check {found.file}"
        level.findings.append(Finding(code="SW020", message=message, path=(*form.path, "graph"), hint=hint))
        return None, ANY
    return plan, plan.output if plan else ANY


def _seen(name: str, env: Mapping[str, Type], facts: Facts) -> Mapping[str, Type]:
    """Return the types of the names that a node sees: one that takes over from others sees `error`."""
    return {**env, "error": ERROR} if facts.failing.get(name) else env


def _check_node(form: Form, level: Level, env: Mapping[str, Type], facts: Facts) -> None:
    findings, seen = level.findings, _seen(form.name, env, facts)
    check.check_reads(form.reads, seen, findings)
    wrong = False
    if form.when is not None:
        wrong = check.check_condition(form.when, seen, (*form.path, "when"), findings)
    check.check_arguments(form, level.catalogue, seen, findings)
    check.check_routable(form, level.catalogue, findings)
    if any(finding.code == "SW021" for finding in findings):
        return
    check.check_guarantees(form, facts, findings)
    if form.when is not None and not wrong and facts.never(form.name):
        message = f"node {form.name!r} can never run: its conditions contradict each other"
        hint = f"{write(form.when)} cannot hold together with the conditions of the nodes it reads"
        findings.append(Finding(code="SW022", message=message, path=form.path, at_key=True, hint=hint))


def _check_outputs(
    outputs: Sequence[OutputForm], compiled: Compiled, findings: list[Finding], *, check_names: bool = True
) -> None:
    check.check_output(outputs, compiled.env, findings)
    if check_names:
        reads = [
            Read(ref=ref, path=output.path, role="output")
            for output in outputs
            for ref in refs_of(output.value)
        ]
        check.check_reads(reads, compiled.env, findings)


def _nodes(
    forms: Mapping[str, Form],
    graph: nx.DiGraph[str],
    level: Level,
    env: Mapping[str, Type],
    inner: Mapping[str, Plan | None],
) -> tuple[PlanNode, ...]:
    """Return the nodes of the plan; none if something was wrong with the level."""
    unresolved = any(
        isinstance(form.spec, ExpertNode) and form.spec.expert not in level.catalogue.experts
        for form in forms.values()
    )  # reported where names are resolved
    if unresolved or any(finding.severity == "error" for finding in level.findings):
        return ()
    edges = Edges(
        parents={name: list(graph.predecessors(name)) for name in forms},
        children={name: list(graph.successors(name)) for name in forms},
    )
    return plan_nodes(forms, edges, level.catalogue, env, inner)
