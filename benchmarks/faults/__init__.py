"""What breaks when things break: kills, power cuts, full disks, flipped bytes, locks, cancels, crowds, clocks.

python -m benchmarks faults                       # all of it, a few minutes
python -m benchmarks faults --only kill --count 10000
python -m benchmarks faults --only mutations      # are the guards tested? each is taken out, a test must fail
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.faults.finding import Finding

__all__ = ["PARTS", "run"]


def _kill(count: int) -> dict[str, Finding]:
    from benchmarks.faults.kill import at_random

    return at_random(count)


def _points(count: int) -> dict[str, Finding]:
    from benchmarks.faults.kill import at_points

    return at_points()


PARTS: dict[str, Callable[[int], dict[str, Finding]]] = {
    "kill": _kill, "points": _points,
}  # fmt: skip


def run(*, only: str = "", count: int = 2_000) -> dict[str, object]:
    """Run the experiments, or the one named `only`; return a row for each, and print what was broken.

    Args:
        count: kills, states after a power cut, or flipped bytes: what an experiment repeats.

    Raises:
        SystemExit: there is no experiment of that name.
    """
    if only and only not in PARTS:
        raise SystemExit(f"no experiment is called {only!r}: {', '.join(PARTS)}")
    rows: dict[str, object] = {}
    for name, part in PARTS.items():
        if only in ("", name):
            found = part(count)
            rows |= found
            for what, finding in found.items():
                for text in finding.broken:
                    print(f"{what}: {text}", file=sys.stderr)
    return rows
