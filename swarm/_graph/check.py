"""The semantic checks of one level of a graph: names, fields, conditions, arguments, guarantees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from swarm._graph.facts import Facts
from swarm._graph.forms import Bound, Form, OutputForm, Read
from swarm._graph.kinds import Env, bound_type, inputs_of, type_of
from swarm.spec.catalogue import Catalogue
from swarm.spec.condition import And, Compare, Const, Expr, ListOf, Not, Or, Ref, parts, write
from swarm.spec.fields import UnknownField, field_type
from swarm.spec.findings import Finding, did_you_mean
from swarm.spec.graph import ExpertNode, RepeatNode, RouteNode, ToolNode
from swarm.spec.types import Type

__all__ = [
    "check_arguments",
    "check_condition",
    "check_guarantees",
    "check_names",
    "check_output",
    "check_reads",
    "check_rounds",
    "check_routable",
    "check_tools",
]

Findings = list[Finding]


def check_reads(reads: Iterable[Read], env: Env, findings: Findings) -> None:
    """Report references to names and fields that do not exist."""
    for read in reads:
        ref = read.ref
        if ref.name not in env:
            what = "template variable" if read.role == "template" else "name"
            code = "SW051" if read.role == "template" else "SW043" if read.role == "output" else "SW031"
            findings.append(
                Finding(
                    code=code, message=f"unknown {what} {ref.name!r}", path=read.path, offset=ref.pos,
                    length=len(ref.name), hint=did_you_mean(ref.name, env),
                )
            )  # fmt: skip
            continue
        found = field_type(env[ref.name], ref.fields)
        if isinstance(found, UnknownField):
            findings.append(_unknown_field(read, found, env[ref.name]))


def _unknown_field(read: Read, unknown: UnknownField, kind: Type) -> Finding:
    ref = read.ref
    before = len(ref.name) + ref.optional + sum(1 + len(name) for name in ref.fields[: unknown.at]) + 1
    field = ref.fields[unknown.at]
    parent = ".".join((ref.name, *ref.fields[: unknown.at]))
    hint = did_you_mean(field, unknown.choices) if unknown.choices else f"it is of type {kind}"
    exact = ref.end - ref.pos == len(".".join((ref.name, *ref.fields))) + ref.optional
    return Finding(
        code="SW032",
        message=f"{parent!r} has no field {field!r}",
        path=read.path,
        offset=ref.pos + (before if exact else 0),
        length=len(field) if exact else ref.end - ref.pos,
        hint=hint,
    )


def check_names(form: Form, catalogue: Catalogue, known: Mapping[str, object], findings: Findings) -> None:
    """Report an `after` or an `on_error` that names no node beside this one."""
    for position, name in enumerate(form.spec.after_names):
        if name not in known:
            place = ("after", position) if isinstance(form.spec.after, list) else ("after",)
            findings.append(
                Finding(
                    code="SW043",
                    message=f"unknown node {name!r}",
                    path=(*form.path, *place),
                    hint=did_you_mean(name, known),
                )
            )
    target = form.spec.on_error
    if target in ("fail", "skip"):
        return
    if target == form.name:
        findings.append(
            Finding(
                code="SW023", message="a node cannot take over from itself", path=(*form.path, "on_error")
            )
        )
    elif target not in known:
        hint = did_you_mean(target, [*known, "fail", "skip"])
        findings.append(
            Finding(
                code="SW023", message=f"unknown node {target!r}", path=(*form.path, "on_error"), hint=hint
            )
        )


def check_condition(expr: Expr, env: Env, path: tuple[str | int, ...], findings: Findings) -> bool:
    """Report a condition that is not true or false, or that can never hold; return if a label was wrong."""
    before = len(findings)
    _check_boolean(expr, env, path, findings)
    wrong_label = False
    for part in parts(expr):
        if isinstance(part, Compare):
            wrong_label |= _check_compare(part, env, path, findings)
        elif isinstance(part, Not) and isinstance(part.item, Ref) and part.item.optional:
            findings.append(
                Finding(
                    code="SW036",
                    message=f"`{write(part)}` is also true when `{part.item.name}` did not run",
                    path=path,
                    offset=part.pos,
                    length=part.end - part.pos,
                    hint=f"write {write(part.item)} == false",
                )
            )
    return wrong_label or len(findings) > before


def _check_boolean(expr: Expr, env: Env, path: tuple[str | int, ...], findings: Findings) -> None:
    match expr:
        case Not(item=item):
            _check_boolean(item, env, path, findings)
        case And(items=items) | Or(items=items):
            for item in items:
                _check_boolean(item, env, path, findings)
        case Compare():
            pass
        case _:
            kind = type_of(expr, env)
            if kind.base not in ("boolean", "any") or isinstance(expr, ListOf):
                findings.append(
                    Finding(
                        code="SW035",
                        message=f"`{write(expr)}` is a {kind.base}, not true or false",
                        path=path,
                        offset=expr.pos,
                        length=expr.end - expr.pos,
                        hint=f"compare it: {write(expr)} != null",
                    )
                )


def _check_compare(expr: Compare, env: Env, path: tuple[str | int, ...], findings: Findings) -> bool:
    left, right = type_of(expr.left, env), type_of(expr.right, env)

    def report(code: str, message: str, at: Expr, hint: str = "") -> None:
        findings.append(
            Finding(code=code, message=message, path=path, offset=at.pos, length=at.end - at.pos, hint=hint)
        )

    if expr.op in ("in", "not in"):
        if right.base not in ("list", "any", "messages"):
            report(
                "SW035",
                f"`{expr.op}` needs a list on its right, not a {right.base}",
                expr.right,
                'x in ["a", "b"]',
            )
            return False
        items = expr.right.items if isinstance(expr.right, ListOf) else ()
    else:
        items = (expr.right,)
        if isinstance(expr.left, Const):
            expr = replace(expr, left=expr.right, right=expr.left)
            left, right, items = right, left, (expr.right,)
        if not _comparable(expr.op, left, right):
            report("SW035", f"`{write(expr)}` compares a {left.base} with a {right.base}", expr)
            return False
    wrong = False
    if left.one_of and isinstance(expr.left, Ref):
        for item in items:
            if isinstance(item, Const) and item.value is not None and item.value not in left.one_of:
                choices = [str(value) for value in left.one_of]
                message = f"`{write(expr.left)}` is never {item.value!r}"
                report("SW034", message, item, did_you_mean(str(item.value), choices))
                wrong = True
    return wrong


def _comparable(op: str, left: Type, right: Type) -> bool:
    if "any" in (left.base, right.base):
        return True
    numbers = {"integer", "number"}
    if op in ("==", "!="):
        return (
            left.base == right.base
            or {left.base, right.base} <= numbers
            or {left.base, right.base} <= {"object", "record"}
        )
    return {left.base, right.base} <= numbers or left.base == right.base == "string"


def check_arguments(form: Form, catalogue: Catalogue, env: Env, findings: Findings) -> None:
    """Report arguments that do not exist, are missing, or cannot fit."""
    wanted = inputs_of(form, catalogue)
    if isinstance(form.spec, RouteNode):
        if not form.values and not form.spec.params:
            findings.append(
                Finding(
                    code="SW044",
                    message="a route needs the request",
                    path=form.path,
                    at_key=True,
                    hint="with: {task: input.message}",
                )
            )
        return
    if wanted is None or form.kind not in ("expert", "tool", "graph"):
        return
    callee = str(getattr(form.spec, form.kind))
    given = dict.fromkeys([*form.spec.with_, *form.spec.params])
    for name in given:
        if name not in wanted:
            where = "with" if name in form.spec.with_ else "params"
            message = f"{form.kind} {callee!r} has no input {name!r}"
            findings.append(
                Finding(
                    code="SW045",
                    message=message,
                    path=(*form.path, where, name),
                    at_key=True,
                    hint=did_you_mean(name, wanted),
                )
            )
    for name, kind in wanted.items():
        if name not in given and kind.required:
            hint = f"with: {{{name}: ...}}"
            message = f"{form.kind} {callee!r} needs {name!r} ({kind})"
            findings.append(Finding(code="SW044", message=message, path=form.path, at_key=True, hint=hint))
    for name, bound in form.values.items():
        if name in wanted:
            _check_fit(wanted[name], bound_type(bound, env), name, (*form.path, "with", name), findings)
    for name, value in form.spec.params.items():
        if name in wanted:
            wrong = next(wanted[name].misfits(value, name), "")
            if wrong:
                findings.append(Finding(code="SW046", message=wrong, path=(*form.path, "params", name)))


def _check_fit(wanted: Type, given: Type, name: str, path: tuple[str | int, ...], findings: Findings) -> None:
    if not wanted.accepts(given):
        findings.append(Finding(code="SW046", message=f"{name!r} takes {wanted}, this is {given}", path=path))


def check_tools(form: Form, catalogue: Catalogue, findings: Findings) -> None:
    """Report unknown tools, and retries and timeouts that a tool cannot honour."""
    spec = form.spec
    if not isinstance(spec, ToolNode):
        return
    tool = catalogue.tools.get(spec.tool)
    if tool is None:
        if catalogue.tools_known:
            hint = did_you_mean(spec.tool, catalogue.tools, what="tools; name a file: `tools: tools.py`")
            findings.append(
                Finding(
                    code="SW041", message=f"unknown tool {spec.tool!r}", path=(*form.path, "tool"), hint=hint
                )
            )
        return
    if spec.retry is not None and tool.effect == "unsafe":
        message = f"{spec.tool!r} is unsafe: it may not be called twice"
        hint = 'mark it @tool(effect="idempotent") if calling it again is harmless'
        findings.append(
            Finding(code="SW024", message=message, path=(*form.path, "retry"), at_key=True, hint=hint)
        )
    if spec.timeout is not None and tool.sync:
        message = f"{spec.tool!r} is not async: a timeout could not stop it"
        findings.append(
            Finding(
                code="SW025",
                message=message,
                path=(*form.path, "timeout"),
                at_key=True,
                hint="make it `async def`",
            )
        )


def check_guarantees(form: Form, facts: Facts, findings: Findings) -> None:
    """Report references without `?` that the node's own `when` does not imply."""
    seen: set[tuple[object, ...]] = set()
    for read in form.required():
        place = (read.path, read.ref.pos)
        if read.role == "when" or read.ref.name not in facts.forms or place in seen:
            continue
        seen.add(place)
        if not facts.guaranteed(form.name, read):
            findings.append(_not_guaranteed(read, facts))


