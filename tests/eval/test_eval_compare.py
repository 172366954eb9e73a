"""Results that are kept, and which cases changed since the last time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from swarm._eval.cases import Case
from swarm._eval.compare import KEEP, Kept, Verdict, file_for, flips, keep, read_kept
from swarm.errors import InputError


def verdicts(good: Sequence[bool | None]) -> list[Verdict]:
    return [Verdict(id=f"case {index}", good=one, said="a") for index, one in enumerate(good)]


def kept(*good: bool | None) -> Kept:
    return Kept(about={"subject": "triage"}, figures={"accuracy": 0.5}, verdicts=verdicts(good))


def test_flips_name_the_cases_that_were_fixed_and_broken() -> None:
    found = flips(verdicts([True, False, True, None]), verdicts([True, True, False, True]))
    assert (found["fixed"], found["broken"], found["compared"]) == (["case 1"], ["case 2"], 3)
    assert found["p"] == 1.0


def test_many_flips_one_way_are_hardly_chance() -> None:
    found = flips(verdicts([False] * 10), verdicts([True] * 10))
    assert found["p"] == pytest.approx(2 / 2**10)


def test_without_a_flip_there_is_nothing_to_be_sure_of() -> None:
    assert flips(verdicts([True]), verdicts([True]))["p"] is None


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    file = keep(tmp_path / "evals" / "triage-1.jsonl", kept(True, False, None))
    found = read_kept(file)
    assert found is not None
    assert found.verdicts == tuple(kept(True, False, None).verdicts)
    assert found.about["subject"] == "triage"
    assert found.figures == {"accuracy": 0.5}


def test_results_of_a_part_do_not_take_the_place_of_whole_ones(tmp_path: Path) -> None:
    file = keep(tmp_path / "triage-1.jsonl", kept(True, True))
    part = keep(file, kept(False), partial=True)
    whole = read_kept(file)
    assert part != file
    assert whole is not None
    assert len(whole.verdicts) == 2


@pytest.mark.parametrize("text", ["", "{}\n", "not json\n", '{"swarm_eval": 9, "figures": {}}\n', "[1]\n"])
def test_kept_results_that_are_damaged_are_named_and_may_be_deleted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "triage-1.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_kept(file)
    assert "triage-1.jsonl" in str(caught.value)
    assert "delete the file" in str(caught.value)


def test_only_the_newest_results_stay(tmp_path: Path) -> None:
    for number in range(KEEP + 3):
        file = keep(tmp_path / f"triage-{number}.jsonl", kept(True))
        os.utime(file, (number, number))
    keep(tmp_path / "triage-new.jsonl", kept(True))
    names = {path.name for path in tmp_path.glob("*.jsonl")}
    assert len(names) == KEEP
    assert "triage-new.jsonl" in names
    assert "triage-0.jsonl" not in names


def test_other_cases_or_another_name_are_another_file(tmp_path: Path) -> None:
    case = Case(id="1", line=1, inputs={"text": "a"}, expected="x")
    other = Case(id="1", line=1, inputs={"text": "a"}, expected="y")
    files = {file_for(tmp_path, "triage", [case]), file_for(tmp_path, "triage", [other]),
             file_for(tmp_path, "../up/triage", [case])}  # fmt: skip
    assert len(files) == 3
    assert {file.parent for file in files} == {tmp_path}
