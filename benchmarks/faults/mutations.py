"""Are the guards tested? Each is taken out of a copy of the package, one at a time, and a test must fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.finding import Finding

__all__ = ["MUTATIONS", "Mutation", "mutated"]

ROOT = Path(__file__).parents[2]
COPIED = ("swarm", "tests", "benchmarks", "experts", "pyproject.toml")
PATIENCE_S = 300.0  # a test that hangs without its guard has noticed, too
FAILED = 1  # what pytest ends with when tests failed; anything else is no verdict


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A guard, what it looks like in the code, what is there without it, and the test that misses it.

    Attributes:
        file: in the package. old: stands there exactly once.
    """

    guard: str
    file: str
    old: str
    new: str
    test: str


MUTATIONS = (
    Mutation(
        guard="a commit waits for the disk", file="stores/_sqlite/connect.py",
        old="{'FULL' if full else 'NORMAL'}", new="NORMAL",
        test="tests/faults/test_power_cuts.py::test_nothing_acknowledged_is_lost_by_a_power_cut",
    ),
    Mutation(
        guard="an append is acknowledged after its commit", file="stores/sqlite.py",
        old="        await self._write(lambda changes: changes.append(run_id, epoch, records))",
        new='        __import__("asyncio").ensure_future('
        "self._write(lambda changes: changes.append(run_id, epoch, records)))",
        test="tests/faults/test_power_cuts.py::test_nothing_acknowledged_is_lost_by_a_power_cut",
    ),
    Mutation(
        guard="a node's result is durable before its successors begin", file="_engine/runner.py",
        old="            await journal.settle(place, outcome_body(kind, outcome, latency_ms, services.wall()))",
        new="            asyncio.ensure_future("
        "journal.settle(place, outcome_body(kind, outcome, latency_ms, services.wall())))",
        test="tests/behaviours/test_durability.py::test_d25_each_step_is_durable_before_the_next_begins",
    ),
    Mutation(
        guard="a run that cannot be written down stops", file="_engine/runner.py",
        old="        if run.journal.broken is not None:", new="        if False:",
        test="tests/faults/test_full_disks.py::test_a_result_without_room_ends_the_run_even_where_failures_are_handled",
    ),
    Mutation(
        guard="an owner of before writes nothing", file="stores/_rules.py",
        old="    if epoch != run.epoch:", new="    if False:",
        test="tests/behaviours/test_durability.py::test_d25_one_run_has_one_owner_the_one_before_can_write_nothing_more",
    ),
    Mutation(
        guard="a result is recorded once", file="stores/_rules.py",
        old="            if place in run.done or place in fresh:", new="            if False:",
        test="tests/stores/test_sqlite_store.py::TestSqliteStore::test_a_second_result_of_a_place_is_refused",
    ),
    Mutation(
        guard="what is recorded is not done again", file="_engine/runner.py",
        old="(settled := journal.settled(place, kind)) is not None:", new="(settled := None) is not None:",
        test="tests/engine/test_durable_runs.py::test_a_run_that_was_cut_off_goes_on_where_it_was",
    ),
    Mutation(
        guard="one process owns the file", file="stores/_sqlite/lock.py",
        old="            _try_lock(self._fd)", new="            pass",
        test="tests/faults/test_locked_files.py::test_a_second_process_on_the_file_is_told_so_and_the_first_goes_on",
    ),
    Mutation(
        guard="an effect is announced before it happens", file="_engine/nodes/effects.py",
        old='    await journal.intend(place, call, {"tool": signature.name, "arguments": arguments, "key": key})',
        new="    pass",
        test="tests/engine/test_durable_runs.py::test_what_an_unsafe_call_is_about_to_do_is_durable_before_it_is_made",
    ),
    Mutation(
        guard="an unsafe call is repeated on a person's word alone", file="_engine/nodes/effects.py",
        old='        and signature.effect == "unsafe"', new='        and signature.effect == "never"',
        test="tests/faults/test_killed_runs.py::test_runs_killed_at_named_points_keep_their_promises",
    ),
    Mutation(
        guard="an idempotent call is repeated with its key", file="_engine/nodes/tool.py",
        old='    key = f"{run.id}/{place}" if', new="    key = run.services.new_id() if",
        test="tests/faults/test_killed_runs.py::test_runs_killed_at_named_points_keep_their_promises",
    ),
    Mutation(
        guard="the first answer stands", file="stores/_sqlite/changes.py",
        old="        if question.answer is not None:", new="        if False:",
        test="tests/stores/test_sqlite_store.py::TestSqliteStore::test_the_first_answer_stands",
    ),
)  # fmt: skip


def mutated(mutations: Sequence[Mutation] = MUTATIONS) -> dict[str, Finding]:
    """Take each guard out in turn; a row for each, broken if its test does not fail, and one with all guards in place."""
    rows: dict[str, Finding] = {}
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        copy = Path(name)
        for what in COPIED:
            _copy(ROOT / what, copy / what)
        said = _tested(copy, sorted({one.test for one in mutations}))
        wrong = () if not said else (f"the tests fail with every guard in place: {said}",)
        rows["control: every guard in place"] = Finding(tried=1, broken=wrong)
        for one in mutations:
            rows[f"without: {one.guard}"] = _without(one, copy)
    return rows


def _without(mutation: Mutation, copy: Path) -> Finding:
    file = copy / "swarm" / mutation.file
    whole = file.read_text(encoding="utf-8")
    test = mutation.test.rpartition("::")[2]
    if whole.count(mutation.old) != 1:
        what = f"the patch does not apply: {mutation.old!r} is {whole.count(mutation.old)} times in {mutation.file}"
        return Finding(tried=0, broken=(what,))
    file.write_text(whole.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        said = _tested(copy, [mutation.test])
    finally:
        file.write_text(whole, encoding="utf-8")
    if said in ("failed", "hung"):
        return Finding(tried=1, note=f"{test} {said}")
    return Finding(tried=1, broken=(f"{test}: {said or 'passed'}",))


def _tested(copy: Path, tests: Sequence[str]) -> str:
    """Run tests in the copy; return "" if they pass, else `failed`, `hung`, or why there is no verdict."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        *tests,
    ]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hung"
    if "skipped" in done.stdout and " passed" not in done.stdout:
        return f"skipped here: {done.stdout[-200:]}"
    return {0: "", FAILED: "failed"}.get(
        done.returncode, f"no verdict: {done.stdout[-500:]}{done.stderr[-500:]}"
    )


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copy(source, target)
