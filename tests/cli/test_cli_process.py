"""The command line as a process: what it loads, how it ends, what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from commandline import command, process, swarm

from swarm._cli.main import Front

LOADED = "import sys; from swarm.__main__ import main; main({words!r}); print(*sys.modules, file=sys.stderr)"


def loaded_by(*words: str) -> set[str]:
    """Return the top-level modules that a command loads."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(words=list(words))], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


def test_help_loads_nothing_heavy() -> None:
    assert not loaded_by("--help") & {
        "pydantic",
        "networkx",
        "ollama",
        "sklearn",
        "rich",
        "jinja2",
        "ruamel",
        "asyncio",
    }


def test_the_help_of_a_command_loads_nothing_heavy_either() -> None:
    assert not loaded_by("run", "--help") & {"pydantic", "networkx", "ollama", "sklearn", "rich"}


def test_check_imports_no_model_client_and_no_library_for_learning() -> None:
    assert not loaded_by("check", "hello.swarm.yaml") & {"ollama", "sklearn", "httpx", "rich", "structlog"}


def test_a_file_is_checked_without_running_its_tools(project: Path) -> None:
    (project / "tools.py").write_text((project / "tools.py").read_text() + "\nraise SystemExit('imported')\n")
    assert process(["check", "hello.swarm.yaml"]).code == 0


def test_the_version_is_that_of_the_distribution() -> None:
    assert process(["--version"]).out.startswith("swarm 0.")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "hello.swarm.yaml", "--input", "message=x"), 0),
        (("run", "hello.swarm.yaml", "--input", "message=boom"), 1),
        (("run", "nowhere.swarm.yaml"), 2),
        (("run", "ask.swarm.yaml", "--input", "message=x"), 5),
    ],
)
def test_the_exit_code_reaches_the_shell(words: tuple[str, ...], code: int) -> None:
    assert process(words).code == code


def interrupted(*words: str, after: str) -> tuple[int, str, str, float]:
    """Send Ctrl-C once a file has appeared; return how the command ended, and in how many seconds."""
    child = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not list(Path.cwd().glob(after)) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    out, err = child.communicate(timeout=30)
    return child.returncode, out, err, time.monotonic() - sent


@pytest.mark.parametrize("graph", ["hang", "hang_elsewhere", "nap"])
def test_ctrl_c_ends_a_run_at_once_whatever_its_tool_does(graph: str, project: Path) -> None:
    code, out, err, seconds = interrupted(
        "run", f"{graph}.swarm.yaml", "--input", "message=x", after="at_work"
    )
    assert (code, out) == (130, "")
    assert "Traceback" not in err
    assert seconds < 3
    (run,) = swarm("runs", "--json").json
    assert run["status"] == "unfinished"
    assert f"swarm runs resume {run['run']}" in err


def test_a_deadline_is_not_held_up_by_a_thread_that_hangs() -> None:
    began = time.monotonic()
    ran = process(["run", "hang_elsewhere.swarm.yaml", "--input", "message=x", "--timeout", "0.2"])
    assert ran.code == 124
    assert time.monotonic() - began < 5


def test_ctrl_c_keeps_the_rows_of_a_batch_that_were_written(project: Path) -> None:
    graph = (
        (project / "nap.swarm.yaml")
        .read_text()
        .replace("with: {text: input.message}", 'with: {text: input.message}, when: input.message == "nap"')
    )
    graph = graph.replace('reply: "{{ wait.text }}"', 'reply: "done", after: wait')
    (project / "some.swarm.yaml").write_text(graph)
    (project / "in.jsonl").write_text('{"message": "x"}\n' * 40 + '{"message": "nap"}\n' * 3)
    child_out = "out.jsonl"
    words = ("run", "some.swarm.yaml", "--batch", "in.jsonl", "--out", child_out)
    child = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, deadline = project / child_out, time.monotonic() + 20
    while (not out.exists() or out.read_text().count("\n") < 40) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "40 rows written to out.jsonl" in err
    assert all(json.loads(line)["text"] == "done" for line in out.read_text().splitlines())


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    words = ("run", "nap.swarm.yaml", "--input", "message=x", "--events", "--no-save", "--timeout", "3")
    child = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr is not None
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait(timeout=20) in (141, 124), "whichever comes first: the next event, or the deadline"
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_help_into_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command("schema"), stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_standard_output_is_one_line_and_exit_code_1() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(command("schema"), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"


def test_text_that_is_no_unicode_is_printed_escaped(project: Path) -> None:
    (project / "in.json").write_text('{"message": "lone \\ud83d surrogate"}')
    ran = process(["run", "hello.swarm.yaml", "--input-file", "in.json"])
    assert (ran.code, ran.out) == (0, "Hello lone \\ud83d surrogate: 3\n")
    again = process(["run", "hello.swarm.yaml", "--input-file", "in.json", "--json"])
    assert again.json["text"] == "Hello lone \ud83d surrogate: 3"


def test_a_bug_of_ours_is_one_line_and_its_traceback_is_there_for_the_asking(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "broken_command.py").write_text(
        "import click\n\n@click.command()\ndef broken():\n    raise ZeroDivisionError('oops')\n"
    )
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    front = Front(name="swarm", lazy={"broken": ("broken_command:broken", "")})
    plain = CliRunner().invoke(front, ["broken"])
    assert plain.exit_code == 1
    assert "internal error: ZeroDivisionError: oops\n  this is our bug" in plain.stderr
    assert "Traceback" not in plain.stderr
    full = CliRunner().invoke(front, ["broken"], env={"SWARM_TRACEBACK": "1"})
    assert "Traceback" in full.stderr
    assert "broken_command.py" in full.stderr


WITHOUT_EXTRA = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sklearn", "numpy", "scipy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from swarm.__main__ import main
print([main(words.split()) for words in sys.argv[1:]])
"""


def test_without_the_extra_the_demo_says_how_to_get_it_and_what_needs_it_ends_with_3() -> None:
    words = ["demo", "ask --expert moderator hello", "ask --expert summarizer hello"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, *words], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "[3, 3, 0]", done.stderr
    assert done.stderr.count("pip install 'swarm-slm[embedded]'") == 2
    assert "Traceback" not in done.stderr
