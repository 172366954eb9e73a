"""Ask an expert or a graph as a run would, and write down all that was measured of the answer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import swarm.events as ev
from swarm._app.facade import Swarm
from swarm._app.ids import new_run_id
from swarm._app.wiring import file_tools
from swarm._engine.context import Limits, Run, Services
from swarm._engine.nodes.expert import answer
from swarm._engine.result import text_of
from swarm._engine.runner import run_level
from swarm._engine.trust import Trust, Trusts
from swarm._eval.cost import Prices
from swarm._eval.listening import Heard, HeardBackends
from swarm._eval.subject import Subject
from swarm.errors import BackendError, BackendUnavailable, InputError, ModelMissing, SwarmError
from swarm.messages import Usage
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["ExpertAsker", "GraphAsker", "Reply", "is_out_of_reach"]

PLACE = "evaluated"
OUT_OF_REACH = ("missing_extra", "unsupported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of asking once.

    Attributes:
        value: the fields of the answer; None where none came (`error` says why) or it has no fields.
        confident: accepted by the policy. signals: measured of the answer that stands, by name.
        cost: in the unit of `Prices`. sources: documents it was taken from, best first.
        digest: of the weights, where one model alone is asked and its server says so.
    """

    value: Mapping[str, Any] | None = None
    text: str = ""
    confidence: float | None = None
    confident: bool | None = None
    signals: Mapping[str, float] = field(default_factory=dict[str, float])
    model: str | None = None
    rung: int | None = None
    usage: Usage = Usage()
    cost: float = 0.0
    latency_ms: float = 0.0
    sources: tuple[str, ...] = ()
    digest: str = ""
    error: SwarmError | None = None


def is_out_of_reach(error: SwarmError) -> bool:
    """Return whether asking on is in vain: no server, no such model, or a library is missing."""
    return isinstance(error, BackendUnavailable | ModelMissing) or error.code in OUT_OF_REACH


class ExpertAsker:
    """Asks an expert outside a graph; close it after use.

    Args:
        rung: this rung of the cascade alone; None: the cascade as a run climbs it.
        shared: another asker, whose connections are used; who made it closes them.

    Raises:
        InputError: there is no such rung, or a tool of the expert would have to ask a person.
    """

    def __init__(
        self,
        subject: Subject,
        expert: ResolvedExpert,
        *,
        rung: int | None = None,
        shared: ExpertAsker | None = None,
    ) -> None:
        _refuse_questions(expert)
        if rung is not None:
            _refuse_unknown(expert, rung)
        self._expert = replace(expert, learn=False)
        self._alone = None if rung is None else expert.cascade[rung]
        self._digest: str | None = None
        self._prices = Prices.of(expert.cascade)
        self._owns = shared is None
        self._backends: HeardBackends = HeardBackends() if shared is None else shared._backends
        graph = subject.graph
        tools = file_tools(graph.spec, graph.folder, graph.catalogue) if graph and expert.tools else {}
        self._services = Services(
            backend=self._backends, tools=tools, choose=_no_route, clock=time.perf_counter, wall=time.time,
            new_id=new_run_id, limits=Limits(), trusts=_SteadyTrusts(rung),
        )  # fmt: skip

    @property
    def unit(self) -> str:
        """Return what a cost of 1 is."""
        return self._prices.unit

    async def ask(self, inputs: Mapping[str, Any]) -> Reply:
        """Return what came; an answer that failed is a reply too.

        Raises:
            BackendError: nobody is there to answer this or any other input.
        """
        notes = _Notes(self._prices)
        run = Run(PLACE, self._services, [notes.hear], run_level)
        with Heard() as heard:
            started = time.perf_counter()
            reply = await self._reply(inputs, run)
            took = (time.perf_counter() - started) * 1000 + heard.spared_ms
        scored = notes.scored.get(reply.rung) if reply.rung is not None else None
        return replace(
            reply, signals=dict(scored.signals) if scored else {}, usage=run.usage, cost=notes.cost,
            latency_ms=took, sources=heard.sources.get(reply.model or "", ()),
            digest=await self._weights(),
        )  # fmt: skip

    async def _reply(self, inputs: Mapping[str, Any], run: Run) -> Reply:
        try:
            value, marks = await answer(self._expert, inputs, run, PLACE)
        except BackendError as error:
            told = error.__cause__ if self._alone is not None else None
            own = told if isinstance(told, BackendError) else error  # one model's own error says all
            if is_out_of_reach(own):
                raise own from own.__cause__
            return Reply(error=own)
        except SwarmError as error:
            return Reply(error=error)
        return Reply(
            value=value, text=text_of(value), confidence=marks.confidence, confident=marks.confident,
            model=marks.model, rung=marks.rung,
        )  # fmt: skip

    async def _weights(self) -> str:
        """Return what identifies the weights of the one model that is asked; "" for a whole cascade."""
        if self._alone is None:
            return ""
        if self._digest is None:
            backend = self._backends(self._alone)
            try:
                self._digest = await backend.digest(self._alone.name)
            except BackendError:
                self._digest = ""  # the server answered the question itself, but will not say
        return self._digest

    async def aclose(self) -> None:
        """Close connections, unless they are another asker's."""
        if self._owns:
            await self._backends.aclose()


