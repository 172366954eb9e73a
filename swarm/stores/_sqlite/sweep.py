"""When a file is looked through for runs that need not be kept, and which go next."""

from __future__ import annotations

import sqlite3

from swarm.stores import _rules as rules
from swarm.stores._sqlite import reading
from swarm.stores._sqlite.changes import Changes
from swarm.stores.base import Retention

__all__ = ["FORGET_AT_ONCE", "VACUUM_PAGES", "Sweep"]

EVERY = 1000  # ends of runs between two looks; a look reads one line of each run
FORGET_AT_ONCE = 64  # runs deleted in one commit: other runs wait for it
VACUUM_PAGES = 1000  # given back to the disk in one commit


class Sweep:
    """Finds what need not be kept, when the first run begins and every so many ends.

    Args:
        keep: None for all.
    """

    def __init__(self, keep: Retention | None) -> None:
        self._keep = keep
        self._looked_at = -EVERY
        self._doomed: list[str] = []

    @property
    def is_due(self) -> bool:
        """Whether runs wait to be deleted."""
        return bool(self._doomed)

    def look(self, file: sqlite3.Connection, changes: Changes) -> None:
        """Look through the file, if it is time to; the time is that of the last run that began or ended."""
        if self._keep is None or changes.now is None or changes.ended - self._looked_at < EVERY:
            return
        self._looked_at = changes.ended
        self._doomed = list(rules.expired_runs(reading.kept(file), self._keep, changes.now))

    def sweep(self, changes: Changes) -> None:
        """Delete the next few."""
        now, self._doomed = self._doomed[:FORGET_AT_ONCE], self._doomed[FORGET_AT_ONCE:]
        changes.forget(now)
        if not self._doomed:
            changes.forget_unused()
            changes.shrink(VACUUM_PAGES)
