"""How long a store in PostgreSQL waits."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect_s: for a connection. `statement_s`: for one statement, `lock_s` of it for a lock.
        operation_s: for one operation, so that a network that went silent is noticed.
        patience_s: how long an operation is tried again while the server cannot be reached.
    """

    connect_s: float = 10.0
    statement_s: float = 30.0
    lock_s: float = 10.0
    operation_s: float = 60.0
    patience_s: float = 30.0
