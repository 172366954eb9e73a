"""Exit codes, and which of them an error or a run's end means. The table is in docs/reference/cli.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swarm.errors import (
    BackendUnavailable,
    GraphChangedError,
    InputError,
    InternalError,
    ModelMissing,
    SpecError,
    SwarmError,
)

if TYPE_CHECKING:
    from swarm._engine.result import RunResult

__all__ = [
    "BROKEN_PIPE",
    "DEADLINE",
    "FAILED",
    "INTERRUPTED",
    "MISSING",
    "OK",
    "PAUSED",
    "REFUSED",
    "USAGE",
    "exit_code",
    "exit_code_of",
]

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
MISSING: Final = 3
REFUSED: Final = 4
PAUSED: Final = 5
DEADLINE: Final = 124
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141  # as the shell says of a program that SIGPIPE ended


def exit_code(error: SwarmError) -> int:
    """Return the exit code of an error."""
    if error.code == "deadline":
        return DEADLINE
    if isinstance(error, SpecError | InputError | GraphChangedError) or error.code in (
        "usage",
        "input_too_large",
    ):
        return USAGE
    is_missing = isinstance(error, BackendUnavailable | ModelMissing) or error.code == "missing_extra"
    return MISSING if is_missing else FAILED


def exit_code_of(result: RunResult) -> int:
    """Return the exit code of a run's end."""
    if result.error is not None:
        return FAILED if isinstance(result.error, InternalError) else exit_code(result.error)
    return {"completed": OK, "refused": REFUSED, "paused": PAUSED}.get(result.status, FAILED)
