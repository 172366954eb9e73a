"""Whoever starts the runs: it remembers what it was told, in a file of its own, whatever becomes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import swarm.events as ev
from benchmarks.faults.scenes import SCENES, Scene, checked, given, is_approved, is_given_up, is_retried
from benchmarks.faults.world import Lines, World
from swarm import RunResult, Swarm
from swarm.stores.base import Retention
from swarm.stores.sqlite import SqliteStore

__all__ = ["ACKS", "EFFECTS", "STORE", "Client"]

STORE, ACKS, EFFECTS = "runs.db", "acks", "effects"  # files in the folder of a trial
NOTHING = Retention(finished_s=0.0, failed_s=0.0)


class Client:
    """One process's part in a trial.

    Args:
        folder: of the trial. life: which process of it this is, from 0.
    """

    def __init__(self, folder: Path, name: str, life: int) -> None:
        self._folder, self._name, self._life = folder, name, life
        self._scene: Scene = SCENES[name]
        self._world = World(folder / EFFECTS, life)
        self._acks = Lines(folder / ACKS)
        self._names: dict[str, str] = {}  # by a run's id, its name

    async def work(self) -> None:
        """Run all runs of the scene."""
        names = asyncio.Queue[str]()
        for name in self._scene.names(self._name):
            names.put_nowait(name)
        if self._scene.way == "reopen":
            await self._in_two_commands(names)
            return
        async with self._opened() as swarm, asyncio.TaskGroup() as group:
            for _ in range(self._scene.at_once):
                group.create_task(self._one_after_the_other(swarm, names))

    async def recover(self) -> None:
        """Go on with what was cut off, and then run whatever was never begun."""
        async with self._opened() as swarm:
            for head in await swarm.runs.unfinished():
                self._names[head.id] = head.key or ""
            began = time.perf_counter()
            left = await swarm.runs.recover()
            self._say("recovered", seconds=time.perf_counter() - began, runs=len(left))
            for result in left:
                self._tell(result)
                await self._lead(swarm, self._names[result.id], result)
            for name in self._scene.names(self._name):
                if is_given_up(self._scene, name):
                    continue
                await self._lead(swarm, name, await self._start(swarm, name))

    async def _one_after_the_other(self, swarm: Swarm, names: asyncio.Queue[str]) -> None:
        while not names.empty():
            name = names.get_nowait()
            await self._lead(swarm, name, await self._start(swarm, name))

    async def _in_two_commands(self, names: asyncio.Queue[str]) -> None:
        """Start each run with one command, and answer what it asked with another."""
        while not names.empty():
            name = names.get_nowait()
            async with self._opened() as swarm:
                paused = await self._start(swarm, name)
            async with self._opened() as swarm:
                await self._lead(swarm, name, paused)

    async def _start(self, swarm: Swarm, name: str) -> RunResult:
        result = await swarm.run_input(given(name), key=name)
        self._names[result.id] = name
        self._tell(result)
        return result

    async def _lead(self, swarm: Swarm, name: str, result: RunResult) -> None:
        """Answer what the run asks until it has ended; or give it up."""
        while result.status == "paused" and result.ask is not None:
            ask = result.ask
            if is_given_up(self._scene, name):
                self._say("giving up", run=result.id, name=name)
                await swarm.cancel(result)
                self._say("given up", run=result.id, name=name)
                if self._life == 0:  # nothing else has ended yet: what is forgotten was given up
                    await swarm.runs.gc(NOTHING)
                return
            if "action" in ask.answer:
                action = "retry" if is_retried(name, ask.node) else "skip"
                self._say("word", run=result.id, name=name, token=ask.token, place=ask.node, action=action)
                result = await swarm.resume(ask.token, action=action)
            else:
                result = await swarm.resume(ask.token, approved=is_approved(name))
            self._say("answered", run=result.id, token=ask.token)
            self._tell(result)

    def _tell(self, result: RunResult) -> None:
        if result.ask is not None:
            self._say("asked", run=result.id, token=result.ask.token)
        else:
            error = result.error.code if result.error else ""
            self._say("ended", run=result.id, status=result.status, output=result.output, error=error)

    def _hear(self, event: ev.Event) -> None:
        if isinstance(event, ev.RunStarted):
            self._say("created", run=event.run, name=event.input["run"])
        elif isinstance(event, ev.NodeFinished):
            self._say("finished", run=event.run, place=event.node, value=event.value)

    def _say(self, said: str, **words: object) -> None:
        self._acks.write(life=self._life, said=said, **words)

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[Swarm]:
        store = SqliteStore(self._folder / STORE)
        async with Swarm(
            checked(self._scene.graph), tools=self._world.tools(), backends=self._world.backends(), store=store,
            listeners=[self._hear],
        ) as swarm:  # fmt: skip
            yield swarm
        await store.aclose()