class GraphAsker:
    """Asks a whole graph: its output is the answer."""

    def __init__(self, subject: Subject) -> None:
        assert subject.graph is not None, "only a graph is asked as one"
        self._swarm = Swarm(subject.graph, learned=os.devnull)  # cases are no traffic to learn from

    @property
    def unit(self) -> str:
        """Return what a cost of 1 is."""
        return "tokens"

    async def ask(self, inputs: Mapping[str, Any]) -> Reply:
        """Return what came, as `ExpertAsker.ask`."""
        result = await self._swarm.run_input(inputs)
        error = result.error
        if error is not None and is_out_of_reach(error):
            raise error
        if result.status == "paused":
            await self._swarm.cancel(result)
            error = SwarmError("the run has to ask a person", code="paused")
        output: Any = result.output
        value = cast("Mapping[str, Any]", output) if isinstance(output, Mapping) else {"output": output}
        usage = result.usage
        return Reply(
            value=None if error is not None else value, text=result.text, confidence=result.confidence,
            confident=result.confident, usage=usage, cost=float(usage.input_tokens + usage.output_tokens),
            latency_ms=result.latency_ms, error=error,
        )  # fmt: skip

    async def aclose(self) -> None:
        """End what runs, and close connections."""
        await self._swarm.aclose()


class _Steady(Trust):
    """What a run holds the answers against, whatever the cases are: no drift is looked for.

    Cases may be sorted, or rarer than what people send: that says nothing about the calibration.
    """

    def __init__(self, expert: ResolvedExpert, alone: int | None) -> None:
        super().__init__(expert)
        self._only = alone

    @property
    def rungs(self) -> tuple[int, ...]:
        """Return the places of the models that are asked: one alone, or as in a run."""
        return super().rungs if self._only is None else (self._only,)

    def watch(self, place: int, probability: float) -> str:
        """Look for nothing."""
        return ""


class _SteadyTrusts(Trusts):
    """Keeps a steady trust for each expert."""

    def __init__(self, alone: int | None) -> None:
        super().__init__()
        self._alone = alone
        self._steady: dict[int, Trust] = {}

    def __call__(self, expert: ResolvedExpert) -> Trust:
        """Return what the expert's answers are held against."""
        if id(expert) not in self._steady:
            self._steady[id(expert)] = _Steady(expert, self._alone)
        return self._steady[id(expert)]


class _Notes:
    """What happened while a cascade was climbed."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.scored: dict[int, ev.ConfidenceScored] = {}
        self.cost = 0.0

    def hear(self, event: ev.Event) -> None:
        """Note an event of the run."""
        if isinstance(event, ev.ConfidenceScored):
            self.scored[event.rung] = event
        elif isinstance(event, ev.ModelFinished):
            usage = Usage(input_tokens=event.input_tokens, output_tokens=event.output_tokens)
            self.cost += self._prices(event.model, usage)


async def _no_route(
    request: str, choices: Sequence[ResolvedExpert], run: Run, path: str
) -> tuple[ResolvedExpert | None, Mapping[str, float], str]:
    raise AssertionError("an expert alone routes nothing")


def _refuse_unknown(expert: ResolvedExpert, rung: int) -> None:
    if not 0 <= rung < len(expert.cascade):
        known = ", ".join(f"{index} = {model}" for index, model in enumerate(expert.cascade))
        raise InputError(f"{expert.name} has no rung {rung}", where="--rung", hint=known, code="usage")


def _refuse_questions(expert: ResolvedExpert) -> None:
    if expert.tools and expert.approve != "never":
        raise InputError(
            f"the tools of {expert.name} may have to ask a person, and nobody is asked here",
            hint="evaluate it with `approve: never`, on tools that do no harm", code="usage",
        )  # fmt: skip
