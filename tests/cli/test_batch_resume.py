"""`swarm run --batch --resume`: a batch that was cut off goes on, and nothing is lost or done twice."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from commandline import command, swarm

from swarm.confidence.outcomes import read_outcomes

KILLS = 2
RUN = ("run", "hello.swarm.yaml", "--batch", "in.jsonl", "--out", "out.jsonl")
NOTE = "out.jsonl.batch.json"

TRIAGE = """\
swarm: 1
name: triage
input: {message: string}
experts:
  topic:
    kind: classify
    input: {text: string}
    cascade: [embedded/ngram]
    labels: {order: about a parcel, money: about money}
    examples: topics.jsonl
nodes:
  sort: {expert: topic, with: {text: input.message}}
output: sort
"""
TOPICS = [
    ("where is my parcel", "order"),
    ("track my order", "order"),
    ("the package is late", "order"),
    ("give me my money back", "money"),
    ("I want a refund", "money"),
    ("I paid twice", "money"),
]


def write(project: Path, count: int, last: str = "the last") -> None:
    rows = [{"message": f"m{number}", "n": 1} for number in range(1, count)] + [{"message": last, "n": 2}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project / "in.jsonl").write_text(text.replace("\n", "\n\n", 1), encoding="utf-8")  # an empty line, too


def results(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def results_that_are_whole(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def said(line: dict[str, Any]) -> tuple[Any, ...]:
    """Return what does not differ from run to run."""
    return line["row"], line["status"], line["text"], line.get("right"), line["path"]


def run_until(words: Sequence[str], is_time: Callable[[], bool], sign: signal.Signals) -> tuple[int, str]:
    """Run the command in a process of its own and send it the signal; return how it ended and what it said."""
    child = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while child.poll() is None and not is_time():
        try:
            child.wait(timeout=0.002)
        except subprocess.TimeoutExpired:
            continue
    child.send_signal(sign)
    _, err = child.communicate(timeout=60)
    return child.returncode, err


def put_a_gate(project: Path) -> None:
    """Make the tool wait at "the last" message until there is a file `open`."""
    tools = project / "tools.py"
    text = tools.read_text().replace("import time", "import time\nfrom pathlib import Path")
    gate = '    while text == "the last" and not Path("open").exists():\n        await asyncio.sleep(0.01)\n'
    gate += '    if text == "boom"'
    tools.write_text(text.replace("def count", "async def count").replace('    if text == "boom"', gate))


@cache
def what_a_kill_leaves(rows: bytes, options: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Return the output and the note of a batch that was killed before its last row."""
    assert run_until([*RUN, *options], Path(NOTE).exists, signal.SIGKILL)[0] == -signal.SIGKILL
    note = Path(NOTE).read_bytes()
    Path(NOTE).unlink()
    Path("out.jsonl").unlink()
    Path("open").touch()
    swarm(*RUN, *options)
    return Path("out.jsonl").read_bytes(), note


def cut_off(project: Path, *options: str, rows: int = 40) -> Path:
    """Leave what a batch that was killed leaves: some rows, half a line more, and the note."""
    put_a_gate(project)
    out, note = what_a_kill_leaves((project / "in.jsonl").read_bytes(), options)
    (project / "open").touch()
    lines = out.splitlines(keepends=True)
    (project / "out.jsonl").write_bytes(b"".join(lines[:rows]) + lines[rows][:30])
    (project / NOTE).write_bytes(note)
    return project


@pytest.fixture
def cut(project: Path) -> Path:
    """Give a project with a batch of 60 rows of which 40 and a half are done."""
    write(project, 60)
    return cut_off(project)


def kill_one(out: Path, words: Sequence[str], rng: random.Random) -> bool:
    """Run the batch and kill it: after so many looks at the note, or as soon as so much more is written."""
    looks, enough = rng.randrange(100), (out.stat().st_size if out.exists() else 0) + rng.randrange(200_000)
    seen = count()

    def is_time() -> bool:
        is_enough = out.exists() and out.stat().st_size > enough
        return Path(NOTE).exists() and (is_enough or next(seen) >= looks)

    return run_until(words, is_time, signal.SIGKILL)[0] == -signal.SIGKILL


