"""Points at which a test may kill the process: `SWARM_FAILPOINT=before_commit:3` dies at the third."""

from __future__ import annotations

import os
import signal

__all__ = ["FAILPOINT", "reached"]

FAILPOINT, _, _COUNT = os.environ.get("SWARM_FAILPOINT", "").partition(":")
_left = int(_COUNT or 1)


def reached(name: str) -> None:
    """Kill the process if this is the point, for the n-th time."""
    global _left
    if name == FAILPOINT:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
