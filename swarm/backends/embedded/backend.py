"""The backend that needs no server: small classical models in this process.

They are what they are called and never pretend to be a language model: `embedded/ngram` and
`embedded/moderator` decide, `embedded/bm25` answers with sentences of the given documents and
facts, `embedded/textrank` shortens a text, `embedded/personal` takes the personal data out of one. They answer from a request's task, not from its prompt.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Generator, Hashable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from swarm.backends.embedded.fitted import FittedModels
from swarm.errors import BackendError, ModelMissing
from swarm.messages import (
    Answer,
    Completion,
    CompletionRequest,
    Decision,
    DecisionRequest,
    Question,
    Task,
    TextDelta,
    Timing,
    Usage,
)

if TYPE_CHECKING:
    from swarm.backends.embedded.intent.ngram import Judgement, NgramClassifier

__all__ = ["NOTHING_FOUND", "EmbeddedBackend"]

T = TypeVar("T")

NOTHING_FOUND = "I found nothing about that in the documents and facts I was given."
DECIDERS = ("ngram", "moderator")
WRITERS = ("bm25", "textrank", "personal")
VERSIONS = {
    "ngram": "ngram-2",
    "moderator": "moderator-3",
    "bm25": "bm25-2",
    "textrank": "textrank-2",
    "personal": "personal-1",
}
INLINE_CHARS = 20_000  # about 10 ms of work; a longer text is worked on in a thread
SHARED = FittedModels()  # a task's key identifies its content, so all backends of a process can share


class EmbeddedBackend:
    """Answers with models fitted in this process; see the module.

    Args:
        fitted: where fitted models are kept; by default shared by the whole process.
    """

    def __init__(self, *, fitted: FittedModels = SHARED) -> None:
        self._fitted = fitted

    @property
    def name(self) -> str:
        """Return `embedded`."""
        return "embedded"

    async def decides(self, model: str) -> bool:
        """Return whether `model` is one of those that decide."""
        return model in DECIDERS

    async def digest(self, model: str) -> str:
        """Return the version of the model's method: its scores mean something else in another one."""
        return VERSIONS.get(model, "")

    async def decide(self, request: DecisionRequest) -> Decision:
        """Return the probabilities of a classifier fitted on the task's examples.

        Raises:
            BackendError: scikit-learn is missing, the model cannot answer such questions, or there
                is nothing to learn from.
        """
        started = time.perf_counter()
        signals: dict[str, float] = {}
        with _extra_wanted(request.model):
            match request.model:
                case "ngram":
                    answers, signals = await self._choose_each(request)
                case "moderator":
                    answers, signals = await self._moderate(request)
                case _:
                    raise _no_such(request.model, "decide", DECIDERS)
        return Decision(
            answers=answers,
            model=request.model,
            way="native",
            signals=signals,
            usage=Usage(model_calls=1),
            timing=Timing(generate_ms=(time.perf_counter() - started) * 1000),
        )

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return an extract of the task's documents and facts, or a short form of its text.

        Its signal `grounding` says how well the answer covers what was asked.
        """
        started = time.perf_counter()
        sources: tuple[str, ...] = ()
        with _extra_wanted(request.model):
            match request.model:
                case "bm25":
                    text, grounding, sources = await self._extract(request.task)
                case "textrank":
                    text, grounding = await self._summarize(request.task)
                case "personal":
                    text, grounding = await self._redact(request.task)
                case _:
                    raise _no_such(request.model, "write", WRITERS)
        return Completion(
            text=text,
            model=request.model,
            signals={"grounding": grounding},
            sources=sources,
            usage=Usage(model_calls=1),
            timing=Timing(generate_ms=(time.perf_counter() - started) * 1000),
        )

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Yield the text in one piece, then the completion."""
        completion = await self.complete(request)
        yield TextDelta(text=completion.text)
        yield completion

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""

    async def _choose_each(self, request: DecisionRequest) -> tuple[dict[str, Answer], dict[str, float]]:
        """Answer each choice; of the signals `in_scope` and `lead` the least of all questions."""
        answers: dict[str, Answer] = {}
        signals: dict[str, float] = {}
        for name, question in request.questions.items():
            judged = await self._choose(request, name, question)
            shares = judged.probabilities
            answers[name] = Answer(value=max(shares, key=shares.__getitem__), probabilities=shares)
            signals["in_scope"] = min(judged.in_scope, signals.get("in_scope", 1.0))
            signals["lead"] = min(judged.lead, signals.get("lead", 1.0))
        return answers, signals

    async def _choose(self, request: DecisionRequest, name: str, question: Question) -> Judgement:
        """Judge one choice with a classifier of its options."""
        if question.type != "choice":
            raise BackendError(
                f"embedded/ngram chooses between options, and question {name!r} is a {question.type}",
                hint="leave it out of the cascade of this expert, or ask with `choice`",
                model="embedded/ngram",
                code="unsupported",
            )
        options, task = question.options, request.task

        def fit() -> NgramClassifier:
            from swarm.backends.embedded.intent.ngram import NgramClassifier

            known = [pair for pair in task.examples if pair[1] in options] if options else list(task.examples)
            return NgramClassifier.fit(known, descriptions=options, rejects=task.rejects)

        classifier: NgramClassifier = await self._model(("ngram", task.key, name, tuple(options)), fit)
        return await _work(lambda: classifier.judge(request.state), request.state)

    async def _moderate(self, request: DecisionRequest) -> tuple[dict[str, Answer], dict[str, float]]:
        """Answer a yes/no for each category; the signal `harm` says how likely anything is wrong at all."""
        for name, question in request.questions.items():
            if question.type != "yes_no":
                raise BackendError(
                    f"embedded/moderator answers yes or no, and question {name!r} is a {question.type}",
                    hint="leave it out of the cascade of this expert, or ask with `yes_no`",
                    model="embedded/moderator",
                    code="unsupported",
                )
        task = request.task
        categories = {name: question.instructions for name, question in request.questions.items()}

        def fit() -> Any:
            from swarm.backends.embedded.harm.moderation import Moderator

            return Moderator.fit(task.examples, categories)

        moderator = await self._model(("moderator", task.key, tuple(categories)), fit)
        found: dict[str, float] = await _work(lambda: moderator.predict(request.state), request.state)
        signals = {"harm": max(found.values(), default=0.0)}
        return {name: _yes_or_no(found.get(name, 0.0)) for name in categories}, signals

    async def _extract(self, task: Task) -> tuple[str, float, tuple[str, ...]]:
        """Answer the task's question with sentences of its documents and facts; name the best documents."""
        from swarm.backends.embedded.texts.answers import extract_answer
        from swarm.backends.embedded.texts.bm25 import BM25Index, Document

        def build() -> BM25Index:
            return BM25Index.build([Document(name=each.name, text=each.text) for each in task.documents])

        index = await self._model(("bm25", task.key), build) if task.documents else BM25Index.build(())
        facts = _facts(task.inputs)
        found = await _work(lambda: extract_answer(task.text, facts, index), task.text + facts)
        return found.text or NOTHING_FOUND, found.confidence, found.retrieved

    async def _summarize(self, task: Task) -> tuple[str, float]:
        """Shorten the task's text to its most telling sentences; its inputs may say how long and about what."""
        from swarm.backends.embedded.texts.instructions import read_request
        from swarm.backends.embedded.texts.textrank import summarize

        asked = read_request(task.text)
        words = _wanted_words(task.inputs) or asked.words
        query = str(task.inputs.get("query") or asked.query)
        found = await _work(
            lambda: summarize(asked.text, query=query, words=words, sentences=asked.sentences), asked.text
        )
        return found.text or asked.text.strip(), found.confidence

    async def _redact(self, task: Task) -> tuple[str, float]:
        """Return as JSON the task's text without its personal data, and what was found in it.

        All of it stands in the text, so the grounding is 1; what was overlooked, nobody can tell.
        """
        from swarm.backends.embedded.personal.redaction import personal_data, redact

        found = await _work(lambda: personal_data(task.text), task.text)
        listed = [
            {
                "kind": each.kind,
                "text": task.text[each.start : each.end],
                "start": each.start,
                "end": each.end,
            }
            for each in found
        ]
        redacted = {"redacted": redact(task.text, found), "found": listed}
        return json.dumps(redacted, ensure_ascii=False), 1.0

    async def _model(self, key: Hashable, fit: Callable[[], T]) -> T:
        try:
            return await self._fitted.get(key, fit)
        except ValueError as error:
            raise BackendError(
                f"nothing can be learned from these examples: {error}",
                where="embedded",
                hint="give the expert `examples`, or `labels` with descriptions",
                code="unfit",
            ) from error


