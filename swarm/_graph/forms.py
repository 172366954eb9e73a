"""Nodes with their expressions and templates parsed, and everything they read listed once.

Edges, checks and the compiled functions all start from these forms, so that no other part
parses an expression again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from swarm.spec.condition import (
    ConditionError,
    Expr,
    Ref,
    compile_expression,
    parse_expression,
    references,
)
from swarm.spec.findings import Finding
from swarm.spec.graph import (
    AskNode,
    Body,
    EachNode,
    Node,
    RepeatNode,
    ReplyNode,
    kind_of,
)
from swarm.spec.template import Template, TemplateError, parse_template

__all__ = [
    "BodyForm",
    "Bound",
    "First",
    "Form",
    "OutputForm",
    "Read",
    "body_form",
    "evaluator",
    "node_form",
    "output_form",
    "refs_of",
    "table_evaluator",
]

Path = tuple[str | int, ...]
Findings = list[Finding]
BODY_NODE = "do"  # the name of the node of a body that is a single node


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One reference: what it names, where it stands, and what it is for.

    Attributes:
        role: `when`, `value` (with, each, repeat ...), `template` or `output`.
    """

    ref: Ref
    path: Path
    role: str


@dataclass(frozen=True, slots=True)
class First:
    """`{first: [a?.x, b]}`: the first that is not null."""

    items: tuple[Bound, ...]


