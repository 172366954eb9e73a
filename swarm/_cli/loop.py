"""One event loop for a whole command, left between runs so that a person can be asked in peace.

`with Loop() as loop: loop.run(coroutine)`. Ctrl-C during `run` cancels what runs and raises
KeyboardInterrupt; between two runs it is raised at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from swarm._cli import console

__all__ = ["Loop"]

T = TypeVar("T")


class _Threads(ThreadPoolExecutor):
    """Threads for `asyncio.to_thread` in tools; ending waits for none of them: one may hang."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


GRACE_S = 1.0  # for tasks that are cancelled at the end


class Loop:
    """Runs coroutines one after the other in the same event loop.

    What the code of a graph prints meanwhile goes to stderr.

    Attributes:
        left_behind: a tool did not stop when it was cancelled, so the process has to be ended
            without waiting for it (`main.run` does).
    """

    left_behind = False

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        self._runner.get_loop().set_default_executor(_Threads(thread_name_prefix="tool"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = self._runner.get_loop()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE_S))
        if all(task.done() for task in tasks):
            self._runner.close()
        else:
            Loop.left_behind = True  # closing would wait for it without end

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what the coroutine returns."""
        with console.tools_talk_to_stderr():
            return self._runner.run(work)
