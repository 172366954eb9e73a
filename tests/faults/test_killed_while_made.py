"""A file of runs whose maker was killed before it was whole."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from swarm.stores.base import NewRun
from swarm.stores.sqlite import SqliteStore


async def test_a_file_whose_maker_was_killed_takes_runs(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(tmp_path / "scratch", isolation_level=None)) as file:
        file.execute("PRAGMA page_size = 2048")
        file.execute("PRAGMA auto_vacuum = INCREMENTAL")
        file.execute("PRAGMA cache_size = 1")
        file.execute("BEGIN")
        file.execute("CREATE TABLE runs(x)")
        file.executemany("INSERT INTO runs VALUES (?)", [("x" * 5000,)] * 20)
        for end in ("", "-journal"):
            shutil.copy(f"{tmp_path / 'scratch'}{end}", f"{path}{end}")
        assert file.in_transaction
    store = SqliteStore(path)
    run_id = await store.create(NewRun(id="r1", graph="g", version="v", input="{}", at=1.0))
    assert [head.id for head in await store.runs()] == [run_id]
    assert await store.check() == []
    await store.aclose()
