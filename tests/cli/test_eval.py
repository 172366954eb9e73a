"""`swarm eval`: figures to standard output, talk to standard error, exit codes, nothing lost."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commandline import command, swarm

REFUND = (
    "I want my money back",
    "refund please",
    "give me back what I paid",
    "money back for the broken lamp",
)
ORDER = ("where is my parcel", "when does the parcel come", "has my order left", "track the parcel for me")
ASK = ("eval", "intent", "--train", "train.jsonl", "--data", "test.jsonl", "--rung", "0")
KEYS = (
    "n", "accuracy", "accuracy_in_scope", "macro_f1", "auroc", "oos_auroc", "oos_recall", "ece", "brier", "aurc",
    "coverage", "latency_ms", "cost",
)  # fmt: skip


def write(file: Path, *rows: Any) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(autouse=True)
def cases(project: Path) -> Path:
    """Give training rows and cases in the form of the public sets."""
    train = [
        {"text": text, "label": label}
        for label, texts in (("refund", REFUND), ("order", ORDER))
        for text in texts
    ]
    write(project / "train.jsonl", *train)
    write(
        project / "test.jsonl",
        {"id": "a", "text": "money back, please", "label": "refund", "split": "test"},
        {"id": "b", "text": "is the parcel on its way", "label": "order", "split": "test"},
        {"id": "c", "text": "where is the refund for my parcel", "label": "refund", "split": "test"},
        {"id": "d", "text": "track it", "label": "order", "split": "test"},
    )
    return project


def test_figures_are_one_json_object_on_standard_output() -> None:
    ran = swarm(*ASK, "--json")
    assert ran.code == 0, ran.err
    assert set(KEYS) <= set(ran.json)
    assert ran.json["n"] == 4
    assert ran.json["accuracy_low"] < ran.json["accuracy"] < ran.json["accuracy_high"]
    assert set(ran.json["coverage"]) == {"0.01", "0.05", "0.10"}
    assert set(ran.json["latency_ms"]) == {"p50", "p95"}


def test_a_label_of_out_of_scope_that_no_row_has_changes_nothing() -> None:
    found = swarm(*ASK, "--oos", "oos", "--json").json
    assert found["accuracy"] == found["accuracy_in_scope"]
    assert (found["oos_auroc"], found["oos_recall"]) == (None, None)


def test_people_get_a_table_with_intervals_and_the_next_thing_to_type() -> None:
    ran = swarm(*ASK)
    assert "intent · embedded/ngram alone · 4 cases of test.jsonl · taught 8 rows" in ran.out
    assert "right" in ran.out
    assert " to " in ran.out
    assert "next: " in ran.err


def test_an_expert_is_measured_on_its_own_cases_where_none_are_given(cases: Path) -> None:
    ran = swarm("eval", "writer", "--rung", "0", "--limit", "10", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["n"] == 10
    assert ran.json["accuracy"] is not None


def test_an_expert_without_labels_says_what_teaches_it() -> None:
    ran = swarm("eval", "intent", "--data", "test.jsonl")
    assert ran.code == 2
    assert "--train FILE.jsonl" in ran.err


def test_a_figure_under_its_bar_ends_with_1() -> None:
    assert swarm(*ASK, "--fail-under", "0").code == 0
    ran = swarm(*ASK, "--fail-under", "auroc=0.1", "--fail-under", "1.5")
    assert ran.code == 1
    assert "under the bar: accuracy is" in ran.err
    assert swarm(*ASK, "--fail-under", "acuracy=1").code == 2


def test_the_last_results_are_compared_case_by_case(cases: Path) -> None:
    first = swarm(*ASK, "--compare", "last", "--json")
    assert first.json["flips"] is None
    assert "nothing to compare with yet" in first.err
    write(cases / "train.jsonl", *({"text": text, "label": "order"} for text in REFUND),
          *({"text": text, "label": "refund"} for text in ORDER))  # fmt: skip
    flips = swarm(*ASK, "--compare", "last", "--json").json["flips"]
    assert flips["n_broken"] > 0
    assert set(flips["broken"]) <= {"a", "b", "c", "d"}
    again = swarm(*ASK, "--compare", "last")
    assert "the same 4 cases are right and wrong" in again.out


def test_recorded_outcomes_can_be_read_and_are_not_recorded_twice(cases: Path) -> None:
    from swarm.confidence.outcomes import read_outcomes

    ran = swarm(*ASK, "--record", "outcomes.jsonl", "--json")
    assert ran.code == 0, ran.err
    outcomes = read_outcomes(cases / "outcomes.jsonl")
    assert [one.id for one in outcomes] == ["a", "b", "c", "d"]
    assert outcomes[0].rungs[0].label == "refund"
    again = swarm(*ASK, "--record", "outcomes.jsonl")
    assert again.code == 2
    assert "4 of these cases are recorded there already" in again.err


def test_rungs_that_nobody_answers_for_are_told_and_not_recorded(cases: Path) -> None:
    ran = swarm(
        "eval", "intent", "--train", "train.jsonl", "--data", "test.jsonl", "--record", "o.jsonl", "--json"
    )
    assert ran.code == 0, ran.err
    assert len(ran.json["not_asked"]) == 2
    assert "not asked: ollama/qwen3:4b" in ran.err


def test_where_nobody_answers_the_exit_code_says_that_a_model_is_missing() -> None:
    ran = swarm("eval", "intent", "--train", "train.jsonl", "--data", "test.jsonl", "--rung", "1")
    assert ran.code == 3
    assert ran.out == ""


def test_bad_cases_are_told_all_at_once_by_line(cases: Path) -> None:
    write(cases / "test.jsonl", {"text": "fine", "label": "order"}, {"text": "no label"}, {"label": "order"})
    ran = swarm(*ASK)
    assert ran.code == 2
    assert "test.jsonl:2" in ran.err
    assert "test.jsonl:3" in ran.err


def test_unknown_labels_are_a_warning_unless_all_are_unknown(cases: Path) -> None:
    write(
        cases / "test.jsonl", {"text": "refund please", "label": "refund"}, {"text": "hm", "label": "billing"}
    )
    ran = swarm(*ASK, "--json")
    assert (ran.code, ran.json["unknown_labels"]) == (0, {"billing": 1})
    assert "'billing'" in ran.err
    write(cases / "test.jsonl", {"text": "hm", "label": "billing"})
    assert swarm(*ASK).code == 2


def test_columns_of_other_names_are_mapped(cases: Path) -> None:
    write(cases / "other.jsonl", {"utterance": "refund please", "intent": "refund"})
    ran = swarm("eval", "intent", "--folds", "2", "--data", "other.jsonl", "--map", "input=utterance",
                "--map", "expected=intent", "--rung", "0")  # fmt: skip
    assert (ran.code, "too few for 2 folds" in ran.err) == (2, True)
    assert swarm(*ASK, "--map", "inptu=x").code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("hello.swarm.yaml", "--data", "test.jsonl", "--rung", "0"), "hello.swarm.yaml:EXPERT"),
        (("moderator", "--oos", "x"), "--oos is for classifiers"),
        (("intent", "--train", "train.jsonl", "--folds", "2", "--data", "test.jsonl"), "choose one"),
        (("intent", "--train", "train.jsonl", "--data", "test.jsonl", "--rung", "7"), "2 = ollama/qwen3:4b"),
        (("summarizer", "--train", "train.jsonl"), "is of kind summarize"),
        (("coder",), "code that a model wrote is not run here"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_here_are_refused(options: tuple[str, ...], said: str) -> None:
    ran = swarm("eval", *options)
    assert ran.code == 2, ran.err
    assert said in ran.err


def test_a_graph_is_compared_by_its_output(cases: Path) -> None:
    write(cases / "graph.jsonl", {"input": {"message": "hi"}, "expected": "Hello hi: 1"},
          {"input": {"message": "rude"}, "expected": "Yes."})  # fmt: skip
    ran = swarm("eval", "hello.swarm.yaml", "--data", "graph.jsonl", "--json")
    assert (ran.code, ran.json["accuracy"]) == (0, 0.5)


def test_a_report_is_one_file(cases: Path) -> None:
    ran = swarm(*ASK, "--report", "report.html")
    assert ran.code == 0, ran.err
    assert "<svg" in (cases / "report.html").read_text(encoding="utf-8")


def test_ctrl_c_keeps_what_is_done_and_says_where(cases: Path) -> None:
    write(
        cases / "test.jsonl", *({"text": f"money back number {n}", "label": "refund"} for n in range(20_000))
    )
    work = subprocess.Popen(
        command(*ASK, "--record", "outcomes.jsonl"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    record = cases / "outcomes.jsonl"
    while work.poll() is None and not (record.is_file() and record.stat().st_size):
        pass
    work.send_signal(signal.SIGINT)
    _, said = work.communicate(timeout=60)
    assert work.returncode == 130, said
    assert "of 20,000 cases are done: kept in .swarm" in said
    assert list((cases / ".swarm" / "evals").glob("intent-*.partial.jsonl"))


def test_a_learning_curve_is_a_few_rows_of_each_label(cases: Path) -> None:
    few = swarm(*ASK, "--per-label", "2", "--json")
    assert few.code == 0, few.err
    assert few.json["taught"] == 4
    again = swarm(*ASK, "--per-label", "2", "--json")
    assert again.json["accuracy"] == few.json["accuracy"]


def test_rows_for_each_label_need_rows_to_draw_from() -> None:
    ran = swarm("eval", "moderator", "--data", "test.jsonl", "--per-label", "2")
    assert (ran.code, "--train" in ran.err) == (2, True)


def test_an_input_may_be_the_same_in_every_case(cases: Path) -> None:
    text = "The meeting is on Monday. We will talk about the budget. Lunch is at noon. Bring your laptop."
    write(cases / "texts.jsonl", {"text": text, "expected": ["The meeting is on Monday."]})
    short = swarm(
        "eval", "summarizer", "--data", "texts.jsonl", "--rung", "0", "--input", "words=5", "--json"
    )
    assert short.code == 0, short.err
    wrong = swarm("eval", "summarizer", "--data", "texts.jsonl", "--rung", "0", "--input", "words=few")
    assert (wrong.code, "words" in wrong.err) == (2, True)
