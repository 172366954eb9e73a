"""The seam to models: what a backend must do, and what it may do besides.

A backend reaches the models of one family (one server, or the embedded ones). It is given the
model's own name in each request, owns its connections, and is closed by whoever made it. It
raises only `BackendError` and its kinds; a cancelled call closes its connection.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, runtime_checkable

from swarm.messages import Completion, CompletionRequest, Decision, DecisionRequest, TextDelta

__all__ = ["Decides", "Embeds", "Identifies", "ModelBackend"]


class ModelBackend(Protocol):
    """Answers completion requests."""

    @property
    def name(self) -> str:
        """Return the word before the slash in a model's name: `ollama`, `embedded`."""
        ...

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the whole answer.

        Raises:
            BackendError: refused, missing, timed out, or nonsense on the wire.
        """
        ...

    def stream(self, request: CompletionRequest) -> AsyncGenerator[TextDelta | Completion, None]:
        """Yield the text as it comes; the last item is the whole `Completion`.

        Close the iterator (`aclose`) to stop early: that closes the connection.
        """
        ...

    async def aclose(self) -> None:
        """Close connections; calling it twice is fine."""
        ...


@runtime_checkable
class Decides(Protocol):
    """A backend that can answer decisions natively, for some of its models."""

    async def decides(self, model: str) -> bool:
        """Return whether `model` answers decisions; asked of the server once and remembered."""
        ...

    async def decide(self, request: DecisionRequest) -> Decision:
        """Return an answer with probabilities for every question."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """A backend that can turn texts into vectors."""

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit-length vector per text, in order."""
        ...


@runtime_checkable
class Identifies(Protocol):
    """A backend that can tell which weights a model's name stands for now."""

    async def digest(self, model: str) -> str:
        """Return what identifies the weights, "" where nobody can say.

        Raises:
            BackendError: the server did not answer.
        """
        ...
