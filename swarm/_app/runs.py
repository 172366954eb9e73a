"""`swarm.runs`: what can be done with runs of before, in the words of `swarm runs` on the command line."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import swarm.events as ev
from swarm._app.durable import TOKEN, Begun, DurableRuns, result_of_ended
from swarm._app.forking import affected_by, rerun
from swarm._app.ids import new_run_id
from swarm._app.live import Live, LiveRuns
from swarm._app.replaying import Replayed, recording_of, replay
from swarm._engine.context import Limits
from swarm._engine.ending import saved_result
from swarm._engine.execute import check_input
from swarm._engine.nodes.plain import check_answer
from swarm._engine.result import RunResult
from swarm._graph.plan import Plan
from swarm.errors import InputError, StoreError, SwarmError
from swarm.spec.types import parse_type
from swarm.stores.base import Question, Retention, RunHead, SavedRun, StoreStats
from swarm.stores.recording import Recording
from swarm.tools.base import Tool

__all__ = ["Runs"]

AT_ONCE = 100  # runs that are picked up at the same time
Listener = Callable[[ev.Event], None]


class Runs:
    """The runs of one swarm.

    Args:
        durable: gives those in the store, and raises where there is none.
        start: goes on with a run that was made ours, in a task of its own.
        tools: what the graph may call, by name.
    """

    def __init__(
        self,
        plan: Plan,
        limits: Limits,
        live: LiveRuns,
        durable: Callable[[], DurableRuns],
        start: Callable[[Begun, Sequence[Listener]], Live],
        *,
        tools: Mapping[str, Tool],
        has_store: bool,
    ) -> None:
        self._plan, self._limits, self._live = plan, limits, live
        self._durable, self._start, self._has_store = durable, start, has_store
        self._tools = tools
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def are_kept(self) -> bool:
        """Return whether there is a store."""
        return self._has_store

    async def ls(self, *, status: Sequence[str] = (), limit: int = 1_000) -> Sequence[RunHead]:
        """Return the newest runs in the store, of every graph."""
        return await self._durable().store.runs(status=status, limit=limit)

    async def show(self, run_id: str) -> SavedRun:
        """Return a run as it is kept; StoreError if there is none."""
        return await self._durable().store.load(run_id)

    async def unfinished(self) -> list[RunHead]:
        """Return the runs of this graph that have not ended, the oldest first."""
        return await self._durable().unfinished()

    async def resume(
        self,
        run: RunResult | str,
        answer: Mapping[str, Any] | None = None,
        *,
        listeners: Sequence[Listener] = (),
    ) -> RunResult:
        """Go on with a run: answer what it asked, or pick it up where it was cut off or failed.

        Args:
            run: the paused result, the token of its question, or (with a store) a run's id.
            answer: the fields it asked for; None: it is only picked up.

        Returns:
            Its result; of a run that ended well before, the result it had.

        Raises:
            InputError: the answer does not fit, or no run waits for it.
            AnsweredError: it was answered before; the first answer stands.
            StoreError: there is no such run; `graph_changed`: what it went through is different now.
        """
        name = run.ask.token if isinstance(run, RunResult) and run.ask else _id_of(run)
        live = self._live.waiting_for(name)
        if live is not None:
            return await self._answer_here(live, name, answer or {})
        is_token = TOKEN.fullmatch(name) is not None
        if not self._has_store and (answer or is_token):
            raise InputError(f"no run waits for an answer to {name!r}", hint="each question is answered once")
        if not answer and not is_token:
            return await self.go_on(name, listeners=listeners)
        durable = self._durable()
        question = await durable.question(name if is_token else await self._token_of(name))
        checked = self._checked(question.run, answer or {}, json.loads(question.fields))
        if (live := self._live.waiting_for(question.token)) is not None:
            return await self._answer_here(live, question.token, checked)
        answered = await durable.answer(question.token, checked, time.time())
        return await self._go_on(question.run, listeners, answered=answered)

    async def _answer_here(self, live: Live, token: str, answer: Mapping[str, Any]) -> RunResult:
        checked = self._checked(live.run.id, answer, live.run.asks[token].ask.answer)
        if self._has_store:
            await self._durable().answer(token, checked, time.time())
        in_time = token in live.run.asks and live.run.answer(token, checked)
        if not in_time and not self._has_store:
            raise InputError(f"no run waits for an answer to {token!r}", hint="its time was over just now")
        return await self._live.until_pause(live)

    async def _token_of(self, run_id: str) -> str:
        saved = await self._durable().load(run_id)
        waiting = [one for one in saved.questions if one.answer is None]
        if not waiting:
            raise InputError("this run asks nothing", where=run_id, hint="resume it without an answer")
        if len(waiting) > 1:
            shown = "; ".join(f"{one.token} ({one.text})" for one in waiting)
            raise InputError(
                f"this run asks {len(waiting)} questions", where=run_id, hint=f"say which: {shown}"
            )
        return waiting[0].token

    def _checked(self, run_id: str, answer: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: parse_type(raw) for name, raw in asked.items()}
        try:
            return check_answer(dict(answer), fields, self._limits.input_bytes)
        except InputError as error:
            error.where = error.where or run_id
            raise

    async def go_on(
        self, run_id: str, *, listeners: Sequence[Listener] = (), failed: bool = True
    ) -> RunResult:
        """Return the result of a run in the store; one that has not ended goes on first.

        Args:
            failed: one that failed goes on, too, at the node that failed; else its failure is its result.
        """
        return await self._go_on(run_id, listeners, failed=failed)

    async def _go_on(
        self,
        run_id: str,
        listeners: Sequence[Listener],
        *,
        failed: bool = True,
        answered: Question | None = None,
    ) -> RunResult:
        """Go on as `go_on`; `answered`: what was answered in the store, where the run may not look again."""
        async with self._turn(run_id):
            came = await self._begun(run_id, listeners, failed=failed)
        if isinstance(came, RunResult):
            return came
        if answered is not None:
            came.take(answered)
        return await self._live.until_pause(came)

    def _turn(self, run_id: str) -> asyncio.Lock:
        """Return what one at a time holds who begins or ends a run: two that claim it would shut each other out."""
        return self._turns.setdefault(run_id, asyncio.Lock())

    async def _begun(self, run_id: str, listeners: Sequence[Listener], *, failed: bool) -> Live | RunResult:
        """Return the run at work here, begun again if it has to be; or its result, if it ended."""
        if (live := self._live.find(run_id)) is not None:
            return live
        if self._live.has(run_id):
            raise SwarmError("this run is at work", where=run_id, hint="wait for it", code="at_work")
        durable = self._durable()
        saved = await durable.load(run_id)
        durable.is_ours(saved.head)
        ended = result_of_ended(saved)
        if ended is not None and (ended.status != "failed" or not failed):
            return ended
        try:
            begun = await durable.again(saved)
        except StoreError as error:
            if error.code != "ended":
                raise
            return saved_result(await durable.load(run_id))  # another process ended it while we looked
        return self._start(begun, listeners)

    async def recover(self) -> list[RunResult]:
        """Go on with all runs of this graph that were cut off; return their results in the order they began.

        Those that wait for a person come back paused.

        Raises:
            SwarmError: why the first of those that cannot go on cannot (`graph_changed`, `corrupt`); all
                others have gone on by then.
        """
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(head: RunHead) -> RunResult:
            async with slots:
                return await self.go_on(head.id)

        heads = [head for head in await self.unfinished() if not self._live.has(head.id)]
        came = await asyncio.gather(*map(one, heads), return_exceptions=True)
        results = [result for result in came if isinstance(result, RunResult)]
        for failure in came:
            if isinstance(failure, BaseException):
                raise failure
        return results

    async def fork(
        self,
        run_id: str,
        *,
        at: Sequence[str] = (),
        changed: Mapping[str, Any] | None = None,
        listeners: Sequence[Listener] = (),
    ) -> RunResult:
        """Begin a new run out of an old one, which stays as it is.

        Args:
            at: nodes that run anew, and with them all that follow from them; what the others came
                to is taken over. Without it: the nodes that refer to an input that is `changed`.
            changed: inputs that are different.

        Raises:
            InputError: the input does not fit, or there is no such node.
            StoreError: there is no such run; `graph_changed` in what is taken over.
        """
        durable = self._durable()
        old = await durable.load(run_id)
        given = self._input_of_fork(old, changed or {})
        again = rerun(self._plan, at or affected_by(self._plan, changed or {}))
        new_id = await durable.fork(old, new_run_id(), given, again, time.time())
        return await self.go_on(new_id, listeners=listeners)

    def _input_of_fork(self, old: SavedRun, changed: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return check_input(self._plan, {**json.loads(old.input), **changed}, self._limits.input_bytes)
        except InputError as error:
            raise InputError(error.what, where=f"a fork of {old.head.id}", hint=error.hint) from error

    async def export(self, run_id: str) -> Recording:
        """Return a run with all that is needed to execute it again elsewhere; `write_recording` saves it.

        Raises:
            StoreError: there is no such run.
        """
        return await recording_of(self._durable().store, run_id)

    async def replay(self, run: str | Recording) -> Replayed:
        """Execute a recorded run again, offline, with this graph: its models, tools and people say what they said.

        Args:
            run: the id of a run in the store, or a recording.

        Raises:
            StoreError: there is no such run; `not_ended`: it has no end to compare with.
            InputError: this graph does not take the recorded input.
        """
        recording = run if isinstance(run, Recording) else await self.export(_id_of(run))
        signatures = {name: tool.signature for name, tool in self._tools.items()}
        return await replay(self._plan, recording, signatures, limits=self._limits)

    async def cancel(self, run: RunResult | str) -> bool:
        """Give a run up, durably; nothing of it begins after this returns. False if it had ended.

        Args:
            run: its result (paused), or its id.
        """
        run_id = _id_of(run)
        async with self._turn(run_id):
            was_open = (
                await self._durable().store.cancel(run_id, time.time())
                if self._has_store
                else self._live.has(run_id)
            )
            await self._live.cancel(run_id)
        return was_open

    async def backup(self, path: str | Path) -> None:
        """Write a consistent copy of the store while runs go on."""
        await self._durable().store.backup(Path(path))

    async def gc(self, keep: Retention | None = None) -> StoreStats:
        """Forget runs that ended and are past their time; return what went."""
        return await self._durable().store.gc(keep or Retention(), time.time())


def _id_of(run: Any) -> str:
    """Return which run is meant.

    Raises:
        InputError: what is given is neither a result nor text.
    """
    if isinstance(run, RunResult):
        return run.id
    if isinstance(run, str):
        return run
    raise InputError(
        f"a run is named by its result, or its id as text, not by {type(run).__name__}",
        hint="see `await swarm.runs.ls()`",
    )