@pytest.mark.parametrize("mode", [(), ("--unordered",)], ids=["ordered", "unordered"])
def test_a_batch_killed_again_and_again_loses_no_row_and_repeats_none(
    mode: tuple[str, ...], project: Path
) -> None:
    write(project, 2_000)
    put_a_gate(project)  # so that it cannot end before it is killed
    gate = project / "open"
    gate.touch()
    words = [*RUN, "--expect", "words.words=n", *mode]
    swarm(*words)
    out = project / "out.jsonl"
    whole = [said(line) for line in results(out)]
    out.unlink()
    gate.unlink()
    kills = sum(kill_one(out, [*words, "--resume"], random.Random()) for _ in range(KILLS))
    gate.touch()
    last = swarm(*words, "--resume", "--json")
    again = [said(line) for line in results(out)]
    assert kills == KILLS
    assert last.code == 0, last.err
    assert (again if not mode else sorted(again)) == sorted(whole)
    assert (last.json["rows"], last.json["accuracy"]) == (2_000, 1.0)
    assert not (project / NOTE).exists()


def test_a_line_that_was_cut_short_is_done_again(cut: Path) -> None:
    ran = swarm(*RUN, "--resume")
    lines = results(cut / "out.jsonl")
    assert ran.code == 0, ran.err
    assert "going on: 40 rows done before" in ran.err
    assert "60 rows, 40 of them before, in" in ran.err
    texts = [*(f"Hello m{number}: 1" for number in range(1, 60)), "Hello the last: 2"]
    assert [line["text"] for line in lines] == texts
    assert [line["row"] for line in lines] == [1, *range(3, 62)]


def test_the_closing_table_counts_the_rows_of_before_as_if_it_had_never_stopped(project: Path) -> None:
    kinds = {0: "boom", 1: "rude", 2: "two words"}
    rows = [{"message": kinds.get(n % 7, f"m{n}"), "n": 1} for n in range(60)]
    rows += [{"other": 1}, {"message": "the last", "n": 2}]
    (project / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = ("--expect", "words.words=n")
    cut_off(project, *options)
    again = swarm(*RUN, *options, "--json", "--resume")
    whole = swarm(*RUN, *options, "--json")
    timed = {"before", "seconds", "rows_per_s", "p50_ms", "p95_ms"}
    assert (again.json["before"], whole.json["before"]) == (40, 0)
    assert (again.code, whole.code) == (1, 1)
    assert {k: v for k, v in again.json.items() if k not in timed} == {
        k: v for k, v in whole.json.items() if k not in timed
    }


def test_a_batch_that_has_not_ended_is_not_written_over(cut: Path) -> None:
    before = (cut / "out.jsonl").read_bytes()
    ran = swarm(*RUN)
    assert ran.code == 2
    assert "--resume" in ran.err
    assert NOTE in ran.err
    assert (cut / "out.jsonl").read_bytes() == before


def test_a_batch_that_has_ended_is_written_over(project: Path) -> None:
    write(project, 5)
    assert [swarm(*RUN).code for _ in range(2)] == [0, 0]
    assert len(results(project / "out.jsonl")) == 5


def test_a_file_that_is_no_output_of_a_batch_is_not_written_over(project: Path) -> None:
    write(project, 5)
    (project / "out.jsonl").write_text("my notes\n")
    ran = swarm(*RUN)
    assert ran.code == 2
    assert "holds something else" in ran.err
    assert (project / "out.jsonl").read_text() == "my notes\n"


def test_resuming_what_was_never_begun_begins_it(project: Path) -> None:
    write(project, 5)
    assert swarm(*RUN, "--resume").code == 0
    assert len(results(project / "out.jsonl")) == 5


def test_resuming_what_has_ended_does_nothing_and_says_how_it_ended(project: Path) -> None:
    write(project, 5)
    swarm(*RUN)
    before = (project / "out.jsonl").read_bytes()
    ran = swarm(*RUN, "--resume")
    assert ran.code == 0, ran.err
    assert "5 rows, 5 of them before" in ran.err
    assert (project / "out.jsonl").read_bytes() == before


def test_rows_added_to_the_input_of_a_batch_that_has_ended_are_not_taken_for_its_own(project: Path) -> None:
    write(project, 5)
    swarm(*RUN)
    write(project, 6)
    ran = swarm(*RUN, "--resume")
    assert ran.code == 2
    assert "row 7 is not done" in ran.err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("graph", "graph hello: changed since"),
        ("tools", "tools tools.py: changed since"),
        ("input", "input: changed since"),
        ("--map", "--map: it was not given, and now is message=text"),
        ("--expect", "--expect: it was not given, and now is words.words=n"),
        ("--unordered", "order: it was of the input, and now is as they come"),
    ],
)
def test_a_batch_is_gone_on_with_only_as_what_it_was(change: str, told: str, cut: Path) -> None:
    edits = {"graph": "hello.swarm.yaml", "tools": "tools.py", "input": "in.jsonl"}
    options = {"--map": ("message=text",), "--expect": ("words.words=n",), "--unordered": ()}
    if change in edits:
        file = cut / edits[change]
        file.write_text(
            file.read_text().replace("Hello", "Hallo").replace("len(", "2 * len(").replace("m7", "m8")
        )
    before = (cut / "out.jsonl").read_bytes()
    ran = swarm(*RUN, "--resume", *((change, *options[change]) if change in options else ()))
    assert ran.code == 2
    assert told in ran.err
    assert (cut / "out.jsonl").read_bytes() == before


