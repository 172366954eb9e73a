"""When a file is looked through for runs that need not be kept, and which go next."""

from __future__ import annotations

from swarm.stores import _rules as rules
from swarm.stores._sqlite.changes import Changes
from swarm.stores.base import Retention

__all__ = ["FORGET_AT_ONCE", "VACUUM_PAGES", "Sweep"]

EVERY = 1000  # ends of runs between two looks, or a tenth of the runs: a look reads a line of each
FORGET_AT_ONCE = 64  # runs deleted in one commit: other runs wait for it
VACUUM_PAGES = 1000  # given back to the disk in one commit


class Sweep:
    """Finds what need not be kept, when the first run begins and every so many ends.

    Args:
        keep: None for all.
    """

    def __init__(self, keep: Retention | None) -> None:
        self._keep = keep
        self._look_at = 0  # ends of runs
        self._doomed: list[str] = []

    def is_due(self, changes: Changes) -> bool:
        """Return whether there is something to do."""
        if self._doomed:
            return True
        return self._keep is not None and changes.now is not None and changes.ended >= self._look_at

    def step(self, changes: Changes) -> None:
        """Delete the next few runs, or look for more; the time is that of the last one that began or ended."""
        if not self._doomed:
            self._look(changes)
            return
        now, self._doomed = self._doomed[:FORGET_AT_ONCE], self._doomed[FORGET_AT_ONCE:]
        changes.forget(now)
        if not self._doomed:
            changes.forget_unused()
            changes.shrink(VACUUM_PAGES)

    def _look(self, changes: Changes) -> None:
        if self._keep is None or changes.now is None:
            return
        kept = changes.kept()
        self._look_at = changes.ended + max(EVERY, len(kept) // 10)
        self._doomed = list(rules.expired_runs(kept, self._keep, changes.now))
