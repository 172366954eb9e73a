"""Backends that are listened to: what they told besides the answer, and one call for a question asked twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from swarm._app.wiring import Backends
from swarm.backends.base import Decides, Embeds, Identifies, ModelBackend
from swarm.errors import BackendError
from swarm.messages import Completion, CompletionRequest, Decision, DecisionRequest, TextDelta
from swarm.spec.catalogue import ModelRef

__all__ = ["Heard", "HeardBackends", "Remembered"]

T = TypeVar("T")


class Remembered:
    """In this `with`, the same question to the same model is asked once; later its answer is repeated.

    So all rungs can be asked apart and then the cascade as a run would, at no further call. What the
    call took the first time counts in the latency each time.
    """

    def __init__(self) -> None:
        self.answers: dict[Any, _Kept] = {}

    def __enter__(self) -> Self:
        self._token = _memory.set(self.answers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _memory.reset(self._token)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, or the error in place of one, and how long it took."""

    answer: Any
    took_ms: float


class Heard:
    """What the backends told besides the answers while this `with` lasted.

    Attributes:
        sources: by `backend/name`. put: how often each question was. spared_ms: what repeated answers took the first time.
    """

    def __init__(self) -> None:
        self.sources: dict[str, tuple[str, ...]] = {}
        self.put: Counter[Any] = Counter()
        self.spared_ms = 0.0

    def __enter__(self) -> Self:
        self._token = _heard.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _heard.reset(self._token)


_memory: ContextVar[dict[Any, _Kept] | None] = ContextVar("memory", default=None)
_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


class HeardBackends:
    """The backends of an evaluation, each listened to."""

    def __init__(self) -> None:
        self._backends = Backends()
        self._listening: dict[int, _Listening] = {}

    def __call__(self, ref: ModelRef) -> _Listening:
        backend = self._backends(ref)
        return self._listening.setdefault(id(backend), _Listening(backend))

    async def aclose(self) -> None:
        await self._backends.aclose()


class _Listening:
    """A backend whose answers are heard, and repeated where they are remembered."""

    def __init__(self, backend: ModelBackend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        return self._backend.name

    async def complete(self, request: CompletionRequest) -> Completion:
        key = (id(self), request.model, request.messages, bool(request.format))
        completion = await self._once(key, lambda: self._backend.complete(request))
        self._tell(request.model, completion.sources)
        return completion

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        yield await self.complete(request)

    async def decides(self, model: str) -> bool:
        return isinstance(self._backend, Decides) and await self._backend.decides(model)

    async def decide(self, request: DecisionRequest) -> Decision:
        decide = cast("Decides", self._backend).decide
        return await self._once((id(self), request.model, "decide"), lambda: decide(request))

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        if not isinstance(self._backend, Embeds):
            raise BackendError(f"{self.name}/{model} cannot embed", code="unsupported")
        return await self._backend.embed(model, texts)

    async def digest(self, model: str) -> str:
        return await self._backend.digest(model) if isinstance(self._backend, Identifies) else ""

    async def aclose(self) -> None:
        """Do nothing: whoever made the backend closes it."""

    async def _once(self, question: Any, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the answer, from memory where the question was put before.

        A question put twice in one go wants two answers (samples): it is remembered with its number.
        """
        memory, heard = _memory.get(), _heard.get()
        if memory is None or heard is None:
            return await ask()
        heard.put[question] += 1
        key = (question, heard.put[question])
        if key in memory:
            heard.spared_ms += memory[key].took_ms
        else:
            memory[key] = await _timed(ask)
        answer = memory[key].answer
        if isinstance(answer, BackendError):
            raise answer
        return cast("T", answer)

    def _tell(self, model: str, sources: tuple[str, ...]) -> None:
        heard = _heard.get()
        if heard is not None:
            heard.sources[f"{self.name}/{model}"] = sources


async def _timed(ask: Callable[[], Awaitable[Any]]) -> _Kept:
    started = time.perf_counter()
    try:
        answer = await ask()
    except BackendError as error:
        answer = error
    return _Kept(answer, (time.perf_counter() - started) * 1000)
