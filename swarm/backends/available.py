"""Whether a server that refused is worth asking yet. Pure: it holds a time, and is told the time.

A machine without a model server refuses at once, but a batch of ten thousand messages would still
ask it ten thousand times, with retries. So a refusal is remembered for a while.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["REFUSAL_MEMORY_S", "Availability"]

REFUSAL_MEMORY_S = 30.0  # long enough for a batch, short enough to notice a server that was started


class Availability:
    """What is remembered of one server.

    Args:
        clock: seconds, from any start, never going back.
        memory_s: how long a refusal is believed.
    """

    def __init__(self, *, clock: Callable[[], float], memory_s: float = REFUSAL_MEMORY_S) -> None:
        self._clock, self._memory_s = clock, memory_s
        self._refused_at: float | None = None

    def refused(self) -> None:
        """Note that the server could not be reached."""
        self._refused_at = self._clock()

    def answered(self) -> None:
        """Note that the server answered, whatever it said."""
        self._refused_at = None

    @property
    def wait_s(self) -> float:
        """Return the seconds for which the server is not worth asking; 0 when it is."""
        if self._refused_at is None:
            return 0.0
        return max(0.0, self._refused_at + self._memory_s - self._clock())
