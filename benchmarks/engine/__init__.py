"""What the engine adds to the work itself: `python -m benchmarks engine [--only W3] [--json] [--install]`.

Ours and the same work written by hand in asyncio are timed in turn in one process, and the medians are
reported: their ratio depends less on the machine than the figure. Times are CPU time unless a row says wall.
Events are on and somebody listens; limits, deadlines, validation and cancellation are what they always are.
Figures of memory come from processes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from benchmarks.engine import durable, imports, large, small, streams, waiting, workflows
from benchmarks.engine.table import Row

__all__ = ["run"]

PARTS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "W1": small.chain_of_100,
    "W2": small.fan_of_100,
    "W3": small.decisions,
    "W4": large.rows,
    "W5": imports.rows,
    "W6": durable.rows,
    "W7": streams.rows,
    "workflows": workflows.rows,
    "memory": waiting.rows,
}


def run(only: str = "", *, install: bool = False) -> dict[str, object]:
    """Return the rows of the table by name.

    Args:
        only: one of `PARTS`, or all.
        install: also install the core into an empty environment, and weigh it (needs a package index).

    Raises:
        SystemExit: there is no such part.
    """
    if only and only not in PARTS:
        raise SystemExit(f"no part {only!r} of the engine's benchmark: one of {', '.join(PARTS)}")
    rows = [row for name, part in PARTS.items() if only in ("", name) for row in part()]
    if install and only in ("", "W5"):
        rows.append(imports.installed())
    return {f"{row.part} {row.what}": row for row in rows}
