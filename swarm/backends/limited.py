"""At most so many requests at once to the backend inside; the others wait their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from swarm.backends.base import Decides, Embeds, Identifies, ModelBackend
from swarm.backends.transport import PerLoop
from swarm.errors import BackendError
from swarm.messages import Completion, CompletionRequest, Decision, DecisionRequest, TextDelta

__all__ = ["Limited"]


class Limited:
    """A backend that passes on at most `n` requests at once.

    A request that waits can be cancelled. A stream holds its place until it is closed. What the
    backend inside cannot do (decide, embed) this one cannot do either.

    Raises:
        ValueError: `n` is less than 1.
    """

    def __init__(self, backend: ModelBackend, *, n: int = 2) -> None:
        if n < 1:
            raise ValueError(f"Limited(backend, n={n}) would never answer: n is at least 1")
        self._backend = backend
        self._places = PerLoop(lambda: asyncio.Semaphore(n))

    @property
    def name(self) -> str:
        """Return the name of the backend inside."""
        return self._backend.name

    async def complete(self, request: CompletionRequest) -> Completion:
        """Wait for a place, then complete."""
        async with self._places.get():
            return await self._backend.complete(request)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Wait for a place, then stream."""
        async with self._places.get(), aclosing(self._backend.stream(request)) as items:
            async for item in items:
                yield item

    async def decides(self, model: str) -> bool:
        """Return whether the backend inside decides; takes no place."""
        return isinstance(self._backend, Decides) and await self._backend.decides(model)

    async def decide(self, request: DecisionRequest) -> Decision:
        """Wait for a place, then decide."""
        if not isinstance(self._backend, Decides):
            raise self._cannot("answer decisions natively")
        async with self._places.get():
            return await self._backend.decide(request)

    async def digest(self, model: str) -> str:
        """Return what the backend inside says; takes no place."""
        return await self._backend.digest(model) if isinstance(self._backend, Identifies) else ""

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Wait for a place, then embed."""
        if not isinstance(self._backend, Embeds):
            raise self._cannot("embed")
        async with self._places.get():
            return await self._backend.embed(model, texts)

    async def aclose(self) -> None:
        """Close the backend inside."""
        await self._backend.aclose()

    def _cannot(self, what: str) -> BackendError:
        return BackendError(
            f"the backend {self.name!r} cannot {what}",
            hint="use a model of another backend: ollama/... can",
            code="unsupported",
        )
