"""One question to one model: what is sent for each kind of expert, and what its answer is worth.

Raises `InvalidAnswer` when the model answered but not in the form asked for (its message is
shown to the model once), and `BackendError` when no answer came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from swarm._engine.context import Run
from swarm._engine.nodes.grounded import grounding_of
from swarm._engine.nodes.toolloop import complete_with_tools
from swarm._engine.nodes.turns import Turns
from swarm._engine.prompt import prompt_messages, questions_of, task_of
from swarm._engine.slots import Slots
from swarm.backends import decide
from swarm.backends.base import Embeds, ModelBackend
from swarm.backends.decide import InvalidAnswer
from swarm.confidence.estimators import Signals
from swarm.confidence.validity import fits_schema
from swarm.errors import BackendError, LimitExceededError
from swarm.messages import Completion, CompletionRequest, Decision, DecisionRequest, Message, TextDelta, Usage
from swarm.spec.catalogue import ModelRef, ResolvedExpert
from swarm.spec.plain import parse_json

__all__ = ["Answered", "Asking", "ask_model"]

DECISIONS = ("decide", "classify", "moderate")
FENCE = re.compile(r"```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
FLAGGED = 0.5  # a category is flagged when it is more likely than not


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked of one rung.

    Attributes:
        call: what a durable run calls this question, or "".
        correction: what was wrong with the answer before, in the validator's words, or "".
        measured: token log-probabilities are wanted.
        aside: the answer is only compared with another: nothing of it is streamed.
        warmth: the least temperature, for answers that shall differ; None leaves it as it is.
    """

    expert: ResolvedExpert
    inputs: Mapping[str, Any]
    model: ModelRef
    rung: int
    place: str
    call: str = ""
    correction: str = ""
    measured: bool = False
    aside: bool = False
    warmth: float | None = None

    def options(self) -> dict[str, Any]:
        """Return the expert's options under the model's own."""
        options = {**self.expert.options, **self.model.options}
        if self.warmth is not None:
            options["temperature"] = max(self.warmth, float(options.get("temperature") or 0))
        return options

    def messages(self, addition: str = "") -> tuple[Message, ...]:
        """Return the prompt; with what was wrong last time, if anything was."""
        notes = [addition] if addition else []
        if self.correction:
            notes.append(
                f"An earlier answer was rejected: {self.correction}\nAnswer again, without that mistake."
            )
        return prompt_messages(self.expert, self.inputs, "\n\n".join(notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A valid answer and what was measured of it."""

    value: dict[str, Any]
    signals: Signals = field(default_factory=Signals)
    usage: Usage = Usage()
    way: str = ""


async def ask_model(asking: Asking, backend: ModelBackend, run: Run) -> Answered:
    """Return the model's answer in the form of the expert's kind, when the model's turn has come.

    A model that may call tools waits for its turn before each of its own: no tool holds it up.
    """
    slots = _slots_of(asking, run)
    if slots is None or asking.expert.tools:
        return await _asked(asking, backend, run)
    async with slots.held(run.id):
        return await _asked(asking, backend, run)


def _slots_of(asking: Asking, run: Run) -> Slots | None:
    gates = run.services.gates
    return None if gates is None else gates.of_model(asking.model)


async def _asked(asking: Asking, backend: ModelBackend, run: Run) -> Answered:
    kind = asking.expert.kind
    if kind in DECISIONS:
        return await _decision(asking, backend)
    if kind == "embed":
        return await _embedding(asking, backend)
    return await _text(asking, backend, run)


async def _decision(asking: Asking, backend: ModelBackend) -> Answered:
    task = task_of(asking.expert, asking.inputs)
    request = DecisionRequest(
        model=asking.model.name, state=task.text, questions=questions_of(asking.expert), task=task,
        options=asking.options(), timeout_s=asking.expert.timeout_s,
    )  # fmt: skip
    decision = await decide.ask(backend, request, asking.messages)
    return Answered(
        value=_decision_value(asking.expert, decision), signals=Signals.of_decision(decision),
        usage=decision.usage, way=decision.way,
    )  # fmt: skip


def _decision_value(expert: ResolvedExpert, decision: Decision) -> dict[str, Any]:
    answers = decision.answers
    if expert.kind == "classify":
        label = answers["label"]
        return {"label": label.value, "scores": dict(label.probabilities)}
    if expert.kind == "moderate":
        scores = {
            name: answer.probabilities.get("true", float(bool(answer.value)))
            for name, answer in answers.items()
        }
        worst = max(scores, key=scores.__getitem__)
        flagged = scores[worst] > FLAGGED
        return {"flagged": flagged, "category": worst if flagged else None, "scores": scores}
    values = {name: answer.value for name, answer in answers.items()}
    return {**values, "probabilities": {name: dict(answer.probabilities) for name, answer in answers.items()}}


async def _embedding(asking: Asking, backend: ModelBackend) -> Answered:
    if not isinstance(backend, Embeds):
        raise BackendError(
            f"{asking.model} cannot embed", hint="use an embedding model: ollama/embeddinggemma"
        )
    text = task_of(asking.expert, asking.inputs).text
    vectors = await backend.embed(asking.model.name, [text])
    return Answered(value={"vector": vectors[0]}, usage=Usage(model_calls=1))


async def _text(asking: Asking, backend: ModelBackend, run: Run) -> Answered:
    expert = asking.expert
    extract = expert.kind == "extract"
    schema = expert.output.to_schema() if extract else None
    addition = f"Answer with JSON only, in this form: {json.dumps(schema)}" if extract else ""
    request = CompletionRequest(
        model=asking.model.name, messages=asking.messages(addition), task=task_of(expert, asking.inputs),
        format=schema, options=asking.options(), timeout_s=expert.timeout_s,
        logprobs=asking.measured and not expert.tools,
    )  # fmt: skip
    if expert.tools:
        turns = Turns(
            backend=backend, slots=_slots_of(asking, run), run=run, place=asking.place, asked=asking.call
        )
        completion = await complete_with_tools(expert, request, turns)
    elif run.streams and not extract and not asking.aside:
        completion = await _streamed(request, backend, run, asking.place)
    else:
        completion = await backend.complete(request)
    try:
        value = _text_value(expert, completion, run.limits.value_bytes)
    except InvalidAnswer as error:
        error.usage = completion.usage
        raise
    grounding = None if "grounding" in completion.signals else grounding_of(expert, asking.inputs, value)
    if grounding is not None:
        completion = replace(completion, signals={**completion.signals, "grounding": grounding})
    if schema is not None:
        completion = replace(completion, signals={**completion.signals, "valid": fits_schema(value, schema)})
    return Answered(
        value=value, signals=Signals.of_completion(completion, kind=expert.kind), usage=completion.usage
    )


async def _streamed(request: CompletionRequest, backend: ModelBackend, run: Run, place: str) -> Completion:
    """Return the whole answer; hand on its pieces as they come."""
    whole: Completion | None = None
    size, limit = 0, run.limits.value_bytes
    async with aclosing(backend.stream(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextDelta):
                size += len(piece.text)
                if size > limit:
                    raise _endless(limit)
                run.write(place, piece.text)
            else:
                whole = piece
    if whole is None:
        raise BackendError("the stream ended without an answer", code="incomplete", retryable=True)
    return whole


def _endless(limit: int) -> LimitExceededError:
    hint = "set `num_predict` in the expert's options, or raise Limits(value_bytes=...)"
    return LimitExceededError(f"the model wrote more than {limit:,} characters", hint=hint)


def _text_value(expert: ResolvedExpert, completion: Completion, limit: int) -> dict[str, Any]:
    if len(completion.text) > limit:
        raise _endless(limit)
    if completion.finish == "length":
        raise InvalidAnswer("the answer was cut off before its end: answer more briefly")
    text = completion.text.strip()
    if not text:
        raise InvalidAnswer("the answer is empty")
    if expert.kind == "code":
        return _code(text)
    return _extracted(expert, text) if expert.kind == "extract" else {"text": text}


def _code(text: str) -> dict[str, Any]:
    """Return the first fenced block and its language; without a fence, all of it."""
    block = FENCE.search(text)
    if block is None:
        return {"code": text, "language": "text"}
    code = block[2].strip("\n")
    if not code.strip():
        raise InvalidAnswer("the code block is empty")
    return {"code": code, "language": block[1].lower() or "text"}


def _extracted(expert: ResolvedExpert, text: str) -> dict[str, Any]:
    block = FENCE.search(text)
    try:
        value = parse_json(block[2] if block else text)
    except ValueError as error:
        raise InvalidAnswer(f"this is not JSON: {error}") from error
    wrong = list(expert.output.misfits(value))
    if wrong:
        raise InvalidAnswer("; ".join(wrong[:5]))
    return expert.output.filled(value)
