"""Ids of runs, and tokens of questions."""

from __future__ import annotations

import os
import secrets
import time
from functools import lru_cache

__all__ = ["new_run_id", "new_token"]


def new_run_id() -> str:
    """Return an id that sorts by time: `20260314-092653-3f9a2c7155d0`."""
    return f"{_second(int(time.time()))}-{os.urandom(6).hex()}"  # of 10,000 in a second no two are alike


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))


def new_token() -> str:
    """Return 128 random bits: whoever has the token may answer."""
    return secrets.token_hex(16)
