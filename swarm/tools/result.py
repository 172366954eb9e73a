"""What a tool returned, as plain data: JSON values that can be checked, saved and sent."""

from __future__ import annotations

from typing import Any

from swarm.errors import LimitExceededError, ToolError
from swarm.spec.plain import NotPlainError, TooLargeError, plain_data

__all__ = ["MAX_RESULT_BYTES", "plain"]

MAX_RESULT_BYTES = 1_000_000  # what one node may add to a run's log


def plain(value: Any, *, limit_bytes: int = MAX_RESULT_BYTES, where: str = "") -> Any:
    """Return a result as JSON values (`spec.plain.plain_data`); `where` says whose it is, in errors.

    Raises:
        ToolError: a part is no plain data; names its path, such as `result.items[2].when`.
        LimitExceededError: it is larger than `limit_bytes` (about its size as JSON).
    """
    try:
        return plain_data(value, limit_bytes=limit_bytes, root="result")
    except NotPlainError as error:
        raise ToolError(error.what, where=where, hint=error.hint) from error
    except TooLargeError as error:
        hint = "return less: a summary, a page, or the path of a file"
        raise LimitExceededError(f"the value is {error}", where=where, hint=hint) from error
