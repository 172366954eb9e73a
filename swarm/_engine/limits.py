"""How far a run may go."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a run may go; every one is finite.

    Attributes:
        run_s: wall time of a run. nodes: nodes started, those of bodies and inner graphs included.
        visits: how often one body (`each`, `repeat`) may run in a run. fan_out: items of one `each`.
        depth: graphs inside graphs.
        tool_calls, output_tokens: of a whole run.
        input_bytes, value_bytes: of a run's input, of one value, as JSON. run_bytes: of all values
            that a run's nodes came to.
        concurrency: nodes at work at once, in all runs of a `Swarm`; runs that wait are served in turn.
        model_calls: of one model at once, where its entry under `models:` says nothing else.
        runs: at work or paused at once. waiting: nodes that wait for their turn; beyond either, a run
            that would begin is refused (`overloaded`).

    Raises:
        ValueError: a limit that is not above 0, or not finite.
    """

    run_s: float = 600.0
    nodes: int = 100_000
    visits: int = 100_000
    fan_out: int = 100_000
    depth: int = 8
    tool_calls: int = 10_000
    output_tokens: int = 1_000_000
    input_bytes: int = 4_000_000
    value_bytes: int = 16_000_000
    run_bytes: int = 256_000_000
    concurrency: int = 1_000
    model_calls: int = 64
    runs: int = 20_000
    waiting: int = 100_000

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if not 0 < value < math.inf:  # false for NaN
                raise ValueError(f"Limits({limit.name}={value!r}): a limit is above 0 and finite")
