"""The experiments are in `benchmarks/faults`; here they run in a short form."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)  # where `benchmarks` is, however pytest was started
