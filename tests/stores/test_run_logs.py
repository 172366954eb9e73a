"""Every run log keeps what happened, and never fails a run; what only the files do follows below."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from swarm import events as ev
from swarm.errors import StoreError
from swarm.stores.files import FileRunLog
from swarm.stores.log import RunLog
from swarm.stores.memory import MemoryRunLog

MakeLog = Callable[[int], RunLog]


def never(text: str) -> None:
    raise AssertionError(f"warned: {text}")


@pytest.fixture(params=["files", "memory"])
def make_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeLog]:
    """Give a maker of empty logs that keep so many runs; all are closed afterwards."""
    with ExitStack() as closing:

        def make(keep: int) -> RunLog:
            files = request.param == "files"
            log = FileRunLog(tmp_path / "runs", keep=keep, warn=never) if files else MemoryRunLog(keep=keep)
            closing.callback(log.close)
            return log

        yield make


@pytest.fixture
def log(make_log: MakeLog) -> RunLog:
    return make_log(200)


def begin(run: str, graph: str = "shop") -> ev.Event:
    return ev.RunStarted(run=run, at=100.0, graph=graph, input={"message": "hé \ud800 \x00"})


def end(run: str, status: str = "completed") -> ev.Event:
    return ev.RunFinished(
        run=run,
        at=101.0,
        status=status,
        output={"text": "hi"},
        text="hi",
        confidence=0.5,
        usage={},
        latency_ms=12.5,
    )


def test_events_come_back_as_they_were_in_their_order(log: RunLog) -> None:
    happened = [
        begin("r1"),
        ev.NodeStarted(run="r1", at=100.1, node="hello", kind="reply"),
        ev.NodeFinished(run="r1", at=100.2, node="hello", value={"text": "hi"}, latency_ms=0.1),
        end("r1"),
    ]
    for event in happened:
        log.append(event)
    run = log.read("r1")
    assert list(run.events) == happened
    assert not run.damaged


def test_runs_that_go_on_at_the_same_time_do_not_mix(log: RunLog) -> None:
    for event in (begin("r1"), begin("r2"), end("r2"), end("r1", "refused")):
        log.append(event)
    assert [event.run for event in log.read("r1").events] == ["r1", "r1"]
    assert {one.id: one.status for one in log.runs()} == {"r1": "refused", "r2": "completed"}


def test_the_newest_run_is_listed_first(log: RunLog) -> None:
    for run in ("20260101-000000-aa", "20260301-000000-bb", "20260201-000000-cc"):
        log.append(begin(run))
        log.append(end(run))
    assert [one.id[4:6] for one in log.runs()] == ["03", "02", "01"]


def test_a_line_about_a_run_says_when_it_began_how_it_ended_and_what_it_said(log: RunLog) -> None:
    log.append(begin("r1", graph="shop"))
    log.append(end("r1"))
    (line,) = log.runs()
    assert (line.graph, line.at, line.status, line.latency_ms, line.text) == (
        "shop",
        100.0,
        "completed",
        12.5,
        "hi",
    )


def test_a_run_that_never_ended_is_unfinished_and_one_that_asks_is_paused(log: RunLog) -> None:
    log.append(begin("r1"))
    log.append(begin("r2"))
    log.append(ev.RunPausedEvent(run="r2", at=1.0, node="approve", text="Pay?", answer={}, token="t"))
    assert {one.id: one.status for one in log.runs()} == {"r1": "unfinished", "r2": "paused"}


def test_why_a_run_failed_is_its_line(log: RunLog) -> None:
    log.append(begin("r1"))
    log.append(ev.RunFailed(run="r1", at=1.0, code="timeout", message="too slow", node="a", latency_ms=1.0))
    assert log.runs()[0].text == "timeout: too slow"


def test_pieces_of_streamed_text_are_not_kept(log: RunLog) -> None:
    log.append(begin("r1"))
    log.append(ev.ModelToken(run="r1", at=100.1, node="answer", text="He"))
    assert [event.type for event in log.read("r1").events] == ["run.started"]


def test_only_the_newest_runs_are_kept(make_log: MakeLog) -> None:
    log = make_log(3)
    for number in range(5):
        log.append(begin(f"r{number}"))
        log.append(end(f"r{number}"))
    assert [one.id for one in log.runs()] == ["r4", "r3", "r2"]


@pytest.mark.parametrize("run_id", ["nowhere", "../secret", "/etc/passwd", ""])
def test_a_run_that_is_not_kept_is_an_error_that_says_where_to_look(log: RunLog, run_id: str) -> None:
    with pytest.raises(StoreError, match="swarm runs ls"):
        log.read(run_id)


def test_closing_twice_is_fine(log: RunLog) -> None:
    log.append(begin("r1"))
    log.close()
    log.close()
    assert len(log.read("r1").events) == 1


def test_a_file_is_json_lines_that_only_its_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / ".swarm" / "runs"
    log = FileRunLog(folder, warn=never)
    log.append(begin("r1"))
    log.append(end("r1"))
    path = folder / "r1.jsonl"
    assert [json.loads(line)["type"] for line in path.read_bytes().splitlines()] == [
        "run.started",
        "run.finished",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_happened_is_on_the_disk_before_the_run_ends(tmp_path: Path) -> None:
    log = FileRunLog(tmp_path, warn=never)
    log.append(begin("r1"))
    assert len((tmp_path / "r1.jsonl").read_bytes().splitlines()) == 1
    log.close()


def test_a_damaged_line_is_reported_with_its_number_and_the_rest_is_read(tmp_path: Path) -> None:
    log = FileRunLog(tmp_path, warn=never)
    log.append(begin("r1"))
    log.append(end("r1"))
    path = tmp_path / "r1.jsonl"
    first, last = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, b'{"type": "run.fin', b"[1]", b'{"type": "x"}', last, b"\xff"]))
    run = log.read("r1")
    assert [event.type for event in run.events] == ["run.started", "run.finished"]
    assert [sentence.split(": ")[0].rpartition(":")[2] for sentence in run.damaged] == ["2", "3", "4", "6"]
    assert log.runs()[0].status == "completed"


def test_an_event_of_a_later_version_loses_only_what_is_unknown(tmp_path: Path) -> None:
    log = FileRunLog(tmp_path, warn=never)
    line = {"type": "run.cancelled", "run": "r1", "at": 1.0, "latency_ms": 2.0, "mood": "calm"}
    (tmp_path / "r1.jsonl").write_text(json.dumps(line))
    assert log.read("r1").events == (ev.RunCancelled(run="r1", at=1.0, latency_ms=2.0),)


def test_a_folder_that_cannot_be_written_is_one_warning_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    warnings: list[str] = []
    log = FileRunLog(tmp_path / "runs", warn=warnings.append)
    for run in ("r1", "r2"):
        log.append(begin(run))
        log.append(end(run))
    assert len(warnings) == 1
    assert str(tmp_path / "runs") in warnings[0]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_one_warning_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "r1.jsonl").symlink_to("/dev/full")
    warnings: list[str] = []
    log = FileRunLog(tmp_path, warn=warnings.append)
    log.append(begin("r1"))
    log.append(end("r1"))
    assert len(warnings) == 1


def test_files_of_others_are_neither_listed_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".hidden.jsonl").write_text("mine")
    log = FileRunLog(tmp_path, keep=1, warn=never)
    for run in ("r1", "r2"):
        log.append(begin(run))
        log.append(end(run))
    assert [one.id for one in log.runs()] == ["r2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden.jsonl", "notes.txt", "r2.jsonl"]
