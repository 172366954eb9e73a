"""A deterministic event loop: virtual time, an order of its own for what is ready, no I/O.

A test that runs in it takes no time to wait, meets the interleavings that are rare elsewhere, and does
the same again for the same seed. A coroutine that would hang ends with a `Deadlock` that says who waits.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import random
import sys
import threading
import weakref
from asyncio.events import _set_running_loop  # pyright: ignore[reportPrivateUsage]  # documented for loops
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["Deadlock", "Simulated", "SimulatedLoop", "Stopped", "simulate"]

T = TypeVar("T")
MAX_STEPS = 1_000_000  # a second or two; code that spins in `sleep(0)` ends here
LONGEST_STEP_S = 0.1  # of a slow step; less than any grace period, so that a slow machine breaks none
MASK = 2**64 - 1
SHOWN = 10  # tasks that a deadlock names


class Deadlock(AssertionError):
    """Nothing is ready, no timer is set, and the main coroutine has not ended."""


class Stopped(BaseException):
    """The loop was stopped at the step it was told to: what was at work is gone, as in a crash."""


@dataclass(frozen=True, kw_only=True)
class Simulated(Generic[T]):
    """What a simulated coroutine came to.

    Attributes:
        trace: a hash of every step taken; the same for the same seed and code.
        steps: callbacks run. time_s: seconds of virtual time.
    """

    value: T
    trace: str
    steps: int
    time_s: float


class _Call(asyncio.TimerHandle):
    """A callback that waits for its turn, or for its time."""

    def run(self) -> None:
        self._run()


class SimulatedLoop(asyncio.AbstractEventLoop):
    """An event loop in which a seed decides what runs next.

    Of the callbacks that are ready, the next one is drawn. What asyncio promises is kept: callbacks of
    one future run in the order they were added, those given to `call_soon` by hand in the order given,
    and no timer before its time. What it does not promise is shuffled: which of several tasks goes on
    first, which of several futures is heard of first, timers of the same moment. That tasks start in
    the order they were made is a habit of asyncio's loop: code that leans on it is found out here.

    Time stands still while anything is ready and jumps to the next timer when nothing is. With `slow`,
    a share of the steps takes until the next timer if that is near (0.1 s), so that timers run
    out while callbacks wait.

    There are no sockets, processes or threads: whatever asks for one raises NotImplementedError, and
    `call_soon_threadsafe` from another thread RuntimeError.

    Args:
        seed: of everything that is drawn.
        slow: probability, in [0, 1), that a step takes time.
        stop_at: raise `Stopped` out of `run_until_complete` before this step, counted from 0.
        max_steps: more raise AssertionError: something spins.
    """

    def __init__(
        self, seed: int, *, slow: float = 0.0, stop_at: int | None = None, max_steps: int = MAX_STEPS
    ) -> None:
        self.steps = 0
        self._seed = random.Random(seed).getrandbits(64)
        self._slow, self._stop_at, self._max_steps = slow, stop_at, max_steps
        self._now = 0.0
        self._queues: dict[int, deque[_Call]] = {}  # ready, by what they belong to
        self._turns: list[tuple[int, int]] = []  # a heap: of each queue its next turn
        self._timers: list[tuple[float, int, _Call]] = []  # a heap
        self._numbers: weakref.WeakKeyDictionary[object, int] = weakref.WeakKeyDictionary()
        self._count = 0
        self._trace = hashlib.blake2b(digest_size=16)
        self._generators: weakref.WeakSet[Any] = weakref.WeakSet()
        self._running = self._stopping = self._closed = False
        self._thread = threading.get_ident()
        self._failures: list[str] = []

    @property
    def trace(self) -> str:
        """Return the hash of every step so far."""
        return self._trace.hexdigest()

    @property
    def failures(self) -> tuple[str, ...]:
        """Return what was reported to the loop's exception handler: errors nobody took."""
        return tuple(self._failures)

    def time(self) -> float:
        """Return virtual seconds, from 0."""
        return self._now

    # -- what is scheduled

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        """Make a callback ready; see the class for what is kept of the order."""
        call = _Call(self._now, callback, args, self, context)
        self._ready(call, self._number(_owner(callback, args)))
        return call

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Make a callback ready; RuntimeError from another thread."""
        if threading.get_ident() != self._thread:
            raise RuntimeError("a simulated loop has one thread")
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Call back after `delay` virtual seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """Call back at a virtual time."""
        call = _Call(when, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, call))
        return call

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Let a cancelled timer lie until its time, when it is dropped."""

    def _ready(self, call: _Call, number: int) -> None:
        queue = self._queues.get(number)
        if queue is None:
            self._queues[number] = deque((call,))
            heapq.heappush(self._turns, (self._drawn(number), number))
        else:
            queue.append(call)

    def _number(self, owner: object) -> int:
        """Return the number of a task or future: by when it was first seen, so the same in every run."""
        if owner is None:
            return 0
        number = self._numbers.get(owner)
        if number is None:
            self._count += 1
            number = self._numbers[owner] = self._count
        return number

    # -- running

    def run_until_complete(self, future: Any) -> Any:
        """Run until the future is done and return its result.

        Raises:
            Deadlock: nothing can ever go on.
            Stopped: `stop_at` was reached.
        """
        task: asyncio.Future[Any] = asyncio.ensure_future(future, loop=self)
        with self._as_running():
            while not task.done():
                self._step(task)
        return task.result()

    def run_forever(self) -> None:
        """Run until `stop` is called, or nothing can ever go on."""
        self._stopping = False
        with self._as_running():
            while not self._stopping and (self._turns or self._timers):
                self._step(None)

    def stop(self) -> None:
        """End `run_forever` after this step."""
        self._stopping = True

    def _step(self, main: asyncio.Future[Any] | None) -> None:
        if self.steps == self._stop_at:
            raise Stopped
        if self.steps >= self._max_steps:
            raise AssertionError(f"more than {self._max_steps:,} steps: something spins\n{self._waiting()}")
        if not self._turns or self._is_slow():
            self._jump(main)
        if not self._turns:  # the timer was cancelled
            return
        _, number = heapq.heappop(self._turns)
        queue = self._queues[number]
        call = queue.popleft()
        if queue:
            heapq.heappush(self._turns, (self._drawn(number), number))
        else:
            del self._queues[number]
        if not call.cancelled():
            self.steps += 1
            self._trace.update(f"{number} {self._now!r}\n".encode())
            call.run()

    def _is_slow(self) -> bool:
        """Return whether this step takes time."""
        if not self._slow or self._drawn(0) >= self._slow * MASK:
            return False
        self._drop_cancelled()
        return bool(self._timers) and self._timers[0][0] <= self._now + LONGEST_STEP_S

    def _drawn(self, number: int) -> int:
        """Return a number in [0, 2**64) drawn for this step and this owner, whoever asks first.

        So the order in which a set is gone through, which differs from run to run, decides nothing.
        Source: the mixing steps of SplitMix64 (Steele, Lea, Flood 2014).
        """
        x = (self._seed + self.steps * 0x9E3779B97F4A7C15 + number * 0xD1342543DE82EF95) & MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
        return x ^ (x >> 31)

    def _jump(self, main: asyncio.Future[Any] | None) -> None:
        """Let time pass to the next timer, and make ready all that is due then."""
        self._drop_cancelled()
        if not self._timers:
            if not self._turns and main is not None and not main.done():
                raise Deadlock(f"nothing can go on at {self._now:g} s\n{self._waiting()}")
            return
        self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, number, call = heapq.heappop(self._timers)
            self._ready(call, -number)  # each on its own: timers of one moment have no order

    def _drop_cancelled(self) -> None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)

    def _waiting(self) -> str:
        tasks = sorted(str(task) for task in asyncio.all_tasks(self))
        more = f"\n  and {len(tasks) - SHOWN} more" if len(tasks) > SHOWN else ""
        return "\n".join(f"  waits: {task}" for task in tasks[:SHOWN]) + more

    @contextmanager
    def _as_running(self) -> Generator[None]:
        if self._closed or self._running:
            raise RuntimeError("this loop is closed" if self._closed else "this loop is running already")
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._generators.add, finalizer=self._finalize)
        _set_running_loop(self)
        self._running = True
        try:
            yield
        finally:
            self._running = False
            _set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def _finalize(self, generator: Any) -> None:
        if not self._closed:
            self.create_task(generator.aclose())

    async def shutdown_asyncgens(self) -> None:
        """Close the asynchronous generators that were begun and not ended."""
        for generator in list(self._generators):
            await generator.aclose()

    async def shutdown_default_executor(self) -> None:
        """Do nothing: there are no threads."""

    def cancel_all(self) -> None:
        """Cancel every task that is left, and run until they have ended."""
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(_gathered(left))

    def close(self) -> None:
        """Drop whatever has not run."""
        self._closed = True
        self._queues.clear()
        self._turns.clear()
        self._timers.clear()

    # -- what asyncio asks of a loop

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        future: asyncio.Future[Any] = asyncio.Future(loop=self)
        self._number(future)
        return future

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None, **more: Any) -> Any:
        """Return a task of this loop; it has its turn when it is drawn."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context, **more)
        return task

    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._running

    def is_closed(self) -> bool:
        """Return whether it was closed."""
        return self._closed

    def get_debug(self) -> bool:
        """Return False."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Remember an error that nobody took (`failures`)."""
        error = context.get("exception")
        self._failures.append(
            f"{context.get('message')}: {error!r}" if error else str(context.get("message"))
        )


