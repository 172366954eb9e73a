"""What the tools of the fault graphs do to the world: a line in a file for each effect, on the disk at once."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from swarm import ScriptedBackend, tool
from swarm.messages import DecisionRequest
from swarm.tools.function import FunctionTool

__all__ = ["Lines", "World", "read_lines", "returned"]

LONGEST_S = 0.004  # that a tool waits: about what a commit takes, so kills fall into both


class Lines:
    """A file that gets whole lines, which survive the death of whoever writes them."""

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._durable = durable

    def write(self, **line: Any) -> None:
        """Add one line (JSON)."""
        os.write(self._fd, json.dumps(line).encode() + b"\n")
        if self._durable:
            os.fsync(self._fd)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def read_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield what was written to a file of lines; none if it is not there."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def returned(x: int) -> int:
    """Return what every tool makes of its argument."""
    return 3 * x + 1


class World:
    """The tools and the models of one process, and the file in which they leave their traces.

    Args:
        life: which process of a trial this is, from 0.
    """

    def __init__(self, path: Path, life: int) -> None:
        self._lines, self._life = Lines(path, durable=True), life

    def tools(self) -> list[FunctionTool[..., Any]]:
        """Return the tools that the graphs call."""
        touch = self._touch

        @tool(effect="pure")
        async def look(run: str, node: str, x: int, visit: int = 0) -> int:
            """Compute something."""
            await touch("pure", run, node, x, visit)
            return returned(x)

        @tool(effect="pure")
        async def total(run: str, node: str, parts: list[int]) -> int:
            """Add up."""
            await touch("pure", run, node, 0, 0)
            return sum(parts)

        @tool(effect="pure")
        async def breaks(run: str, node: str, x: int) -> int:
            """Fail, always."""
            await touch("pure", run, node, x, 0)
            raise ValueError("it is broken")

        @tool(effect="idempotent")
        async def put(run: str, node: str, x: int, idempotency_key: str, visit: int = 0) -> int:
            """Write something down, under a key."""
            await touch("idempotent", run, node, x, visit, idempotency_key)
            return returned(x)

        @tool(effect="unsafe")
        async def pay(run: str, node: str, x: int, visit: int = 0) -> int:
            """Move money."""
            await touch("unsafe", run, node, x, visit)
            return x

        return [look, total, breaks, put, pay]

    def backends(self) -> dict[str, ScriptedBackend]:
        """Return two models: the first is not sure, the second is."""
        replies = {"small": self._model(0.55), "large": self._model(0.95)}
        return {"scripted": ScriptedBackend(replies, decides=list(replies))}

    def _model(self, probability: float) -> Callable[[Any], Any]:
        def answer(request: DecisionRequest) -> Mapping[str, Mapping[str, float]]:
            self._lines.write(
                life=self._life,
                effect="model",
                run=str(request.state),
                node=f"model {request.model}",
                visit=0,
                key="",
            )
            return {"label": {"refund": probability, "other": 1 - probability}}

        return answer

    async def _touch(self, effect: str, run: str, node: str, x: int, visit: int, key: str = "") -> None:
        drawn = zlib.crc32(f"{run} {node} {x}".encode()) % 1000 / 1000
        await asyncio.sleep(drawn * LONGEST_S / 2)
        self._lines.write(life=self._life, effect=effect, run=run, node=node, visit=visit, key=key)
        await asyncio.sleep(drawn * LONGEST_S / 2)

    def close(self) -> None:
        """Let go of the file."""
        self._lines.close()