def check_rounds(form: Form, facts: Facts, findings: Findings) -> None:
    """Report what `next` and `until` read of a body's node that may not have run in a round."""
    if not isinstance(form.spec, RepeatNode):
        return
    for read in form.inner_reads:
        name = read.ref.name
        if name in facts.forms and not read.ref.optional and not facts.surely(name):
            findings.append(_not_guaranteed(read, facts))


def _not_guaranteed(read: Read, facts: Facts) -> Finding:
    ref, other = read.ref, facts.forms[read.ref.name]
    if other.spec.on_error != "fail":
        why = f"`{ref.name}` may have failed (on_error: {other.spec.on_error})"
    elif other.when is not None:
        why = f"`{ref.name}` runs only when {write(other.when)}"
    else:
        why = f"`{ref.name}` does not always run"
    optional = write(replace(ref, optional=True))
    if read.role == "template":
        hint = f"give it through `with: {{{ref.name}: {ref.name}?}}` and test it, or repeat the condition in `when`"
    else:
        hint = f"write {optional!r} to get null then, or repeat the condition in `when`"
    return Finding(
        code="SW033", message=f"`{write(ref)}` may be missing here: {why}", path=read.path, offset=ref.pos,
        length=max(1, ref.end - ref.pos), hint=hint,
    )  # fmt: skip


def check_routable(form: Form, catalogue: Catalogue, findings: Findings) -> None:
    """Report experts of a route that do not exist or need more than the request."""
    spec = form.spec
    if isinstance(spec, ExpertNode) or not isinstance(spec, RouteNode) or spec.route == "all":
        return
    for position, name in enumerate(spec.route):
        expert = catalogue.experts.get(name)
        if expert is None:
            continue  # an unknown expert is reported where names are resolved
        given = {*spec.with_, *spec.params}
        missing = [key for key, kind in list(expert.inputs.items())[1:] if kind.required and key not in given]
        if missing:
            message = f"{name!r} also needs {', '.join(missing)}: it cannot be routed to"
            findings.append(Finding(code="SW049", message=message, path=(*form.path, "route", position)))


def check_output(outputs: Iterable[OutputForm], env: Env, findings: Findings) -> None:
    """Report an output that is a condition instead of a value."""
    for output in outputs:
        value: Bound = output.value
        if isinstance(value, Not | And | Or):
            findings.append(
                Finding(code="SW046", message="an output names a node or a field of one", path=output.path)
            )