def test_other_options_may_change_when_a_batch_goes_on(cut: Path) -> None:
    assert swarm(*RUN, "--resume", "--concurrency", "3", "--timeout", "50").code == 0
    assert len(results(cut / "out.jsonl")) == 60


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("garbage", "out.jsonl:7: this line is no result of this batch: not JSON"),
        ("[]", "out.jsonl:7: this line is no result of this batch: not the result of a row"),
        ("twice", "row 2 comes after row 7"),
        ("far", "99999999999 is no line of the input"),
        ("gap", "row 8 is missing in it"),
        ("empty", "1 of its rows are empty lines of the input"),
        ("shape", "out.jsonl:7: this line is no result of this batch"),
    ],
)
def test_a_damaged_output_is_refused_and_left_as_it_is(wrong: str, told: str, cut: Path) -> None:
    out = cut / "out.jsonl"
    lines = out.read_text().splitlines(keepends=True)
    result = json.loads(lines[6])
    changed = {
        "twice": json.dumps({**result, "row": 2}), "far": json.dumps({**result, "row": 99_999_999_999}),
        "shape": json.dumps({**result, "nodes": [1]}), "gap": "",
    }  # fmt: skip
    lines[6] = changed.get(wrong, wrong) + "\n" * (wrong != "gap")
    if wrong == "empty":
        lines[6] = json.dumps(result) + "\n"
        lines[1:1] = [json.dumps({**result, "row": 2}) + "\n"]
    out.write_text("".join(lines))
    ran = swarm(*RUN, "--resume")
    assert ran.code == 2
    assert told in ran.err
    assert (cut / "out.jsonl").read_text().startswith("".join(lines[:-1]))


def test_a_row_that_is_there_twice_is_refused_in_any_order(project: Path) -> None:
    write(project, 60)
    cut_off(project, "--unordered")
    lines = (project / "out.jsonl").read_text().splitlines(keepends=True)
    (project / "out.jsonl").write_text("".join([*lines[:5], lines[2], *lines[5:]]))
    ran = swarm(*RUN, "--resume", "--unordered")
    assert ran.code == 2
    assert "out.jsonl:6: this line is no result of this batch: row" in ran.err
    assert "is there twice" in ran.err


def test_a_damaged_note_is_refused(cut: Path) -> None:
    (cut / NOTE).write_text("{")
    ran = swarm(*RUN, "--resume")
    assert ran.code == 2
    assert NOTE in ran.err


