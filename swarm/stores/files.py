"""A run log in a folder: one file of JSON lines a run, readable only by its owner.

Runs hold what people wrote, so the files are private (0600, the folder 0700). A line that is
damaged, such as the last one of a process that was killed, is reported and the rest is read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

from swarm.errors import StoreError
from swarm.events import Event, from_json, to_json
from swarm.stores.log import ENDS, RecordedRun, RunSummary, is_kept, summarize

__all__ = ["KEEP", "FileRunLog"]

KEEP = 200
SUFFIX = ".jsonl"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z")  # an id is a file's name: it may not lead elsewhere


class FileRunLog:
    """Keeps the newest runs as `<folder>/<id>.jsonl`.

    Args:
        folder: made when the first run is written.
        keep: how many runs; older ones (by id, which begins with the time) are deleted.
        warn: told once, in one sentence, when nothing can be written; nothing is kept from then on.
    """

    def __init__(self, folder: str | Path, *, keep: int = KEEP, warn: Callable[[str], None]) -> None:
        self._folder = Path(folder)
        self._keep = keep
        self._warn = warn
        self._open: dict[str, FileIO] = {}
        self._gave_up = False

    def append(self, event: Event) -> None:
        """Add an event to its run's file."""
        if self._gave_up or not is_kept(event):
            return
        line = json.dumps(to_json(event), default=str, separators=(",", ":")) + "\n"
        try:
            file = self._open.get(event.run) or self._begin(event.run)
            _write(file, line.encode("ascii"))
        except OSError as error:
            self._give_up(error)
            return
        if isinstance(event, ENDS):
            self._open.pop(event.run).close()

    def runs(self) -> Sequence[RunSummary]:
        """Return a line about every run kept, the newest first."""
        found: list[RunSummary] = []
        for path in reversed(self._files()):
            try:
                found.append(summarize(path.stem, _parse(path).events))
            except StoreError as error:
                if path.exists():  # else another process deleted it meanwhile: it is not kept
                    found.append(RunSummary(id=path.stem, text=error.what))
        return found

    def read(self, run_id: str) -> RecordedRun:
        """Return a run.

        Raises:
            StoreError: no run of that id is kept, or its file cannot be read.
        """
        path = self._folder / f"{run_id}{SUFFIX}"
        if not ID.match(run_id) or not path.is_file():
            raise StoreError(f"no run {run_id!r} is kept", where=str(self._folder), hint="swarm runs ls")
        return _parse(path)

    def close(self) -> None:
        """Close the files of runs that have not ended."""
        opened, self._open = self._open, {}
        for file in opened.values():
            file.close()

    def _begin(self, run_id: str) -> FileIO:
        if not ID.match(run_id):
            raise OSError(f"{run_id!r} cannot name a file")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{run_id}{SUFFIX}"
        file = FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")
        self._open[run_id] = file
        self._forget_oldest()
        return file

    def _forget_oldest(self) -> None:
        files = self._files()
        for path in files[: max(0, len(files) - self._keep)]:
            if path.stem not in self._open:
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """Return the files of runs, the oldest first."""
        if not self._folder.is_dir():
            return []
        found = (path for path in self._folder.iterdir() if path.suffix == SUFFIX and ID.match(path.stem))
        return sorted(found, key=lambda path: path.name)

    def _give_up(self, error: OSError) -> None:
        self._gave_up = True
        reason = error.strerror or str(error)
        self._warn(f"runs are not saved: {self._folder}: {reason}")
        with suppress(OSError):  # closing a file on a full disk may fail again: it was told above
            self.close()


def _parse(path: Path) -> RecordedRun:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StoreError(f"the run cannot be read: {error.strerror}", where=str(path)) from error
    damaged: list[str] = []
    events = tuple(_events(raw, path, damaged))
    return RecordedRun(id=path.stem, events=events, damaged=tuple(damaged))


def _write(file: FileIO, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[file.write(rest) :]


def _events(raw: bytes, path: Path, damaged: list[str]) -> Iterator[Event]:
    """Yield the events of a file; add a sentence to `damaged` for every line that is none."""
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            table = json.loads(line)
            if not isinstance(table, dict):
                raise ValueError("it is no object")
            event = from_json(table)  # pyright: ignore[reportUnknownArgumentType]
        except (ValueError, RecursionError) as error:
            damaged.append(f"{path}:{number}: not an event: {error}")
        else:
            yield event
