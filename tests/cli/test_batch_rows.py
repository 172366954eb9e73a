"""`swarm run --batch`: what a line says, results as they come, odd input, what a person is told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from commandline import process, swarm

RUN = ("run", "hello.swarm.yaml", "--batch", "in.jsonl")
TOOLS = '''
import asyncio

from swarm import tool

seen: set[str] = set()


@tool(effect="pure")
async def after(text: str) -> dict[str, int]:
    """Wait until the row before the first three was done."""
    while text == "first" and len(seen) < 3:
        await asyncio.sleep(0.001)
    seen.add(text)
    return {"words": 1}
'''


def write(project: Path, *rows: Any) -> None:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    (project / "in.jsonl").write_text(text + "\n", encoding="utf-8")


def test_every_line_says_which_row_it_is_and_how_long_it_took(project: Path) -> None:
    write(project, {"message": "a"}, "", "{broken", {"message": "b"})
    lines = swarm(*RUN).lines
    assert [line["row"] for line in lines] == [1, 3, 4]
    assert [line["latency_ms"] is None for line in lines] == [False, True, False]
    assert [next(iter(line)) for line in lines] == ["row"] * 3


def test_a_line_says_whether_it_is_right_where_that_is_known(project: Path) -> None:
    write(
        project,
        {"message": "a", "n": 1},
        {"message": "a", "n": 2},
        {"message": "a"},
        "[]",
        {"message": "rude", "n": 1},
    )
    lines = swarm(*RUN, "--expect", "words.words=n").lines
    assert [line["right"] for line in lines] == [True, False, None, None, False]
    assert "right" not in swarm(*RUN).lines[0]


@pytest.mark.parametrize(("mode", "order"), [((), [1, 2, 3]), (("--unordered",), [2, 3, 1])])
def test_results_come_in_order_or_as_they_come(
    mode: tuple[str, ...], order: list[int], project: Path
) -> None:
    (project / "tools.py").write_text(TOOLS.replace("< 3", "< 2"))
    graph = (project / "hello.swarm.yaml").read_text().replace("tool: count", "tool: after")
    (project / "hello.swarm.yaml").write_text(graph)
    write(project, {"message": "first"}, {"message": "second"}, {"message": "third"})
    assert [line["row"] for line in swarm(*RUN, *mode, "--concurrency", "2").lines] == order


def test_rows_after_a_slow_one_go_on(project: Path) -> None:
    (project / "tools.py").write_text(TOOLS.replace("< 3", "< 15"))
    graph = (project / "hello.swarm.yaml").read_text().replace("tool: count", "tool: after")
    (project / "hello.swarm.yaml").write_text(graph)
    write(project, {"message": "first"}, *({"message": f"m{n}"} for n in range(40)))
    ran = swarm(*RUN, "--concurrency", "2", "--timeout", "20")
    assert [line["row"] for line in ran.lines] == list(range(1, 42))
    assert ran.code == 0


def test_a_mark_at_the_start_of_the_file_is_no_part_of_the_first_row(project: Path) -> None:
    (project / "in.jsonl").write_bytes(b'\xef\xbb\xbf{"message": "a"}\r\n{"message": "b"}')
    assert [line["text"] for line in swarm(*RUN).lines] == ["Hello a: 1", "Hello b: 1"]


def test_bytes_that_are_no_text_are_a_failed_row(project: Path) -> None:
    (project / "in.jsonl").write_bytes(b'{"message": "\xff"}\n{"message": "b"}\n')
    lines = swarm(*RUN).lines
    assert [line["status"] for line in lines] == ["failed", "completed"]
    assert "not UTF-8" in lines[0]["error"]["message"]


def test_half_a_surrogate_pair_is_written_so_that_it_can_be_read_back(project: Path) -> None:
    write(project, '{"message": "lone \\ud83d"}')
    assert swarm(*RUN, "--out", "out.jsonl").code == 0
    assert json.loads((project / "out.jsonl").read_text())["text"] == "Hello lone \ud83d: 2"


def test_results_may_go_to_a_device() -> None:
    ran = process(
        ["run", "hello.swarm.yaml", "--batch", "-", "--out", os.devnull], input='{"message": "a"}\n' * 3
    )
    assert ran.code == 0, ran.err
    assert "3 rows in" in ran.err
    assert not Path(os.devnull + ".batch.json").exists()


def test_rows_from_a_pipe_may_go_to_a_file(project: Path) -> None:
    for _ in range(2):
        ran = swarm(
            "run", "hello.swarm.yaml", "--batch", "-", "--out", "out.jsonl", input='{"message": "a"}\n'
        )
        assert ran.code == 0, ran.err
    assert len((project / "out.jsonl").read_text().splitlines()) == 1
    assert [path.name for path in project.glob("out.jsonl*")] == ["out.jsonl"]


def test_the_closing_table_counts_calls_of_models_and_their_tokens(project: Path) -> None:
    write(project, {"message": "a"}, {"message": "b"})
    ran = swarm(*RUN, "--out", "out.jsonl", "--json")
    assert ran.json["usage"] == {"input_tokens": 0, "output_tokens": 0, "model_calls": 0}
    assert ran.json["before"] == 0


def test_percentiles_of_latencies_are_right_to_one_per_cent(project: Path) -> None:
    write(project, *({"message": f"m{n}"} for n in range(101)))
    ran = swarm(*RUN, "--out", "out.jsonl", "--json")
    times = sorted(
        json.loads(line)["latency_ms"] for line in (project / "out.jsonl").read_text().splitlines()
    )
    assert ran.json["p50_ms"] == pytest.approx(times[50], rel=0.01, abs=0.002)
    assert ran.json["p95_ms"] == pytest.approx(times[95], rel=0.01, abs=0.002)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_device_ends_the_batch_with_one_line(project: Path) -> None:
    write(project, *({"message": "x" * 100} for _ in range(100)))
    ran = process([*RUN, "--out", "/dev/full"])
    assert ran.code == 1
    assert "No space left on device" in ran.err
    assert "Traceback" not in ran.err
