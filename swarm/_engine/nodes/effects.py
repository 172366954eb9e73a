"""Effects that may happen once: what a durable run writes down before a tool that is not pure is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from swarm._engine.context import Run
from swarm._engine.nodes.away import ask_away
from swarm._engine.result import Ask
from swarm.tools.base import Tool

__all__ = ["LEFT_OUT", "may_call"]

LEFT_OUT = "a person said not to call the tool again; whether the call before had an effect is not known"
CHOICE = {"type": "string", "one_of": ["retry", "skip"]}


async def may_call(
    tool: Tool, arguments: Mapping[str, Any], key: str, run: Run, place: str, call: str = ""
) -> bool:
    """Return whether the tool is to be called now; what is about to happen is durable by then.

    An unsafe call that was about to happen when the run was cut off is never repeated without a
    person's word: the run waits for `retry` or `skip`. An idempotent one is repeated with its key.

    Args:
        call: which call inside the node; "" is the node's own.
    """
    signature, journal = tool.signature, run.journal
    if journal is None or signature.effect == "pure":
        return True
    before = journal.intents(place, call)
    if (
        before
        and signature.effect == "unsafe"
        and not await _is_retried(tool, arguments, before, run, place, call)
    ):
        return False
    run.check_tool_call()  # a call that the limit forbids is not about to happen
    await journal.intend(place, call, {"tool": signature.name, "arguments": arguments, "key": key})
    return True


async def _is_retried(
    tool: Tool, arguments: Mapping[str, Any], before: int, run: Run, place: str, call: str
) -> bool:
    given = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in arguments.items()
    )
    text = (
        f"{tool.signature.name}({given}) was called, and the run broke off there: it may or may not have happened. "
        "Call it again (retry), or go on without it (skip)?"
    )
    ask = Ask(node=place, text=text, answer={"action": CHOICE}, token=run.services.new_id())
    answer = await ask_away(ask, run, name=f"again{call and ':'}{call}:{before}")
    return answer["action"] == "retry"
