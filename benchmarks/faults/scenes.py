"""What a process does until it is killed: graphs, how many runs of each, and what each should come to."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.faults.world import World, returned
from swarm._app.check import Checked, check_graph

__all__ = ["SCENES", "Scene", "checked", "expected", "given", "is_approved", "is_given_up", "is_retried"]

GRAPHS = Path(__file__).parent / "graphs"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A part of the experiment.

    Attributes:
        graph: its file's name. runs: how many. at_once: of them.
        way: `run` each to its end; `reopen` a store to answer, as a second command does; `give_up`
            every second run, and forget it, before the others begin.
    """

    graph: str
    runs: int
    at_once: int = 1
    way: str = "run"

    def names(self, name: str) -> list[str]:
        """Return the names of its runs, those that will be given up first."""
        names = [f"{name}-{number}" for number in range(self.runs)]
        return sorted(names, key=lambda one: not is_given_up(self, one))


SCENES = {
    "chain": Scene(graph="chain", runs=3),
    "fan-out": Scene(graph="fan", runs=3),
    "loop": Scene(graph="loop", runs=2),
    "ask": Scene(graph="ask", runs=3, way="reopen"),
    "give-up": Scene(graph="ask", runs=6, way="give_up"),
    "batch": Scene(graph="short", runs=30, at_once=10),
    "fallback": Scene(graph="fallback", runs=3),
    "expert": Scene(graph="expert", runs=3),
}


@cache
def checked(graph: str) -> Checked:
    """Return a graph, checked; once a process, so that those forked from it need not."""
    world = World(Path("/dev/null"), 0)
    try:
        signatures = [one.signature for one in world.tools()]
        return check_graph(GRAPHS / f"{graph}.swarm.yaml", tools=signatures, backends=["scripted"])
    finally:
        world.close()


def given(name: str) -> dict[str, Any]:
    """Return the input of a run."""
    return {"run": name, "x": 1 + int(name.rpartition("-")[2])}


def is_given_up(scene: Scene, name: str) -> bool:
    """Return whether the client of this run cancels it."""
    return scene.way == "give_up" and int(name.rpartition("-")[2]) % 2 == 1


def is_retried(name: str, place: str) -> bool:
    """Return what a person says of an unsafe call that was cut off: by a rule, the same each time."""
    return zlib.crc32(f"again {name} {place}".encode()) % 2 == 0


def is_approved(name: str) -> bool:
    """Return what a person says when asked to approve."""
    return zlib.crc32(f"approve {name}".encode()) % 3 > 0


def expected(graph: str, name: str, skipped: Set[str]) -> Mapping[str, Any]:
    """Return what a run comes to, whatever happens to it: computed here without the engine.

    Args:
        skipped: the places of the unsafe calls that a person said to leave out.
    """

    def paid(place: str, amount: int) -> int | None:
        return None if place in skipped else amount

    x: int = given(name)["x"]
    once = returned(x)
    match graph:
        case "chain":
            b = returned(once)
            e = returned(returned(b))
            return {"value": e, "first_paid": paid("c", b), "then_paid": paid("f", e)}
        case "fan":
            return {"value": 6 * once, "one_paid": paid("g", x), "other_paid": paid("h", x)}
        case "loop":
            rounds = 0
            while rounds < 4 and x <= 10_000:
                x, rounds = returned(returned(x)), rounds + 1
            return {"value": x, "rounds": rounds}
        case "ask":
            yes = is_approved(name)
            return {"value": once, "paid": paid("paid", once) if yes else None, "approved": yes}
        case "short":
            return {"value": returned(once)}
        case "fallback":
            return {"value": returned(once), "paid": paid("paid", once)}
        case _:
            return {"value": once, "paid": paid("paid", once), "label": "refund", "rung": 1}
