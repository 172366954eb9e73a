"""From a graph and a catalogue of names to a checked, frozen `Plan`; the only user of networkx.

Nothing here reads a disk, a clock or the network. All problems are collected; a plan comes out
only when there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx

from swarm._graph import check
from swarm._graph.facts import Facts
from swarm._graph.forms import (
    Bound,
    Form,
    OutputForm,
    Read,
    body_form,  # noqa: F401  (re-exported for tests of bodies)
    evaluator,
    node_form,
    output_form,
    table_evaluator,
)
from swarm._graph.kinds import item_type, loop_type, node_type, outputs_type
from swarm._graph.plan import OutputChoice, Plan, PlanNode
from swarm.spec.catalogue import Catalogue, ResolvedExpert
from swarm.spec.condition import Expr, Ref, compile_expression, references, truth_of, write
from swarm.spec.findings import Finding, did_you_mean
from swarm.spec.graph import EachNode, ExpertNode, GraphNode, GraphSpec, RepeatNode, RouteNode
from swarm.spec.template import TemplateError, parse_template
from swarm.spec.types import ANY, Type, record

__all__ = ["compile_graph"]

PathT = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Where a set of nodes stands: the names around it and what is known to hold there."""

    catalogue: Catalogue
    findings: list[Finding]
    outer: Mapping[str, Type]
    broken: frozenset[PathT] = frozenset()
    given: tuple[Expr, ...] = ()
    present: frozenset[str] = frozenset()
    path: PathT = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One level compiled: its nodes, the types of all names, what its conditions imply."""

    nodes: tuple[PlanNode, ...]
    env: Mapping[str, Type]
    facts: Facts
    index: Mapping[str, int] = field(default_factory=dict[str, int])


def compile_graph(
    spec: GraphSpec, catalogue: Catalogue, *, broken: frozenset[PathT] = frozenset(), file: str = ""
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
    inputs = {name: _with_null(kind) for name, kind in spec.input.items()}
    level = Level(
        catalogue=catalogue, findings=findings, broken=broken, outer={"input": record(inputs), **unread}
    )
    _check_experts(spec, catalogue, findings)
    compiled = _level(forms, level)
    _check_outputs(outputs, compiled, findings)
    _warn_unused(spec, forms, outputs, findings)
    if any(finding.severity == "error" for finding in findings):
        return None, findings
    plan = Plan(
        name=spec.name, nodes=compiled.nodes, inputs=spec.input, outputs=_choices(outputs, compiled),
        output=outputs_type(outputs, compiled.env), roots=_roots(compiled.nodes), index=compiled.index, file=file,
    )  # fmt: skip
    return plan, findings


def _with_null(kind: Type) -> Type:
    """Return the type a run sees: an input left out is null unless it has a default."""
    return kind


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
        inner[name], body_type = _inner(forms[name], level, env, facts)
        env[name] = node_type(forms[name], level.catalogue, env, body_type)
    for form in forms.values():
        _check_node(form, level, env, facts)
    return Compiled(
        nodes=_plan_nodes(sorted_forms, graph, level, env, inner), env=env, facts=facts,
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
        for source, _ in nx.find_cycle(graph.subgraph(component), first)[1:]:
            cycle.append(source)
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
        kind = kind_of_items(form, env)
        if kind.base not in ("list", "messages", "any"):
            message = f"`each` goes over a list, this is {kind}"
            level.findings.append(Finding(code="SW046", message=message, path=(*form.path, "each")))
        bound = {form.spec.as_: item_type(form, env), "index": Type(base="integer")}
    elif isinstance(form.spec, RepeatNode):
        bound = {"loop": loop_type(form, env)}
    _check_shadows(form, env, bound, level.findings)
    known, present = facts.at(form.name)
    inside = Level(
        catalogue=level.catalogue, findings=level.findings, broken=level.broken, outer={**env, **bound},
        given=known, present=present | frozenset(bound), path=(*form.path, "do"),
    )  # fmt: skip
    compiled = _level(form.body.nodes, inside)
    check.check_reads(form.inner_reads, compiled.env, level.findings)
    _check_outputs(form.body.outputs, compiled, level.findings, check_names=False)
    body_type = outputs_type(form.body.outputs, compiled.env) if form.body.outputs else ANY
    if form.until is not None:
        check.check_condition(form.until, compiled.env, (*form.path, "until"), level.findings)
    plan = Plan(
        name=form.name, nodes=compiled.nodes, inputs={}, outputs=_choices(form.body.outputs, compiled),
        output=body_type, roots=_roots(compiled.nodes), index=compiled.index,
    )  # fmt: skip
    return plan, body_type


def kind_of_items(form: Form, env: Mapping[str, Type]) -> Type:
    """Return the type of what an `each` node goes over."""
    from swarm._graph.kinds import type_of

    return type_of(form.items, env) if form.items is not None else ANY


def _check_shadows(
    form: Form, env: Mapping[str, Type], bound: Mapping[str, Type], findings: list[Finding]
) -> None:
    assert form.body is not None
    for name in bound:
        if name in env and name not in ("loop", "index"):
            findings.append(
                Finding(code="SW016", message=f"{name!r} is already the name of something else", path=(*form.path, "as"), hint="choose another name")
            )  # fmt: skip
    if form.body.single:
        return
    for name in form.body.nodes:
        if name in env or name in bound:
            findings.append(
                Finding(
                    code="SW016", message=f"{name!r} is already the name of a node outside this body",
                    path=(*form.path, "do", "nodes", name), at_key=True, hint="choose another name",
                )
            )  # fmt: skip


def _subgraph(form: Form, level: Level) -> tuple[Plan | None, Type | None]:
    assert isinstance(form.spec, GraphNode)
    found = level.catalogue.subgraphs.get(form.spec.graph)
    if found is None:
        return None, ANY
    plan, problems = compile_graph(found.spec, found.catalogue, file=found.file)
    errors = [finding for finding in problems if finding.severity == "error"]
    if errors:
        message = f"{form.spec.graph!r} has {len(errors)} problem(s): {errors[0].message}"
        hint = f"swarm check {found.file}"
        level.findings.append(Finding(code="SW020", message=message, path=(*form.path, "graph"), hint=hint))
        return None, ANY
    return plan, plan.output if plan else ANY


def _check_node(form: Form, level: Level, env: Mapping[str, Type], facts: Facts) -> None:
    findings = level.findings
    reads = list(form.reads)
    seen = dict(env)
    if facts.failing.get(form.name):
        seen["error"] = record({"message": Type(base="string"), "code": Type(base="string")})
    check.check_reads(reads, seen, findings)
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
            for ref in _refs(output.value)
        ]
        check.check_reads(reads, compiled.env, findings)


def _refs(bound: Bound) -> Iterable[Ref]:
    from swarm._graph.forms import First

    if isinstance(bound, First):
        for item in bound.items:
            yield from _refs(item)
    elif isinstance(bound, list):
        for item in bound:
            yield from _refs(item)
    elif isinstance(bound, dict):
        for item in bound.values():
            yield from _refs(item)
    else:
        yield from references(bound)


def _check_experts(spec: GraphSpec, catalogue: Catalogue, findings: list[Finding]) -> None:
    """Report prompts that use what their expert does not have."""
    for name, expert in spec.experts.items():
        resolved = catalogue.experts.get(name)
        if resolved is None or expert.prompt is None:
            continue
        findings.extend(prompt_findings(resolved, ("experts", name, "prompt")))


def prompt_findings(expert: ResolvedExpert, path: PathT) -> list[Finding]:
    """Return what is wrong with an expert's prompt: syntax, names and fields."""
    findings: list[Finding] = []
    where = f"{expert.prompt_file}: " if expert.prompt_file else ""
    try:
        template = parse_template(expert.prompt)
    except TemplateError as error:
        row = expert.prompt.count("\n", 0, error.pos) + 1
        prefix = f"{expert.prompt_file}:{row}: " if where else ""
        offset, length = (0, 0) if where else (error.pos, error.length)
        message = f"{prefix}{error}"
        return [
            Finding(
                code=error.code, message=message, path=path, offset=offset, length=length, hint=error.hint
            )
        ]
    known = [*expert.inputs, "labels", "questions", "documents"]
    for ref in template.refs:
        if ref.name not in known:
            row = expert.prompt.count("\n", 0, ref.pos) + 1
            prefix = f"{expert.prompt_file}:{row}: " if where else ""
            message = f"{prefix}undefined template variable {ref.name!r}"
            offset, length = (0, 0) if where else (ref.pos, len(ref.name))
            findings.append(
                Finding(code="SW051", message=message, path=path, offset=offset, length=length, hint=did_you_mean(ref.name, known))
            )  # fmt: skip
    return findings


