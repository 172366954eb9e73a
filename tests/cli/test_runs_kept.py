"""Where runs are kept, and what `swarm runs` does with those that are there."""

from __future__ import annotations

import fcntl
import os
import pty
import sqlite3
import subprocess
from pathlib import Path

import pytest
from commandline import Ran, command, cut_off, runs_in_use, swarm

HELLO = ("run", "hello.swarm.yaml", "--input", "message=hi")
GATE = ("run", "gate.swarm.yaml", "--input", "message=hello there")


def statuses() -> list[str]:
    return [line["status"] for line in swarm("runs", "--json").json]


def test_two_commands_in_one_folder_both_run_and_one_is_a_plain_record(project: Path) -> None:
    with runs_in_use():
        ran = swarm(*HELLO)
        (line,) = swarm("runs", "--json").json
    assert (ran.code, ran.out) == (0, "Hello hi: 1\n")
    assert "kept as a plain record only, which cannot be resumed" in ran.err
    assert [path.stem for path in (project / ".swarm" / "runs").iterdir()] == [line["run"]]
    refused = swarm("runs", "resume", line["run"])
    assert refused.code == 1
    assert "plain record only" in refused.err


def test_runs_in_the_store_and_plain_records_are_one_list_the_newest_first() -> None:
    with runs_in_use():
        old = swarm(*HELLO, "--json").json["run"]
    new = swarm(*HELLO, "--json").json["run"]
    assert [line["run"] for line in swarm("runs", "--json").json] == [new, old]
    assert swarm("runs", "show", "latest", "--json").json["run"] == new
    assert swarm("runs", "show", old).code == 0
    assert len(swarm("runs", "ls", "-n", "1", "--json").json) == 1


def test_a_list_of_one_status_and_what_is_at_work_elsewhere_is_running() -> None:
    cut_off(*GATE)
    assert statuses() == ["unfinished"]
    with runs_in_use():
        assert statuses() == ["running"]
    swarm("run", "ask.swarm.yaml", "--input", "message=20 EUR")
    swarm(*HELLO)
    for status, text in (("unfinished", ""), ("paused", "Refund 20 EUR?"), ("completed", "Hello hi: 1")):
        (line,) = swarm("runs", "ls", "--status", status, "--json").json
        assert (line["status"], line["text"]) == (status, text)
    assert swarm("runs", "ls", "--status", "failed").code == 0


def test_those_who_only_look_take_each_other_for_no_owner(project: Path) -> None:
    swarm(*HELLO)
    with (project / ".swarm" / "runs.db.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert swarm("doctor", "--json").json["store"]["owner"] is None


@pytest.mark.parametrize("store", [(), ("--store", "other.db")], ids=["default", "option"])
def test_showing_a_run_that_asks_says_what_to_type(store: tuple[str, ...]) -> None:
    ran = swarm("run", "ask.swarm.yaml", "--input", "message=20 EUR", *store)
    said = " ".join(["--answer approved=true", *store])
    assert f"{said}\n" in ran.err
    assert f"{said}\n" in swarm("runs", "show", "latest", *store).out


def test_a_run_that_was_cut_off_is_shown_with_what_to_type_and_once_cancelled_stays_so() -> None:
    cut_off(*GATE)
    (line,) = swarm("runs", "--json").json
    shown = swarm("runs", "show", "latest").out
    assert f"swarm runs resume {line['run']}\n" in shown
    assert "before" in shown
    ran = swarm("runs", "cancel", "latest")
    assert (ran.code, "is cancelled" in ran.err) == (0, True)
    assert statuses() == ["cancelled"]
    assert swarm("runs", "resume", "latest").code == 1
    assert Path("calls.txt").read_text() == "hello there\n"
    assert "had ended" in swarm("runs", "cancel", "latest").err


def test_a_run_at_work_elsewhere_is_not_cancelled_from_here_but_it_is_said_how() -> None:
    with runs_in_use():
        ran = swarm("runs", "cancel", "latest")
    assert ran.code == 1
    assert f"kill {os.getpid()}" in ran.err


def test_a_fork_takes_over_what_is_not_changed_and_leaves_the_old_run() -> None:
    swarm(*GATE)
    (old,) = swarm("runs", "--json").json
    forked = swarm("runs", "fork", old["run"], "--from", "said", "--json")
    assert (forked.code, forked.json["text"]) == (0, "hello there in 2")
    assert Path("calls.txt").read_text() == "hello there\n", "a node that was taken over ran again"
    shown = swarm("runs", "show", forked.json["run"])
    assert f"forked from run {old['run']}" in shown.out
    other = swarm("runs", "fork", old["run"], "--input", "message=one two three")
    assert (other.code, other.out) == (0, "one two three in 3\n")
    assert swarm("runs", "show", old["run"], "--json").json["text"] == "hello there in 2"


@pytest.mark.parametrize(
    "words", [(), ("--from", "sayd"), ("--input", "mesage=x"), ("--input", "message")], ids=str
)
def test_a_fork_that_makes_no_sense_is_a_usage_error(words: tuple[str, ...]) -> None:
    swarm(*GATE)
    assert swarm("runs", "fork", "latest", *words).code == 2


def test_a_backup_is_a_store_of_its_own(project: Path) -> None:
    run_id = swarm(*HELLO, "--json").json["run"]
    with runs_in_use():
        made = swarm("runs", "backup", "copy.db")
    assert (made.code, made.err) == (0, "wrote copy.db: 1 run\n")
    (project / ".swarm" / "runs.db").unlink()
    (line,) = swarm("runs", "ls", "--store", "copy.db", "--json").json
    assert line["run"] == run_id
    assert swarm("runs", "backup", "copy.db").code == 1, "a file that is there is not replaced"


def test_gc_forgets_what_ended_and_keeps_what_can_go_on() -> None:
    for _ in range(3):
        swarm(*HELLO)
    swarm("run", "ask.swarm.yaml", "--input", "message=x")
    would = swarm("runs", "gc", "--keep", "1", "--dry-run", "--json").json
    assert (would["runs"], len(statuses())) == (2, 4)
    went = swarm("runs", "gc", "--keep", "1", "--json").json
    assert went["runs"] == 2
    assert sorted(statuses()) == ["completed", "paused"]
    assert swarm("runs", "gc", "--finished-days", "0").code == 0
    assert statuses() == ["paused"]


def seen_at_work(*words: str) -> tuple[Ran, str]:
    """Run the command line with its talk on a terminal and its data in a pipe; return both."""
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=side, text=True, env=environment)
    os.close(side)
    screen = bytearray()
    try:
        while piece := os.read(main, 65536):
            screen += piece
    except OSError:  # the other end is closed: this is how a terminal says so
        pass
    out, _ = child.communicate(timeout=20)
    os.close(main)
    return Ran(code=child.returncode, out=out, err=""), screen.decode()


