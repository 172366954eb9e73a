"""The seam to tools: something with a signature that can be called with arguments by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from swarm.messages import ToolSignature

__all__ = ["Tool"]


class Tool(Protocol):
    """Can be a node of a graph, or be given to an expert."""

    @property
    def signature(self) -> ToolSignature:
        """Return the name, the schemas and the effect."""
        ...

    async def call(self, arguments: Mapping[str, Any], *, idempotency_key: str = "") -> Any:
        """Call it with arguments by name; return plain data (JSON values).

        `idempotency_key` is the same for every attempt at one call; a tool whose signature says
        `takes_key` passes it on, others ignore it.

        Raises:
            ToolError: it raised, or returned something that is not plain data or does not fit
                its schema. Arguments that do not fit: code `tool_arguments`.
        """
        ...
