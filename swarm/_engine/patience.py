"""Waiting for a task that was cancelled to stop, whoever cancels the waiting meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["outlast"]


async def outlast(task: asyncio.Future[Any], limit_s: float) -> None:
    """Wait for the task to be done, at most `limit_s` seconds; it is not cancelled here.

    Who is cancelled while waiting still waits, or what the task holds would be left behind.

    Raises:
        CancelledError: the caller was cancelled meanwhile; raised at the end, never swallowed.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + limit_s
    cancelled: asyncio.CancelledError | None = None
    while not task.done() and (left := until - loop.time()) > 0:
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
