"""Going on with runs in a store: one, all that were cut off, or a new one out of an old one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from swarm._cli import console
from swarm._cli.answers import fields_of, read_answers
from swarm._cli.inputs import read_inputs
from swarm._cli.keeping import advice_names_the_store, open_to_write, place_of
from swarm._cli.kept import LATEST
from swarm._cli.loop import Loop
from swarm._cli.reporting import open_questions
from swarm._cli.session import Session
from swarm._cli.settings import RUNS, Settings
from swarm._cli.signals import term_is_ctrl_c
from swarm._engine.result import RunResult
from swarm.errors import InputError, StoreError, SwarmError
from swarm.stores.base import Question, RunHead, RunStore, SavedRun
from swarm.stores.files import FileRunLog

__all__ = ["Desk"]

Settle = Callable[[str, "RunResult | SwarmError"], None]
TOKEN_LENGTH = 32  # of a question's token; ids of runs are shorter
SHOWN = 3  # ids, of those that begin with what was typed


class Desk:
    """The store, ours to write to, and the graphs of its runs; use it in a `with`.

    Args:
        graph: the file of the graph, for runs whose own file is not there any more; None: theirs.
        overrides: fields of the graph, as `--set` takes them: those that the run began with.

    Raises:
        StoreError: `owned`: another process has the store open.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        graph: Path | None = None,
        overrides: Sequence[str] = (),
        verbose: int = 0,
    ) -> None:
        self.settings, self._graph, self._overrides = settings, graph, overrides
        self._verbose = verbose
        self.loop = Loop()
        self._closing = ExitStack()
        self.store: RunStore

    def __enter__(self) -> Self:
        with ExitStack() as closing:
            closing.enter_context(advice_names_the_store(self.settings))
            closing.enter_context(self.loop)
            closing.enter_context(term_is_ctrl_c())
            store = self.store = self.loop.run(open_to_write(self.settings))
            closing.callback(lambda: self.loop.run(store.aclose()))
            self._closing = closing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.__exit__(kind, error, trace)

    def find(self, wanted: str) -> SavedRun:
        """Return the run that an id, the beginning of one, `latest`, or the token of its question means.

        Raises:
            StoreError: none, more than one, or one of which there is a plain record only.
        """
        return self.loop.run(self._find(wanted))

    async def _find(self, wanted: str) -> SavedRun:
        if len(wanted) == TOKEN_LENGTH and "-" not in wanted:
            return await self.store.load((await self.store.question(wanted)).run)
        if not wanted:  # a variable that is not set must not mean the newest run
            raise _not_kept(wanted, self.settings)
        prefix = "" if wanted == LATEST else wanted
        heads = await self.store.runs(prefix=prefix, limit=1 if wanted == LATEST else SHOWN + 1)
        exact = [head for head in heads if head.id == wanted] or list(heads)
        if len(exact) > 1:
            shown = ", ".join(head.id for head in exact[:SHOWN])
            raise StoreError(f"several runs begin with {wanted!r}", hint=f"write more of it: {shown}")
        if not exact:
            raise _not_kept(wanted, self.settings)
        return await self.store.load(exact[0].id)

    def session(self, source: str, run_id: str) -> Session:
        """Return the graph of a run, to go on with it in the store; enter it.

        Raises:
            SwarmError: code `usage`: its file is not known, or not there. SpecError: it is not right.
        """
        path = self._graph or (Path(source) if source else None)
        if path is None or not path.is_file():
            what = (
                f"the graph's file {source!r} is not there"
                if source
                else "the run does not say its graph's file"
            )
            raise SwarmError(what, where=run_id, hint="give it: --graph FILE", code="usage")
        return Session(
            path, self.settings, overrides=self._overrides, verbose=self._verbose, store=self.store,
            loop=self.loop,
        )  # fmt: skip

    def resume(self, session: Session, wanted: str, saved: SavedRun, pairs: Sequence[str]) -> RunResult:
        """Go on with a run; with pairs `name=value` as the answer to what it asks.

        Raises:
            AnsweredError: it was answered before. InputError: the answer does not fit, or it asks nothing.
            GraphChangedError: where the run has been.
        """
        run_id = saved.head.id
        if not pairs:
            return self._do(session, lambda: session.swarm.runs.resume(run_id))
        question = _question(saved, wanted)
        answer = read_answers(pairs, fields_of(json.loads(question.fields)))
        return self._do(session, lambda: session.swarm.runs.resume(question.token, answer))

    def fork(self, session: Session, saved: SavedRun, at: Sequence[str], pairs: Sequence[str]) -> RunResult:
        """Begin a new run out of an old one, with other inputs, anew from some nodes.

        Raises:
            InputError: an input does not fit, or there is no such node.
            GraphChangedError: in what is taken over.
        """
        optional = {name: replace(kind, optional=True) for name, kind in session.plan.inputs.items()}
        changed = read_inputs(pairs, "", optional, graph=session.plan.name)
        runs = session.swarm.runs
        return self._do(session, lambda: runs.fork(saved.head.id, at=at, changed=changed))

    def cut_off(self) -> Sequence[RunHead]:
        """Return the runs that were cut off, the newest first: of a store that is ours, all that have not ended."""
        return self.loop.run(self.store.runs(status=("running",)))

    def resume_all(self, heads: Sequence[RunHead], settle: Settle) -> None:
        """Go on with runs that were cut off, the oldest of a graph first.

        Args:
            settle: told of each as it ends: its id, and its result or why it could not go on.
        """
        for source in dict.fromkeys(head.source for head in heads):
            own = [head.id for head in reversed(heads) if head.source == source]
            try:
                session = self.session(source, own[0]).__enter__()
            except SwarmError as error:
                for run_id in own:
                    settle(run_id, error)
                continue
            with ExitStack() as closing:
                closing.callback(session.close)
                self.loop.run(self._side_by_side(session, own, settle))

    async def _side_by_side(self, session: Session, ids: Sequence[str], settle: Settle) -> None:
        slots = asyncio.Semaphore(self.settings.concurrency)

        async def one(run_id: str) -> None:
            async with slots:
                try:
                    result = session.advised(await session.swarm.runs.resume(run_id))
                except SwarmError as error:
                    settle(run_id, error)
                    return
            settle(run_id, result)

        async with asyncio.TaskGroup() as group:
            for run_id in ids:
                group.create_task(one(run_id))

    def _do(self, session: Session, work: Callable[[], Awaitable[RunResult]]) -> RunResult:
        async def done() -> RunResult:
            return await work()

        return session.advised(session.loop.run(done()))


def _question(saved: SavedRun, wanted: str) -> Question:
    """Return what the answer is to: the question of that token, the open one, else the last that was answered."""
    named = [one for one in saved.questions if one.token == wanted]
    found = named or open_questions(saved) or list(saved.questions[-1:])
    run_id = saved.head.id
    if not found:
        raise InputError("this run asks nothing", where=run_id, hint=f"swarm runs resume {run_id}")
    if len(found) > 1:
        raise InputError(
            f"this run asks {len(found)} questions", where=run_id,
            hint=f"say which, by its token instead of the run: swarm runs show {run_id}",
        )  # fmt: skip
    return found[0]


def _not_kept(wanted: str, settings: Settings) -> StoreError:
    records = FileRunLog(RUNS, warn=console.warn).runs()
    if wanted != LATEST and any(one.id.startswith(wanted) for one in records):
        return StoreError(
            "of this run there is a plain record only: it cannot go on", where=wanted, hint="run it again"
        )
    return StoreError(f"no run {wanted!r} is kept", where=place_of(settings), hint="swarm runs ls")
