"""A model backend that says what a test tells it to: no network, no clock, no surprises.

backend = ScriptedBackend({
    "writer": "Your parcel is on its way.",                     # the same every time
    "small": ["nonsense", '{"label": "refund"}'],               # one after the other
    "intent": {"label": {"refund": 0.9, "other": 0.1}},         # answers decisions natively
    "broken": BackendUnavailable("nothing answers"),            # fails
    "slow": Held(until=event, then="at last"),                  # hangs until the event is set
    "clever": lambda request: request.messages[-1].content,     # anything else
})
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

from swarm.errors import BackendError, ModelMissing
from swarm.messages import (
    Answer,
    Completion,
    CompletionRequest,
    Decision,
    DecisionRequest,
    Question,
    TextDelta,
    Usage,
)

__all__ = ["Held", "Probabilities", "Reply", "Request", "Script", "ScriptedBackend"]

Request: TypeAlias = CompletionRequest | DecisionRequest
Probabilities: TypeAlias = Mapping[str, Mapping[str, float] | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A reply that comes only once `until` is set."""

    until: asyncio.Event
    then: str | Completion | Decision | Probabilities | Exception


Reply: TypeAlias = str | Completion | Decision | Probabilities | Exception | Held
Script: TypeAlias = Reply | Sequence[Reply] | Callable[[Request], Reply]


class ScriptedBackend:
    """Answers each model's requests from its script.

    Args:
        replies: model -> a reply, a list of them (used up in order; one request more is an error
            that says so), or a function of the request. A mapping as a reply is a decision:
            question -> option -> probability, or for a `yes_no` the probability of yes.
        decides: the models that answer decisions natively; by default those whose script holds a
            decision.
        name: the word before the slash.

    Attributes:
        requests: all that were asked, in order. `cancelled`: those given up while held.
        closed: whether `aclose` was called.
    """

    def __init__(
        self,
        replies: Mapping[str, Script],
        *,
        decides: Collection[str] | None = None,
        name: str = "scripted",
    ) -> None:
        self.requests: list[Request] = []
        self.cancelled: list[Request] = []
        self.closed = False
        self._name = name
        self._replies = dict(replies)
        self._decides = decides
        self._turns: dict[str, int] = {}

    @property
    def name(self) -> str:
        """Return the word before the slash."""
        return self._name

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return what the script says next for this model."""
        reply = await self._next(request)
        if isinstance(reply, Completion):
            return replace(reply, model=reply.model or request.model)
        if isinstance(reply, str):
            return _completion(reply, request)
        raise self._wrong_script(request.model, "a decision, and it was asked for text")

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Yield the text word by word, then the completion."""
        completion = await self.complete(request)
        for word in re.findall(r"\s*\S+|\s+", completion.text):
            yield TextDelta(text=word)
        yield completion

    async def decides(self, model: str) -> bool:
        """Return whether the script of `model` holds decisions."""
        if self._decides is not None:
            return model in self._decides
        return any(_is_decision(reply) for reply in _listed(self._script(model)))

    async def decide(self, request: DecisionRequest) -> Decision:
        """Return the probabilities that the script gives."""
        reply = await self._next(request)
        if isinstance(reply, Decision):
            return replace(reply, model=reply.model or request.model)
        if isinstance(reply, Mapping):
            return _decision(reply, request)
        raise self._wrong_script(request.model, "text, and it was asked for a decision")

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True

    async def _next(self, request: Request) -> str | Completion | Decision | Probabilities:
        self.requests.append(request)
        reply = self._take(request)
        if isinstance(reply, Held):
            try:
                await reply.until.wait()
            except asyncio.CancelledError:
                self.cancelled.append(request)
                raise
            reply = reply.then
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _take(self, request: Request) -> Reply:
        script = self._script(request.model)
        if callable(script):
            return script(request)
        if isinstance(script, Sequence) and not isinstance(script, str):
            turn = self._turns.get(request.model, 0)
            if turn == len(script):
                raise self._wrong_script(
                    request.model, f"only {len(script)} replies, and was asked once more"
                )
            self._turns[request.model] = turn + 1
            return script[turn]
        return script

    def _script(self, model: str) -> Script:
        if model not in self._replies:
            known = ", ".join(self._replies) or "none"
            raise ModelMissing(
                f"no script for the model {model!r}",
                where=self._name,
                hint=f"ScriptedBackend({{{model!r}: 'its answer'}}); it has {known}",
                model=f"{self._name}/{model}",
            )
        return self._replies[model]

    def _wrong_script(self, model: str, what: str) -> BackendError:
        return BackendError(
            f"the script of {model!r} has {what}",
            where=self._name,
            hint="give the model a list of replies, one for each request of the test",
            model=f"{self._name}/{model}",
            code="script",
        )


def _listed(script: object) -> Sequence[object]:
    return cast("Sequence[object]", script) if isinstance(script, list | tuple) else (script,)


def _is_decision(reply: object) -> bool:
    return isinstance(reply.then if isinstance(reply, Held) else reply, Mapping | Decision)


def _completion(text: str, request: CompletionRequest) -> Completion:
    usage = Usage(
        input_tokens=sum(len(message.content.split()) for message in request.messages),
        output_tokens=len(text.split()),
        model_calls=1,
    )
    return Completion(text=text, model=request.model, usage=usage)


def _decision(scripted: Probabilities, request: DecisionRequest) -> Decision:
    answers = {name: _answer(question, scripted.get(name)) for name, question in request.questions.items()}
    return Decision(answers=answers, model=request.model, way="native", usage=Usage(model_calls=1))


def _answer(question: Question, scripted: Mapping[str, float] | float | None) -> Answer:
    """Return an answer; a question the script does not mention gets the first option, or no."""
    if question.type == "yes_no":
        yes = scripted.get("true", 0.0) if isinstance(scripted, Mapping) else scripted or 0.0
        return Answer(value=yes >= 0.5, probabilities={"true": yes, "false": 1.0 - yes})
    options = cast("Mapping[str, float]", scripted) if scripted else {next(iter(question.options)): 1.0}
    shares = {name: options.get(name, 0.0) for name in question.options}
    if question.type == "score":
        level = sum(place * share for place, share in enumerate(shares.values()))
        return Answer(value=float(level), probabilities=shares)
    return Answer(value=max(shares, key=lambda name: shares[name]), probabilities=shares)
