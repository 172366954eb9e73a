"""What is asked of every run of a random graph: its events are whole, and it comes to what the oracle says."""

from __future__ import annotations

from collections.abc import Sequence

from oracle import Expected

import swarm.events as ev
from swarm import RunResult

__all__ = ["check_events", "check_nothing_else_happened", "check_result"]

SAID: dict[type[ev.Event], str] = {
    ev.NodeFinished: "done",
    ev.NodeSkipped: "skipped",
    ev.NodeFailed: "failed",
}
RUN_ENDS = (ev.RunFinished, ev.RunFailed, ev.RunCancelled)


def check_events(events: Sequence[ev.Event]) -> None:
    """Check one run's events: one end for every start, in order at each place, the run's own outermost."""
    assert isinstance(events[0], ev.RunStarted), events[0]
    assert isinstance(events[-1], RUN_ENDS), f"the last event is {events[-1]}"
    assert sum(isinstance(event, (ev.RunStarted, *RUN_ENDS)) for event in events) == 2
    at_work: dict[str, str] = {}  # place -> what it is in the middle of
    over: set[str] = set()
    for event in events:
        if not isinstance(event, ev.NodeEvent):
            continue
        place, now = event.node, at_work.get(event.node, "")
        assert place not in over, f"{event.type} of {place} after its end"
        match event:
            case ev.NodeStarted():
                assert not now, f"{place} started twice"
                at_work[place] = "node"
            case ev.ToolCalled():
                assert now == "node", f"a tool of {place} was called while it was {now or 'not at work'}"
                at_work[place] = "tool"
            case ev.ToolFinished():
                assert now == "tool", f"a tool of {place} ended that had not begun"
                at_work[place] = "node"
            case ev.NodeSkipped():
                assert not now, f"{place} was skipped in the middle of its work"
                over.add(place)
            case ev.NodeFinished() | ev.NodeCancelled():
                assert now == "node", f"{event.type} of {place}, which was {now or 'not at work'}"
                over.add(at_work.pop(place) and place)
            case ev.NodeFailed():  # also of a node whose condition failed, before its work began
                assert now != "tool", f"{place} failed before its tool ended"
                at_work.pop(place, None)
                over.add(place)
            case _:
                pass
    assert not at_work, f"started, and never ended: {at_work}"


def check_result(result: RunResult, told: Expected) -> None:
    """Check a run against the oracle: its status and output, and what became of every node."""
    ended_early = bool(told.fatal)
    if ended_early:
        assert result.status == "failed", result.status
        assert result.error is not None
        assert result.error_node in told.fatal, (result.error_node, told.fatal)
        assert result.error.code in told.fatal[result.error_node], (result.error, told.fatal)
    elif told.fault is not None:
        assert result.status == "failed", (result.status, result.output)
        assert result.error is not None
        assert {result.error.code} == told.fault.codes
    else:
        assert result.error is None, result.error
        assert (result.status, result.output) == ("completed", told.output)
    for name, node in result.nodes.items():
        if name.startswith("bring_"):
            continue
        wanted = told.status[name]
        if ended_early and node.status == "skipped" and node.reason == "the run ended first":
            continue
        assert node.status == ("failed" if wanted == "fatal" else wanted), (name, node, wanted)
        if wanted == "done":
            assert node.output == told.values[name], name


def check_nothing_else_happened(events: Sequence[ev.Event], told: Expected) -> None:
    """Check that the places that ran, were skipped and failed are the oracle's, bodies included.

    Of bodies that failed, and of runs that ended early, it is not known how far they came.
    """
    if told.fatal:
        return
    said = {
        event.node: SAID[type(event)]
        for event in events
        if isinstance(event, ev.NodeFinished | ev.NodeSkipped | ev.NodeFailed)
    }
    known = {place for place, status in told.status.items() if status != "unknown"}
    unknown = told.status.keys() - known
    seen = {p: s for p, s in said.items() if p not in unknown and not p.startswith("bring_")}
    assert seen == {place: told.status[place] for place in known}
