"""The runs that can be read here: those in the store, and plain records of runs that could not be kept in one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from swarm._cli import console
from swarm._cli.keeping import advice_names_the_store, file_of, open_to_read, owner_of, place_of
from swarm._cli.settings import RUNS, Settings, load_settings
from swarm._cli.story import Story, tell
from swarm.errors import StoreError
from swarm.stores.base import RunHead, RunStore, SavedRun
from swarm.stores.files import FileRunLog
from swarm.stores.history import recorded_run, summary_of
from swarm.stores.log import RecordedRun, RunSummary

__all__ = ["LATEST", "Found", "Kept", "cut_off", "find_run"]

LATEST = "latest"
SHOWN = 3  # ids, of those that begin with what was typed
UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A run that was looked for.

    Attributes:
        run: what happened in it. line: the same in one line.
        saved: it in the store; None of a plain record, which cannot go on.
    """

    run: RecordedRun
    line: RunSummary
    saved: SavedRun | None = None

    @property
    def story(self) -> Story:
        """Return what happened, with the state it is in now."""
        story = tell(self.run.events)
        if (
            story.status != self.line.status
        ):  # it failed, and goes on; or it was answered, and has not gone on
            story.status, story.text = self.line.status, self.line.text
        return story


class Kept:
    """Reads runs; use it in an `async with`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.store: RunStore = open_to_read(settings)
        self._log = FileRunLog(RUNS, warn=console.warn)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.store.aclose()

    async def lines(self, limit: int, status: str = "") -> list[RunSummary]:
        """Return a line about each of the newest runs, the newest first; only those of a status."""
        stored = (UNFINISHED, "running") if status in (UNFINISHED, "running") else (status,)
        heads = await self.store.runs(status=stored if status else (), limit=max(0, limit))
        lines = [await self._line(head) for head in heads]
        lines += self._log.runs()
        fitting = [line for line in lines if status in ("", line.status)]
        return sorted(fitting, key=lambda line: (line.at, line.id), reverse=True)[: max(0, limit)]

    async def find(self, wanted: str) -> Found:
        """Return the run that an id, the beginning of one, or `latest` means.

        Raises:
            StoreError: none, or more than one.
        """
        run_id = await self._latest() if wanted == LATEST else await self._id(wanted)
        if not await self.store.runs(prefix=run_id, limit=1):
            run = self._log.read(run_id)
            line = next(line for line in self._log.runs() if line.id == run_id)
            return Found(run=run, line=line)
        saved = await self.store.load(run_id)
        return Found(run=recorded_run(saved), line=self._now(summary_of(saved)), saved=saved)

    async def _line(self, head: RunHead) -> RunSummary:
        try:
            return self._now(summary_of(await self.store.load(head.id)))
        except StoreError as error:  # it is damaged, or was forgotten meanwhile
            return RunSummary(
                id=head.id, graph=head.graph, at=head.created, status=error.code, text=error.what
            )

    def _now(self, line: RunSummary) -> RunSummary:
        """Return the line; a run that has not ended is at work if its store has an owner."""
        return replace(line, status="running") if line.status == UNFINISHED and self._at_work() else line

    def _at_work(self) -> bool:
        path = file_of(self._settings)
        return path is None or bool(owner_of(path))  # nobody can tell who uses a database

    async def _latest(self) -> str:
        lines = await self.lines(1)
        if not lines:
            raise StoreError("no runs are kept here yet", where=place_of(self._settings), hint="swarm demo")
        return lines[0].id

    async def _id(self, wanted: str) -> str:
        heads = await self.store.runs(prefix=wanted, limit=SHOWN + 1)
        ids = [head.id for head in heads] + [
            line.id for line in self._log.runs() if line.id.startswith(wanted)
        ]
        if wanted in ids:
            return wanted
        if not ids or not wanted:
            raise StoreError(
                f"no run {wanted!r} is kept", where=place_of(self._settings), hint="swarm runs ls"
            )
        if len(ids) > 1:
            shown = ", ".join(ids[:SHOWN])
            raise StoreError(f"several runs begin with {wanted!r}", hint=f"write more of it: {shown}")
        return ids[0]


def find_run(wanted: str, store: str | None = None) -> Found:
    """Return the run that an id, the beginning of one, or `latest` means.

    Args:
        store: where runs are kept, as `--store` says it; None: as the settings do.

    Raises:
        StoreError: none, or more than one.
    """

    settings = load_settings(store=store)

    async def find() -> Found:
        async with Kept(settings) as kept:
            return await kept.find(wanted)

    with advice_names_the_store(settings):
        return asyncio.run(find())


async def cut_off(store: RunStore | None, settings: Settings) -> Sequence[RunHead]:
    """Return the runs that were cut off, of a store that is ours and in which no run has begun yet.

    Of a database that several processes share nobody can tell; then it is none.
    """
    if store is None or file_of(settings) is None:
        return ()
    return await store.runs(status=("running",))