async def _work(function: Callable[[], T], text: str) -> T:
    """Call `function`, in a thread when the text it works on is long."""
    return await asyncio.to_thread(function) if len(text) > INLINE_CHARS else function()


def _wanted_words(inputs: Mapping[str, Any]) -> int | None:
    words = inputs.get("words")
    if words is not None and (not isinstance(words, int) or words < 1):
        raise BackendError(
            f"a summary cannot have {words!r} words",
            where="input words",
            hint="say about how many, 1 or more, or leave `words` out",
            model="embedded/textrank",
            code="input",
        )
    return words


def _facts(inputs: Mapping[str, Any]) -> str:
    facts = inputs.get("facts")
    if facts is None:
        return ""
    return facts if isinstance(facts, str) else json.dumps(facts, ensure_ascii=False, default=str)


def _yes_or_no(probability: float) -> Answer:
    return Answer(value=probability >= 0.5, probabilities={"true": probability, "false": 1.0 - probability})


@contextmanager
def _extra_wanted(model: str) -> Generator[None, None, None]:
    """Say what to install where a library of the extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("swarm"):
            raise  # ours: a bug, not something to install
        raise BackendError(
            f"embedded/{model} needs a library that is not installed: {error.name}",
            hint="pip install 'swarm-slm[embedded]', or in a checkout: pip install '.[embedded]'",
            model=f"embedded/{model}",
            code="missing_extra",
        ) from error


def _no_such(model: str, verb: str, known: tuple[str, ...]) -> BackendError:
    names = " and ".join(f"embedded/{name}" for name in known)
    if model in (*DECIDERS, *WRITERS):
        return BackendError(
            f"embedded/{model} cannot {verb}",
            hint=f"{names} can; use another model in this expert's cascade",
            model=f"embedded/{model}",
            code="unsupported",
        )
    return ModelMissing(
        f"there is no model embedded/{model}", hint=f"{names} can {verb}", model=f"embedded/{model}"
    )
