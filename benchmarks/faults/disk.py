"""A disk that may lose what was not yet asked to be on it: what a power cut can leave of a folder."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from benchmarks.faults.trace import Step

__all__ = ["Disk"]

SECTOR = 512  # bytes that a disk writes whole


@dataclass(slots=True)
class _File:
    """What is on the disk for certain, and what was done since."""

    kept: bytes = b""
    since: list[Step] = field(default_factory=list[Step])


class Disk:
    """A folder as its steps are done to it. Writes may reach the disk in any order, until they are synced.

    The names of files change in the order in which they were changed, as with a journal of the file system.
    """

    def __init__(self) -> None:
        self._names: dict[str, _File] = {}
        self._kept_names: dict[str, _File] = {}
        self._since: list[tuple[str, _File | None]] = []  # changes of names since they were last synced

    def do(self, step: Step) -> None:
        """Do a step."""
        if step.what == "create":
            self._rename(step.name, _File())
        elif step.what == "unlink":
            self._rename(step.name, None)
        elif step.what == "sync" and not step.name:
            self._kept_names, self._since = dict(self._names), []
        elif (file := self._names.get(step.name)) is not None:
            if step.what == "sync":
                file.kept, file.since = _done(file.kept, file.since), []
            else:
                file.since.append(step)

    def after_a_cut(self, draw: random.Random) -> dict[str, bytes]:
        """Return what could be found in the folder if the power failed now."""
        names = dict(self._kept_names)
        for name, file in self._since[: draw.randint(0, len(self._since))]:
            _set(names, name, file)
        way = draw.choice(["nothing", "all", "some", "first", "torn"])
        return {name: _done(file.kept, _survivors(file.since, way, draw)) for name, file in names.items()}

    def _rename(self, name: str, file: _File | None) -> None:
        _set(self._names, name, file)
        self._since.append((name, file))


def _set(names: dict[str, _File], name: str, file: _File | None) -> None:
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file


def _survivors(since: list[Step], way: str, draw: random.Random) -> list[Step]:
    """Return what of the unsynced steps reached the disk."""
    match way:
        case "nothing":
            return []
        case "all":
            return since
        case "some":
            return [step for step in since if draw.random() < 0.5]
        case "first":
            return since[: draw.randint(0, len(since))]
        case _:
            return [part for step in since for part in _sectors(step) if draw.random() < 0.7]


def _sectors(step: Step) -> list[Step]:
    """Return a write as the writes of its sectors; anything else is whole."""
    if step.what != "write":
        return [step]
    cuts = range(-(step.at % SECTOR), len(step.data), SECTOR)
    parts = [(max(0, cut), step.data[max(0, cut) : cut + SECTOR]) for cut in cuts]
    return [Step(what="write", name=step.name, at=step.at + at, data=data) for at, data in parts]


def _done(kept: bytes, steps: list[Step]) -> bytes:
    content = bytearray(kept)
    for step in steps:
        if step.what == "truncate":
            del content[step.at :]
            content.extend(bytes(step.at - len(content)))
        else:
            content.extend(bytes(max(0, step.at - len(content))))
            content[step.at : step.at + len(step.data)] = step.data
    return bytes(content)
