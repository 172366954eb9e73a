"""Somebody to go through, who counts."""

from __future__ import annotations

import asyncio

__all__ = ["Crowd"]


class Crowd:
    """Counts who is inside at once."""

    def __init__(self) -> None:
        self.inside = self.most = self.calls = 0

    async def enter(self) -> None:
        """Go in, stay for some turns of the loop, so that whoever may come in does, and leave."""
        self.calls += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(5):
            await asyncio.sleep(0)
        self.inside -= 1
