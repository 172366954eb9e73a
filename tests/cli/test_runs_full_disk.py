"""A disk that is full as a run begins, and one that gets full while it is at work."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from commandline import Ran, command, swarm

ROOM_KB = 200  # no file may be larger; a store with one small run is a fifth of it
SWELL = """\
swarm: 1
name: swell
input: {message: string}
tools: swell.py
nodes:
  before: {reply: "{{ input.message }}"}
  large: {tool: swell, with: {text: before.text}}
  said: {reply: "{{ input.message }} {{ large.count }}"}
output: said
"""
TOOLS = '''
import hashlib
from pathlib import Path

from swarm import tool


@tool(effect="pure")
def swell(text: str) -> dict[str, object]:
    """Return far more than was given; no two lines are alike, so that it cannot be packed."""
    lines = [hashlib.sha256(f"{text}{number}".encode()).hexdigest() for number in range(10_000)]
    with Path("calls.txt").open("a") as calls:
        calls.write(text + "\\n")
    return {"count": len(lines), "lines": lines}
'''


def with_little_room(*words: str, input: str | None = None) -> Ran:
    """Run the command line in a process that can write no large file."""
    limited = ["bash", "-c", f'ulimit -f {ROOM_KB}; exec "$@"', "bash", *command(*words)]
    done = subprocess.run(limited, input=input, capture_output=True, text=True, timeout=60, check=False)
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


def large() -> str:
    """Return 6,000 words, more than there is room for, however they are packed."""
    return " ".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(6_000))


def test_a_run_whose_beginning_cannot_be_written_runs_all_the_same_and_says_once_that_it_is_not_saved(
    project: Path,
) -> None:
    small = swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--json").json["run"]
    (project / "large.txt").write_text(large())
    ran = with_little_room("run", "hello.swarm.yaml", "--input", "message=@large.txt", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["nodes"]["words"]["output"] == {"words": 6_000}
    assert ran.err.count("warning: runs are not saved: .swarm/runs.db: the disk cannot be written") == 1
    assert [line["run"] for line in swarm("runs", "--json").json] == [small]


def test_a_conversation_goes_on_when_the_disk_is_full_and_says_so_once() -> None:
    swarm("run", "hello.swarm.yaml", "--input", "message=hi")
    ran = with_little_room("chat", "hello.swarm.yaml", input=f"{large()}\nshort\n{large()}\n")
    assert ran.code == 0, ran.err
    assert [line.rpartition(": ")[2] for line in ran.out.splitlines()] == ["6000", "1", "6000"]
    assert ran.err.count("runs are not saved") == 1


def test_a_run_that_cannot_be_written_any_further_fails_and_goes_on_when_there_is_room(project: Path) -> None:
    (project / "swell.swarm.yaml").write_text(SWELL)
    (project / "swell.py").write_text(TOOLS)
    words = ("run", "swell.swarm.yaml", "--input", "message=hi", "--store", "small.db")
    ran = with_little_room(*words)
    assert (ran.code, ran.out) == (1, "")
    (line,) = swarm("runs", "ls", "--store", "small.db", "--json").json
    command_to_go_on = f"swarm runs resume {line['run']} --store small.db"
    assert line["status"] == "unfinished"
    assert "error: small.db: the disk cannot be written" in ran.err
    assert f"fix: free some disk, check it; then: {command_to_go_on}\n" in ran.err
    resumed = swarm("runs", "resume", "latest", "--store", "small.db")
    assert (resumed.code, resumed.out) == (0, "hi 10000\n")
    assert (project / "calls.txt").read_text() == "hi\nhi\n", "what could not be written is done again"
