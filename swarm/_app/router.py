"""`Router`: chooses the expert for a free-form request, and lets it answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import swarm.events as ev
from swarm._app.facade import Swarm, new_run_id
from swarm._app.wiring import Backends
from swarm._engine.result import RunResult
from swarm.backends import decide
from swarm.backends.base import ModelBackend
from swarm.backends.decide import Render
from swarm.errors import InputError, SwarmError
from swarm.messages import Decision, DecisionRequest
from swarm.routing.base import RouteDecision
from swarm.routing.choose import decide_route
from swarm.routing.model import deciding_model
from swarm.spec._resolving.models import ModelNameError, parse_model
from swarm.spec.catalogue import ModelRef, ResolvedExpert
from swarm.spec.expert import Expert
from swarm.spec.graph import ExpertNode, GraphSpec
from swarm.spec.registry import Registry
from swarm.spec.types import Type

__all__ = ["Router"]

GRAPH, NODE = "ask", "answer"


class Router:
    """Chooses one of several experts for a request; use it in an `async with`.

    Args:
        registry: where experts are found; by default `./experts` and the bundled ones.
        backends: by name (`ollama`, `scripted`), instead of those made from the environment.
        experts: the candidates' names; by default every expert that one text is enough for.
        model: `backend/name`, asked where the embedded classifier is not sure; by default the
            model that most of the candidates have in their cascade.

    Raises:
        SpecError: an expert is unknown, or its file is wrong.
        SwarmError: an expert needs more than one text, or `model` names none.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        backends: Mapping[str, ModelBackend] | None = None,
        experts: Sequence[str] = (),
        model: str | None = None,
    ) -> None:
        named = None if model is None else _parsed(model)
        self._registry = registry or Registry()
        self._given = backends
        self._backends = Backends(backends)
        self._swarms: dict[str, Swarm] = {}
        found = [self._registry.get(name) for name in experts or self._registry.names()]
        unfit = next((one for one in found if experts and not _takes_one_text(one)), None)
        if unfit is not None:
            raise SwarmError(
                f"expert {unfit.name!r} needs more than one text, so nothing can be routed to it",
                where=unfit.file,
                hint=f"make all its inputs but {unfit.main_input!r} optional: `string?`",
            )
        self.experts = {one.name: one for one in found if _takes_one_text(one)}
        self._model = named or deciding_model(found)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections; calling it twice is fine."""
        swarms, self._swarms = self._swarms, {}
        for swarm in swarms.values():
            await swarm.aclose()
        await self._backends.aclose()

    async def route(self, text: str) -> RouteDecision:
        """Return which expert `text` should go to, or that none of them serves it."""
        return await decide_route(text, tuple(self.experts.values()), model=self._model, ask=self._ask_model)

    async def ask(
        self,
        text: str,
        *,
        labels: Sequence[str] | Mapping[str, str] = (),
        listeners: Sequence[Callable[[ev.Event], None]] = (),
        streams: bool = False,
    ) -> RunResult:
        """Route `text` and return the chosen expert's answer; `notes` begin with the decision.

        Where no expert serves it, the result is `completed`, not confident, and its text says so.

        Args:
            labels: for an expert that sorts into labels and has none of its own; with descriptions
                in a mapping.
            listeners: called with every event of the run, in order. streams: text as it is written.
        """
        decision = await self.route(text)
        chosen = self.experts[decision.expert] if decision.expert else None
        note = f"routed to {decision.expert or 'no expert'} by {decision.way}: {decision.reason}"
        if chosen is None:
            return _nobody(self.offer(), note)
        if _needs_labels(chosen) and not labels:
            return _nobody(_no_labels(chosen), note)
        result = await self.answer(chosen.name, text, labels=labels, listeners=listeners, streams=streams)
        return replace(result, notes=(note, *result.notes))

    async def answer(
        self,
        name: str,
        text: str,
        *,
        labels: Sequence[str] | Mapping[str, str] = (),
        listeners: Sequence[Callable[[ev.Event], None]] = (),
        streams: bool = False,
    ) -> RunResult:
        """Return what the expert `name` answers, without routing; otherwise as `ask`.

        Raises:
            SpecError: there is no such expert.
            InputError: it sorts into labels, and none were given.
        """
        expert = self.experts.get(name) or self._registry.get(name)
        given = {"request": text}
        if labels:
            names = dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(labels, None)
            own = {name: Expert(use=name, labels=names)}
            async with self._made(expert, experts=own) as swarm:
                return await swarm.run_input(given, listeners=listeners, streams=streams)
        if _needs_labels(expert):
            raise InputError(_no_labels(expert), hint="swarm ask --label bug --label question TEXT")
        return await self._swarm(expert).run_input(given, listeners=listeners, streams=streams)

    def _swarm(self, expert: ResolvedExpert) -> Swarm:
        if expert.name not in self._swarms:
            self._swarms[expert.name] = self._made(expert)
        return self._swarms[expert.name]

    def _made(self, expert: ResolvedExpert, experts: Mapping[str, Expert] | None = None) -> Swarm:
        """Return a graph of one node: the expert, and nothing else."""
        node = ExpertNode.model_validate(
            {"expert": expert.name, "with": {expert.main_input: "input.request"}}
        )
        spec = GraphSpec(
            name=GRAPH,
            input={"request": Type(base="string")},
            experts=dict(experts or {}),
            nodes={NODE: node},
            output=NODE,
        )
        return Swarm(spec, registry=self._registry, backends=self._given)

    async def _ask_model(self, request: DecisionRequest, render: Render) -> Decision:
        assert self._model is not None, "only asked where there is one"
        return await decide.ask(self._backends(self._model), request, render)

    def offer(self) -> str:
        """Return what a person is told when no expert serves a request: who is there."""
        lines = [f"- {one.name}: {one.description or one.kind}" for one in self.experts.values()]
        return "\n".join(["No expert here serves this request. These are there:", *lines])


def _takes_one_text(expert: ResolvedExpert) -> bool:
    _, *others = expert.inputs.values()
    return not any(kind.required for kind in others)


def _needs_labels(expert: ResolvedExpert) -> bool:
    return expert.kind == "classify" and not expert.labels


def _parsed(model: str) -> ModelRef:
    try:
        return parse_model(model)
    except ModelNameError as error:
        raise SwarmError(error.message, where=f"model={model!r}", hint=error.hint) from error


def _no_labels(expert: ResolvedExpert) -> str:
    return (
        f"The expert {expert.name!r} sorts a text into labels, and none were given. "
        "Say which: router.ask(text, labels=['bug', 'question'])."
    )


def _nobody(text: str, note: str) -> RunResult:
    return RunResult(
        id=new_run_id(), graph=GRAPH, status="completed", output={"text": text}, text=text, confident=False,
        notes=(note,),
    )  # fmt: skip
