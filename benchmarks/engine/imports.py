"""W5: what it costs to import us, and to install us.

CPU time of fresh interpreters, in turn with `import asyncio`, the interpreter's own start included on both
sides. `import swarm` loads names when they are first used, so the row below it is what a program pays.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

from benchmarks.engine.measure import ROOT
from benchmarks.engine.table import Row
from benchmarks.startup import installed_mb

__all__ = ["installed", "rows"]

ROUNDS = 9
ASYNCIO, BARE, USED = "import asyncio", "import swarm", "from swarm import Graph, Swarm, tool"


def rows() -> Iterator[Row]:
    """Measure W5."""
    times: dict[str, list[float]] = {ASYNCIO: [], BARE: [], USED: []}
    for _ in range(ROUNDS):
        for code, found in times.items():
            found.append(_cpu_ms(code))
    medians = {code: statistics.median(found) for code, found in times.items()}
    for code in (BARE, USED):
        yield Row(
            part="W5", what=f"`{code}`", value=medians[code], unit="ms", ratio=medians[code] / medians[ASYNCIO],
            asked=180.0, asked_ratio=180 / 115, note=f"`{ASYNCIO}` takes {medians[ASYNCIO]:.0f} ms",
        )  # fmt: skip
    size, count = installed_mb()
    yield Row(
        part="W5", what="size of the core and all it needs", value=size, unit="MB", asked=45.0,
        note=f"{count} packages as they are installed here, without byte code",
    )  # fmt: skip


def _cpu_ms(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def installed() -> Row:
    """Install the core into an empty environment, with the package index that pip is set up for."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        before = _megabytes(Path(folder))
        quiet = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*quiet, "--no-compile", str(ROOT)], check=True)
        size = _megabytes(Path(folder)) - before
    return Row(part="W5", what="installed into an empty environment", value=size, unit="MB", asked=45.0)


def _megabytes(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files) / 1e6
