"""How large a run, and one record of it, may become in a store."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StoreLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLimits:
    """Bounds of what is kept of one run; past them an append is refused with `too_large`.

    The last records of a run, those given to `end`, may pass the bounds of the run: a run that is
    too large must still be able to say so.

    Attributes:
        record_bytes: of one body, one input or one graph, as UTF-8.
        run_bytes: of the bodies of a run together.
        records: of a run.
    """

    record_bytes: int = 16_000_000
    run_bytes: int = 64_000_000
    records: int = 100_000
