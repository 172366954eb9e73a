"""What must hold of a trial, whatever was killed in it: the contract, as a function of what was left behind."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults.client import ACKS, EFFECTS, STORE
from benchmarks.faults.scenes import SCENES, expected, is_given_up
from benchmarks.faults.world import read_lines
from swarm.errors import StoreError
from swarm.stores.base import DONE, ENDED, INTENT, SavedRun
from swarm.stores.sqlite import SqliteStore

__all__ = ["Trial", "broken_promises", "read_trial", "repeats"]

ROUND = re.compile(r"(\w+)\[(\d+)\]/(\w+)")

Line = Mapping[str, Any]
Touched = tuple[str, str, int]  # a run's name, a node, a visit (0: it has only one)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What the processes of one trial left behind.

    Attributes:
        kills: how many of them were killed. acks: what they were told. effects: what they did.
        saved: the runs in the store, by id. damage: what the store says of itself.
    """

    scene: str
    kills: int
    acks: Sequence[Line]
    effects: Sequence[Line]
    saved: Mapping[str, SavedRun]
    damage: Sequence[str]

    def said(self, what: str) -> Iterator[Line]:
        """Yield the lines of one kind."""
        return (line for line in self.acks if line["said"] == what)


async def read_trial(folder: Path, scene: str, kills: int) -> Trial:
    """Read what is left of a trial; the store is read by nobody else now."""
    store = SqliteStore(folder / STORE, read_only=True)
    try:
        saved = {head.id: await store.load(head.id) for head in await store.runs()}
        damage = await store.check()
    except StoreError as error:
        saved, damage = {}, [str(error)]
    finally:
        await store.aclose()
    return Trial(
        scene=scene, kills=kills, acks=list(read_lines(folder / ACKS)), saved=saved, damage=damage,
        effects=list(read_lines(folder / EFFECTS)),
    )  # fmt: skip


def broken_promises(trial: Trial) -> list[str]:
    """Return every promise of the contract that was broken, in sentences; none if all is well."""
    return [
        *(f"the file is damaged: {one}" for one in trial.damage),
        *_lost(trial),
        *_wrong_ends(trial),
        *_wrong_effects(trial),
    ]


def repeats(trial: Trial) -> Counter[str]:
    """Return how often something was done again, by the kind of its effect."""
    counts = Counter((line["effect"], *_touched(line)) for line in trial.effects)
    again = Counter[str]()
    for (effect, *_), count in counts.items():
        again[effect] += count - 1
    return again


def _lost(trial: Trial) -> Iterator[str]:
    """Yield what a client was told and that is not so any more."""
    given_up = {line["run"] for line in trial.said("giving up")}
    for line in trial.acks:
        run_id, said = line.get("run", ""), line["said"]
        saved = trial.saved.get(run_id)
        if saved is None:
            if run_id and run_id not in given_up:  # those that were given up may be forgotten
                yield f"run {run_id} is lost ({said})"
        elif said == "ended" and line["status"] != "failed":
            if (saved.head.status, _end(saved)["output"]) != (line["status"], line["output"]):
                yield f"run {run_id} ended as {line}, and is now {saved.head.status} {_end(saved)}"
        elif said == "given up" and saved.head.status != "cancelled":
            yield f"run {run_id} was cancelled and is {saved.head.status}"
        elif said == "finished" and _value(saved, line["place"]) != line["value"]:
            yield f"the result of {line['place']} of run {run_id} is lost, it was {line['value']!r}"
        elif said == "answered" and not any(
            one.token == line["token"] and one.answer is not None for one in saved.questions
        ):
            yield f"an answer of run {run_id} is lost"


def _wrong_ends(trial: Trial) -> Iterator[str]:
    """Yield runs that did not end as they would have with nobody killed."""
    scene = SCENES[trial.scene]
    by_name = defaultdict[str, list[SavedRun]](list)
    for saved in trial.saved.values():
        by_name[saved.head.key or ""].append(saved)
    skipped = defaultdict[str, set[str]](set)
    for line in trial.said("word"):
        if line["action"] == "skip":
            skipped[line["name"]].add(line["place"])
    for name in scene.names(trial.scene):
        found = by_name[name]
        if is_given_up(scene, name):
            if any(saved.head.status in ENDED and saved.head.status != "cancelled" for saved in found):
                yield f"{name} was given up and ended as {found[0].head.status}"
            continue
        if len(found) != 1:
            yield f"{name} was made {len(found)} times"
            continue
        head, wanted = found[0].head, expected(scene.graph, name, skipped[name])
        if head.status != "completed" or _end(found[0])["output"] != wanted:
            yield f"{name} is {head.status} with {_end(found[0])}, not {wanted}"


def _wrong_effects(trial: Trial) -> Iterator[str]:
    """Yield what was done more often than it may be."""
    finished = _finished(trial)
    times = defaultdict[tuple[str, Touched], list[Line]](list)
    for line in trial.effects:
        times[line["effect"], _touched(line)].append(line)
    words = _words(trial)
    for touched, announced in _announced(trial).items():
        if announced > 1 + words[touched]:
            yield f"{touched} was begun {announced} times, on {words[touched]} words of a person"
    for (effect, touched), lines in times.items():
        lives = [line["life"] for line in lines]
        if len(set(lives)) < len(lives):
            yield f"{touched} was done twice in one life ({effect})"
        if lives[-1] > finished.get(touched, lives[-1]):
            yield f"{touched} was done again after its result was told ({effect})"
        if len({line["key"] for line in lines}) > 1:
            yield f"{touched} was repeated with another key"
        if effect == "unsafe" and len(lines) > 1 + words[touched]:
            yield f"{touched} was done {len(lines)} times, on {words[touched]} words of a person"


def _words(trial: Trial) -> Counter[Touched]:
    """Return how often a person said to repeat an unsafe call; one who is asked again after a crash says it once."""
    tokens = {line["token"]: line for line in trial.said("word") if line["action"] == "retry"}
    return Counter(_placed(line["name"], line["place"]) for line in tokens.values())


def _announced(trial: Trial) -> Counter[Touched]:
    """Return how often each unsafe call was about to be made."""
    return Counter(
        _placed(saved.head.key or "", record.place)
        for saved in trial.saved.values()
        for record in saved.records
        if record.kind == INTENT and json.loads(record.body)["tool"] == "pay"
    )


def _finished(trial: Trial) -> dict[Touched, int]:
    """Return in which life each node was first told to have its result."""
    names = {saved.head.id: saved.head.key or "" for saved in trial.saved.values()}
    lives: dict[Touched, int] = {}
    for line in trial.said("finished"):
        if line["run"] in names:
            lives.setdefault(_placed(names[line["run"]], line["place"]), line["life"])
    return lives


def _touched(line: Line) -> Touched:
    return line["run"], line["node"], line["visit"]


def _placed(name: str, place: str) -> Touched:
    inside = ROUND.fullmatch(place)
    return (name, inside[3], int(inside[2]) + 1) if inside else (name, place, 0)


def _end(saved: SavedRun) -> Line:
    ends = [json.loads(record.body) for record in saved.records if record.kind == "end"]
    return ends[-1] if ends else {"output": None}


def _value(saved: SavedRun, place: str) -> Any:
    for record in saved.records:
        if (record.kind, record.place, record.call) == (DONE, place, ""):
            return json.loads(record.body)["output"]
    return None