def _warn_unused(
    spec: GraphSpec, forms: Mapping[str, Form], outputs: Sequence[OutputForm], findings: list[Finding]
) -> None:
    used = {
        read.ref.fields[0]
        for form in forms.values()
        for read in form.outward()
        if read.ref.name == "input" and read.ref.fields
    }
    used |= {
        ref.fields[0]
        for output in outputs
        for ref in _refs(output.value)
        if ref.name == "input" and ref.fields
    }
    whole = any(
        read.ref.name == "input" and not read.ref.fields for form in forms.values() for read in form.outward()
    )
    for name in spec.input:
        if name not in used and not whole:
            findings.append(
                Finding(code="SW090", message=f"input {name!r} is not used", path=("input", name), at_key=True, severity="warning", hint="remove it, or use input." + name)
            )  # fmt: skip


def _roots(nodes: Sequence[PlanNode]) -> tuple[int, ...]:
    return tuple(node.index for node in nodes if not node.parents)


def _choices(outputs: Sequence[OutputForm], compiled: Compiled) -> tuple[OutputChoice, ...]:
    made: list[OutputChoice] = []
    for output in outputs:
        refs = list(_refs(output.value))
        node = next((compiled.index[ref.name] for ref in refs if ref.name in compiled.index), -1)
        single = isinstance(output.value, Ref)
        made.append(
            OutputChoice(
                needs=tuple(dict.fromkeys(ref.name for ref in refs if not ref.optional)),
                value=evaluator(output.value), node=node if single else -1, whole=bool(output.name), text=output.text,
            )
        )  # fmt: skip
    return tuple(made)


