"""A guard that is taken out is missed by a test; all of them: `python -m benchmarks faults --only mutations`."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.faults.mutations import MUTATIONS, ROOT, mutated

FEW = [
    one
    for one in MUTATIONS
    if one.guard in ("an effect is announced before it happens", "the first answer stands")
]


def test_a_guard_that_is_taken_out_is_missed_and_a_patch_that_does_not_apply_is_an_error() -> None:
    stale = replace(FEW[0], guard="stale", old="this stands nowhere")
    rows = mutated([*FEW, stale])
    assert [name for name, row in rows.items() if row.broken] == ["without: stale"]
    assert len(rows) == 4


def test_each_guard_stands_in_the_code_once() -> None:
    for one in MUTATIONS:
        text = (ROOT / "swarm" / one.file).read_text(encoding="utf-8")
        assert text.count(one.old) == 1, f"{one.guard}: mend its patch in benchmarks/faults/mutations.py"
