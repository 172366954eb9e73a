"""Cases: one form wherever they are read, everything wrong with a file at once, by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swarm._eval.cases import parse_columns, read_cases, spread
from swarm.errors import InputError
from swarm.spec.types import Type

TEXT = {"text": Type(base="string")}
TALK = {"question": Type(base="string"), "facts": Type(base="any", optional=True)}


def written(folder: Path, *rows: Any) -> Path:
    file = folder / "cases.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def refused(file: Path, inputs: dict[str, Type] = TEXT, *maps: str) -> str:
    with pytest.raises(InputError) as caught:
        read_cases(file, inputs, parse_columns(maps))
    return str(caught.value)


def test_both_forms_of_a_case_mean_the_same(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"text": "hello", "label": "greeting", "split": "test"},
        {"input": "hello", "expected": "greeting"},
        {"input": {"text": "hello"}, "expected": "greeting"},
    )
    assert [(case.inputs, case.expected) for case in read_cases(file, TEXT)] == [
        ({"text": "hello"}, "greeting")
    ] * 3


def test_an_answer_that_is_null_is_there_and_one_that_is_missing_is_not(tmp_path: Path) -> None:
    file = written(tmp_path, {"text": "a", "label": None}, {"text": "b"})
    assert "2: no `expected` or `label`" in refused(file)


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    file = written(tmp_path, {"query": "when?", "source": {"day": "Monday"}, "gold": ["Monday"]})
    columns = parse_columns(["input.question=query", "input.facts=source", "expected.references=gold"])
    (case,) = read_cases(file, TALK, columns)
    assert case.inputs == {"question": "when?", "facts": {"day": "Monday"}}
    assert case.expected == {"references": ["Monday"]}


def test_a_second_input_is_mapped_beside_a_main_one_in_its_usual_column(tmp_path: Path) -> None:
    file = written(tmp_path, {"text": "when?", "known": "Monday", "label": "Monday"})
    (case,) = read_cases(file, TALK, parse_columns(["input.facts=known"]))
    assert case.inputs == {"question": "when?", "facts": "Monday"}


def test_everything_wrong_with_a_file_is_said_at_once_by_line(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"text": "fine", "label": "a"},
        "{broken",
        "[1]",
        {"text": 7, "label": "a"},
        {"text": "  ", "label": "a"},
        {"input": {"txt": "x"}, "expected": "a"},
        {"id": "one", "text": "x", "label": "a"},
        "",
        {"id": "one", "text": "y", "label": "a"},
        '{"text": NaN, "label": "a"}',
    )
    said = refused(file)
    assert "7 rows are no case" in said
    for line, what in (
        (2, "not JSON"), (3, "not an object"), (4, "expected string"), (5, "empty"), (6, "did you mean 'text'?"),
        (9, "id 'one' is that of line 7"), (10, "not JSON"),
    ):  # fmt: skip
        assert f"cases.jsonl:{line}: " in said, said
        assert what in said, said


def test_a_file_with_columns_of_other_names_is_told_how_to_map_them(tmp_path: Path) -> None:
    said = refused(written(tmp_path, {"utterance": "hello", "intent": "greeting"}))
    assert "'utterance', 'intent'" in said
    assert "--map input=COLUMN" in said


def test_a_file_that_is_not_there_is_empty_or_is_no_text_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.jsonl")
    assert "no case in this file" in refused(written(tmp_path, ""))
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "no UTF-8" in refused(binary)


@pytest.mark.parametrize("text", ["input", "input=", "inputs=a", "expected.=a"])
def test_a_map_that_cannot_be_read_says_what_to_write(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_columns([text])
    assert "--map input=source" in caught.value.hint


def test_rows_without_ids_are_told_apart_even_when_they_are_alike(tmp_path: Path) -> None:
    row = {"text": "hello", "label": "a"}
    first, second, other = read_cases(written(tmp_path, row, row, {"text": "bye", "label": "a"}), TEXT)
    assert len({first.id, second.id, other.id}) == 3
    assert second.id == f"{first.id}-2"


def test_a_limit_takes_cases_evenly_from_the_whole_file(tmp_path: Path) -> None:
    cases = read_cases(written(tmp_path, *({"text": str(n), "label": "a"} for n in range(10))), TEXT)
    assert [case.inputs["text"] for case in spread(cases, 5)] == ["0", "2", "4", "6", "8"]
    assert spread(cases, 99) == cases
