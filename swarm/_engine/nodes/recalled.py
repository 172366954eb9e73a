"""Calls inside a node that a durable run makes once: what they gave is in its journal the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from swarm._engine.context import Run
from swarm._engine.nodes.agreeing import ask_and_compare
from swarm._engine.nodes.answers import Answered, Asking
from swarm._engine.past import usage_of
from swarm._engine.trust import Trust
from swarm.backends.decide import InvalidAnswer
from swarm.confidence.estimators import Signals
from swarm.errors import BackendError, BackendTimeout, BackendUnavailable, ModelMissing

__all__ = ["answered_once"]

FAILURES = {one.__name__: one for one in (BackendError, BackendUnavailable, ModelMissing, BackendTimeout)}


async def answered_once(asking: Asking, trust: Trust, run: Run) -> Answered:
    """Return the answer of one rung; in a run that goes on, the one it gave before.

    Raises:
        InvalidAnswer: the model answered, but not in the form asked for.
        BackendError: no answer came.
    """
    journal = run.journal
    if journal is None:
        return await _ask(asking, trust, run)
    call = journal.call(asking.place, str(asking.model))
    if (body := journal.recalled(asking.place, call)) is not None:
        if digest := body.get("digest"):
            trust.note_weights(str(asking.model), digest)
        return _answer_of(body)
    await journal.flush()  # if this call is cut off, the rung before, or the router, is not asked again
    try:
        answered = await _ask(replace(asking, call=call), trust, run)
    except InvalidAnswer as error:
        journal.jot(asking.place, call, {"invalid": error.what, "usage": error.usage.to_json()})
        raise
    except BackendError as error:
        journal.jot(asking.place, call, _failure(error), tried=True)
        raise
    body = _body_of(answered)
    if digest := trust.weights.get(str(asking.model)):
        body["digest"] = digest
    journal.jot(asking.place, call, body)
    return answered


async def _ask(asking: Asking, trust: Trust, run: Run) -> Answered:
    backend = run.services.backend(asking.model)
    recorded = bool(run.services.observers(asking.expert))
    await trust.compare_weights(asking.model, backend, recorded=recorded)
    return await ask_and_compare(asking, backend, run)


def _body_of(answered: Answered) -> dict[str, Any]:
    signals = answered.signals
    return {
        "value": answered.value,
        "usage": answered.usage.to_json(),
        "way": answered.way,
        "signals": {
            "probabilities": signals.probabilities,
            "label_mass": signals.label_mass,
            "logprobs": [round(one, 6) for one in signals.logprobs],
            "named": signals.named,
        },
    }


def _answer_of(body: Mapping[str, Any]) -> Answered:
    if "invalid" in body:
        raise InvalidAnswer(body["invalid"], usage=usage_of(body))
    if "failure" in body:
        raise _error_of(body["failure"])
    signals: dict[str, Any] = body["signals"]
    logprobs = tuple(signals.pop("logprobs"))
    return Answered(
        value=body["value"],
        usage=usage_of(body),
        way=body["way"],
        signals=Signals(logprobs=logprobs, **signals),
    )


def _failure(error: BackendError) -> dict[str, Any]:
    name = type(error).__name__
    kind = name if name in FAILURES else "BackendError"
    said = {"what": error.what, "where": error.where, "hint": error.hint, "code": error.code}
    return {"failure": {**said, "kind": kind, "retryable": error.retryable, "model": error.model}}


def _error_of(failure: Mapping[str, Any]) -> BackendError:
    said = dict(failure)
    kind = FAILURES.get(said.pop("kind"), BackendError)
    return kind(said.pop("what"), **said)
