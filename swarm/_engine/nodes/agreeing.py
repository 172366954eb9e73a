"""Ask again, or ask another: how far answers to the same question agree is a signal of its own.

Only answers that are written are asked for again; a decision read off probabilities would come out the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from swarm._engine.context import Run
from swarm._engine.nodes.answers import Answered, Asking, ask_model
from swarm._engine.nodes.observe import essence
from swarm.backends.base import ModelBackend
from swarm.backends.decide import InvalidAnswer
from swarm.confidence.agreement import agree, agreement, enough, majority
from swarm.errors import BackendError
from swarm.messages import Usage

__all__ = ["ask_and_compare"]

TEMPERATURE = 0.7  # of every answer but the first; at 0 they would all be the same
WRITTEN = ("", "json")  # ways of answering that come out differently each time


async def ask_and_compare(asking: Asking, backend: ModelBackend, run: Run) -> Answered:
    """Return the model's answer, with the signals `agreement` and `witness` where the expert asks for them.

    Of several samples the most frequent answer is delivered. A sample or a witness that fails is left out.
    """
    policy = asking.expert.confidence
    several = policy is not None and policy.samples is not None  # which of them is delivered is not known yet
    answered = await ask_model(replace(asking, aside=several), backend, run)
    if policy is not None and policy.samples and _comes_out_differently(asking, answered):
        answered = await _sampled(asking, answered, policy.samples, backend, run)
    witness = asking.expert.witness
    if witness is not None and witness != asking.model:
        answered = await _witnessed(replace(asking, model=witness, aside=True), answered, run)
    return answered


def _comes_out_differently(asking: Asking, answered: Answered) -> bool:
    return asking.model.backend != "embedded" and answered.way in WRITTEN


async def _sampled(asking: Asking, first: Answered, k: int, backend: ModelBackend, run: Run) -> Answered:
    warm = replace(asking, warmth=TEMPERATURE, aside=True)
    samples, usage = [first], first.usage
    for _ in range(k - 1):
        if enough([essence(one.value) for one in samples], k):
            break
        try:
            one = await ask_model(warm, backend, run)
        except (InvalidAnswer, BackendError) as error:
            usage += error.usage if isinstance(error, InvalidAnswer) else Usage(model_calls=1)
            continue
        samples.append(one)
        usage += one.usage
    said = [essence(one.value) for one in samples]
    chosen = samples[said.index(majority(said))]
    return _with(replace(chosen, usage=usage), {"agreement": agreement(said) or 0.0})


async def _witnessed(asking: Asking, answered: Answered, run: Run) -> Answered:
    try:
        other = await ask_model(asking, run.services.backend(asking.model), run)
    except InvalidAnswer as error:
        return replace(answered, usage=answered.usage + error.usage)
    except BackendError as error:
        run.note(f"witness:{asking.model}", f"the witness {asking.model} did not answer: {error.what}")
        return replace(answered, usage=answered.usage + Usage(model_calls=1))
    told = {"witness": agree(essence(answered.value), essence(other.value))}
    return _with(replace(answered, usage=answered.usage + other.usage), told)


def _with(answered: Answered, signals: Mapping[str, Any]) -> Answered:
    measured = answered.signals
    return replace(answered, signals=replace(measured, named={**measured.named, **signals}))
