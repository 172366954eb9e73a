"""The verbs that read: `check`, `graph`, `runs`, `experts`, `schema`, `doctor`, `ask`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commandline import runs_in_use, swarm

from swarm.testing import FakeModel, OllamaServer
from swarm.testing.ollama_server import in_thread

ROOT = Path(__file__).resolve().parents[2]
BAD = "swarm: 1\nname: bad\ninput: {message: string}\nnodes:\n  a: {reply: '{{ input.mesage }}'}\n  b: {replly: hi}\noutput: a\n"


def test_check_shows_every_problem_at_its_line_and_ends_with_2(project: Path) -> None:
    (project / "bad.swarm.yaml").write_text(BAD)
    ran = swarm("check", "bad.swarm.yaml")
    assert ran.code == 2
    assert "--> bad.swarm.yaml:5:" in ran.out
    assert "--> bad.swarm.yaml:6:" in ran.out
    assert "did you mean" in ran.out
    assert ran.out.splitlines()[-1].startswith("bad.swarm.yaml: 2 errors")


def test_check_of_a_folder_looks_at_every_graph_and_expert_in_it(project: Path) -> None:
    (project / "experts" / "odd").mkdir(parents=True)
    (project / "experts" / "odd" / "expert.yaml").write_text(
        "swarm: 1\nname: even\nkind: write\ncascade: [ollama/x]\n"
    )
    (project / ".hidden").mkdir()
    (project / ".hidden" / "bad.swarm.yaml").write_text(BAD)
    ran = swarm("check", "--json")
    assert ran.code == 2
    assert [problem["file"] for problem in ran.json["problems"] if problem["severity"] == "error"] == [
        "experts/odd/expert.yaml"
    ]
    assert len(ran.json["files"]) == 7


def test_a_warning_does_not_change_the_exit_code(project: Path) -> None:
    (project / "w.swarm.yaml").write_text(
        "swarm: 1\nname: w\ninput: {message: string}\nnodes:\n  a: {reply: hi}\noutput: a\n"
    )
    ran = swarm("check", "w.swarm.yaml")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "w.swarm.yaml: 1 warning")


def test_check_of_a_file_that_is_not_there_suggests_one_that_is() -> None:
    ran = swarm("check", "helo.swarm.yaml")
    assert ran.code == 2
    assert "did you mean 'hello.swarm.yaml'?" in ran.out


def test_check_of_a_folder_without_graphs_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = swarm("check", "empty")
    assert ran.code == 2
    assert "swarm init" in ran.err


def test_an_expert_whose_files_are_missing_is_an_error_of_its_file(project: Path) -> None:
    (project / "experts" / "lost").mkdir(parents=True)
    (project / "experts" / "lost" / "expert.yaml").write_text(
        "swarm: 1\nname: lost\nkind: write\ncascade: [ollama/x]\nprompt: nowhere.md\n"
    )
    ran = swarm("check", "experts")
    assert ran.code == 2
    assert "nowhere.md" in ran.out


@pytest.mark.parametrize(("form", "begins"), [("ascii", "graph hello"), ("mermaid", ""), ("svg", "<svg")])
def test_a_graph_is_drawn_in_three_forms(form: str, begins: str) -> None:
    ran = swarm("graph", "hello.swarm.yaml", "--format", form)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(begins)
    assert "words" in ran.out


def test_a_drawing_goes_to_a_file_in_the_form_of_its_name(project: Path) -> None:
    assert swarm("graph", "hello.swarm.yaml", "-o", "hello.svg").out == ""
    assert (project / "hello.svg").read_text().startswith("<svg")


def test_a_drawing_shows_the_way_a_run_took() -> None:
    swarm("run", "hello.swarm.yaml", "--input", "message=hi")
    plain = swarm("graph", "hello.swarm.yaml").out
    assert swarm("graph", "hello.swarm.yaml", "--run", "latest").out != plain


def test_runs_are_listed_and_shown_by_id_beginning_or_latest() -> None:
    first = swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--json").json["run"]
    swarm("run", "hello.swarm.yaml", "--input", "message=rude")
    assert sorted(row["status"] for row in swarm("runs", "ls", "--json").json) == ["completed", "refused"]
    assert first in swarm("runs").out
    for wanted in (first, first[:-2]):
        shown = swarm("runs", "show", wanted)
        assert (shown.code, shown.out.splitlines()[-1]) == (0, "Hello hi: 1")
        assert "input.message" in shown.out, "why a node was skipped"
    assert swarm("runs", "show", first, "--json").json["events"][0]["type"] == "run.started"
    assert swarm("runs", "show", "latest").code == 0


def test_a_run_that_is_not_kept_is_an_error_that_says_where_to_look() -> None:
    ran = swarm("runs", "show", "latest")
    assert ran.code == 1
    assert "fix:" in ran.err
    assert swarm("runs", "ls").code == 0


def test_a_damaged_line_of_a_run_is_told_and_the_rest_is_shown(project: Path) -> None:
    with runs_in_use():
        run_id = swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--json").json["run"]
    with (project / ".swarm" / "runs" / f"{run_id}.jsonl").open("a") as file:
        file.write("{half")
    ran = swarm("runs", "show", run_id)
    assert ran.code == 0
    assert "Hello hi" in ran.out
    assert "not an event" in ran.err


def test_the_experts_of_the_project_are_listed_beside_the_bundled_ones(project: Path) -> None:
    (project / "experts" / "poet").mkdir(parents=True)
    (project / "experts" / "poet" / "expert.yaml").write_text(
        "swarm: 1\nname: poet\nkind: write\ndescription: Rhymes.\ninput: {text: string}\ncascade: [ollama/x]\nprompt: |\n  Rhyme: {{ text }}\n"
    )
    found = {row["name"]: row for row in swarm("experts", "--json").json}
    assert found["poet"]["origin"] == "./experts"
    assert found["intent"]["origin"] == "bundled"
    assert "Rhymes." in swarm("experts").out
    shown = swarm("experts", "show", "poet", "--prompt")
    assert "text: string" in shown.out
    assert "Rhyme: {{ text }}" in shown.out


def test_an_unknown_expert_is_answered_with_the_nearest() -> None:
    ran = swarm("experts", "show", "intnet")
    assert ran.code == 2
    assert "did you mean 'intent'?" in ran.err


def test_the_schemas_are_written_where_the_first_line_of_a_graph_looks(project: Path) -> None:
    assert swarm("schema", "--write").code == 0
    for name in ("graph", "expert"):
        written = json.loads((project / ".swarm" / "schema" / f"{name}.json").read_text())
        assert written == swarm("schema", name).json


def test_doctor_says_what_is_missing_and_what_to_type() -> None:
    ran = swarm("doctor")
    assert ran.code == 0
    assert "ollama pull qwen3:4b" in ran.out
    assert swarm("doctor", "--json").json["ollama"]["found"] is False


def test_doctor_of_a_graph_that_nobody_can_answer_for_ends_with_3() -> None:
    ran = swarm("doctor", "model.swarm.yaml", "--json")
    assert ran.code == 3
    assert ran.json["without_model"] == ["talker"]


def test_doctor_of_a_graph_whose_models_are_there_is_content(monkeypatch: pytest.MonkeyPatch) -> None:
    with in_thread(OllamaServer({"qwen3:4b": FakeModel()})) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        ran = swarm("doctor", "model.swarm.yaml", "--json")
    assert ran.code == 0
    assert ran.json["models"] == [
        {"model": "ollama/qwen3:4b", "experts": ["talker"], "present": True, "fix": ""}
    ]


def test_ask_answers_with_the_expert_that_serves_the_request() -> None:
    text = "Shorten this: The ferry was late again. Nobody knew why. It had been late every day that week, and it rained."
    ran = swarm("ask", text, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["expert"] == "summarizer"
    assert ran.json["route"]["scores"]["summarizer"] > 0
    assert ran.json["result"]["nodes"]["answer"]["model"] == "embedded/textrank"


def test_ask_says_when_no_expert_serves_the_request() -> None:
    ran = swarm("ask", "qwrtz plmokn", "--json")
    assert ran.code == 0
    assert ran.json["expert"] is None


def test_ask_of_a_named_expert_does_not_route_and_says_what_it_needs() -> None:
    ran = swarm("ask", "--expert", "coder", "reverse a list in python")
    assert ran.code == 3
    labels = swarm("ask", "--expert", "intent", "hello")
    assert labels.code == 2
    assert "--label" in labels.err


@pytest.mark.parametrize("name", ["bank_triage/bank", "support_chatbot/support"])
def test_the_examples_are_clean(name: str) -> None:
    ran = swarm("check", ROOT / "examples" / f"{name}.swarm.yaml", "--json")
    assert ran.code == 0, ran.out
