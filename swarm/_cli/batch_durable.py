"""Rows whose tools have effects: each is a durable run, so that going on repeats no effect.

The runs are kept in a store of the batch's own, beside its output (`out.jsonl.batch.db`), which goes when
the batch has ended. A row whose line is in the output is never looked up again, so only the newest runs
are kept, and a million rows do not make it grow.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from swarm._app.check import Checked
from swarm._app.facade import Swarm
from swarm._cli import console
from swarm._cli.session import Session
from swarm._engine.context import Observer
from swarm._graph.plan import Plan
from swarm.errors import StoreError
from swarm.messages import ToolSignature
from swarm.spec.catalogue import Catalogue
from swarm.spec.graph import ToolNode
from swarm.stores.base import Retention, RunStore

__all__ = ["durable_swarm", "effects_of", "forget_runs"]

SUFFIX = ".batch.db"
BESIDE = ("", "-wal", "-shm", ".lock")
FOR_EVER_S = 1e12
NEWEST = 20_000  # ended runs kept: many more than can end in the second before their lines are durable


def effects_of(checked: Checked) -> tuple[str, ...]:
    """Return the names of the tools that are not pure, of those that a run may call."""
    known = dict(_signatures(checked.catalogue))
    names = dict.fromkeys(_called(checked.require()))
    return tuple(name for name in names if name not in known or known[name].effect != "pure")


@contextmanager
def durable_swarm(session: Session, out: Path, recorder: Observer | None, graph: Path) -> Generator[Swarm]:
    """Give the session's graph again, with a store for the runs of the batch that writes to `out`.

    Raises:
        StoreError: it cannot be opened, or is damaged.
    """
    from swarm.stores.sqlite import SqliteStore

    newest = NEWEST + 8 * session.settings.concurrency
    keep = Retention(finished_s=FOR_EVER_S, failed_s=FOR_EVER_S, runs=newest)
    damage: list[str] = []

    def warn(text: str) -> None:
        damage.append(text)
        console.warn(text)

    path = out.with_name(out.name + SUFFIX)
    store = SqliteStore(path, keep=keep, warn=warn)
    try:
        session.loop.run(store.open())
        if damage:
            raise StoreError(
                f"nobody knows any more which effects were made before it was cut off: {damage[0]}",
                where=str(path), code="corrupt",
                hint="give the command again to go on all the same: rows that were at work are done anew",
            )  # fmt: skip
        yield from _with_store(session, store, recorder, graph)
    finally:
        session.loop.run(store.aclose())


def _with_store(
    session: Session, store: RunStore, recorder: Observer | None, graph: Path
) -> Generator[Swarm]:
    given = session.swarm
    swarm = Swarm(
        given.checked, limits=given.limits, listeners=given.listeners, store=store, source=str(graph.resolve()),
        recorders=[] if recorder is None else [recorder],
    )  # fmt: skip
    try:
        yield swarm
    finally:
        session.loop.run(swarm.aclose())


def forget_runs(out: Path) -> None:
    """Delete the runs of the batch that wrote to `out`; nothing happens if there are none."""
    for suffix in BESIDE:
        out.with_name(out.name + SUFFIX + suffix).unlink(missing_ok=True)


def _signatures(catalogue: Catalogue) -> Iterator[tuple[str, ToolSignature]]:
    yield from catalogue.tools.items()
    for inner in catalogue.subgraphs.values():
        yield from _signatures(inner.catalogue)


def _called(plan: Plan) -> Iterator[str]:
    for node in plan.nodes:
        if isinstance(node.spec, ToolNode):
            yield node.spec.tool
        for expert in (*((node.expert,) if node.expert is not None else ()), *node.choices):
            yield from expert.tools
        if node.body is not None:
            yield from _called(node.body)