Bound = Expr | First | list[Any] | dict[str, Any]  # nested values hold Bounds; constants are Const


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputForm:
    """One candidate for an output; `name` is set when it is a whole node."""

    value: Bound
    path: Path
    text: str

    @property
    def name(self) -> str:
        """Return the node's name when the output is a whole node, else ""."""
        return self.value.name if isinstance(self.value, Ref) and not self.value.fields else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyForm:
    """The nodes inside `each` or `repeat`."""

    nodes: Mapping[str, Form]
    outputs: tuple[OutputForm, ...]
    single: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A node, parsed. `reads` are its own; those of a body are in `body`."""

    name: str
    kind: str
    spec: Node
    path: Path
    when: Expr | None = None
    values: Mapping[str, Bound]
    template: Template | None = None
    items: Expr | None = None
    next: Mapping[str, Bound]
    until: Expr | None = None
    body: BodyForm | None = None
    reads: tuple[Read, ...] = ()
    inner_reads: tuple[Read, ...] = ()

    def bound_names(self) -> tuple[str, ...]:
        """Return the names that a body sees besides outer ones and its own nodes."""
        if isinstance(self.spec, EachNode):
            return (self.spec.as_, "index")
        return ("loop",) if isinstance(self.spec, RepeatNode) else ()

    def required(self) -> Iterator[Read]:
        """Yield the references without which this node cannot run.

        A condition inside a body decides about a node of the body, not about this one.
        """
        for read in self.outward():
            own = read.path[: len(self.path) + 1] == (*self.path, "when")
            if not read.ref.optional and (read.role != "when" or own):
                yield read

    def outward(self) -> Iterator[Read]:
        """Yield every reference to something outside this node, those of its body included."""
        yield from self.reads
        if self.body is None:
            return
        inside = {*self.bound_names(), *self.body.nodes}
        bodies = [read for form in self.body.nodes.values() for read in form.outward()]
        for read in (*bodies, *self.inner_reads):
            if read.ref.name not in inside:
                yield read


def node_form(name: str, spec: Node, path: Path, findings: Findings) -> Form:
    """Return the node parsed; what cannot be parsed becomes a finding and is left out."""
    reader = _Reader(findings)
    kind = kind_of(spec) or ""
    when = reader.expression(spec.when, (*path, "when"), "when") if spec.when is not None else None
    values: dict[str, Bound] = reader.bindings(spec.with_, (*path, "with"))
    items, template = None, None
    if isinstance(spec, EachNode):
        items = reader.expression(spec.each, (*path, "each"), "value")
    elif isinstance(spec, RepeatNode):
        values = {**values, **reader.bindings(spec.repeat, (*path, "repeat"))}
    elif isinstance(spec, ReplyNode):
        template = reader.template(spec.reply, (*path, "reply"), hidden=set(spec.with_) | set(spec.params))
    elif isinstance(spec, AskNode):
        template = reader.template(spec.ask, (*path, "ask"), hidden=set(spec.with_) | set(spec.params))
    inner = _Reader(findings)
    body, after, until = None, dict[str, Bound](), None
    if isinstance(spec, EachNode | RepeatNode):
        body = body_form(spec.do, (*path, "do"), findings, inner, value=isinstance(spec, EachNode))
    if isinstance(spec, RepeatNode):
        after = inner.bindings(spec.next, (*path, "next"))
        until = inner.expression(spec.until, (*path, "until"), "when") if spec.until is not None else None
    return Form(
        name=name, kind=kind, spec=spec, path=path, when=when, values=values, template=template, items=items,
        next=after, until=until, body=body, reads=tuple(reader.reads), inner_reads=tuple(inner.reads),
    )  # fmt: skip


def body_form(spec: Body | Node, path: Path, findings: Findings, inner: _Reader, *, value: bool) -> BodyForm:
    """Return a body parsed; the reads of its output go to `inner`."""
    if isinstance(spec, Node):
        forms = {BODY_NODE: node_form(BODY_NODE, spec, path, findings)}
        outputs = (OutputForm(value=Ref(name=BODY_NODE), path=path, text=BODY_NODE),) if value else ()
        return BodyForm(nodes=forms, outputs=outputs, single=True)
    forms = {
        name: node_form(name, node, (*path, "nodes", name), findings) for name, node in spec.nodes.items()
    }
    outputs: tuple[OutputForm, ...] = ()
    if spec.output is not None:
        outputs = output_form(spec.output, (*path, "output"), inner)
    elif value:
        outputs = _only_end(forms, path, findings)
    return BodyForm(nodes=forms, outputs=outputs, single=False)


def _only_end(forms: Mapping[str, Form], path: Path, findings: Findings) -> tuple[OutputForm, ...]:
    used = {read.ref.name for form in forms.values() for read in form.outward()}
    ends = [name for name in forms if name not in used]
    if len(ends) == 1:
        return (OutputForm(value=Ref(name=ends[0]), path=path, text=ends[0]),)
    message = f"this body has {len(ends)} ends ({', '.join(ends)}): say which is its value"
    findings.append(
        Finding(code="SW011", message=message, path=path, at_key=True, hint="output: " + (ends or [""])[0])
    )
    return ()


def output_form(raw: Any, path: Path, reader: _Reader | Findings) -> tuple[OutputForm, ...]:
    """Return the candidates of an `output:`, in order; a mapping is one candidate."""
    if isinstance(reader, list):
        reader = _Reader(reader)
    if isinstance(raw, Mapping):
        value = reader.bindings(cast("dict[str, Any]", raw), path, "output")
        return (OutputForm(value=value, path=path, text="a mapping"),)
    entries = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    found: list[OutputForm] = []
    for position, entry in enumerate(entries):
        place = (*path, position) if isinstance(raw, list) else path
        value = reader.expression(str(entry), place, "output")
        if value is not None:
            found.append(OutputForm(value=value, path=place, text=str(entry)))
    return tuple(found)


def refs_of(bound: Bound) -> Iterator[Ref]:
    """Yield every reference in a binding."""
    if isinstance(bound, First):
        for item in bound.items:
            yield from refs_of(item)
    elif isinstance(bound, list):
        for item in bound:
            yield from refs_of(item)
    elif isinstance(bound, dict):
        for item in bound.values():
            yield from refs_of(item)
    else:
        yield from references(bound)


class _Reader:
    """Parses the texts of one node and remembers every reference in them."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.reads: list[Read] = []

    def expression(self, text: str, path: Path, role: str) -> Expr | None:
        try:
            expr = parse_expression(text)
        except ConditionError as error:
            self.findings.append(
                Finding(
                    code="SW030",
                    message=str(error),
                    path=path,
                    offset=error.pos,
                    length=error.length,
                    hint=error.hint,
                )
            )
            return None
        self.reads += [Read(ref=ref, path=path, role=role) for ref in references(expr)]
        return expr

    def bindings(self, raw: Mapping[str, Any], path: Path, role: str = "value") -> dict[str, Bound]:
        bound = {name: self.bound(value, (*path, name), role) for name, value in raw.items()}
        return {name: value for name, value in bound.items() if value is not None}

    def bound(self, raw: Any, path: Path, role: str) -> Bound | None:
        from swarm.spec.condition import Const

        if isinstance(raw, str):
            return self.expression(raw, path, role)
        if isinstance(raw, list):
            items = [self.bound(item, (*path, i), role) for i, item in enumerate(cast("list[Any]", raw))]
            return [item for item in items if item is not None]
        if isinstance(raw, Mapping):
            table = cast("dict[str, Any]", raw)
            if list(table) == ["first"] and isinstance(table["first"], list):
                given = cast("list[Any]", table["first"])
                options = [self.bound(item, (*path, "first", i), role) for i, item in enumerate(given)]
                return First(tuple(item for item in options if item is not None))
            return self.bindings(table, path, role)
        return Const(value=raw)

    def template(self, text: str, path: Path, *, hidden: set[str]) -> Template | None:
        try:
            template = parse_template(text)
        except TemplateError as error:
            self.findings.append(
                Finding(
                    code=error.code,
                    message=str(error),
                    path=path,
                    offset=error.pos,
                    length=error.length,
                    hint=error.hint,
                )
            )
            return None
        for ref in template.refs:
            if ref.name not in hidden:
                seen = Ref(name=ref.name, fields=ref.fields, pos=ref.pos, end=ref.end)
                self.reads.append(Read(ref=seen, path=path, role="template"))
        return template


def evaluator(bound: Bound) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function from a scope to the value of a binding."""
    if isinstance(bound, First):
        options = [evaluator(item) for item in bound.items]

        def first(scope: Mapping[str, Any]) -> Any:
            for option in options:
                value = option(scope)
                if value is not None:
                    return value
            return None

        return first
    if isinstance(bound, list):
        items = [evaluator(item) for item in bound]
        return lambda scope: [item(scope) for item in items]
    if isinstance(bound, dict):
        return table_evaluator(bound)
    return compile_expression(bound)


def table_evaluator(
    bound: Mapping[str, Bound], constants: Mapping[str, Any] | None = None
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return a function from a scope to the values by name, `constants` beside them."""
    fixed = dict(constants or {})
    made = [(name, evaluator(value)) for name, value in bound.items()]
    if not made:
        return lambda scope: dict(fixed)
    if len(made) == 1 and not fixed:
        name, only = made[0]
        if isinstance(ref := bound[name], Ref) and not ref.fields:  # most nodes: no call in a call in a call
            source = ref.name
            return lambda scope: {name: scope.get(source)}
        return lambda scope: {name: only(scope)}
    return lambda scope: {**fixed, **{name: value(scope) for name, value in made}}
