"""Requests as the engine would make them, in one line each."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from swarm.messages import CompletionRequest, DecisionRequest, Message, Question, Task, ToolSignature

LOOK_UP = ToolSignature(
    name="look_up",
    description="Find an order.",
    parameters={"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
)


TASK = Task(expert="e", key="k", kind="write", inputs={}, text="hi")
COMPLETION = CompletionRequest(model="qwen3:4b", messages=(), task=TASK)
DECISION = DecisionRequest(model="m", state="hi", questions={}, task=replace(TASK, kind="decide"))


def asking(model: str = "qwen3:4b", text: str = "hi", **fields: Any) -> CompletionRequest:
    """Return a request for text."""
    return replace(
        COMPLETION, **{"model": model, "messages": (Message(role="user", content=text),), **fields}
    )


def deciding(
    model: str, questions: Mapping[str, Question], state: str = "hi", **fields: Any
) -> DecisionRequest:
    """Return a request for a decision."""
    return replace(DECISION, **{"model": model, "questions": questions, "state": state, **fields})


class Pauses:
    """Stands in for `asyncio.sleep`: returns at once, and remembers how long it was to be."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class FakeClock:
    """Stands in for `time.monotonic`."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s
