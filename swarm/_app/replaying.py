"""Execute a recorded run again, offline, and say where today's graph goes another way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from swarm._app.durable import signature_of
from swarm._engine.context import Limits, Run, Services
from swarm._engine.differences import TOLERATED, Difference, differences
from swarm._engine.ending import saved_result
from swarm._engine.execute import check_input, execute
from swarm._engine.past import error_of
from swarm._engine.replay import OfflineBackend, OfflineTool, ReplayJournal
from swarm._engine.result import RunResult
from swarm._engine.runner import run_level
from swarm._engine.trail import Recorded
from swarm._graph.plan import Plan
from swarm.errors import StoreError, SwarmError
from swarm.messages import ToolSignature
from swarm.spec.catalogue import Catalogue
from swarm.stores.base import ENDED, RunStore, SavedRun
from swarm.stores.recording import Recording
from swarm.stores.shapes import check_run

__all__ = ["ReplayDiffersError", "Replayed", "recording_of", "replay", "signatures_of"]

PATH = ("not recorded", "path", "model", "status")
SHOWN = 20  # differences in one message
CHARS = 60  # of one value in it
STILL_TURNS = 100  # of the event loop: generous, a cancellation takes a few for each level of nodes


class ReplayDiffersError(SwarmError, AssertionError):
    """A recorded run was executed again, and its path or an output is another; `.replayed` holds both."""

    code = "replay_differs"

    def __init__(self, what: str, *, replayed: Replayed, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.replayed = replayed


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A recorded run executed again.

    Attributes:
        result: what came of it now. recorded: what came of it then.
        differences: in the order of the run, so the first one is nearest to the cause.
    """

    result: RunResult
    recorded: RunResult
    differences: tuple[Difference, ...]

    @property
    def same_path(self) -> bool:
        """Return whether the same nodes ran, were skipped and failed, and the same models answered."""
        return not any(one.what in PATH for one in self.differences)

    @property
    def same(self) -> bool:
        """Return whether path, arguments of tools, outputs and errors are the same; confidences may differ."""
        return all(one.what in TOLERATED for one in self.differences)

    def check(self, *, hint: str = "undo the change, or record the run again") -> None:
        """Do nothing if path and outputs are the same.

        Args:
            hint: what to do if they are not.

        Raises:
            ReplayDiffersError: they are not; says what, and where. It is an AssertionError too.
        """
        if not self.same:
            raise ReplayDiffersError(
                f"the run goes another way than the recorded one\n{self.report()}", replayed=self,
                where=self.recorded.id, hint=hint,
            )  # fmt: skip

    def report(self) -> str:
        """Return the differences as text, one a line."""
        lines = [
            f"  {one.what} of {one.where}: recorded {_short(one.recorded)}, now {_short(one.now)}"
            for one in self.differences[:SHOWN]
        ]
        more = len(self.differences) - SHOWN
        return "\n".join([*lines, f"  and {more} more"] if more > 0 else lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "run": self.recorded.id,
            "same": self.same,
            "same_path": self.same_path,
            "differences": [one.to_json() for one in self.differences],
            "recorded": self.recorded.to_json(),
            "result": self.result.to_json(),
        }


async def replay(
    plan: Plan, recording: Recording, tools: Mapping[str, ToolSignature], *, limits: Limits | None = None
) -> Replayed:
    """Execute a recorded run again: no server is asked, no tool's code is called, nothing is written.

    Args:
        plan: today's graph. tools: signatures of what it may call.

    Raises:
        StoreError: `not_ended`: it has no end to compare with; `graph_changed`: a run of another graph.
        InputError: today's graph does not take the recorded input.
    """
    saved, limits = recording.saved, limits or Limits()
    _check_can_be_replayed(saved, plan)
    given = check_input(plan, json.loads(saved.input), limits.input_bytes)
    recorded = Recorded(saved)
    journal = ReplayJournal(recorded)
    services = Services(
        backend=lambda model: OfflineBackend(str(model), journal),
        tools={name: OfflineTool(signature, journal) for name, signature in tools.items()},
        choose=journal.choose, clock=time.perf_counter, wall=time.time, new_id=str, sleep=_at_once, limits=limits,
    )  # fmt: skip
    run = Run(saved.head.id, services, [], run_level, journal=journal)
    then = saved_result(saved)
    result = await _result(plan, given, run, journal, recorded)
    stopped = journal.parted is not None
    found = differences(recorded.trail, journal.trail, then, result, stopped=stopped)
    return Replayed(result=result, recorded=then, differences=(*_of_asking(journal), *found))


