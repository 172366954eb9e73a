"""`swarm runs resume`: runs that were cut off, that ask, that failed; the same process is never needed."""

from __future__ import annotations

import shutil
import signal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from commandline import Ran, cut_off, process, swarm

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GATE = ("run", "gate.swarm.yaml", "--input", "message=hello there")
PAY = ("run", "pay.swarm.yaml", "--input", "message=20 EUR")


def only_run() -> str:
    """Return the id of the only run that is kept."""
    (line,) = swarm("runs", "--json").json
    return line["run"]


def essence(ran: Ran) -> Any:
    """Return the result of a run without its id, its times, and the note that it went on."""
    result = ran.json
    del result["run"]
    result.pop("notes", None)
    for node in result["nodes"].values():
        node.pop("latency_ms", None)
    return result


def calls() -> list[str]:
    return Path("calls.txt").read_text().splitlines()


def test_a_run_that_was_killed_goes_on_to_the_result_of_one_that_was_not() -> None:
    uncut = swarm(*GATE, "--json", "--no-save")
    Path("calls.txt").unlink()
    assert cut_off(*GATE).code == -signal.SIGKILL
    run_id = only_run()
    resumed = process(["runs", "resume", run_id, "--json"])
    assert resumed.code == 0, resumed.err
    assert resumed.json["run"] == run_id
    assert essence(resumed) == essence(uncut)
    assert calls() == ["hello there", "hello there"], "the node that was cut off runs again"
    counted = [event["node"] for event in swarm("runs", "show", run_id, "--json").json["events"]
               if event["type"] == "tool.called"]  # fmt: skip
    assert counted.count("before") == 1, "a node that had ended ran again"


def test_the_next_run_mentions_one_that_was_cut_off_but_not_in_json() -> None:
    cut_off(*GATE)
    run_id = only_run()
    hello = ("run", "hello.swarm.yaml", "--input", "message=hi")
    assert f"a run was cut off: swarm runs resume {run_id}\n" in swarm(*hello).err
    assert "cut off" not in swarm(*hello, "--json").err
    swarm("runs", "resume", run_id)
    assert "cut off" not in swarm(*hello).err


def test_what_a_resumed_run_prints_is_what_run_prints() -> None:
    cut_off(*GATE)
    ran = swarm("runs", "resume", "latest")
    assert (ran.code, ran.out) == (0, "hello there in 2\n")
    assert "path before > gate > said" in ran.err
    again = swarm("runs", "resume", "latest")
    assert (again.code, again.out) == (0, "hello there in 2\n")
    assert "this run has ended" in again.err


@pytest.mark.parametrize(("how", "store"), [(signal.SIGINT, ()), (signal.SIGTERM, ("--store", "other.db"))])
def test_a_run_that_is_interrupted_says_how_to_go_on_with_it(
    how: signal.Signals, store: tuple[str, ...]
) -> None:
    ran = cut_off(*GATE, *store, how=how)
    (line,) = swarm("runs", "ls", *store, "--json").json
    command = " ".join(["swarm runs resume", line["run"], *store])
    assert (ran.code, ran.out) == (130, "")
    assert f"{command}\n" in ran.err
    assert "Traceback" not in ran.err
    assert f"{command}\n" in swarm("runs", "show", "latest", *store).out
    assert swarm("runs", "resume", line["run"], *store).out == "hello there in 2\n"


SUPPORT = ("run", "shop/support.swarm.yaml", "--input", "message=where is my parcel? order 1042", "--json")


@cache
def uncut_support() -> Ran:
    """Return how the support chatbot answers when nothing happens to it."""
    shutil.copytree(EXAMPLES / "support_chatbot", "shop")
    return swarm(*SUPPORT, "--no-save")


@pytest.mark.parametrize("point", ["after_done:3"])
def test_the_support_chatbot_killed_in_mid_run_answers_as_if_nothing_had_happened(point: str) -> None:
    uncut = uncut_support()
    shutil.copytree(EXAMPLES / "support_chatbot", "shop", dirs_exist_ok=True)
    killed = process(SUPPORT, environment={"SWARM_FAILPOINT": point})
    assert killed.code == -signal.SIGKILL
    assert [line["status"] for line in swarm("runs", "--json").json] == ["unfinished"]
    resumed = swarm("runs", "resume", "latest", "--json")
    assert (resumed.code, resumed.json["text"]) == (0, uncut.json["text"])
    assert resumed.json["path"] == uncut.json["path"]


