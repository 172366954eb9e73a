"""Ask a model typed questions, in the best way it offers.

1. Natively, where the model answers decisions itself.
2. One question: the model says a label, and the probabilities are read from its tokens.
3. Several questions, or no log-probabilities: JSON. Where there are tokens they are read as well.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from swarm.backends.base import Decides, ModelBackend
from swarm.backends.http_errors import REJECTED
from swarm.backends.wording import (
    Misread,
    Said,
    answer_of,
    ask_for_json,
    ask_for_label,
    json_schema,
    label_forms,
    read_json,
    read_label,
)
from swarm.errors import BackendError
from swarm.messages import (
    Answer,
    Completion,
    CompletionRequest,
    Decision,
    DecisionRequest,
    Message,
    Question,
    Usage,
)

__all__ = ["UNDECIDED", "InvalidAnswer", "Render", "ask"]

Render: TypeAlias = Callable[[str], tuple[Message, ...]]

UNDECIDED = "undecided"  # code of an error: the server turned out not to answer decisions

LABEL_TOKENS, JSON_TOKENS = 256, 1024  # most of it for models that cannot be kept from thinking first
TOP_LOGPROBS = 20  # the most that servers give

# Whether a model gives log-probabilities: found out by asking, True until it did not.
_measures: weakref.WeakKeyDictionary[ModelBackend, dict[str, bool]] = weakref.WeakKeyDictionary()


class InvalidAnswer(BackendError):
    """The model answered, but not in the form asked for.

    Its message is written for the model: asked again with it, the model may do better. `usage`:
    what the answer cost all the same.
    """

    code = "invalid_answer"

    def __init__(self, what: str, *, where: str = "", usage: Usage | None = None) -> None:
        super().__init__(what, where=where)
        self.usage = usage or Usage()

    @property
    def message(self) -> str:
        """Return what to tell the model."""
        return self.what


async def ask(backend: ModelBackend, request: DecisionRequest, render: Render) -> Decision:
    """Return an answer to every question of `request`.

    Args:
        render: gives the prompt, with an instruction on the form of the answer added to it.

    Raises:
        InvalidAnswer: the model answered something else.
        BackendError: no answer came.
    """
    if isinstance(backend, Decides) and await backend.decides(request.model):
        try:
            return _checked(await backend.decide(request), backend, request)
        except BackendError as error:
            if error.code != UNDECIDED:
                raise
    if _takes_a_label(request) and _gives_logprobs(backend, request.model):
        return await _by_label(backend, request, render)
    return await _by_json(backend, request, render)


async def _by_label(backend: ModelBackend, request: DecisionRequest, render: Render) -> Decision:
    ((name, question),) = request.questions.items()
    completion = await _complete(backend, request, render(ask_for_label(request)), None, LABEL_TOKENS)
    with _read(completion, f"{backend.name}/{request.model}"):
        said = read_label(completion, question, label_forms(question) or {})
    return _decision(request, completion, {name: said})


async def _by_json(backend: ModelBackend, request: DecisionRequest, render: Render) -> Decision:
    schema = json_schema(request.questions)
    completion = await _complete(backend, request, render(ask_for_json(request)), schema, JSON_TOKENS)
    with _read(completion, f"{backend.name}/{request.model}"):
        said = read_json(completion, request.questions)
    return _decision(request, completion, said)


@contextmanager
def _read(completion: Completion, where: str) -> Generator[None, None, None]:
    """Turn what cannot be read of an answer into an `InvalidAnswer` that says what it cost."""
    try:
        yield
    except Misread as error:
        raise InvalidAnswer(str(error), where=where, usage=completion.usage) from error


async def _complete(
    backend: ModelBackend,
    request: DecisionRequest,
    messages: tuple[Message, ...],
    schema: Mapping[str, Any] | None,
    tokens: int,
) -> Completion:
    """Ask for log-probabilities while the model is believed to give them; learn when it does not."""
    wanted = _gives_logprobs(backend, request.model)
    asked = CompletionRequest(
        model=request.model,
        messages=messages,
        task=request.task,
        format=schema,
        options={"temperature": 0, "num_predict": tokens, **request.options},
        logprobs=wanted,
        top_logprobs=TOP_LOGPROBS if wanted else 0,
        timeout_s=request.timeout_s,
    )
    try:
        completion = await backend.complete(asked)
    except BackendError as error:
        if not wanted or error.code != REJECTED:
            raise
        _measures.setdefault(backend, {})[request.model] = False
        return await _complete(backend, request, messages, schema, tokens)
    if wanted and completion.text.strip() and not completion.logprobs:
        _measures.setdefault(backend, {})[request.model] = False
    return completion


def _decision(request: DecisionRequest, completion: Completion, said: Mapping[str, Said]) -> Decision:
    answers: dict[str, Answer] = {}
    masses: list[float] = []
    for name, each in said.items():
        answers[name], mass = answer_of(request.questions[name], each)
        masses += [] if mass is None else [mass]
    measured = len(masses) == len(answers)
    return Decision(
        answers=answers,
        model=completion.model,
        way="logprobs" if measured else "json",
        signals={"label_mass": min(masses)} if measured else {},
        usage=completion.usage,
        timing=completion.timing,
        digest=completion.digest,
    )


def _checked(decision: Decision, backend: ModelBackend, request: DecisionRequest) -> Decision:
    """Return the decision of a backend that may be anybody's, if it answers what was asked."""
    for name, question in request.questions.items():
        answer = decision.answers.get(name)
        if answer is None or not _fits(answer, question):
            said = "nothing" if answer is None else f"{answer.value!r} of {dict(answer.probabilities)}"
            raise BackendError(
                f"the decision cannot be used: {name!r} is answered with {said[:200]}",
                where=f"{backend.name}/{request.model}",
                hint="probabilities are from 0 to 1, and a choice is one of the options",
                code="malformed",
            )
    return decision


def _fits(answer: Answer, question: Question) -> bool:
    if not all(0.0 <= share <= 1.0 for share in answer.probabilities.values()):  # false for NaN
        return False
    match question.type:
        case "choice":
            return answer.value in question.options
        case "yes_no":
            return isinstance(answer.value, bool)
        case _:
            return isinstance(answer.value, int | float) and math.isfinite(answer.value)


def _takes_a_label(request: DecisionRequest) -> bool:
    # the prompt of a moderator asks for each category to be true or false: one word would contradict it
    one = len(request.questions) == 1 and request.task.kind != "moderate"
    return one and all(label_forms(question) is not None for question in request.questions.values())


def _gives_logprobs(backend: ModelBackend, model: str) -> bool:
    return _measures.get(backend, {}).get(model, True)
