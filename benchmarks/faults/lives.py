"""Processes that are born to be killed: forked from one that has everything imported."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.faults.client import Client
from benchmarks.faults.verdict import broken_promises, read_trial, repeats

__all__ = ["Child", "finish", "recovering", "working"]

PATIENCE_S = 120.0  # for a process that should end by itself
READY = b"ready\n"

Work = Callable[[], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Child:
    """A forked process that said it is ready, and the pipe from it."""

    pid: int
    pipe: int

    def kill_after(self, delay_s: float) -> bool:
        """Kill it then, unless it has ended; return whether it was killed."""
        select.select([self.pipe], [], [], delay_s)  # readable: it has ended
        os.kill(self.pid, signal.SIGKILL)
        return self.end() is None

    def end(self) -> int | None:
        """Wait for it, and return its exit code; None if it was killed."""
        os.close(self.pipe)
        _, status = os.waitpid(self.pid, 0)
        return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def told(self) -> tuple[int | None, Any]:
        """Return how it ended, and what it said before, as JSON; it is killed if it does not end in time."""
        deadline = time.monotonic() + PATIENCE_S
        text = b""
        while select.select([self.pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            if not (part := os.read(self.pipe, 65536)):
                return self.end(), json.loads(text) if text else None
            text += part
        os.kill(self.pid, signal.SIGKILL)
        return self.end(), None


def working(folder: Path, scene: str) -> Child:
    """Return the first process of a trial, at work."""
    return _fork(lambda: Client(folder, scene, 0).work())


def recovering(folder: Path, scene: str, life: int) -> Child:
    """Return a process that goes on with what the ones before left."""
    return _fork(lambda: Client(folder, scene, life).recover())


def finish(folder: Path, scene: str, life: int, kills: int) -> dict[str, Any]:
    """Recover a trial to its end, and return what became of it: broken promises, repeats, seconds."""

    async def judged() -> dict[str, Any]:
        await Client(folder, scene, life).recover()
        trial = await read_trial(folder, scene, kills)
        seconds = [line["seconds"] for line in trial.said("recovered")]
        return {"broken": broken_promises(trial), "repeats": repeats(trial), "seconds": max(seconds)}

    _, told = _fork(judged).told()
    return told or {"broken": ["the recovery did not end"], "repeats": {}, "seconds": PATIENCE_S}


def _fork(work: Work) -> Child:
    """Fork, and return once the child is ready to begin."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        _live(work, write)
    os.close(write)
    if os.read(read, len(READY)) != READY:
        raise RuntimeError("a forked process died before it began")
    return Child(pid=pid, pipe=read)


def _live(work: Work, write: int) -> NoReturn:
    code = 1
    try:
        os.write(write, READY)
        told = asyncio.run(work())
        if told is not None:
            os.write(write, json.dumps(told).encode())
        code = 0
    except BaseException:  # the process ends here, whatever it was, and its parent is told
        said: dict[str, Any] = {"broken": [traceback.format_exc()], "repeats": {}, "seconds": 0.0}
        os.write(write, json.dumps(said).encode())
    finally:
        os._exit(code)
