"""Ask about every case, several at once, and judge each answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from swarm._eval.asking import ExpertAsker, GraphAsker, Reply
from swarm._eval.cases import Case
from swarm._eval.listening import Remembered
from swarm._eval.subject import Lesson, Subject, lessons_of, taught
from swarm._eval.truth import Truth, answer_is_right
from swarm.errors import BackendError
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["Done", "How", "Judged", "Ready", "evaluate", "evaluate_in_folds", "folds_of"]

SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to evaluate.

    Attributes:
        rung: this rung alone; None: the cascade as a run climbs it.
        every_rung: also ask every rung that can be reached, for the record.
        concurrency: cases at once.
    """

    rung: int | None = None
    every_rung: bool = False
    concurrency: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One case, what came of asking, and whether it is right.

    Attributes:
        right: the answer given is right; None where nothing says so. An answer to a text that is out
            of scope is wrong, whatever it says.
        rungs: what each rung answered by itself, where all were asked, with its model's name.
    """

    case: Case
    truth: Truth
    reply: Reply
    right: bool | None
    rungs: tuple[tuple[str, Reply], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What getting ready came to.

    Attributes:
        seconds: until the first answer: embedded models are fitted, served ones loaded.
        unit: of costs. missing: rungs that nobody answers for, and why.
    """

    seconds: float = 0.0
    unit: str = "tokens"
    missing: tuple[str, ...] = ()


Done = Callable[[Judged], None]


async def evaluate(
    subject: Subject,
    expert: ResolvedExpert | None,
    cases: Sequence[tuple[Case, Truth]],
    how: How,
    done: Done,
) -> Ready:
    """Ask about every case; `done` is told of each as it is judged, in no particular order.

    Args:
        expert: the subject's expert, perhaps taught; None for a graph.

    Raises:
        SwarmError: nobody answers; what was judged so far has been told.
    """
    work = _Work(subject, expert, how, done)
    try:
        return await work.run(cases)
    finally:
        await work.asker.aclose()


async def evaluate_in_folds(
    subject: Subject, cases: Sequence[tuple[Case, Truth]], folds: int, how: How, done: Done
) -> Ready:
    """Let every part of the cases be answered by an expert that was taught all other parts.

    Raises:
        InputError: the subject cannot be taught.
    """
    assert subject.expert is not None, "whoever teaches names an expert"
    lessons = lessons_of(subject, (case for case, _ in cases), (truth for _, truth in cases))
    seconds, ready = 0.0, Ready()
    for held in folds_of(lessons, folds):
        rest = [lesson for index, lesson in enumerate(lessons) if index not in held]
        part = [pair for index, pair in enumerate(cases) if index in held]
        ready = await evaluate(subject, taught(subject.expert, rest), part, how, done)
        seconds += ready.seconds
    return Ready(seconds=seconds, unit=ready.unit, missing=ready.missing)


def folds_of(lessons: Sequence[Lesson], folds: int) -> Iterator[frozenset[int]]:
    """Yield the indexes of each part; every label is spread over the parts as evenly as it can be."""
    order = list(range(len(lessons)))
    random.Random(SEED).shuffle(order)
    order.sort(key=lambda index: lessons[index][1] or "")
    for start in range(folds):
        yield frozenset(order[start::folds])


@dataclass(slots=True)
class _Work:
    """One evaluation under way."""

    subject: Subject
    expert: ResolvedExpert | None
    how: How
    done: Done
    asker: ExpertAsker | GraphAsker = field(init=False)
    rungs: list[tuple[str, ExpertAsker]] = field(default_factory=list[tuple[str, ExpertAsker]])

    def __post_init__(self) -> None:
        if self.expert is None:
            self.asker = GraphAsker(self.subject)
        else:
            self.asker = ExpertAsker(self.subject, self.expert, rung=self.how.rung)

    async def run(self, cases: Sequence[tuple[Case, Truth]]) -> Ready:
        started = time.perf_counter()
        missing = await self.ready(cases[0][0])
        ready = Ready(seconds=time.perf_counter() - started, unit=self.asker.unit, missing=missing)
        waiting = iter(cases)
        workers = [asyncio.create_task(self.work(waiting)) for _ in range(self.how.concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
        return ready

    async def ready(self, first: Case) -> tuple[str, ...]:
        """Ask once to no account, so that no case pays for fitting and loading; return who is missing."""
        missing: list[str] = []
        if self.how.every_rung and self.expert is not None:
            assert isinstance(self.asker, ExpertAsker), "an expert is asked by one"
            wanted = range(len(self.expert.cascade)) if self.how.rung is None else (self.how.rung,)
            for rung in wanted:
                asker = ExpertAsker(self.subject, self.expert, rung=rung, shared=self.asker)
                model = str(self.expert.cascade[rung])
                try:
                    await asker.ask(first.inputs)
                except BackendError as error:
                    missing.append(f"{model}: {error.what}")
                else:
                    self.rungs.append((model, asker))
        await self.asker.ask(first.inputs)
        return tuple(missing)

    async def work(self, waiting: Iterator[tuple[Case, Truth]]) -> None:
        """Take one case after the other until none is left."""
        for case, truth in waiting:
            with Remembered() if self.rungs else nullcontext():
                rungs = tuple([(model, await asker.ask(case.inputs)) for model, asker in self.rungs])
                reply = await self.asker.ask(case.inputs)
            right = answer_is_right(self.subject.kind, truth, reply.value, reply.text)
            self.done(Judged(case=case, truth=truth, reply=reply, right=right, rungs=rungs))
            await asyncio.sleep(0)  # embedded models never wait: without it nobody could interrupt them
