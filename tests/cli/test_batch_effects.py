"""A batch whose tools have effects: however often it is killed, going on repeats none."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from commandline import command, swarm

RUN = ("run", "ship.swarm.yaml", "--batch", "in.jsonl", "--out", "out.jsonl")
ROWS = 200
AT_ONCE = 4
KILLS = 2
TOOLS = '''
from pathlib import Path

from swarm import tool


@tool(effect="EFFECT")
def ship(order: stringKEY) -> dict[str, str]:
    """Ship an order; each call leaves a line."""
    with Path("shipped.txt").open("a") as file:
        file.write(f"{order} SHOWN\\n")
    return {"shipped": order}
'''
GRAPH = """\
swarm: 1
name: ship
input: {order: string}
tools: ship.py
nodes:
  ship: {tool: ship, with: {order: input.order}}
  said: {reply: "shipped {{ ship.shipped }}"}
output: said
"""
ASKING = """\
swarm: 1
name: ship
input: {order: string}
tools: ship.py
nodes:
  approve: {ask: "Ship {{ input.order }}?", answer: {approved: boolean}}
  ship: {tool: ship, with: {order: input.order}, when: approve.approved}
  said: {reply: "asked {{ approve.approved }}"}
output: said
"""


def prepare(project: Path, effect: str, rows: int = ROWS) -> None:
    shown = "{idempotency_key}" if effect == "idempotent" else "-"
    key = ", idempotency_key: str" if effect == "idempotent" else ""
    text = TOOLS.replace("EFFECT", effect).replace("SHOWN", shown).replace("stringKEY", f"str{key}")
    (project / "ship.py").write_text(text)
    (project / "ship.swarm.yaml").write_text(GRAPH)
    orders = (json.dumps({"order": f"o{number}"}) + "\n" for number in range(1, rows + 1))
    (project / "in.jsonl").write_text("".join(orders))


def kill_after(project: Path, effects: int) -> bool:
    """Run the batch, and kill it after so many effects more; return whether it had not ended before."""
    shipped = project / "shipped.txt"
    enough = effects + len(shipped.read_text().splitlines() if shipped.exists() else ())
    words = command(*RUN, "--resume", "--concurrency", str(AT_ONCE))
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None:
        if shipped.exists() and shipped.read_text().count("\n") >= enough:
            child.kill()
        try:
            child.wait(timeout=0.002)
        except subprocess.TimeoutExpired:
            continue
    return child.returncode == -signal.SIGKILL


def killed_and_gone_on_with(project: Path) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Return the lines of the output, and what was shipped with which key."""
    kills = sum(kill_after(project, 7 + 13 * number) for number in range(KILLS))
    assert kills, "it was never killed"
    assert swarm(*RUN, "--resume").code == 0
    lines = [json.loads(line) for line in (project / "out.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == list(range(1, ROWS + 1))
    return lines, [line.split() for line in (project / "shipped.txt").read_text().splitlines()]


def test_an_unsafe_tool_is_never_called_twice_for_a_row(project: Path) -> None:
    prepare(project, "unsafe")
    lines, shipped = killed_and_gone_on_with(project)
    assert [order for order, count in Counter(order for order, _ in shipped).items() if count > 1] == []
    waiting = [line for line in lines if line["status"] != "completed"]
    assert len(waiting) <= KILLS * AT_ONCE, "only rows that were at work when it was killed"
    assert {line["status"] for line in waiting} <= {"paused", "cancelled"}
    assert len(shipped) >= ROWS - len(waiting)


def test_an_idempotent_tool_is_called_again_only_with_the_same_key(project: Path) -> None:
    prepare(project, "idempotent")
    lines, shipped = killed_and_gone_on_with(project)
    assert {line["status"] for line in lines} == {"completed"}
    assert len({order for order, _ in shipped}) == ROWS
    assert len({(order, key) for order, key in shipped}) == ROWS
    assert len(shipped) - ROWS <= KILLS * AT_ONCE


@pytest.mark.parametrize("effect", ["unsafe", "pure"])
def test_a_batch_that_ended_leaves_nothing_but_its_output(effect: str, project: Path) -> None:
    prepare(project, effect)
    before = {path.name for path in project.iterdir()}
    ran = swarm(*RUN)
    assert ran.code == 0, ran.err
    assert ("every row is a durable run" in ran.err) == (effect == "unsafe")
    made = {path.name for path in project.iterdir() if path.name != "__pycache__"} - before
    assert made == {"out.jsonl", "shipped.txt"}


def test_runs_that_are_damaged_are_told_of_before_anything_is_repeated(project: Path) -> None:
    prepare(project, "unsafe")
    assert kill_after(project, 20)
    runs = project / "out.jsonl.batch.db"
    for path in project.glob(f"{runs.name}-*"):
        path.unlink()
    runs.write_bytes(b"no database at all" * 1_000)
    shipped = (project / "shipped.txt").read_text()
    ran = swarm(*RUN, "--resume")
    assert ran.code == 1
    assert "nobody knows any more which effects were made" in ran.err
    assert (project / "shipped.txt").read_text() == shipped


def test_a_row_that_has_to_ask_a_person_ends_paused_however_often_the_batch_is_killed(project: Path) -> None:
    prepare(project, "unsafe", rows=900)
    (project / "ship.swarm.yaml").write_text(ASKING)
    out, kills = project / "out.jsonl", 0
    for _ in range(2):
        enough = out.stat().st_size if out.exists() else 0
        child = subprocess.Popen(
            command(*RUN, "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while child.poll() is None:
            if out.exists() and out.stat().st_size > enough:
                child.kill()
            try:
                child.wait(timeout=0.002)
            except subprocess.TimeoutExpired:
                continue
        kills += child.returncode == -signal.SIGKILL
    assert kills, "it was never killed"
    assert swarm(*RUN, "--resume").code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["row"], line["status"], line["text"]) for line in lines] == [
        (number, "paused", f"Ship o{number}?") for number in range(1, 901)
    ]
    assert not (project / "shipped.txt").exists()
