"""How the store of runs is: where, how large, whole or damaged, and who has it open."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarm._cli.keeping import file_of, open_to_read, owner_of, place_of
from swarm._cli.settings import Settings
from swarm.errors import StoreError
from swarm.stores.base import RunStore

__all__ = ["StoreHealth", "look_at_store"]

# Before this version two connections that write one log at a time can damage it. Source: sqlite.org/wal.html.
WAL_RESET_FIXED = (3, 51, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """What was seen of the store.

    Attributes:
        place: where it is, without who logs in there. there: whether anything is kept yet.
        bytes: of its files; of a database, of the runs in it. runs, by_status: how many.
        owner: the process that has it open, or "". damage: what is wrong, in sentences.
        sqlite: the version, "" for another database; wal_reset_fixed: it has the fix of 3.51.3.
    """

    place: str
    there: bool
    bytes: int = 0
    runs: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict[str, int])
    owner: str = ""
    sqlite: str = ""
    wal_reset_fixed: bool = True
    damage: tuple[str, ...] = ()

    def said(self) -> str:
        """Return it in one line."""
        if self.damage:
            return f"{self.place}: {'; '.join(self.damage[:3])}"
        parts = [
            f"{self.place}: {self.runs} run{'' if self.runs == 1 else 's'}, {self.bytes:,} bytes, undamaged"
        ]
        if not self.there:
            parts = [f"{self.place}: no runs yet"]
        if self.sqlite:
            parts.append(f"SQLite {self.sqlite}")
            if not self.wal_reset_fixed:
                parts.append("its WAL-reset bug (fixed in 3.51.3) cannot happen with one owner for each file")
        if self.owner:
            parts.append(f"open in process {self.owner}")
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "place": self.place, "there": self.there, "bytes": self.bytes, "runs": self.runs,
            "by_status": dict(self.by_status), "owner": self.owner or None, "sqlite": self.sqlite or None,
            "wal_reset_fixed": self.wal_reset_fixed, "damage": list(self.damage),
        }  # fmt: skip


async def look_at_store(settings: Settings) -> StoreHealth:
    """Return how the store is; reads all that is kept in a file."""
    path, place = file_of(settings), place_of(settings)
    if path is not None and not path.exists():
        return StoreHealth(place=place, there=False, **_sqlite())
    own: dict[str, Any] = {} if path is None else {**_sqlite(), "owner": owner_of(path)}
    try:
        store = open_to_read(settings)
        try:
            return await _look(store, path, StoreHealth(place=place, there=True, **own))
        finally:
            await store.aclose()
    except StoreError as error:
        return StoreHealth(place=place, there=True, damage=(error.what,), **own)


async def _look(store: RunStore, path: Path | None, empty: StoreHealth) -> StoreHealth:
    from swarm.stores.sqlite import SqliteStore

    damage = await store.check() if isinstance(store, SqliteStore) else []
    stats = await store.stats()
    return StoreHealth(
        place=empty.place, there=True, owner=empty.owner, sqlite=empty.sqlite,
        wal_reset_fixed=empty.wal_reset_fixed, runs=stats.runs, by_status=stats.by_status,
        bytes=stats.bytes if path is None else _size(path), damage=tuple(damage),
    )  # fmt: skip


def _sqlite() -> dict[str, Any]:
    return {
        "sqlite": sqlite3.sqlite_version,
        "wal_reset_fixed": sqlite3.sqlite_version_info >= WAL_RESET_FIXED,
    }


def _size(path: Path) -> int:
    files = (path, Path(f"{path}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
