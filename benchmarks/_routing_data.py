"""The public outcomes that routing is measured on, and how it is measured."""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from swarm._eval.gain import gain

DATA = Path(__file__).parents[2] / "shared/data/routing"
MMLU = DATA / "routellm/mmlu_outcomes.jsonl"
GSM8K = DATA / "gsm8k-openai-6b-175b/example_model_solutions.jsonl"
PRO = DATA / "mmlu-pro"
NINE = DATA / "llmrouter-uiuc"
SEED = 0
DRAWS = 300
Row = Mapping[str, Any]


def lines(path: Path) -> list[Row]:
    """Return the rows of a JSON lines file."""
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line.strip()]  # a text may hold other line ends


def unique(rows: Iterable[Row], key: str) -> list[Row]:
    """Return the first row of each text."""
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(row[key], row)
    return list(found.values())


def answers(model: str) -> dict[int, Mapping[str, str]]:
    """Return what a model answered to MMLU-Pro, by the question's number."""
    with (PRO / f"{model}.csv").open(encoding="utf-8", newline="") as file:
        return {int(row["question_id"]): row for row in csv.DictReader(file)}


def options() -> dict[str, str]:
    """Return the options that belong to a question of the nine models' data, one a line, by the question."""
    found: dict[str, str] = {}
    for split in ("train", "test"):
        for row in lines(NINE / f"default_query_{split}.jsonl"):
            found.setdefault(row["query"].strip(), "".join(_options(row["choices"])))
    return found


def tasks() -> dict[str, str]:
    """Return which task a question of the nine models' data comes from."""
    rows = [row for split in ("train", "test") for row in lines(NINE / f"default_query_{split}.jsonl")]
    return {row["query"].strip(): row["task_name"] for row in rows}


def _options(choices: Any) -> Iterator[str]:
    if not choices:
        return
    value: Any = ast.literal_eval(choices) if isinstance(choices, str) else choices
    if isinstance(value, dict):
        table = cast("dict[str, Sequence[Any]]", value)
        names, texts = table.get("labels") or table["label"], table["text"]
    else:
        names, texts = "ABCDEFGHIJ", value
    for name, text in zip(names, texts, strict=False):
        yield f"\n{name}. {text}"


def folds(groups: Any, number: int) -> list[tuple[Any, Any]]:
    """Return rows to learn from and rows to be told, `number` times; a group is never on both sides.

    Args:
        groups: what each row belongs to: texts or numbers. Shape (rows,).
    """
    import numpy as np

    _, group = np.unique(np.array(groups), return_inverse=True)
    fold = np.random.default_rng(SEED).permutation(int(group.max()) + 1)[group] % number
    return [(np.flatnonzero(fold != at), np.flatnonzero(fold == at)) for at in range(number)]


def curve(stays: Any, small: Any, large: Any, parts: Sequence[Any]) -> dict[str, Any]:
    """Return how well scores choose who is sent to the large model; the lowest are sent first.

    Args:
        stays: a score of each row, higher for the small model. small, large: 1 where it is right.
        parts: the rows that were told by one fit; scores are compared within them, by rank, and not across.
    """
    import numpy as np
    from scipy.stats import rankdata  # pyright: ignore[reportUnknownVariableType]

    ranks = np.zeros(len(small))
    for rows in parts:
        ranks[rows] = cast("Any", rankdata)(stays[rows]) / len(rows)

    def apgr(rows: Any) -> float:
        found = gain(ranks[rows], small[rows], large[rows])
        return 0.5 if found is None else found.apgr

    every = np.arange(len(ranks))
    rng = np.random.default_rng(SEED)
    drawn = [apgr(rng.integers(len(every), size=len(every))) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    found = gain(ranks, small, large)
    return {
        "apgr": round(apgr(every), 4),
        "interval_95": [round(float(low), 4), round(float(high), 4)],
        "cpt": {} if found is None else {f"{at:.0%}": round(share, 3) for at, share in found.cpt.items()},
        "n": len(every),
    }