def _owner(callback: Callable[..., object], args: tuple[Any, ...]) -> object:
    """Return the future that a callback tells of, or the task whose step it is; None for one given by hand."""
    if len(args) == 1 and isinstance(args[0], asyncio.Future):
        return args[0]  # pyright: ignore[reportUnknownVariableType]
    task = getattr(callback, "__self__", None)
    return task if isinstance(task, asyncio.Task) else None  # pyright: ignore[reportUnknownVariableType]


async def _gathered(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def simulate(seed: int, main: Callable[[], Coroutine[Any, Any, T]], *, slow: float = 0.0) -> Simulated[T]:
    """Run `main()` in a simulated loop of its own and return its value, with the hash of what happened.

    Args:
        slow: as of `SimulatedLoop`.

    Raises:
        Deadlock: nothing could go on; says who waits.
        AssertionError: tasks outlived `main`, or an error was taken by nobody.
        BaseException: what `main` raised.
    """
    loop = SimulatedLoop(seed, slow=slow)
    try:
        value = loop.run_until_complete(main())
        left = [str(task) for task in asyncio.all_tasks(loop)]
        assert not left, f"{len(left)} tasks outlived the main one: {left[:SHOWN]}"
        assert not loop.failures, f"errors that nobody took: {loop.failures[:SHOWN]}"
        return Simulated(value=value, trace=loop.trace, steps=loop.steps, time_s=loop.time())
    finally:
        with suppress(Deadlock):  # of tasks that will not be cancelled; the error on its way says more
            loop.cancel_all()
        loop.close()
