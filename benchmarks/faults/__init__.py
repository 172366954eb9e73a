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

Rows = dict[str, Finding]


def _kill(count: int) -> Rows:
    from benchmarks.faults.kill import at_random

    return at_random(count)


def _points(count: int) -> Rows:
    from benchmarks.faults.kill import at_points

    return at_points()


def _power(count: int) -> Rows:
    from benchmarks.faults.power import power_cuts

    return power_cuts(count)


def _disk(count: int) -> Rows:
    from benchmarks.faults.storage import full_disk

    return full_disk()


def _flips(count: int) -> Rows:
    from benchmarks.faults.storage import flipped_bytes

    return flipped_bytes(min(count, 1_000))


def _locks(count: int) -> Rows:
    from benchmarks.faults.storage import foreign_lock, second_process

    return {**second_process(), **foreign_lock(60.0, busy_s=5.0)}


def _cancel(count: int) -> Rows:
    from benchmarks.faults.cancel import cancelled_everywhere

    return cancelled_everywhere()


def _crowd(count: int) -> Rows:
    from benchmarks.faults.crowd import crowd, fair_share

    return {**crowd(10_000, wait_s=2.0), **fair_share(runs=50, nodes=100, slots=16)}


def _clock(count: int) -> Rows:
    from benchmarks.faults.clock import clock_jumps

    return clock_jumps()


def _mutations(count: int) -> Rows:
    from benchmarks.faults.mutations import mutated

    return mutated()


PARTS: dict[str, Callable[[int], Rows]] = {
    "kill": _kill, "points": _points, "power": _power, "disk": _disk, "flips": _flips, "locks": _locks,
    "cancel": _cancel, "crowd": _crowd, "clock": _clock, "mutations": _mutations,
}  # fmt: skip


def run(*, only: str = "", count: int = 2_000) -> dict[str, object]:
    """Run the experiments, or the one named `only`; return a row for each, and print what was broken.

    Args:
        count: of random kills, of states after a power cut, of flipped bits (at most 1,000).

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
