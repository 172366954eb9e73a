"""Run a blocking function without holding up the loop, and without letting it hold up the end.

`asyncio.to_thread` shares a few threads that the interpreter waits for at exit: six tools that hang
would stop every other tool, and Ctrl-C would not end the program. So each call gets a daemon
thread of its own (about 50 us), and one that hangs is left behind.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

__all__ = ["in_thread"]

T = TypeVar("T")


async def in_thread(function: Callable[[], T], *, name: str = "worker") -> T:
    """Return what `function()` returns, called in a thread of its own; context variables are seen.

    Cancelling stops the waiting, not the function: a thread cannot be stopped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result = context.run(function)
        except StopIteration as error:  # a future cannot carry it: the waiter would never wake
            failure = RuntimeError("the function raised StopIteration")
            failure.__cause__ = error
            _report(loop, future, failure=failure)
        except KeyboardInterrupt as error:  # not Ctrl-C, which reaches the main thread alone
            failure = RuntimeError("the function raised KeyboardInterrupt")
            failure.__cause__ = error
            _report(loop, future, failure=failure)
        except BaseException as error:
            _report(loop, future, failure=error)
        else:
            _report(loop, future, result=result)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future


def _report(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[T],
    *,
    result: T | None = None,
    failure: BaseException | None = None,
) -> None:
    def settle() -> None:
        if future.done():  # nobody waits any more
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(result)  # pyright: ignore[reportArgumentType]

    with suppress(RuntimeError):  # the loop is closed: the waiter is gone, and nothing is lost
        loop.call_soon_threadsafe(settle)
