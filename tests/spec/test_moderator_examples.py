"""A moderator learns from rows that only say whether a text is harmful, however that is written."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="the embedded moderator needs scikit-learn: pip install '.[embedded]'")

from swarm import SpecError, Swarm

EXPERT = """
name: porter
kind: moderate
description: Says whether a guest is rude.
input: {text: string}
cascade: [embedded/moderator]
confidence: {at_least: 0.5}
examples: examples.jsonl
"""
LABELS = "labels: {insult: Insults somebody, spam: Unwanted advertising}\n"
GRAPH = "name: g\ninput: {message: string}\nnodes:\n  a: {expert: porter, with: {text: input.message}}\noutput: a\n"
RUDE = "you rotten turnip, please go and boil your head now"
KIND = "please send my order to the new address as soon as possible"


def project(folder: Path, rows: list[dict[str, Any]], labels: str = "") -> Path:
    home = folder / "experts" / "porter"
    home.mkdir(parents=True)
    (home / "expert.yaml").write_text(EXPERT + labels, encoding="utf-8")
    (home / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "g.swarm.yaml").write_text(GRAPH, encoding="utf-8")
    return folder / "g.swarm.yaml"


def rows(harmful: Any, harmless: Any) -> list[dict[str, Any]]:
    rude = [
        {"text": f"you rotten turnip number {n}, go and boil your head", "label": harmful} for n in range(30)
    ]
    kind = [{"text": f"please send order number {n} to my new address", "label": harmless} for n in range(30)]
    return [*rude, *kind]


@pytest.mark.parametrize(
    ("harmful", "harmless"),
    [
        (True, False),
        (1, 0),
        ("1", "0"),
        ("harmful", "safe"),
        ("true", "false"),
        ("Unsafe", "None"),
        ("harmful", None),
        ({"flagged": True}, {"flagged": False}),
        ("insult", "none"),
    ],
)
@pytest.mark.parametrize("labels", ["", LABELS], ids=["labels of the rows", "labels of its own"])
async def test_rows_that_say_whether_a_text_is_harmful_teach_it(
    tmp_path: Path, harmful: Any, harmless: Any, labels: str
) -> None:
    async with Swarm.load(project(tmp_path, rows(harmful, harmless), labels)) as swarm:
        assert (await swarm.run(message=RUDE)).output["flagged"]
        assert not (await swarm.run(message=KIND)).output["flagged"]


def test_a_label_that_is_no_category_and_no_answer_is_said_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"line 1: label 'insolt': did you mean 'insult'"):
        Swarm.load(project(tmp_path, rows("insolt", "none"), LABELS))


@pytest.mark.parametrize("label", [2, 0.5, ["insult"]])
def test_a_number_that_is_neither_1_nor_0_is_refused(tmp_path: Path, label: Any) -> None:
    with pytest.raises(SpecError, match="line 1: "):
        Swarm.load(project(tmp_path, rows(label, 0), LABELS))
