"""Holds a tool of any make to what the seam promises: plain data or a `ToolError`, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swarm.errors import SwarmError, ToolError, describe
from swarm.messages import ToolSignature
from swarm.tools.base import Tool
from swarm.tools.result import plain

__all__ = ["Guarded"]


class Guarded:
    """A tool whose errors are translated and whose results are made plain."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool

    @property
    def signature(self) -> ToolSignature:
        """Return the tool's own."""
        return self.tool.signature

    async def call(self, arguments: Mapping[str, Any], *, idempotency_key: str = "") -> Any:
        """Call the tool.

        Raises:
            ToolError: it raised, or returned something that is not plain data.
            LimitExceededError: its result is larger than 1 MB.
        """
        where = f"tool {self.tool.signature.name!r}"
        try:
            result = await self.tool.call(arguments, idempotency_key=idempotency_key)
        except SwarmError:
            raise
        except (Exception, SystemExit) as error:
            code = "timeout" if isinstance(error, TimeoutError) else ""
            raise ToolError(f"raised {describe(error)}", where=where, code=code) from error
        return plain(result, where=where)
