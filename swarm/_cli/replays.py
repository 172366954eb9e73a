"""Finding recorded runs and their graphs, and executing them again, for `swarm runs replay`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarm._app.check import check_graph
from swarm._app.replaying import Replayed, recording_of, replay, signatures_of
from swarm._cli.keeping import advice_names_the_store
from swarm._cli.kept import Kept
from swarm._cli.progress import Progress
from swarm._cli.settings import Settings
from swarm._engine.differences import Difference
from swarm._graph.plan import Plan
from swarm.errors import InputError, StoreError, SwarmError
from swarm.messages import ToolSignature
from swarm.stores.recording import Recording, read_recording

__all__ = ["Replays", "recording_in", "replay_all", "replay_one"]

REPLAYED = ("completed", "refused", "failed")  # ends that can be compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """What came of replaying many runs.

    Attributes:
        same: how many take the same path to the same outputs. different: of the others, by the run's id.
        failed: why a run cannot be replayed, by its id.
    """

    same: int
    different: Mapping[str, Sequence[Difference]] = field(default_factory=dict[str, Sequence[Difference]])
    failed: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def count(self) -> int:
        """Return how many runs there were."""
        return self.same + len(self.different) + len(self.failed)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "runs": self.count,
            "same": self.same,
            "different": [
                {"run": run, "differences": [one.to_json() for one in found]}
                for run, found in self.different.items()
            ],
            "failed": [{"run": run, "error": what} for run, what in self.failed.items()],
        }


async def replay_one(
    settings: Settings, wanted: str, graph: Path | None, overrides: Sequence[str]
) -> Replayed:
    """Replay a run in the store, or in a file.

    Args:
        wanted: a file, a run's id, the beginning of one, or `latest`. graph: None for the file it came from.

    Raises:
        StoreError, InputError: there is none, it has no end, or its graph is not there.
        SpecError: what is wrong with the graph.
    """
    with advice_names_the_store(settings):
        recording = await recording_in(settings, wanted)
        plan, tools = _graph(graph or _source(recording), overrides)
        return await replay(plan, recording, tools)


async def replay_all(settings: Settings, graph: Path, overrides: Sequence[str]) -> Replays:
    """Replay all runs of a graph in the store that ended, the newest first; shows how far it is.

    Raises:
        StoreError: there is none.
        SpecError: what is wrong with the graph.
    """
    plan, tools = _graph(graph, overrides)
    different, failed, same = dict[str, Sequence[Difference]](), dict[str, str](), 0
    async with Kept(settings) as kept:
        heads = [head for head in await kept.store.runs(status=REPLAYED) if head.graph == plan.name]
        if not heads:
            raise StoreError(f"no run of graph {plan.name!r} has ended here", hint=f"swarm run {graph}")
        with Progress(len(heads)) as progress:
            for head in heads:
                try:
                    found = await replay(plan, await recording_of(kept.store, head.id), tools)
                except SwarmError as error:
                    failed[head.id] = error.what
                else:
                    if found.same:
                        same += 1
                    else:
                        different[head.id] = found.differences
                progress.step(failed=len(failed))
    return Replays(same=same, different=different, failed=failed)


async def recording_in(settings: Settings, wanted: str) -> Recording:
    """Return the recording in a file, or of a run in the store.

    Raises:
        StoreError: there is none.
    """
    if (recording := _in_file(Path(wanted))) is not None:
        return recording
    async with Kept(settings) as kept:
        found = await kept.find(wanted)
        if found.saved is None:
            raise StoreError(
                "only a plain record of this run is kept, without what its models answered", where=found.line.id,
                hint="see others: swarm runs ls", code="no_run",
            )  # fmt: skip
        return await recording_of(kept.store, found.saved.head.id)


def _in_file(path: Path) -> Recording | None:
    return read_recording(path) if path.is_file() else None


def _source(recording: Recording) -> Path:
    """Return the file that the recorded run came from."""
    head = recording.saved.head
    if not head.source or not Path(head.source).is_file():
        what = f"its file {head.source!r} is not there" if head.source else "no file is known"
        raise InputError(
            f"graph {head.graph!r} of this run: {what}", where=head.id, hint="say which: --graph FILE"
        )
    return Path(head.source)


def _graph(path: Path, overrides: Sequence[str]) -> tuple[Plan, dict[str, ToolSignature]]:
    """Return a graph and the signatures of its tools, read as syntax: nothing is imported."""
    checked = check_graph(path, overrides=overrides)
    return checked.require(), signatures_of(checked.catalogue)
