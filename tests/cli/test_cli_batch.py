"""`swarm run --batch`: order, failed rows, the closing table, memory."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from commandline import command, swarm

RUN = ("run", "hello.swarm.yaml", "--batch", "in.jsonl")


def write(project: Path, *rows: Any) -> None:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    (project / "in.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_results_are_lines_in_the_order_of_the_input_and_in_the_shape_of_json(project: Path) -> None:
    write(project, *({"text": f"m{number}"} for number in range(50)))
    ran = swarm(*RUN, "--map", "message=text", "--concurrency", "7")
    single = swarm("run", "hello.swarm.yaml", "--input", "message=m0", "--json").json
    assert ran.code == 0
    assert [line["text"] for line in ran.lines] == [f"Hello m{number}: 1" for number in range(50)]
    assert list(ran.lines[0]) == ["row", "latency_ms", *single]


def test_a_column_goes_to_the_input_of_its_name_and_others_are_left_alone(project: Path) -> None:
    write(project, {"message": "hi", "times": 3, "comment": "not an input"})
    assert [line["text"] for line in swarm(*RUN).lines] == ["Hello hi: 1"]


def test_a_failed_row_is_a_line_too_and_ends_with_1(project: Path) -> None:
    write(
        project, {"message": "a"}, "{broken", {"message": "boom"}, {"other": 1}, "[1]", "", {"message": "b"}
    )
    ran = swarm(*RUN)
    codes = [line.get("error", {}).get("code") for line in ran.lines]
    assert ran.code == 1
    assert codes == [None, "invalid_row", "error", "invalid_input", "invalid_row", None]
    assert next(line["error"]["message"].split(":")[0] for line in ran.lines if "error" in line) == "line 2"
    assert "line 2: not JSON" in ran.err
    assert "errors: " in ran.err


def test_a_refused_row_is_no_failure(project: Path) -> None:
    write(project, {"message": "rude"})
    ran = swarm(*RUN)
    assert ran.code == 0
    assert ran.lines[0]["status"] == "refused"


def test_the_closing_table_says_how_many_were_right_and_how_long_they_took(project: Path) -> None:
    write(
        project,
        {"message": "one", "n": 1},
        {"message": "one two", "n": 2},
        {"message": "one", "n": 5},
        {"message": "x"},
    )
    ran = swarm(*RUN, "--expect", "words.words=n", "--out", "out.jsonl")
    assert ran.out == ""
    assert len((project / "out.jsonl").read_text().splitlines()) == 4
    assert "4 rows in" in ran.err
    assert "right: 66.7 % of 3 with an expected answer" in ran.err
    assert "p50" in ran.err


def test_the_closing_table_is_json_where_asked(project: Path) -> None:
    write(project, {"message": "one", "n": 1}, {"message": "boom", "n": 1})
    ran = swarm(*RUN, "--expect", "words.words=n", "--out", "out.jsonl", "--json")
    assert ran.json["rows"] == 2
    assert ran.json["accuracy"] == 0.5
    assert ran.json["errors"] == {"error": 1}


def test_what_a_map_or_an_expectation_names_has_to_be_there(project: Path) -> None:
    write(project, {"message": "x"})
    for option, value, hint in (
        ("--map", "mesage=text", "did you mean 'message'?"),
        ("--map", "message", "write --map"),
        ("--expect", "word.words=n", "did you mean 'words'?"),
        ("--expect", "words", "write --expect"),
    ):
        ran = swarm(*RUN, option, value)
        assert ran.code == 2
        assert hint in ran.err


def test_a_batch_cannot_be_written_over_itself(project: Path) -> None:
    write(project, {"message": "x"})
    assert swarm(*RUN, "--out", "in.jsonl").code == 2
    assert (project / "in.jsonl").read_text() == '{"message": "x"}\n'


def test_a_batch_file_that_is_not_there_is_a_usage_error() -> None:
    assert swarm(*RUN).code == 2


def test_rows_can_come_from_a_pipe() -> None:
    ran = swarm("run", "hello.swarm.yaml", "--batch", "-", input='{"message": "a"}\n{"message": "b"}\n')
    assert [line["text"] for line in ran.lines] == ["Hello a: 1", "Hello b: 1"]


def test_runs_of_a_batch_are_not_kept(project: Path) -> None:
    write(project, {"message": "x"})
    swarm(*RUN)
    assert not (project / ".swarm").exists()


MEASURE = """
import resource, sys
from swarm.__main__ import main
small = main(["run", "hello.swarm.yaml", "--batch", "small.jsonl", "--out", "out.jsonl"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
large = main(["run", "hello.swarm.yaml", "--batch", "large.jsonl", "--out", "out.jsonl"])
print(small, large, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_ten_thousand_rows_take_no_more_memory_than_ten(project: Path) -> None:
    (project / "small.jsonl").write_text('{"message": "hello there"}\n' * 10)
    (project / "large.jsonl").write_text('{"message": "hello there"}\n' * 10_000)
    program = [command()[0], "-c", MEASURE]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    small, large, grown_mb = map(int, done.stdout.split())
    assert (small, large) == (0, 0), done.stderr
    assert grown_mb < 20, f"grew by {grown_mb} MB"
    assert len((project / "out.jsonl").read_text().splitlines()) == 10_000