def _plan_nodes(
    forms: Mapping[str, Form],
    graph: nx.DiGraph[str],
    level: Level,
    env: Mapping[str, Type],
    inner: Mapping[str, Plan | None],
) -> tuple[PlanNode, ...]:
    if any(finding.severity == "error" for finding in level.findings):
        return ()
    index = {name: position for position, name in enumerate(forms)}
    priority: dict[str, int] = {}
    for name in reversed(list(forms)):
        priority[name] = 1 + max((priority[child] for child in graph.successors(name)), default=0)
    failing: dict[str, list[int]] = {}
    for name, form in forms.items():
        failing.setdefault(form.spec.on_error, []).append(index[name])
    return tuple(
        _plan_node(
            form, level, env, index=index, inner=inner[name], priority=priority[name],
            parents=tuple(sorted(index[other] for other in graph.predecessors(name))),
            children=tuple(sorted(index[other] for other in graph.successors(name))),
            handles=tuple(failing.get(name, ())),
        )
        for name, form in forms.items()
    )  # fmt: skip


def _plan_node(
    form: Form,
    level: Level,
    env: Mapping[str, Type],
    *,
    index: Mapping[str, int],
    inner: Plan | None,
    priority: int,
    parents: tuple[int, ...],
    children: tuple[int, ...],
    handles: tuple[int, ...],
) -> PlanNode:
    spec, catalogue = form.spec, level.catalogue
    needs = dict.fromkeys(read.ref.name for read in form.outward() if not read.ref.optional)
    needs = [name for name in needs if name not in ("input", "loop", "error")]
    choices: tuple[ResolvedExpert, ...] = ()
    if isinstance(spec, RouteNode):
        names = catalogue.routable if spec.route == "all" else tuple(spec.route)
        choices = tuple(catalogue.experts[name] for name in names if name in catalogue.experts)
    return PlanNode(
        index=index[form.name], name=form.name, kind=form.kind, spec=spec, parents=parents, children=children,
        when=_condition(form.when), when_text=write(form.when) if form.when is not None else "",
        needs=tuple(needs), bind=table_evaluator(form.values, spec.params),
        expert=catalogue.experts[spec.expert] if isinstance(spec, ExpertNode) else None, choices=choices,
        template=form.template, body=inner, items=evaluator(form.items) if form.items is not None else None,
        next=table_evaluator(form.next) if isinstance(spec, RepeatNode) else None, until=_condition(form.until),
        handler=index.get(spec.on_error, -1), handles=handles, priority=priority, output=env[form.name],
    )  # fmt: skip


def _condition(expr: Expr | None) -> Callable[[Mapping[str, Any]], bool] | None:
    if expr is None:
        return None
    value = compile_expression(expr)
    return lambda scope: truth_of(value(scope), expr)
