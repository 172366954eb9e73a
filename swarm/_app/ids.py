"""Ids of runs, and tokens of questions."""

from __future__ import annotations

import os
import random
import secrets
import time
from functools import lru_cache

__all__ = ["new_run_id", "new_token"]


_random = random.Random()  # seeded by the system; asking the system for each id takes 1 us more
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)  # or parent and child would make the same ids


def new_run_id() -> str:
    """Return an id that sorts by time: `20260314-092653-3f9a2c7155d0`."""
    tail = _random.getrandbits(48)  # of 10,000 in a second no two are alike
    return f"{_second(int(time.time()))}-{tail:012x}"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))


def new_token() -> str:
    """Return 128 random bits: whoever has the token may answer."""
    return secrets.token_hex(16)