def test_a_tool_that_is_not_safe_to_repeat_waits_for_a_person() -> None:
    cut_off(*PAY)
    run_id = only_run()
    asked = swarm("runs", "resume", run_id)
    assert (asked.code, asked.out) == (5, "")
    assert 'pay(text="20 EUR") was called' in asked.err
    assert f"swarm runs resume {run_id} --answer action=retry" in asked.err
    assert "action is one of retry, skip" in asked.err
    assert calls() == ["20 EUR"]
    retried = swarm("runs", "resume", run_id, "--answer", "action=retry")
    assert (retried.code, retried.out) == (0, "20 EUR in 2\n")
    assert calls() == ["20 EUR", "20 EUR"]


def test_a_person_may_say_that_the_call_is_left_out() -> None:
    cut_off(*PAY)
    swarm("runs", "resume", "latest")
    left = swarm("runs", "resume", "latest", "--answer", "action=skip")
    assert left.code == 1
    assert calls() == ["20 EUR"]


def test_a_question_is_answered_in_another_process_and_only_once() -> None:
    ran = swarm("run", "ask.swarm.yaml", "--input", "message=20 EUR")
    run_id = only_run()
    assert ran.code == 5
    assert "approve asks: Refund 20 EUR?" in ran.err
    assert f"swarm runs resume {run_id} --answer approved=true\n" in ran.err
    assert "note may be left out" in ran.err
    answered = process(["runs", "resume", run_id, "--answer", "approved=yes", "--answer", "note=fine"])
    assert (answered.code, answered.out) == (0, "approved: true fine\n")
    again = swarm("runs", "resume", run_id, "--answer", "approved=false")
    assert (again.code, again.out) == (2, "")
    assert 'answered before: approved=true, note="fine"' in again.err


def test_a_question_is_answered_by_its_token_and_json_has_the_shape_of_run() -> None:
    token = swarm("run", "ask.swarm.yaml", "--input", "message=20 EUR", "--json").json["ask"]["token"]
    ran = swarm("runs", "resume", token, "--answer", "approved=true", "--json")
    assert (ran.code, ran.json["status"], ran.json["text"]) == (0, "completed", "approved: true ")


@pytest.mark.parametrize(
    ("pair", "said"),
    [("approved=perhaps", "approved"), ("aproved=true", "approved: missing"), ("approved", "has no '='")],
)
def test_an_answer_that_does_not_fit_is_a_usage_error_and_the_question_stays(pair: str, said: str) -> None:
    swarm("run", "ask.swarm.yaml", "--input", "message=20 EUR")
    ran = swarm("runs", "resume", "latest", "--answer", pair)
    assert ran.code == 2
    assert said in ran.err
    assert swarm("runs", "resume", "latest", "--answer", "approved=true").code == 0


@pytest.mark.parametrize("store", [(), ("--store", "other.db")], ids=["default", "option"])
def test_an_answer_that_nobody_asked_for_is_a_usage_error(store: tuple[str, ...]) -> None:
    run_id = swarm("run", "hello.swarm.yaml", "--input", "message=hi", "--json", *store).json["run"]
    ran = swarm("runs", "resume", "latest", "--answer", "approved=true", *store)
    assert ran.code == 2
    assert "asks nothing" in ran.err
    assert ran.err.splitlines()[-1] == "  fix: " + " ".join(["swarm runs resume", run_id, *store])


@pytest.mark.parametrize("verb", ["resume", "show", "fork", "replay"])
def test_a_run_that_is_not_in_a_store_that_was_named_is_looked_for_in_that_one(verb: str) -> None:
    more = ("--from", "hello") if verb == "fork" else ()
    ran = swarm("runs", verb, "2020", *more, "--store", "other.db")
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == "  fix: swarm runs ls --store other.db"


