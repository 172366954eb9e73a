"""What the command line promises: JSON on every verb that reads, runs that are kept, columns that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swarm._cli.main import cli

GRAPH = """\
swarm: 1
name: triage
input: {message: string}
experts:
  triage:
    use: intent
    examples: intents.jsonl
    cascade: [embedded/ngram]
    confidence: {target_error: 0.2}
nodes:
  triage: {expert: triage, with: {text: input.message}}
  said: {reply: "about {{ triage.label }}"}
output: said
"""
ASK = 'swarm: 1\nname: ask\nnodes:\n  name: {ask: "Your name?"}\noutput: name\n'
TEXTS = {
    "parcel": ["where is my parcel", "track my parcel", "parcel is late", "parcel lost", "my parcel number"],
    "money": ["I want my money back", "refund me", "refund my money", "money returned", "pay me back"],
}


@pytest.fixture(autouse=True)
def project(folder: Path, refused_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"text": text, "label": label} for label, texts in TEXTS.items() for text in texts]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "intents.jsonl").write_text(lines, encoding="utf-8")
    (folder / "triage.swarm.yaml").write_text(GRAPH, encoding="utf-8")
    (folder / "ask.swarm.yaml").write_text(ASK, encoding="utf-8")
    monkeypatch.setenv("OLLAMA_HOST", refused_url)
    return folder


def swarm(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(arguments), input=input)


def batch(project: Path, rows: list[dict[str, Any]], *options: str) -> Result:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project / "rows.jsonl").write_text(text, encoding="utf-8")
    return swarm("run", "triage.swarm.yaml", "--batch", "rows.jsonl", "--out", "out.jsonl", *options)


@pytest.mark.parametrize(
    "command",
    [
        "check triage.swarm.yaml --json",
        "graph triage.swarm.yaml --json",
        "runs --json",
        "runs ls --json",
        "runs show latest --json",
        "experts --json",
        "experts show writer --json",
        "doctor triage.swarm.yaml --json",
        "schema",
        "run triage.swarm.yaml --input message=parcel --json",
    ],
)
def test_every_verb_that_reads_speaks_json(command: str) -> None:
    assert swarm("run", "triage.swarm.yaml", "--input", "message=refund me").exit_code == 0
    result = swarm(*command.split())
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)


def test_a_graph_as_json_has_its_nodes_and_edges_and_no_other_form_beside_it() -> None:
    drawn = json.loads(swarm("graph", "triage.swarm.yaml", "--json").stdout)
    assert [node["name"] for node in drawn["nodes"]] == ["input", "triage", "said"]
    assert {"source": "triage", "target": "said", "kind": "data"} in drawn["edges"]
    both = swarm("graph", "triage.swarm.yaml", "--json", "--format", "svg")
    assert (both.exit_code, "--json is a form of its own" in both.stderr) == (2, True)


def test_run_chat_and_demo_keep_their_runs(project: Path) -> None:
    def kept() -> int:
        return len(json.loads(swarm("runs", "--json").stdout))

    swarm("run", "triage.swarm.yaml", "--input", "message=parcel")
    assert kept() == 1
    swarm("chat", "triage.swarm.yaml", input="parcel\nrefund me\n")
    assert kept() == 3
    swarm("demo")
    assert kept() == 8
    swarm("run", "triage.swarm.yaml", "--input", "message=parcel", "--no-save")
    assert kept() == 8


def test_the_events_of_a_run_that_asks_end_with_its_question_and_5() -> None:
    result = swarm("run", "ask.swarm.yaml", "--events")
    last = json.loads(result.stdout.splitlines()[-1])
    assert (result.exit_code, last["type"], last["text"]) == (5, "run.paused", "Your name?")


def test_a_row_without_the_column_that_was_mapped_says_which_one_it_lacks(project: Path) -> None:
    result = batch(project, [{"text": "parcel"}], "--map", "message=txt")
    (row,) = (project / "out.jsonl").read_text(encoding="utf-8").splitlines()
    said = json.loads(row)["error"]["message"]
    assert (result.exit_code, said) == (
        1,
        "line 1: the input does not fit: message: missing (it has no column 'txt')",
    )


def test_only_rows_that_say_what_is_right_count_for_the_accuracy(project: Path) -> None:
    rows = [{"message": "where is my parcel", "label": "parcel"}, {"message": "refund me"}]
    result = batch(project, rows, "--expect", "triage.label=label")
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("triage  embedded/ngram")]
    assert "100.0 %" in line.split("0 %", 2)[-1], result.stderr
    tally = json.loads(batch(project, rows, "--expect", "triage.label=label", "--json").stdout)
    assert (tally["accuracy"], tally["answered"][0]["accuracy"]) == (1.0, 1.0)


def test_a_file_of_an_option_is_looked_for_where_the_command_was_given(project: Path) -> None:
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    for name in ("triage.swarm.yaml", "intents.jsonl"):
        (project / name).rename(elsewhere / name)
    (project / "more.jsonl").write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n')
    graph = "elsewhere/triage.swarm.yaml"
    option = "experts.triage.examples=more.jsonl"
    result = swarm("run", graph, "--input", "message=a", "--set", option)
    assert (result.exit_code, result.stdout) == (0, "about x\n")
    missing = swarm("run", graph, "--input", "message=a", "--set", "experts.triage.examples=/none.txt")
    assert missing.exit_code == 2
    assert "paths are relative to the working directory" in missing.stderr


def test_a_folder_is_no_graph_and_the_error_names_it() -> None:
    result = swarm("run", ".", "--input", "message=a")
    assert result.exit_code == 2
    assert "'.' cannot be read: it is a folder" in result.stderr


def test_an_input_file_that_is_not_there_is_told_without_advice_on_other_options() -> None:
    result = swarm("run", "triage.swarm.yaml", "--input-file", "none.json")
    assert result.exit_code == 2
    assert "'none.json' cannot be read: No such file or directory\n" in result.stderr


def test_an_experts_file_is_checked_with_each_problem_at_its_line(project: Path) -> None:
    home = project / "experts" / "talker"
    home.mkdir(parents=True)
    text = (
        "kind: write\ndescription: Talks.\ninput: {text: string}\ncascade: [small]\nprompt: |\n  {{ txt }}\n"
    )
    (home / "expert.yaml").write_text(text, encoding="utf-8")
    result = swarm("check", ".", "--json")
    found = [(one["code"], one["file"], one["line"]) for one in json.loads(result.stdout)["problems"]]
    file = str(Path("experts") / "talker" / "expert.yaml")
    assert (result.exit_code, found) == (2, [("SW042", file, 4), ("SW051", file, 6)])
