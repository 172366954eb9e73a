"""`swarm init` writes projects that work; `swarm demo` shows one."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import process, swarm


@pytest.mark.parametrize("template", ["support", "blank"])
def test_a_new_project_is_clean_and_its_next_commands_are_told(project: Path, template: str) -> None:
    ran = swarm("init", "mine", "--template", template)
    assert ran.code == 0, ran.err
    graph = next((project / "mine").glob("*.swarm.yaml"))
    assert ran.out.splitlines() == ["cd mine", f"swarm check {graph.name}", f"swarm chat {graph.name}"]
    assert swarm("check", "mine").code == 0
    first_line = graph.read_text().splitlines()[0]
    assert (project / "mine" / first_line.partition("$schema=")[2]).is_file()


def test_a_blank_project_answers(project: Path) -> None:
    swarm("init", "mine", "--template", "blank")
    ran = swarm("run", "mine/my_graph.swarm.yaml", "--input", "message=how does this work")
    assert (ran.code, ran.out) == (0, "You asked something in 4 words.\n")


def test_init_never_overwrites(project: Path) -> None:
    (project / "mine").mkdir()
    (project / "mine" / "tools.py").write_text("# mine")
    ran = swarm("init", "mine")
    assert ran.code == 2
    assert "tools.py" in ran.err
    assert [path.name for path in (project / "mine").iterdir()] == ["tools.py"]
    assert (project / "mine" / "tools.py").read_text() == "# mine"


def test_the_demo_shows_five_messages_and_what_to_do_next(project: Path) -> None:
    ran = process(["demo"])
    assert ran.code == 0, ran.err
    assert ran.out.count("you  ") == 5
    for said in (
        "embedded/ngram",
        "embedded/bm25",
        "flagged: ",
        "new_return",
        "handoff",
        "swarm init my_bot",
    ):
        assert said in ran.out
    assert "no Ollama at" in ran.err
    assert len(swarm("runs", "--json").json) == 5


def test_the_demo_as_json_has_one_result_of_each_kind() -> None:
    ran = swarm("demo", "--json", "--no-save")
    paths = [result["path"] for result in ran.json]
    assert ran.code == 0
    assert [result["status"] for result in ran.json] == [
        "completed",
        "completed",
        "completed",
        "refused",
        "completed",
    ]
    assert "order" in paths[0]
    assert "answer" in paths[1]
    assert "new_return" in paths[2]
    assert "handoff" in paths[4]
