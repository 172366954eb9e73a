"""What a tool of a random graph returns, and when it fails: a function of its arguments alone."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

__all__ = ["returned"]


def returned(work: Mapping[str, Any], x: Any) -> Any:
    """Return what the tool called with `x` gives; its shape is known, its content hangs on all it read.

    Args:
        work: `tag` tells two tools of one graph apart, `shape` says what comes out, and of `fails`
            calls about one raises `error` (0: none does).

    Raises:
        ValueError: the call fails.
        TimeoutError: it fails with the code `timeout`.
    """
    drawn = zlib.crc32(json.dumps([work["tag"], x], sort_keys=True).encode())
    if work["fails"] and drawn % work["fails"] == 0:
        raise TimeoutError("late") if work["error"] == "timeout" else ValueError("broken")
    drawn //= 7
    small = drawn % 3
    match work["shape"]:
        case "record":
            return {"n": small, "ok": drawn % 2 == 0, "s": [None, "a", ""][drawn % 3]}
        case "list":
            return [small] * (drawn % 4)
        case "falsy":
            return json.loads(["null", "0", '""', "false", "[]", "{}"][drawn % 6])
        case "flag":
            return drawn % 2 == 0
        case _:
            return small
