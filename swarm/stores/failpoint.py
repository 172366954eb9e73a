"""Points at which a test may kill the process: `SWARM_FAILPOINT=before_commit:3` dies at the third.

The variable is read once, at import. Without it a point costs one look at an empty string:
`if FAILPOINT: reached("before_commit")`.
"""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["FAILPOINT", "FAILPOINTS", "reached"]

FAILPOINTS = (
    "before_create",  # a run was accepted, nothing is written
    "after_create",  # the run is durable, its caller does not know yet
    "before_claim",  # a run is about to change hands
    "after_claim",  # it has, the new owner does not know yet
    "after_intent",  # it is announced, and has not begun
    "before_done",  # there is a result, nothing is written
    "after_done",  # the result is durable, nothing was built on it
    "before_ask",  # a question is about to be kept
    "after_ask",  # it is durable, nobody was asked yet
    "before_answer",  # a person has answered, nothing is written
    "after_answer",  # the answer is durable, nobody was told
    "before_end",  # a run is over, that is not written
    "after_end",  # it is durable, its caller does not know yet
    "before_cancel",  # a run is to be cancelled
    "after_cancel",  # it is, its caller does not know yet
    "before_commit",  # records of one or more runs are in the transaction
    "after_commit",  # they are durable, nobody was told
    "before_forget",  # ended runs are about to be deleted
)


def _parse(text: str) -> tuple[str, int]:
    name, _, count = text.partition(":")
    if name and name not in FAILPOINTS:
        raise ValueError(f"SWARM_FAILPOINT={text!r}: there is no such point; one of {', '.join(FAILPOINTS)}")
    if count and not (count.isdecimal() and int(count)):
        raise ValueError(f"SWARM_FAILPOINT={text!r}: after the colon stands how often, from 1")
    return name, int(count or 1)


FAILPOINT, _left = _parse(os.environ.get("SWARM_FAILPOINT", ""))
_counting = threading.Lock()  # the engine and the writer of a store pass points at the same time


def reached(name: str) -> None:
    """Kill the process if this is the point, for the n-th time."""
    global _left
    if name != FAILPOINT:
        return
    with _counting:
        _left -= 1
        if _left == 0:
            _die()


def _die() -> None:
    if sys.platform == "win32":
        os.abort()
    else:
        import signal

        os.kill(os.getpid(), signal.SIGKILL)
