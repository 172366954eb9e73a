"""Nodes without a model: reply and ask."""

from __future__ import annotations

from typing import Any

from swarm._engine.context import Run
from swarm._engine.result import Ask, Outcome
from swarm._engine.scheduler import RunNode
from swarm.errors import InputError, NodeError
from swarm.spec.graph import AskNode
from swarm.spec.plain import NotPlainError, TooLargeError, plain_data
from swarm.spec.types import Type, record

__all__ = ["answer_type", "ask", "check_answer", "reply"]


async def reply(command: RunNode, run: Run, place: str) -> Outcome:
    """Fill the template; the node's own `with` comes before the names around it."""
    value = {"text": _fill(command)}
    return Outcome(value, value)


def _fill(command: RunNode) -> str:
    template = command.node.template
    assert template is not None, "a compiled reply has a template"
    scope = command.scope if not command.arguments else {**command.scope, **command.arguments}
    return template.render(scope)


async def ask(command: RunNode, run: Run, place: str) -> Outcome:
    """Ask a person and wait; the run pauses when nothing else can go on."""
    spec = command.node.spec
    assert isinstance(spec, AskNode)
    kind = answer_type(spec)
    question = Ask(
        node=place,
        text=_fill(command),
        answer={name: field.render() for name, field in kind.fields.items()},
        token=run.services.new_id(),
    )
    try:
        answer = await run.question(question, limit_s=spec.timeout or 0.0)
    except TimeoutError as error:
        raise NodeError("nobody answered in time", where=place, code="timeout") from error
    return Outcome(answer, answer)


def answer_type(spec: AskNode) -> Type:
    """Return what a person answers, as a record; by default one text."""
    return record(spec.answer or {"text": Type(base="string")})


def check_answer(answer: dict[str, Any], fields: dict[str, Type], limit_bytes: int) -> dict[str, Any]:
    """Return the answer as plain data, with optional fields filled in.

    Raises:
        InputError: it does not fit, or is too large; every misfit is named.
    """
    try:
        answer = plain_data(answer, limit_bytes=limit_bytes, root="answer")
    except NotPlainError as error:
        raise InputError(f"the answer does not fit: {error.what}", hint=error.hint) from error
    except TooLargeError as error:
        raise InputError(f"the answer is {error}", hint="raise Limits(input_bytes=...)") from error
    filled = {
        name: answer[name] if name in answer else kind.when_left_out()
        for name, kind in fields.items()
        if name in answer or not kind.required
    }
    wrong = [*record(fields).misfits({**filled, **answer})]
    if wrong:
        raise InputError("the answer does not fit: " + "; ".join(wrong), hint=f"give {record(fields)}")
    return filled