def test_a_graph_that_changed_where_the_run_has_been_is_refused_with_each_change_on_a_line() -> None:
    cut_off(*GATE)
    path = Path("gate.swarm.yaml")
    text = path.read_text()
    path.write_text(
        text.replace("message: string", "message: any")
        .replace("with: {text: input.message}}", "with: {text: input.message}, timeout: 9s}", 1)
        .replace("tool: count", "tool: nap")
    )
    ran = swarm("runs", "resume", "latest")
    assert ran.code == 2
    head, *changes, fix = ran.err.splitlines()
    assert head.endswith("the graph changed where the run has been")
    assert [line.partition(" changed")[0] for line in changes] == [
        "  - input 'message'",
        "  - node 'before': its timeout, tool, tool count, tool nap",
    ]
    assert fix.startswith("  fix: undo that, or begin anew from there: swarm runs fork ")
    assert swarm("runs", "resume", "--all").err.splitlines()[1:-1] == [*changes, fix]
    path.write_text(text.replace("in {{ before", "of {{ before"))
    path.rename("moved.swarm.yaml")
    lost = swarm("runs", "resume", "latest")
    assert lost.code == 2
    assert "--graph FILE" in lost.err
    ran = swarm("runs", "resume", "latest", "--graph", "moved.swarm.yaml")
    assert ran.out == "hello there of 2\n", "what was not reached may change"


def test_a_failed_run_goes_on_at_what_failed() -> None:
    assert swarm("run", "hello.swarm.yaml", "--input", "message=boom").code == 1
    assert "goes on at what failed: swarm runs resume" in swarm("runs", "show", "latest").out
    tools = Path("tools.py")
    tools.write_text(tools.read_text().replace('if text == "boom"', 'if text == "bang"'))
    ran = process(["runs", "resume", "latest"])
    assert (ran.code, ran.out) == (0, "Hello boom: 1\n")


def test_all_that_were_cut_off_go_on_with_one_command(project: Path) -> None:
    cut_off(*GATE)
    cut_off("run", "gate.swarm.yaml", "--input", "message=again")
    (project / "other.swarm.yaml").write_text((project / "gate.swarm.yaml").read_text())
    cut_off("run", "other.swarm.yaml", "--input", "message=other")
    (project / "other.swarm.yaml").unlink()
    swarm("run", "ask.swarm.yaml", "--input", "message=waits")
    ran = swarm("runs", "resume", "--all")
    assert ran.code == 2, "the graph of one is gone"
    assert {line.split("  ", 1)[1] for line in ran.out.splitlines()} == {
        "completed  hello there in 2",
        "completed  again in 1",
    }
    assert "other.swarm.yaml' is not there" in ran.err
    assert ran.err.splitlines()[-1] == "3 runs had been cut off"
    assert ran.err.count("\n") == 3, "elsewhere than on a terminal nothing says how far it is"


def test_ctrl_c_while_all_go_on_says_how_many_ended_and_how_to_go_on() -> None:
    cut_off(*GATE, "--store", "my runs.db")
    cut_off(*PAY, "--store", "my runs.db")
    ran = cut_off("runs", "resume", "--all", "--store", "my runs.db", how=signal.SIGINT)
    assert ran.code == 130
    assert "paused" in ran.out
    said = "1 of 2 runs ended or wait for a person; go on with the others: swarm runs resume --all"
    assert f"{said} --store 'my runs.db'\n" in ran.err
    again = swarm("runs", "resume", "--all", "--store", "my runs.db")
    assert (again.code, again.out.split("  ", 1)[1]) == (0, "completed  hello there in 2\n")


def test_all_runs_of_a_database_are_not_taken_from_processes_that_are_at_work() -> None:
    ran = swarm("runs", "resume", "--all", "--store", "postgresql://me:secret@db.invalid:5433/shop")
    assert ran.code == 2
    assert "at work in other processes" in ran.err
    assert "swarm runs resume ID --store postgresql://db.invalid:5433/shop" in ran.err
    assert "secret" not in ran.err


@pytest.mark.parametrize(
    "words", [(), ("latest", "--all"), ("--all", "--answer", "x=1")], ids=["neither", "both", "all-answered"]
)
def test_one_run_or_all_but_not_both(words: tuple[str, ...]) -> None:
    assert swarm("runs", "resume", *words).code == 2
