"""A model that may call tools: a bounded loop of calls until it answers in text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import swarm.events as ev
from swarm._engine.context import Run
from swarm._engine.nodes.away import ask_away
from swarm._engine.nodes.effects import LEFT_OUT, may_call
from swarm._engine.nodes.tool import call_tool
from swarm._engine.nodes.turns import Turns
from swarm._engine.result import Ask
from swarm.backends.decide import InvalidAnswer
from swarm.errors import LimitExceededError, ToolError
from swarm.messages import Completion, CompletionRequest, Message, ToolCall
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["complete_with_tools"]

RESULT_CHARS = 20_000  # of a tool's result that a model is shown


async def complete_with_tools(expert: ResolvedExpert, request: CompletionRequest, model: Turns) -> Completion:
    """Return the model's final answer; it calls only the expert's tools, at most `max_tool_calls` times.

    Raises:
        InvalidAnswer: it called a tool with wrong arguments twice.
        LimitExceededError: it called more tools than it may.
    """
    run, place = model.run, model.place
    tools = {name: run.services.tools[name] for name in expert.tools if name in run.services.tools}
    request = replace(request, tools=tuple(tool.signature for tool in tools.values()))
    calls, usage, corrected = 0, None, False
    while True:
        completion = await model.take(request)
        usage = completion.usage if usage is None else usage + completion.usage
        if not completion.tool_calls:
            return replace(completion, usage=usage)
        turns: list[Message] = []
        for call in completion.tool_calls:
            calls += 1
            if calls > expert.max_tool_calls:
                raise LimitExceededError(
                    f"expert {expert.name!r} called more than {expert.max_tool_calls} tools in one answer",
                    where=place, hint="raise its `max_tool_calls`",
                )  # fmt: skip
            try:
                shown = await _answer_call(expert, call, model)
            except ToolError as error:
                if error.code != "tool_arguments":
                    shown = f"error: {error.what}"
                elif corrected:
                    raise InvalidAnswer(f"tool {call.name!r}: {error.what}", usage=usage) from error
                else:
                    corrected = True
                    turns.append(
                        Message(role="user", content=f"Your call of {call.name} was not made: {error.what}")
                    )
                    continue
            made = Message(role="assistant", content="", tool_calls=(call,))
            turns += [made, Message(role="tool", content=shown, tool_name=call.name, tool_call_id=call.id)]
        request = replace(request, messages=(*request.messages, *turns))


async def _answer_call(expert: ResolvedExpert, call: ToolCall, model: Turns) -> str:
    """Return what the model is told of its call."""
    run, place = model.run, model.place
    tool = run.services.tools.get(call.name) if call.name in expert.tools else None
    if tool is None:
        return _refused(call, "this expert has no such tool", run, place)
    journal = run.journal
    name = call.id if journal is None else journal.call(place, f"{model.asked}/{call.name}")
    before = None if journal is None else journal.recalled(place, name)
    if before is not None:
        return _shown_before(before)
    if (
        tool.signature.effect == "unsafe"
        and expert.approve != "never"
        and not await _approved(call, name, run, place)
    ):
        return _refused(call, "a person refused this call", run, place)
    key = f"{run.id}/{place}/{name}" if tool.signature.takes_key else ""
    arguments = dict(call.arguments)
    if not await may_call(tool, arguments, key, run, place, name):
        return f"not called: {LEFT_OUT}"
    try:
        shown = _shown(await call_tool(tool, arguments, run, place, key=key))
    except ToolError as error:
        if journal is not None:
            await journal.keep(place, name, {"error": error.what, "code": error.code})
        raise
    if journal is not None:
        await journal.keep(place, name, {"shown": shown})
    return shown


def _shown_before(body: Mapping[str, Any]) -> str:
    """Return what the model was told of this call before the run was cut off."""
    if "error" in body:
        raise ToolError(body["error"], code=body["code"])
    return body["shown"]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= RESULT_CHARS else text[:RESULT_CHARS] + " [cut]"


def _refused(call: ToolCall, reason: str, run: Run, place: str) -> str:
    run.emit(ev.ToolRefused(run=run.id, at=run.now(), node=place, tool=call.name, reason=reason))
    return f"refused: {reason}"


async def _approved(call: ToolCall, name: str, run: Run, place: str) -> bool:
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}"
        for name, value in call.arguments.items()
    )
    question = Ask(
        node=place, text=f"Allow {call.name}({arguments})?", answer={"approved": "boolean"},
        token=run.services.new_id(),
    )  # fmt: skip
    answer = await ask_away(question, run, name=f"approve:{name}")
    return bool(answer["approved"])
