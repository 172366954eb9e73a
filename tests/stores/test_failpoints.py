"""A failpoint kills the process where it says, when it says, and is quiet otherwise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from swarm.stores.failpoint import FAILPOINTS

PASSES = """
from swarm.stores.failpoint import FAILPOINT, reached
for number in (1, 2, 3):
    reached("before_end")
    reached("after_commit")
    print(number, flush=True)
"""


def passes(failpoint: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SWARM_FAILPOINT": failpoint}
    command = [sys.executable, "-c", PASSES]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("failpoint", "passed"), [("after_commit", 0), ("after_commit:1", 0), ("before_end:3", 2)]
)
def test_the_process_dies_the_nth_time_it_passes_the_point(failpoint: str, passed: int) -> None:
    finished = passes(failpoint)
    assert finished.returncode == -signal.SIGKILL
    assert len(finished.stdout.split()) == passed


@pytest.mark.parametrize("failpoint", ["", "before_ask", "after_commit:4"])
def test_a_point_that_is_not_passed_so_often_kills_nobody(failpoint: str) -> None:
    finished = passes(failpoint)
    assert (finished.returncode, finished.stdout.split()) == (0, ["1", "2", "3"])


def test_an_unknown_point_is_said_with_those_there_are() -> None:
    finished = passes("before_lunch")
    assert finished.returncode == 1
    assert all(point in finished.stderr for point in ("before_lunch", *FAILPOINTS))


@pytest.mark.parametrize("failpoint", ["after_commit:0", "after_commit:x", "after_commit:-1"])
def test_how_often_is_a_number_from_one(failpoint: str) -> None:
    assert passes(failpoint).returncode == 1