def test_a_terminal_shows_that_runs_are_being_forgotten_and_a_pipe_nothing() -> None:
    swarm(*HELLO)
    ran, screen = seen_at_work("runs", "gc", "--keep", "0", "--json")
    assert (ran.code, ran.json["runs"]) == (0, 1)
    assert "forgetting runs" in screen
    assert swarm("runs", "gc", "--keep", "0", "--json").err == ""


def test_a_terminal_shows_how_many_of_all_runs_have_gone_on_and_the_data_stays_clean() -> None:
    cut_off(*GATE)
    ran, screen = seen_at_work("runs", "resume", "--all")
    assert (ran.code, ran.out.split("  ", 1)[1]) == (0, "completed  hello there in 2\n")
    assert "0/1" in screen
    assert "1 run had been cut off" in screen


def test_only_the_newest_runs_that_ended_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARM_KEEP_RUNS", "2")
    for _ in range(5):
        swarm(*HELLO)
    assert len(statuses()) <= 3


@pytest.mark.parametrize("by", ["option", "variable", "file"])
def test_the_store_may_be_elsewhere(by: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--store", "other.db") if by == "option" else ()
    if by == "variable":
        monkeypatch.setenv("SWARM_STORE", "other.db")
    if by == "file":
        (project / "swarm.toml").write_text('store = "other.db"\n')
    assert swarm(*HELLO, *words).code == 0
    assert (project / "other.db").exists()
    assert not (project / ".swarm").exists()
    assert len(swarm("runs", "ls", *words, "--json").json) == 1


def test_wrong_input_leaves_nothing_behind(project: Path) -> None:
    assert swarm("run", "hello.swarm.yaml", "--input", "mesage=hi").code == 2
    assert not (project / ".swarm").exists()


def test_the_doctor_tells_of_the_store() -> None:
    assert swarm("doctor", "--json").json["store"]["there"] is False
    swarm(*HELLO)
    store = swarm("doctor", "--json").json["store"]
    assert (store["runs"], store["damage"], store["owner"]) == (1, [], None)
    assert store["sqlite"] == sqlite3.sqlite_version
    with runs_in_use():
        assert f"open in process {os.getpid()}" in swarm("doctor").out


def test_the_doctor_tells_of_damage(project: Path) -> None:
    swarm(*HELLO)
    file = project / ".swarm" / "runs.db"
    raw = bytearray(file.read_bytes())
    place = raw.rindex(b"Hello hi")
    raw[place : place + 5] = b"Jello"
    file.write_bytes(raw)
    assert swarm("doctor", "--json").json["store"]["damage"]


def test_a_verb_that_is_mistyped_is_answered_with_the_nearest() -> None:
    ran = swarm("runs", "resum")
    assert ran.code == 2
    assert "did you mean 'swarm runs resume'?" in ran.err


def test_every_verb_begins_its_help_with_an_example() -> None:
    for verb in ("ls", "show", "resume", "cancel", "fork", "backup", "gc"):
        assert swarm("runs", verb, "--help").out.splitlines()[2].startswith(f"  swarm runs {verb}"), verb