async def recording_of(store: RunStore, run_id: str) -> Recording:
    """Return a run in a store, with the signature of its graph.

    Raises:
        StoreError: there is no such run; `corrupt`: it is not what a run writes.
    """
    saved = await store.load(run_id)
    check_run(saved)
    return Recording(saved=saved, signature=await signature_of(store, saved.head))


def signatures_of(catalogue: Catalogue) -> dict[str, ToolSignature]:
    """Return the tools of a graph and of the graphs it runs, as its check knows them: nothing is imported."""
    found = dict(catalogue.tools)
    for inner in catalogue.subgraphs.values():
        found |= signatures_of(inner.catalogue)
    return found


def _check_can_be_replayed(saved: SavedRun, plan: Plan) -> None:
    head = saved.head
    if head.graph != plan.name:
        raise StoreError(
            f"this is a run of graph {head.graph!r}, not of {plan.name!r}", where=head.id,
            code="graph_changed", hint="give it the graph it is a run of",
        )  # fmt: skip
    if head.status not in ENDED or head.status == "cancelled":
        what = "was cancelled" if head.status == "cancelled" else f"has not ended ({head.status})"
        hint = "replay another" if head.status == "cancelled" else f"swarm runs resume {head.id}"
        raise StoreError(
            f"the run {what}: there is no end to compare with", where=head.id, code="not_ended", hint=hint
        )


async def _result(
    plan: Plan, given: Mapping[str, Any], run: Run, journal: ReplayJournal, recorded: Recorded
) -> RunResult:
    """Return how the run ends; where nothing of it can move any more, it ends as the recorded one did."""
    work = asyncio.ensure_future(execute(plan, given, run))
    stuck = asyncio.ensure_future(_until_stuck(run, journal))
    try:
        await asyncio.wait({work, stuck}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        assert run.work is not None, "what waits has begun"
        error = _reason(recorded, journal, run)
        run.work.stop()
        return replace(await work, status="failed", error=error, error_node=None)
    finally:
        for task in (work, stuck):
            task.cancel()
        await asyncio.wait({work, stuck})


def _reason(recorded: Recorded, journal: ReplayJournal, run: Run) -> SwarmError:
    """Return why a run ended in which all that was left waited: its time was over, or it parted before."""
    end = recorded.past.end or {}
    if "error" in end and end.get("error_node") is None and end["error"]["code"] != "no_output":
        return error_of(end)
    asks = ((one.ask.node, f"a person {one.ask.text!r}") for one in run.asks.values())
    return journal.part(*next(iter((*journal.held, *asks))))


async def _until_stuck(run: Run, journal: ReplayJournal) -> None:
    """Return when all that is left of the run waits for what never came.

    Nothing here takes time, so a run that can move does so at every turn of the loop; a cancellation
    takes a few turns to reach all that it ends.
    """
    still = 0
    while still < STILL_TURNS:
        await asyncio.sleep(0)
        waits = bool(journal.held or run.asks)
        still = still + 1 if waits and run.busy <= len(journal.held) else 0


def _of_asking(journal: ReplayJournal) -> list[Difference]:
    """Return what was asked for that is not in the record, and what tools were given that is not the same."""
    found = [
        Difference(what="arguments", where=place, recorded=before, now=now)
        for place, before, now in journal.arguments
        if before != now
    ]
    if journal.parted is not None:
        place, asked = journal.parted
        found.append(Difference(what="not recorded", where=place, recorded=None, now=f"asks {asked}"))
    return found


async def _at_once(seconds: float) -> None:
    """Wait no time: a tool that is tried again has the result it had."""


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return repr(text) if not text else text if len(text) <= CHARS else f"{text[:CHARS]}..."
