"""`swarm runs replay` and `export`: yesterday's runs with today's graph, and a run as a file."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from commandline import process, swarm

from swarm.testing import FakeModel, OllamaServer, in_thread

TRIAGE = """\
swarm: 1
name: desk
input: {message: string}
experts:
  triage:
    kind: classify
    description: Sorts.
    input: {text: string}
    labels: {refund: Money back, other: Anything else}
    cascade: [ollama/small, ollama/large]
    confidence: {at_least: 0.5}
    prompt: |
      Sort this: {{ text }}
nodes:
  triage: {expert: triage, with: {text: input.message}}
  answer: {reply: "About {{ triage.label }}.", when: triage.confident}
  person: {reply: "A person will look.", when: not triage.confident}
output: [answer, person]
"""
STRICT = ("--set", "experts.triage.confidence.at_least=0.8")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A graph that was run three times against a server that is gone now; the second run was unsure."""
    file = Path("desk.swarm.yaml")
    file.write_text(TRIAGE, encoding="utf-8")
    sure, unsure = {"label": {"refund": 0.9}}, {"label": {"refund": 0.6}}

    def decide(state: object, questions: object) -> dict[str, dict[str, float]]:
        return unsure if "hm" in str(state) else sure

    models = {
        "small": FakeModel(decide=decide, capabilities=("decision",)),
        "large": FakeModel(decide=sure, capabilities=("decision",)),
    }
    with in_thread(OllamaServer(models)) as server, monkeypatch.context() as patch:
        patch.setenv("OLLAMA_HOST", server.url)
        for message in ("money!", "hm", "my money back"):
            ran = swarm("run", file, "--input", f"message={message}")
            assert ran.code == 0, ran.err
    return file


def test_a_run_is_replayed_offline_and_takes_the_same_path(desk: Path) -> None:
    ran = swarm("runs", "replay", "latest", "--check")
    assert ran.code == 0, ran.err
    assert "takes the same path: triage, answer" in ran.out


def test_a_changed_threshold_is_found_and_check_fails(desk: Path) -> None:
    unsure = next(line["run"] for line in swarm("runs", "--json").json if line_of(line["run"]) == "hm")
    looked = swarm("runs", "replay", unsure, *STRICT)
    assert looked.code == 0
    assert "goes another way" in looked.out
    assert "not recorded  triage" in looked.out
    assert "asks ollama/large" in looked.out
    checked = swarm("runs", "replay", unsure, "--check", "--json", *STRICT)
    assert checked.code == 1
    assert checked.json["same_path"] is False
    assert checked.json["differences"][0]["where"] == "triage"


def line_of(run_id: str) -> str:
    """Return what a run was asked."""
    return swarm("runs", "show", run_id, "--json").json["events"][0]["input"]["message"]


def test_all_runs_of_a_graph_are_a_regression_test_of_a_change(desk: Path) -> None:
    same = swarm("runs", "replay", "--all", "--graph", desk, "--check")
    assert same.code == 0, same.err
    assert "3 runs of desk.swarm.yaml: 3 take the same path, 0 go another way, 0 cannot be" in same.out
    changed = swarm("runs", "replay", "--all", "--graph", desk, "--check", *STRICT)
    assert changed.code == 1
    assert "2 take the same path, 1 go another way" in changed.out
    table = swarm("runs", "replay", "--all", "--graph", desk, "--json", *STRICT).json
    assert (table["runs"], table["same"], len(table["different"])) == (3, 2, 1)


def test_no_runs_are_no_proof() -> None:
    ran = swarm("runs", "replay", "--all", "--graph", "hello.swarm.yaml", "--check")
    assert ran.code == 1
    assert "no run of graph 'hello' has ended here" in ran.err


def test_an_exported_run_is_private_and_replays_anywhere(desk: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    assert swarm("runs", "export", "latest", "-o", out).code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(swarm("runs", "export", "latest").out) == json.loads(out.read_text(encoding="utf-8"))
    moved = tmp_path / "elsewhere.swarm.yaml"
    desk.rename(moved)
    lost = swarm("runs", "replay", out)
    assert lost.code == 2
    assert "--graph FILE" in lost.err
    assert swarm("runs", "replay", out, "--check", "--graph", moved).code == 0
    assert swarm("runs", "replay", out, "--check", "--graph", moved, "--store", "none.db").code == 0


def test_an_export_to_a_pipe_goes_through_it_and_leaves_it_a_pipe(project: Path) -> None:
    swarm("run", "hello.swarm.yaml", "--input", "message=hi")
    pipe = project / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert swarm("runs", "export", "latest", "-o", pipe).code == 0
        assert pipe.is_fifo()
        assert os.read(end, 65536).decode() == swarm("runs", "export", "latest").out
    finally:
        os.close(end)


def test_the_tools_of_a_graph_are_not_imported() -> None:
    assert swarm("run", "hello.swarm.yaml", "--input", "message=hi there").code == 0
    tools = Path("tools.py")
    tools.write_text(tools.read_text(encoding="utf-8") + "\nraise SystemExit('imported')\n", encoding="utf-8")
    assert process(["run", "hello.swarm.yaml", "--input", "message=hi"]).code != 0
    ran = process(["runs", "replay", "latest", "--check"])
    assert ran.code == 0, ran.err
    assert "takes the same path: words, hello" in ran.out


def test_a_failed_run_is_replayed_too() -> None:
    assert swarm("run", "hello.swarm.yaml", "--input", "message=boom").code == 1
    ran = swarm("runs", "replay", "latest", "--check")
    assert ran.code == 0, ran.out + ran.err


def test_a_run_that_waits_for_a_person_has_no_end_to_compare_with() -> None:
    assert swarm("run", "ask.swarm.yaml", "--input", "message=5 EUR").code == 5
    ran = swarm("runs", "replay", "latest")
    assert ran.code == 1
    assert "has not ended (paused)" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say which run, or --all"),
        (("latest", "--all"), "say which run, or --all"),
        (("--all",), "--all needs the graph"),
        (("latest",), "no runs are kept here yet"),
        (("hello.swarm.yaml",), "this is no recording of a run"),
    ],
)
def test_what_cannot_be_replayed_says_what_to_type(words: tuple[str, ...], said: str) -> None:
    ran = swarm("runs", "replay", *words)
    assert ran.code != 0
    assert said in ran.err
