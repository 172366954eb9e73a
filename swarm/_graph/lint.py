"""Checks of what surrounds the nodes: names in bodies, and what is declared and nothing uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from swarm._graph.forms import Form, OutputForm, refs_of
from swarm.spec.findings import Finding
from swarm.spec.graph import ExpertNode, GraphSpec, RouteNode
from swarm.spec.types import Type

__all__ = ["check_shadows", "warn_unused"]

PathT = tuple[str | int, ...]


def warn_unused(
    spec: GraphSpec, forms: Mapping[str, Form], outputs: Sequence[OutputForm], findings: list[Finding]
) -> None:
    """Point at inputs, experts and models that are declared and that nothing uses."""
    refs = [read.ref for form in forms.values() for read in form.outward()]
    refs += [ref for output in outputs for ref in refs_of(output.value)]
    fields = {ref.fields[:1] for ref in refs if ref.name == "input"}  # () is the whole input
    for name in spec.input:
        if (name,) not in fields and () not in fields:
            findings.append(
                _unused("SW090", f"input {name!r}", ("input", name), f"remove it, or use input.{name}")
            )
    asked = set(_experts_asked(forms))
    for name in spec.experts:
        if name not in asked and "all" not in asked:
            findings.append(
                _unused("SW094", f"expert {name!r}", ("experts", name), f"ask it in a node: expert: {name}")
            )
    named = {model for expert in spec.experts.values() for model in expert.cascade or ()}
    for name in spec.models:
        if name not in named:
            findings.append(
                _unused("SW094", f"model {name!r}", ("models", name), "name it in an expert's cascade")
            )


def _unused(code: str, what: str, path: PathT, hint: str) -> Finding:
    return Finding(
        code=code, message=f"{what} is not used", path=path, at_key=True, severity="warning", hint=hint
    )


def _experts_asked(forms: Mapping[str, Form]) -> Iterator[str]:
    """Yield the experts that nodes name, `all` for a route to whoever fits."""
    for form in forms.values():
        if isinstance(form.spec, ExpertNode):
            yield form.spec.expert
        elif isinstance(form.spec, RouteNode):
            yield from ("all",) if form.spec.route == "all" else form.spec.route
        if form.body is not None:
            yield from _experts_asked(form.body.nodes)


def check_shadows(
    form: Form, env: Mapping[str, Type], bound: Mapping[str, Type], findings: list[Finding]
) -> None:
    assert form.body is not None
    for name in bound:
        if name in env and name not in ("loop", "index"):
            findings.append(
                Finding(
                    code="SW016",
                    message=f"{name!r} is already the name of something else",
                    path=(*form.path, "as"),
                    hint="choose another name",
                )
            )
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
