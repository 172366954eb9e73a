"""What tools and inputs cannot do to the command line: mix with data, hold the exit up, pass as something else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = '''
import asyncio
from swarm import tool

print("said while it was imported")

@tool(effect="pure")
async def stubborn(x: str) -> str:
    """Never stop."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue

@tool
def loud(x: str) -> str:
    """Print, and give it back."""
    print("said while it was called")
    return x
'''
GRAPH = "name: g\ninput: {message: string}\ntools: tools.py\nnodes:\n  a: {tool: TOOL, with: {x: input.message}}\noutput: a\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tools.py").write_text(TOOLS)
    for name in ("stubborn", "loud"):
        (tmp_path / f"{name}.swarm.yaml").write_text(GRAPH.replace("TOOL", name))
    return tmp_path


def swarm(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "swarm", *arguments]
    return subprocess.run(command, cwd=folder, input=given, capture_output=True, timeout=60, check=False)


def test_what_a_tool_prints_does_not_mix_with_the_answer(project: Path) -> None:
    done = swarm(project, "run", "loud.swarm.yaml", "--input", "message=hi", "--json", "--no-save")
    assert json.loads(done.stdout)["text"] == "hi"
    assert b"said while it was called" in done.stderr
    assert b"said while it was imported" in done.stderr


def test_a_tool_that_will_not_be_cancelled_does_not_hold_the_exit_up(project: Path) -> None:
    done = swarm(
        project, "run", "stubborn.swarm.yaml", "--input", "message=hi", "--timeout", "0.2", "--no-save"
    )
    assert done.returncode == 124
    assert b"left behind" in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b'{"message": "a", "message": "b"}', b"there twice"),
        (b'{"message": "\xff"}', b"not UTF-8"),
        (b'{"message": NaN}', b"NaN"),
        (b'{"message": ' + b"[" * 500 + b"]" * 500 + b"}", b"deep"),
    ],
)
def test_input_that_is_no_clean_json_is_refused(project: Path, given: bytes, said: bytes) -> None:
    done = swarm(project, "run", "loud.swarm.yaml", "--input-file", "-", "--no-save", given=given)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr


def test_a_message_of_ten_megabytes_is_a_wrong_input(project: Path) -> None:
    (project / "big.txt").write_text("x" * 10_000_000)
    done = swarm(project, "run", "loud.swarm.yaml", "--input", "message=@big.txt", "--no-save")
    assert done.returncode == 2
    assert b"larger than" in done.stderr


def test_a_batch_names_the_rows_that_are_no_clean_json_and_goes_on(project: Path) -> None:
    rows = b'{"message": "one"}\n{"message": "\xff"}\n{"message": "a", "message": "b"}\n{"message": "four"}\n'
    (project / "rows.jsonl").write_bytes(rows)
    done = swarm(project, "run", "loud.swarm.yaml", "--batch", "rows.jsonl", "--out", "out.jsonl")
    results = [json.loads(line) for line in (project / "out.jsonl").read_text().splitlines()]
    assert [row["status"] for row in results] == ["completed", "failed", "failed", "completed"]
    assert [row["error"]["message"] for row in results[1:3]] == [
        "line 2: not UTF-8",
        "line 3: not JSON: the key 'message' is there twice",
    ]
    assert done.returncode == 1
