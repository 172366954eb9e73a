"""`swarm run`: inputs, outputs, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commandline import swarm

from swarm.testing import FakeModel, OllamaServer
from swarm.testing.ollama_server import in_thread


def test_the_answer_goes_to_standard_output_and_what_happened_to_standard_error() -> None:
    ran = swarm("run", "hello.swarm.yaml", "--input", "message=big world")
    assert (ran.code, ran.out) == (0, "Hello big world: 2\n")
    assert "hello: completed in" in ran.err
    assert "path words > hello" in ran.err


def test_json_has_the_run_its_nodes_and_why_one_was_skipped() -> None:
    table = swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--json").json
    assert list(table) == ["run", "status", "output", "text", "confidence", "path", "nodes", "usage"]
    assert table["path"] == ["words", "hello"]
    assert table["nodes"]["words"]["output"] == {"words": 1}
    assert table["nodes"]["rude"]["status"] == "skipped"
    assert "input.message" in table["nodes"]["rude"]["reason"]


def test_a_value_is_text_for_a_string_and_json_for_anything_else() -> None:
    ran = swarm(
        "run", "hello.swarm.yaml", "--input", "message=42", "--input", "times=3", "--input", "loud=true"
    )
    assert ran.code == 0, ran.err


def test_a_value_can_be_read_from_a_file(project: Path) -> None:
    (project / "message.txt").write_text("from a file", encoding="utf-8")
    (project / "times.json").write_text("7")
    ran = swarm("run", "hello.swarm.yaml", "--input", "message=@message.txt", "--input", "times=@times.json")
    assert ran.out == "Hello from a file: 3\n"


def test_an_option_goes_over_the_input_file(project: Path) -> None:
    (project / "in.json").write_text(json.dumps({"message": "file", "times": 2}))
    ran = swarm("run", "hello.swarm.yaml", "--input-file", "in.json", "--input", "message=option")
    assert ran.out == "Hello option: 1\n"


def test_the_input_can_come_from_a_pipe() -> None:
    ran = swarm("run", "hello.swarm.yaml", "--input-file", "-", input='{"message": "piped"}')
    assert ran.out == "Hello piped: 1\n"


def test_missing_extra_and_wrong_inputs_are_told_all_at_once() -> None:
    ran = swarm(
        "run", "hello.swarm.yaml", "--input", "mesage=hi", "--input", "times=many", "--input", "loud=1",
        "--input", "nothing",
    )  # fmt: skip
    assert (ran.code, ran.out) == (2, "")
    for said in (
        "message: missing",
        "did you mean 'message'?",
        "times: integer?",
        "loud: expected boolean",
        "'='",
    ):
        assert said in ran.err


@pytest.mark.parametrize("text", ["[1]", "{", "\x00"])
def test_an_input_file_that_is_no_object_is_a_usage_error(project: Path, text: str) -> None:
    (project / "in.json").write_text(text)
    assert swarm("run", "hello.swarm.yaml", "--input-file", "in.json").code == 2


def test_a_broken_file_is_shown_with_its_line_and_ends_with_2(project: Path) -> None:
    (project / "bad.swarm.yaml").write_text("swarm: 1\nname: bad\nnodes:\n  a: {replly: hi}\noutput: a\n")
    ran = swarm("run", "bad.swarm.yaml")
    assert ran.code == 2
    assert "bad.swarm.yaml:4:7" in ran.err


def test_a_field_can_be_set_for_one_run_and_a_wrong_one_points_at_the_option() -> None:
    ran = swarm("run", "hello.swarm.yaml", "--set", "nodes.hello.reply=Hi!", "--input", "message=x")
    assert ran.out == "Hi!\n"
    wrong = swarm("run", "hello.swarm.yaml", "--set", "nodes.hallo.reply=Hi!", "--input", "message=x")
    assert wrong.code == 2
    assert "--set nodes.hallo.reply" in wrong.err


def test_a_refusal_ends_with_4() -> None:
    ran = swarm("run", "hello.swarm.yaml", "--input", "message=rude")
    assert (ran.code, ran.out) == (4, "No.\n")


def test_a_failed_run_ends_with_1_and_says_what_failed() -> None:
    ran = swarm("run", "hello.swarm.yaml", "--input", "message=boom")
    assert (ran.code, ran.out) == (1, "")
    assert "went wrong" in ran.err
    table = swarm("run", "hello.swarm.yaml", "--input", "message=boom", "--json").json
    assert table["status"] == "failed"
    assert table["error"]["node"] == "words"


def test_a_run_that_takes_too_long_ends_with_124() -> None:
    ran = swarm("run", "nap.swarm.yaml", "--input", "message=x", "--timeout", "0.05", "--json")
    assert ran.code == 124
    assert ran.json["error"]["code"] == "deadline"


def test_a_run_that_waits_for_a_person_ends_with_5_and_its_question() -> None:
    ran = swarm("run", "ask.swarm.yaml", "--input", "message=10 EUR", "--json")
    assert ran.code == 5
    assert ran.json["status"] == "paused"
    assert ran.json["ask"]["text"] == "Refund 10 EUR?"


def test_without_a_model_server_an_expert_that_needs_one_ends_with_3() -> None:
    ran = swarm("run", "model.swarm.yaml", "--input", "message=x")
    assert ran.code == 3
    assert "no Ollama at" in ran.err
    assert "without Ollama nobody answers for: talker" in ran.err


def test_a_model_that_the_server_lacks_ends_with_3_and_the_command_that_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with in_thread(OllamaServer({"llama3.2:3b": FakeModel()})) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        ran = swarm("run", "model.swarm.yaml", "--input", "message=x")
    assert ran.code == 3
    assert "ollama pull qwen3:4b" in ran.err


def test_with_ollama_there_it_is_named_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with in_thread(OllamaServer({"qwen3:4b": FakeModel(reply="Good day.")})) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        ran = swarm("run", "model.swarm.yaml", "--input", "message=x")
    assert (ran.code, ran.out) == (0, "Good day.\n")
    assert f"at {server.url}" in ran.err


def test_events_are_json_lines_that_begin_and_end_the_run() -> None:
    ran = swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--events")
    types = [line["type"] for line in ran.lines]
    assert (ran.code, types[0], types[-1]) == (0, "run.started", "run.finished")
    assert {"node.started", "node.skipped", "tool.called"} <= set(types)


def test_a_run_is_kept_unless_told_otherwise(project: Path) -> None:
    swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--no-save")
    assert not (project / ".swarm").exists()
    run_id = swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--json").json["run"]
    assert [run["run"] for run in swarm("runs", "--json").json] == [run_id]


def test_a_folder_that_cannot_be_written_does_not_fail_the_run(project: Path) -> None:
    (project / ".swarm").write_text("in the way")
    ran = swarm("run", "hello.swarm.yaml", "--input", "message=hi")
    assert (ran.code, ran.out) == (0, "Hello hi: 1\n")
    assert ran.err.count("runs are not saved") == 1


@pytest.mark.parametrize(
    "words", [("--batch", "in.jsonl", "--input", "message=x"), ("--out", "x"), ("--events", "--json")]
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...]) -> None:
    ran = swarm("run", "hello.swarm.yaml", *words)
    assert ran.code == 2
    assert "fix:" in ran.err


def test_log_lines_carry_ids_and_counts_and_never_what_was_written() -> None:
    ran = swarm("-vv", "run", "hello.swarm.yaml", "--input", "message=my secret")
    lines = [line for line in ran.err.splitlines() if line.startswith("level=")]
    assert any("event=run.started" in line and "graph=hello" in line for line in lines)
    assert any("event=tool.called" in line and "tool=count" in line for line in lines)
    assert "secret" not in "".join(lines)


def test_an_unknown_log_level_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARM_LOG", "loud")
    ran = swarm("run", "hello.swarm.yaml", "--input", "message=x")
    assert ran.code == 2
    assert "SWARM_LOG" in ran.err


def test_an_example_is_the_first_line_of_every_help() -> None:
    for name in (
        "demo",
        "init",
        "check",
        "run",
        "runs",
        "chat",
        "ask",
        "graph",
        "experts",
        "schema",
        "doctor",
    ):
        lines = swarm(name, "--help").out.splitlines()
        assert lines[2].startswith(f"  swarm {name}"), f"swarm {name} --help"


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    ran = swarm("chek")
    assert ran.code == 2
    assert "did you mean 'swarm check'?" in ran.err


EACH = """\
swarm: 1
name: many
input: {texts: [string]}
tools: tools.py
nodes:
  counted:
    each: input.texts
    do: {tool: count, with: {text: item}}
  both:
    each: input.texts
    do:
      nodes:
        words: {tool: count, with: {text: item}}
        said: {reply: "{{ words.words }}"}
      output: said
    max: 10
  done: {reply: "ok", after: [counted, both]}
output: done
"""


def test_what_happened_inside_an_each_is_shown_for_its_first_items(project: Path) -> None:
    (project / "each.swarm.yaml").write_text(EACH)
    run = swarm("run", "each.swarm.yaml", "--input", 'texts=["a", "b c", "d", "e", "f"]')
    assert run.code == 0, run.err
    shown = [" ".join(line.split()) for line in swarm("runs", "show", "latest").out.splitlines()]
    tree = [re.sub(r"[\d.]+ ms ", "", line) for line in shown if "─" in line or "more" in line]
    assert tree[:6] == [
        "├─ counted each 5 items",
        "│ ├─ [0] tool words: 1",
        "│ ├─ [1] tool words: 2",
        "│ ├─ [2] tool words: 1",
        "│ └─ and 2 more",
        "├─ both each 5 items",
    ]
    assert tree[6:9] == ["│ ├─ [0]", "│ │ ├─ words tool words: 1", "│ │ └─ said reply 1"]
