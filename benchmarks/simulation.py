"""The engine in a simulated loop, seed by seed: random graphs, cancellations, deadlines, people who come late.

Not a timing: what is counted are broken promises, and there should be none. What a seed tells is drawn
and checked by `tests/engine/simulated.py`; the same seeds run in the tests, only fewer.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests/engine"
SEEDS = 2_000
PART = 500  # seeds that one process takes at once


def run(*, seeds: int = SEEDS, seed: int | None = None) -> dict[str, object]:
    """Simulate seeds 0 to `seeds`, or one `seed` alone, and return what they came to.

    A failing seed is printed with the command that shows it again. Raises AssertionError for one alone.
    """
    if seed is not None:
        return {f"seed {seed}": _check_seed()(seed) or "its graph is refused: its conditions contradict"}
    started = time.perf_counter()
    total = Counter[str]()
    failures: list[str] = []
    with ProcessPoolExecutor() as pool:
        for counts, failed in pool.map(_part, range(0, seeds, PART), [seeds] * len(range(0, seeds, PART))):
            total += counts
            failures += failed
            for text in failed:
                print(text, file=sys.stderr)
    took = time.perf_counter() - started
    return {
        "seeds": f"{seeds:,} in {took:.0f} s, each run twice",
        "broken promises": len(failures),
        **{name: f"{count:,}" for name, count in sorted(total.items())},
    }


def _part(start: int, end: int) -> tuple[Counter[str], list[str]]:
    check_seed = _check_seed()
    counts = Counter[str]()
    failures: list[str] = []
    for seed in range(start, min(start + PART, end)):
        try:
            told = check_seed(seed)
        except AssertionError as error:
            failures.append(f"seed {seed}: {error}")
            continue
        if told is None:
            counts["graphs refused (conditions that contradict each other)"] += 1
            continue
        counts["steps of the loop"] += told.steps
        counts.update(f"runs {end}" for end in told.value)
    return counts, failures


def _check_seed() -> Callable[[int], Any]:
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    return import_module("simulated").check_seed
