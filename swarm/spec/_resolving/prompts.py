"""What is wrong with an expert's prompt: its syntax, and what it says of the expert. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.fields import UnknownField, field_type
from swarm.spec.findings import did_you_mean
from swarm.spec.template import TemplateError, TemplateRef, parse_template
from swarm.spec.types import Type, record

__all__ = ["Flaw", "flaws"]

TEXT = Type(base="string")


def _rows(**fields: Type) -> Type:
    return Type(base="list", item=record(fields))


BESIDE: Mapping[str, Type] = {
    "labels": _rows(name=TEXT, description=TEXT),
    "questions": _rows(name=TEXT, type=TEXT, instructions=TEXT, options=Type(base="list", item=TEXT)),
    "documents": _rows(name=TEXT, text=TEXT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong with a prompt, at an offset of its text.

    Attributes:
        name: the name it says and the expert does not have, or "".
    """

    code: str
    message: str
    offset: int
    length: int
    hint: str = ""
    name: str = ""


def flaws(expert: ResolvedExpert) -> Iterator[Flaw]:
    """Yield what is wrong with the expert's prompt."""
    try:
        template = parse_template(expert.prompt)
    except TemplateError as error:
        yield Flaw(
            code=error.code, message=str(error), offset=error.pos, length=error.length, hint=error.hint
        )
        return
    inputs = {name: kind for name, kind in expert.inputs.items() if kind.base != "messages"}
    known = {**BESIDE, **inputs}
    for ref in template.refs:
        flaw = _unknown_name(ref, expert, known) if ref.name not in known else _unknown_field(ref, known)
        if flaw is not None:
            yield flaw


def _unknown_name(ref: TemplateRef, expert: ResolvedExpert, known: Mapping[str, Type]) -> Flaw:
    message, hint = f"undefined template variable {ref.name!r}", did_you_mean(ref.name, known)
    if ref.name in expert.inputs:
        message = f"{ref.name!r} is a conversation: it is sent as turns before the prompt, not rendered"
        hint = "leave it out of the prompt"
    return Flaw(code="SW051", message=message, offset=ref.pos, length=len(ref.name), hint=hint, name=ref.name)


def _unknown_field(ref: TemplateRef, known: Mapping[str, Type]) -> Flaw | None:
    kind = known[ref.name]
    unknown = field_type(kind, ref.fields)
    if not isinstance(unknown, UnknownField):
        return None
    parent = ".".join((ref.name, *ref.fields[: unknown.at]))
    field = ref.fields[unknown.at]
    hint = did_you_mean(field, unknown.choices) if unknown.choices else f"it is of type {kind}"
    return Flaw(
        code="SW032", message=f"{parent!r} has no field {field!r}", offset=ref.pos,
        length=ref.end - ref.pos, hint=hint,
    )  # fmt: skip
