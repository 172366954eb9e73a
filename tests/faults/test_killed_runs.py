"""Processes killed with SIGKILL in the midst of runs, and what those that come after find."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.client import Client
from benchmarks.faults.verdict import Trial, broken_promises, read_trial, repeats

ROOT = Path(__file__).parents[2]
PRINTED = """
import json
from benchmarks.faults.kill import at_points, at_random
print(json.dumps({name: row.to_json() for name, row in %s.items()}))
"""


def rows_of(call: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the rows of an experiment, run in a process of its own: it forks, and a test run has threads."""
    said = subprocess.run(
        [sys.executable, "-c", PRINTED % call], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_runs_killed_at_random_moments_keep_their_promises() -> None:
    rows = rows_of("at_random(8, scenes=['fan-out', 'ask'])")
    total = rows["kill -9 at random moments, all"]
    assert total["tried"] >= 8
    assert total["broken"] == []


def test_runs_killed_at_named_points_keep_their_promises() -> None:
    rows = rows_of("at_points(['after_intent', 'before_done'], times=[2, 3], scenes=['chain'])")
    row = rows["kill -9 at named points"]
    assert row["tried"] == 4
    assert row["broken"] == []


async def trial_of(folder: Path) -> Trial:
    await Client(folder, "chain", 0).work()
    return await read_trial(folder, "chain", 0)


async def test_what_nobody_killed_keeps_every_promise_and_repeats_nothing(tmp_path: Path) -> None:
    trial = await trial_of(tmp_path)
    assert broken_promises(trial) == []
    assert repeats(trial).total() == 0


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("done 2 times, on 0 words", {"effect": "unsafe", "life": 1}),
        ("another key", {"effect": "idempotent", "life": 1, "key": "k"}),
        ("again after its result was told", {"effect": "pure", "life": 1}),
        ("twice in one life", {"effect": "pure"}),
    ],
)
async def test_an_effect_too_many_is_noticed(said: str, change: dict[str, Any], tmp_path: Path) -> None:
    trial = await trial_of(tmp_path)
    first = next(line for line in trial.effects if line["effect"] == change["effect"])
    found = broken_promises(replace(trial, effects=[*trial.effects, {**first, **change}]))
    assert any(said in one for one in found), found


async def test_a_run_that_is_lost_is_noticed(tmp_path: Path) -> None:
    trial = await trial_of(tmp_path)
    found = broken_promises(replace(trial, saved=dict(list(trial.saved.items())[1:])))
    assert any("is lost" in one for one in found), found


@pytest.mark.parametrize("said", ["created", "finished", "ended"])
async def test_what_was_told_and_is_not_so_is_noticed(said: str, tmp_path: Path) -> None:
    trial = await trial_of(tmp_path)
    other = {"run": "another", "value": "another", "output": "another"}
    changed = [{**line, **{k: other[k] for k in other if k in line}} for line in trial.said(said)]
    assert broken_promises(replace(trial, acks=changed)) != []
