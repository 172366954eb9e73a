"""Choose the expert for a request, cheapest way first: rules, then the classifier, then a model if it is unsure.

What is learned about a set of experts is learned once a process, in a thread, however many ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import swarm.events as ev
from swarm.backends import decide
from swarm.backends.base import ModelBackend
from swarm.backends.decide import InvalidAnswer, Render
from swarm.backends.embedded.fitted import FittedModels
from swarm.errors import BackendError, BackendUnavailable, describe
from swarm.messages import Decision, DecisionRequest, Usage
from swarm.routing.base import NONE, RouteDecision
from swarm.routing.classifier import SURE, RequestClassifier
from swarm.routing.lessons import Lessons, lessons
from swarm.routing.model import AskModel, ask_which_expert, deciding_model
from swarm.routing.request import read_request
from swarm.routing.rules import Rules
from swarm.spec.catalogue import ModelRef, ResolvedExpert

__all__ = ["choose_expert", "decide_route"]

LEARNED = FittedModels()


class Services(Protocol):
    """What a run shares with others, as far as routing needs it."""

    @property
    def backend(self) -> Callable[[ModelRef], ModelBackend]:
        """Return what gives the backend that reaches a model."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Return what gives seconds, monotonic."""
        ...


class Ledger(Protocol):
    """A run, as far as routing needs it: the engine's `Run` is one."""

    id: str

    @property
    def services(self) -> Services:
        """Return what the run shares with others."""
        ...

    def emit(self, event: ev.Event) -> None:
        """Hand an event to every listener."""
        ...

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def note(self, code: str, text: str) -> None:
        """Remember something worth knowing, once for each code."""
        ...

    def spend(self, usage: Usage) -> None:
        """Count what a model call used."""
        ...


async def choose_expert(
    request: str, choices: Sequence[ResolvedExpert], run: Ledger, path: str
) -> tuple[ResolvedExpert | None, Mapping[str, float], str]:
    """Return the expert for `request` or None, the scores by name, and the way it was decided.

    Where the classifier is unsure, the model is asked that most of the choices have in their cascade.

    Args:
        path: the node whose events and model calls these are.
    """
    model = deciding_model(choices)
    ask = None if model is None else _asking(model, run, path)
    decision = await decide_route(request, choices, model=model, ask=ask)
    chosen = next((one for one in choices if one.name == decision.expert), None)
    return chosen, decision.scores, decision.way


async def decide_route(
    text: str,
    experts: Sequence[ResolvedExpert],
    *,
    model: ModelRef | None = None,
    ask: AskModel | None = None,
) -> RouteDecision:
    """Return the decision for a request.

    Args:
        experts: the candidates. `model`, `ask`: who decides what the classifier is unsure of, and
            how it is asked; without them the classifier's word stands.
    """
    if not experts:
        nobody = "there are no experts to choose from"
        return RouteDecision(expert=None, scores={NONE: 1.0}, way="rules", confidence=1.0, reason=nobody)
    request = read_request(text)
    key = tuple((one.name, one.kind, one.origin, one.description, one.requests, one.key) for one in experts)
    taught, rules = await LEARNED.get(("rules", key), lambda: _learn_rules(experts))
    decision = rules.decide(text, request)
    if decision is None:
        known = await LEARNED.get(("classifier", key), lambda: RequestClassifier.learn(experts, taught))
        decision = known.decide(request)
    if decision.confidence >= SURE or model is None or ask is None:
        return decision
    return await ask_which_expert(text, experts, decision, model, ask)


def _learn_rules(experts: Sequence[ResolvedExpert]) -> tuple[Lessons, Rules]:
    taught = lessons(experts)
    return taught, Rules.learn(experts, taught)


def _asking(model: ModelRef, run: Ledger, path: str) -> AskModel:
    """Return what asks `model`, with an event before and one after, and its cost counted."""

    async def ask(request: DecisionRequest, render: Render) -> Decision:
        run.emit(ev.ModelRequested(run=run.id, at=run.now(), node=path, model=str(model), rung=0))
        started = run.services.clock()
        way, said, usage = "", "cancelled", Usage()
        try:
            decision = await decide.ask(run.services.backend(model), request, render)
            way, said, usage = decision.way, "", decision.usage
        except BackendError as error:
            said = error.what
            _note(error, model, run)
            if isinstance(error, InvalidAnswer):
                usage = error.usage
                run.spend(usage)
            raise
        except Exception as error:
            said = describe(error)
            raise
        finally:
            latency_ms = (run.services.clock() - started) * 1000
            run.emit(
                ev.ModelFinished(
                    run=run.id, at=run.now(), node=path, model=str(model), rung=0, way=way,
                    input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, latency_ms=latency_ms,
                    error=said or None,
                )
            )  # fmt: skip
        run.spend(usage)
        return decision

    return ask


def _note(error: BackendError, model: ModelRef, run: Ledger) -> None:
    """Say once a run that the model could not be asked, in the words an expert's own rungs use."""
    if isinstance(error, BackendUnavailable):
        text = f"no {model.backend} server answers: {error.what}"
        run.note(f"{error.code}:{model.backend}:{model.url}", text)
    else:
        run.note(f"{error.code}:{model}", f"{model}: {error.what}")
