"""`swarm replay`: what a policy would have done on recorded outcomes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm._cli import console
from swarm._cli.grid import Cell, Grid

if TYPE_CHECKING:
    from swarm._eval.replay import Replay
    from swarm.confidence.policy import Policy

__all__ = ["replay"]

File = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="See what a policy would have done on outcomes.")
@click.option("--outcomes", required=True, type=File, metavar="FILE", help="Outcomes, as JSON lines.")
@click.option(
    "--policy", "policy_file", required=True, type=File, metavar="FILE", help="The policy, as JSON."
)
@click.option("--report", type=File, metavar="FILE", help="Write a report, one HTML file.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def replay(outcomes: Path, policy_file: Path, report: Path | None, as_json: bool) -> None:
    """\b
    swarm replay --outcomes outcomes.jsonl --policy policy.json

    Follows a policy of `swarm calibrate` through recorded outcomes: of how many answers it would have been
    sure, how many of these are wrong, whom it would have asked and what that saves against asking only the
    last rung. Nothing is asked. Accepted is what a rung before the last was sure of; rates are shares of all
    rows.
    """
    from swarm._cli.outputs import check_outputs
    from swarm._cli.policies import read_policy
    from swarm._eval.replay import summarize
    from swarm._eval.walk import walk
    from swarm.confidence.outcomes import read_outcomes

    check_outputs({"--outcomes": outcomes, "--policy": policy_file}, {"--report": report})
    policy, rows = read_policy(policy_file), read_outcomes(outcomes)
    way = walk(rows, policy)
    found = summarize(way)
    if as_json:
        console.data_json(found.to_json())
    else:
        _print(found, policy)
    if report is not None:
        from swarm._cli.reports import save_report
        from swarm._eval.report.of_replay import report_of

        command = f"swarm replay --outcomes {outcomes} --policy {policy_file} --report {report}"
        title = f"{policy.expert or policy_file.stem}: replay of {len(rows):,} outcomes"
        save_report(
            report, lambda made: report_of(rows, policy, way, found, title=title, command=command, made=made)
        )


def _print(found: Replay, policy: Policy) -> None:
    from swarm._eval.words import promise

    rows = [[Cell(name), Cell(value, "bold"), Cell(more, "dim")] for name, value, more in _figures(found)]
    console.show(Grid(rows=rows, right=frozenset({1}), wide=2), sys.stdout)
    console.data(f"\nasked for: {promise(policy)}\n")
    console.show(_grid(found), sys.stdout)
    for note in found.notes:
        console.say(f"note: {note}", "yellow")


def _figures(found: Replay) -> Iterator[tuple[str, str, str]]:
    from swarm._eval.words import percent

    def span(name: str, more: str = "") -> str:
        pair = found.intervals.get(name)
        shown = "" if pair is None else f"95 %: {percent(pair[0])} to {percent(pair[1])}"
        return ", ".join(part for part in (shown, more) if part)

    last = found.rungs[-1].model
    yield "rows", f"{found.n:,}", ""
    yield "wrong among the accepted", percent(found.accepted_error), span("accepted_error")
    yield "accepted and wrong", percent(found.accepted_and_wrong), span("accepted_and_wrong", "of all rows")
    if found.escalated:
        yield "escalated", percent(found.escalated[-1]), f"to {last}"
    if found.accuracy is not None:
        alone = "" if found.accuracy_last is None else f"{last} alone {percent(found.accuracy_last)}"
        yield "right", percent(found.accuracy), span("accuracy", alone)
    if found.saving is not None:
        yield "saving", percent(found.saving), span("saving", f"against {last} alone")
    if found.latency is not None:
        yield (
            "latency",
            f"{found.latency.p50:,.0f} ms",
            f"half of the rows; 95 % under {found.latency.p95:,.0f} ms",
        )
    if found.gain is not None:
        calls = ", ".join(f"{share:.0%} for {percent(at)}" for share, at in found.gain.cpt.items())
        yield (
            "APGR",
            f"{found.gain.apgr:.3f}",
            f"share of {last}'s advantage for the share of its calls: {calls}",
        )


def _grid(found: Replay) -> Grid:
    from swarm._eval.words import percent

    def shown(share: float | None) -> str:
        return "" if share is None else percent(share)

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    rows = [
        [
            Cell(rung.model, "bold"), Cell(shown(rung.asked)), Cell(shown(rung.accepted)),
            Cell(shown(rung.accepted_error)), Cell(number(rung.auroc)), Cell(number(rung.ece)),
            Cell(f"{rung.calls:,}", "dim"),
        ]
        for rung in found.rungs
    ]  # fmt: skip
    head = ("rung", "asked", "accepted", "wrong of these", "AUROC", "ECE", "calls")
    return Grid(rows=rows, head=head, right=frozenset(range(1, 7)))
