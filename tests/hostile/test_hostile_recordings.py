"""Recordings that somebody else wrote: a typed error, whatever is in them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from swarm import Graph, StoreError, Swarm, SwarmError, tool
from swarm.stores.memory import MemoryStore
from swarm.stores.recording import (
    dump_recording,
    load_recording,
    read_recording,
    write_recording,
)

ODD: list[Any] = [None, True, -1, 1e308, "", "x", [], [None], {}, {"a": None}, [[[]]]]


@tool(effect="pure")
async def double(n: int) -> int:
    """Return twice the number."""
    return n * 2


def graph() -> Graph:
    made = Graph("g", input={"n": int})
    doubled = made.tool("a", double, n=made.input.n)
    asked = made.ask("b", "ok {{ a }}?", answer={"ok": "boolean"}, a=doubled)
    made.output(made.reply("c", "{{ a }} {{ ok }}", a=doubled, ok=asked.ok))
    return made


async def recorded() -> str:
    async with Swarm(graph(), store=MemoryStore()) as swarm:
        await swarm.resume(await swarm.run(n=2), ok=True)
        head = (await swarm.runs.ls())[0]
        return dump_recording(await swarm.runs.export(head.id))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every part of a value."""
    yield path
    parts: Any = ()
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value).items()
    elif isinstance(value, list):
        parts = enumerate(cast("list[Any]", value))
    for key, part in parts:
        yield from places(part, (*path, key))


def changed(text: str, path: tuple[str | int, ...], odd: Any) -> str:
    """Return JSON with another value at a path; ... takes it away."""
    if not path:
        return json.dumps(None if odd is ... else odd)
    table: Any = json.loads(text)
    inner = table
    for key in path[:-1]:
        inner = inner[key]
    if odd is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    return json.dumps(table)


async def test_a_recording_changed_anywhere_replays_or_says_what_is_wrong() -> None:
    text = await recorded()
    paths = list(places(json.loads(text)))
    refused = replayed = 0
    async with asyncio.timeout(30), Swarm(graph()) as swarm:
        for number, path in enumerate(paths):
            for odd in (..., ODD[number % len(ODD)], ODD[(number + 4) % len(ODD)]):
                try:
                    came = await swarm.runs.replay(load_recording(changed(text, path, odd)))
                except SwarmError as error:
                    failure: SwarmError | None = error
                    refused += 1
                else:
                    failure = came.result.error
                    came.report()
                    replayed += 1
                assert failure is None or failure.code != "internal", (path, odd, failure)
    assert refused > len(paths)
    assert replayed > 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[" * 100_000,
        '{"swarm_recording":' * 1_000,
        '{"swarm_recording": 1}',
        "1" * 5_000,
        "NaN",
    ],
)
def test_a_text_that_is_no_recording_is_refused(text: str) -> None:
    with pytest.raises(StoreError) as refused:
        load_recording(text, where="run.json")
    assert refused.value.where == "run.json"


async def test_a_recording_is_read_only_as_far_as_one_may_be_long() -> None:
    with pytest.raises(StoreError, match="larger than"):
        await asyncio.to_thread(read_recording, "/dev/zero")


async def test_a_recording_goes_through_a_pipe_which_stays_one(tmp_path: Path) -> None:
    text = await recorded()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_text, encoding="utf-8"))
    async with asyncio.timeout(5):
        await asyncio.to_thread(write_recording, pipe, load_recording(text))
        assert await reading == text
    assert pipe.is_fifo()


async def test_a_recording_behind_a_link_is_written_where_the_link_leads(tmp_path: Path) -> None:
    recording = load_recording(await recorded())
    there, link = tmp_path / "there.json", tmp_path / "link.json"
    there.write_text("old")
    link.symlink_to(there)
    write_recording(link, recording)
    assert link.is_symlink()
    assert read_recording(there) == recording
