"""The command line over durable runs, under people who mistype, move files, and read what others wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from swarm._cli.main import cli
from swarm.stores.base import NewRun
from swarm.stores.sqlite import SqliteStore

GRAPH = """
swarm: 1
name: refund
input: {n: number}
nodes:
  b: {ask: "Refund {{ input.n }}?", answer: {ok: boolean}}
  c: {reply: "{{ b.ok }}"}
output: c
"""


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Give what types a command, in a folder with one run that waits."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "refund.swarm.yaml").write_text(GRAPH)

    def do(*words: str) -> tuple[int, str]:
        came = CliRunner().invoke(cli, list(words))
        assert "internal error" not in came.output
        assert "Traceback" not in came.output
        return came.exit_code, came.output

    assert do("run", "refund.swarm.yaml", "--input", "n=1")[0] == 5
    return do


@pytest.mark.parametrize("verb", ["show", "resume", "cancel", "export", "replay", "fork"])
@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "\udcff", "x" * 100_000, "%", "a\nb", "\x1b[31m", "-x", "0" * 32]
)
def test_a_word_that_names_no_run_is_refused_by_every_verb(typed: Any, verb: str, name: str) -> None:
    more = ("--from", "c") if verb == "fork" else ()
    code, said = typed("runs", verb, *more, "--", name)
    assert code in (1, 2), said
    assert "\x1b" not in said
    assert "paused" in typed("runs", "ls")[1]


def test_an_export_to_a_device_is_written_to_it(typed: Any, tmp_path: Path) -> None:
    code, _ = typed("runs", "export", "latest", "--out", "/dev/null")
    assert code == 0
    assert Path("/dev/null").is_char_device()


def test_a_graph_that_moved_or_was_renamed_says_what_to_type(typed: Any, tmp_path: Path) -> None:
    graph = tmp_path / "refund.swarm.yaml"
    graph.rename(tmp_path / "moved.swarm.yaml")
    code, said = typed("runs", "resume", "latest", "--answer", "ok=true")
    assert (code, "--graph" in said) == (2, True)
    (tmp_path / "other.swarm.yaml").write_text(GRAPH.replace("name: refund", "name: other"))
    code, said = typed("runs", "resume", "latest", "--answer", "ok=true", "--graph", "other.swarm.yaml")
    assert (code, "run of graph 'refund'" in said) == (2, True)
    assert typed("runs", "resume", "latest", "--answer", "ok=true", "--graph", "moved.swarm.yaml")[0] == 0


def test_an_input_without_end_is_not_read_to_its_end(typed: Any) -> None:
    code, said = typed("runs", "fork", "latest", "--input", "n=@/dev/zero")
    assert code == 2
    assert "larger than" in said


def test_a_days_that_is_none_forgets_nothing(typed: Any) -> None:
    typed("runs", "cancel", "latest")
    typed("runs", "gc", "--finished-days", "nan")
    assert "cancelled" in typed("runs", "ls")[1]


@pytest.mark.parametrize("note", ["", "x", "null", "[]", '{"format":1}', "[" * 100_000, "1" * 5_000])
def test_the_note_of_a_batch_that_somebody_else_wrote_is_refused(
    typed: Any, tmp_path: Path, note: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"n": 1}\n')
    (tmp_path / "out.jsonl").write_text(
        '{"row": 1, "run": "x", "status": "completed", "nodes": {}, "usage": {}}\n'
    )
    (tmp_path / "out.jsonl.batch.json").write_text(note)
    code, said = typed("run", "refund.swarm.yaml", "--batch", "in.jsonl", "--out", "out.jsonl", "--resume")
    assert code == 2
    assert "out.jsonl.batch.json" in said


@pytest.mark.parametrize("at", [1e300, -1e300, float("inf")])
async def test_runs_of_a_day_that_no_calendar_has_are_listed(typed: Any, tmp_path: Path, at: float) -> None:
    store = SqliteStore(tmp_path / "odd.db")
    await store.create(NewRun(id="odd", graph="g", version="v", input="[", at=at))
    await store.aclose()
    for words in (("ls",), ("ls", "--json"), ("show", "odd")):
        code, said = await asyncio.to_thread(typed, "runs", *words, "--store", "odd.db")
        assert (code, "odd" in said) == (0, True)
