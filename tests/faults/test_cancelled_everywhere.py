"""Runs cancelled at each of their steps."""

from __future__ import annotations

import pytest

from benchmarks.faults.cancel import cancelled_everywhere


@pytest.mark.parametrize(
    ("graph", "slots"),
    [
        ("chain", 1),
        ("fan", 1),
        ("fan", 2),
        ("fan", 8),
        ("loop", 2),
        ("ask", 2),
        ("fallback", 1),
        ("expert", 1),
    ],
)
def test_a_run_cancelled_at_any_step_leaves_nothing_and_comes_to_its_end_later(
    graph: str, slots: int
) -> None:
    rows = cancelled_everywhere(graphs=[graph], slots=[slots])
    assert {name: row.broken for name, row in rows.items() if row.broken} == {}
    assert all(row.tried >= 8 for row in rows.values())
