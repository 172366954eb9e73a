"""The file to which experts add what their rungs answered; it is local, and it never grows without end."""

from __future__ import annotations

import threading
from pathlib import Path

from swarm.confidence.outcomes import Outcome, write_outcomes
from swarm.errors import StoreError

__all__ = ["LEARNED", "OutcomeFile"]

LEARNED = ".swarm/outcomes.jsonl"
MAX_BYTES = 64_000_000  # then the older half goes


class OutcomeFile:
    """Appends outcomes to a file of JSON lines, made with its folder when the first one comes.

    Args:
        path: of the file. max_bytes: when it is larger, the older half of its lines goes.
    """

    def __init__(self, path: str | Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path, self._max_bytes = Path(path), max_bytes
        self._lock = threading.Lock()
        self.written = 0

    def __call__(self, outcome: Outcome) -> None:
        """Append one outcome.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if self.path.is_file() and self.path.stat().st_size > self._max_bytes:
                    self._halve()
                self.written += write_outcomes(self.path, [outcome])
            except OSError as error:
                raise StoreError(
                    f"the outcome cannot be written: {error.strerror or error}", where=str(self.path),
                    hint="make room or write elsewhere, or leave out `learn` and `--record`",
                ) from error  # fmt: skip

    def _halve(self) -> None:
        lines = self.path.read_bytes().split(b"\n")  # an answer may hold other signs that end lines
        newer = self.path.with_suffix(".new")
        newer.write_bytes(b"\n".join(lines[len(lines) // 2 :]))
        newer.replace(self.path)