def test_two_processes_do_not_write_to_one_output_and_the_lock_goes_with_its_process(project: Path) -> None:
    (project / "in.jsonl").write_text('{"message": "x"}\n')
    words = ("--batch", "in.jsonl", "--out", "out.jsonl")
    second: list[Any] = []

    def is_refused() -> bool:
        if (project / NOTE).exists():
            second.append(swarm("run", "hello.swarm.yaml", *words))
        return bool(second)

    run_until(["run", "nap.swarm.yaml", *words], is_refused, signal.SIGKILL)
    assert second[0].code == 1
    assert "another process writes to this file" in second[0].err
    assert swarm("run", "hello.swarm.yaml", *words).code == 0, "nothing was done yet, so nothing is lost"


def test_ctrl_c_says_how_to_go_on_and_that_works(project: Path) -> None:
    graph = project / "my hello.swarm.yaml"
    graph.write_text((project / "hello.swarm.yaml").read_text())
    write(project, 20_000)
    words = ["run", graph.name, "--batch", "in.jsonl", "--out", "out.jsonl", "--set", "nodes.hello.reply=hi"]
    out = project / "out.jsonl"
    code, err = run_until(words, lambda: out.exists() and out.stat().st_size > 0, signal.SIGINT)
    assert code == 130
    count = len(results(out))
    assert f"{count:,} rows written to out.jsonl" in err
    advice = next(line for line in err.splitlines() if line.startswith("go on with: "))
    assert "'my hello.swarm.yaml'" in advice
    assert "--resume --set nodes.hello.reply=hi" in advice


def test_a_disk_that_is_full_ends_the_batch_and_it_goes_on_when_there_is_room(project: Path) -> None:
    write(project, 2_000)
    limited = ["bash", "-c", 'ulimit -f 300; exec "$@"', "bash", *command(*RUN)]  # 300 KB
    ran = subprocess.run(limited, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "the results cannot be written: File too large" in ran.stderr
    assert "--resume" in ran.stderr
    assert swarm(*RUN, "--resume").code == 0
    assert [line["row"] for line in results(project / "out.jsonl")] == [1, *range(3, 2_002)]


def test_pipes_cannot_be_gone_on_with(project: Path) -> None:
    write(project, 2)
    for words in (
        ("--batch", "-", "--out", "out.jsonl"),
        ("--batch", "in.jsonl"),
        ("--batch", "in.jsonl", "--out", "-"),
    ):
        ran = swarm("run", "hello.swarm.yaml", *words, "--resume", input="")
        assert ran.code == 2
        assert "give files" in ran.err


def test_options_of_a_batch_need_a_batch() -> None:
    for option in ("--resume", "--unordered"):
        assert swarm("run", "hello.swarm.yaml", "--input", "message=x", option).code == 2


def test_outcomes_are_recorded_once_however_often_a_batch_is_cut_off(project: Path) -> None:
    (project / "triage.swarm.yaml").write_text(TRIAGE)
    topics = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in TOPICS)
    (project / "topics.jsonl").write_text(topics)
    rows = "".join(json.dumps({"message": f"parcel {n}"}) + "\n" for n in range(1_000))
    (project / "in.jsonl").write_text(rows)
    words = ["run", "triage.swarm.yaml", "--batch", "in.jsonl", "--out", "out.jsonl", "--record", "o.jsonl"]
    swarm("run", "triage.swarm.yaml", "--input", "message=one of before", "--record", "o.jsonl")
    record = project / "o.jsonl"
    run_until(words, lambda: record.stat().st_size > 10_000, signal.SIGKILL)
    assert len(read_outcomes(record)) > len(results_that_are_whole(project / "out.jsonl")) + 1, (
        "none to take out"
    )
    ran = swarm(*words, "--resume")
    assert ran.code == 0, ran.err
    outcomes = read_outcomes("o.jsonl")
    assert [one.input for one in outcomes] == ["one of before", *(f"parcel {n}" for n in range(1_000))]
    runs = {line["run"] for line in results(project / "out.jsonl")}
    assert {one.id.partition("/")[0] for one in outcomes[1:]} == runs
