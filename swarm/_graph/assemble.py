"""From checked forms to the nodes of a plan: indices, compiled conditions, bound arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarm._graph.forms import Form, OutputForm, evaluator, refs_of, table_evaluator
from swarm._graph.plan import OutputChoice, Plan, PlanNode
from swarm.spec.catalogue import Catalogue, ResolvedExpert
from swarm.spec.condition import Compare, Expr, Ref, compile_expression, truth_of, write
from swarm.spec.graph import ExpertNode, RepeatNode, RouteNode, WorkNode
from swarm.spec.types import Type

__all__ = ["Edges", "output_choices", "plan_nodes", "roots_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Who waits for whom, by name."""

    parents: Mapping[str, Sequence[str]]
    children: Mapping[str, Sequence[str]]


def roots_of(nodes: Sequence[PlanNode]) -> tuple[int, ...]:
    return tuple(node.index for node in nodes if not node.parents)


def output_choices(outputs: Sequence[OutputForm], index: Mapping[str, int]) -> tuple[OutputChoice, ...]:
    made: list[OutputChoice] = []
    for output in outputs:
        refs = list(refs_of(output.value))
        node = next((index[ref.name] for ref in refs if ref.name in index), -1)
        single = isinstance(output.value, Ref)
        made.append(
            OutputChoice(
                needs=tuple(dict.fromkeys(ref.name for ref in refs if not ref.optional)),
                value=evaluator(output.value),
                node=node if single else -1,
                whole=bool(output.name),
                text=output.text,
            )
        )
    return tuple(made)


def plan_nodes(
    forms: Mapping[str, Form],
    edges: Edges,
    catalogue: Catalogue,
    env: Mapping[str, Type],
    inner: Mapping[str, Plan | None],
) -> tuple[PlanNode, ...]:
    index = {name: position for position, name in enumerate(forms)}
    priority: dict[str, int] = {}
    for name in reversed(list(forms)):
        priority[name] = 1 + max((priority[child] for child in edges.children[name]), default=0)
    failing: dict[str, list[int]] = {}
    for name, form in sorted(forms.items()):  # of several failures one is seen: not by the order written
        failing.setdefault(form.spec.on_error, []).append(index[name])
    return tuple(
        _plan_node(
            form, catalogue, env, index=index, inner=inner[name], priority=priority[name],
            parents=tuple(sorted(index[other] for other in edges.parents[name])),
            children=tuple(sorted(index[other] for other in edges.children[name])),
            handles=tuple(failing.get(name, ())),
        )
        for name, form in forms.items()
    )  # fmt: skip


def _plan_node(
    form: Form,
    catalogue: Catalogue,
    env: Mapping[str, Type],
    *,
    index: Mapping[str, int],
    inner: Plan | None,
    priority: int,
    parents: tuple[int, ...],
    children: tuple[int, ...],
    handles: tuple[int, ...],
) -> PlanNode:
    spec = form.spec
    needs = dict.fromkeys(read.ref.name for read in form.required())
    needs = [name for name in needs if name not in ("input", "loop", "error")]
    choices: tuple[ResolvedExpert, ...] = ()
    if isinstance(spec, RouteNode):
        names = catalogue.routable if spec.route == "all" else tuple(spec.route)
        choices = tuple(catalogue.experts[name] for name in names if name in catalogue.experts)
    when_text = write(form.when) if form.when is not None else ""
    return PlanNode(
        index=index[form.name],
        name=form.name,
        kind=form.kind,
        spec=spec,
        parents=parents,
        children=children,
        when=_condition(form.when),
        when_text=when_text,
        when_false=f"its `when` is false: {when_text}",
        needs=tuple(needs),
        bind=table_evaluator(form.values, spec.params),
        expert=catalogue.experts[spec.expert] if isinstance(spec, ExpertNode) else None,
        choices=choices,
        template=form.template,
        body=inner,
        items=evaluator(form.items) if form.items is not None else None,
        next=table_evaluator(form.next) if isinstance(spec, RepeatNode) else None,
        until=_condition(form.until),
        handler=index.get(spec.on_error, -1),
        handles=handles,
        priority=priority,
        concurrency=(spec.concurrency or 0) if isinstance(spec, WorkNode) else 0,
        output=env[form.name],
    )


def _condition(expr: Expr | None) -> Callable[[Mapping[str, Any]], bool] | None:
    if expr is None:
        return None
    value = compile_expression(expr)
    if isinstance(expr, Compare):
        return value  # true or false as it is
    return lambda scope: truth_of(value(scope), expr)
