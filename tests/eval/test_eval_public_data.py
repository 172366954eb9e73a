"""A public set goes in as it is: no option but the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judging import write_rows

from swarm._eval.evaluate import How, Judged
from swarm._eval.prepare import Request, prepare, start

BANKING = Path(__file__).resolve().parents[3] / "shared" / "data" / "intent" / "banking77"
LABELS = ("card_arrival", "lost_or_stolen_card", "exchange_rate", "passcode_forgotten")


@pytest.mark.skipif(not BANKING.is_dir(), reason="needs the public data: ../shared/data/intent/banking77")
async def test_four_labels_of_banking77_are_told_apart(folder: Path) -> None:
    for name, count in (("train", 20), ("test_dev", 1_000)):
        with (BANKING / f"{name}.jsonl").open(encoding="utf-8") as lines:
            rows = [row for line in lines if (row := json.loads(line))["label"] in LABELS]
        taken = [row for label in LABELS for row in [one for one in rows if one["label"] == label][:count]]
        write_rows(folder / f"{name}.jsonl", *taken)
    found: list[Judged] = []
    prepared = prepare(
        Request(word="intent", data=Path("test_dev.jsonl"), train=Path("train.jsonl"), how=How(rung=0))
    )
    await start(prepared, found.append)
    assert len(found) > 40
    assert sum(bool(one.right) for one in found) / len(found) > 0.95
