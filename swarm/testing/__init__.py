"""Public test doubles and suites: a fake Ollama server over real HTTP, and what every store must do.

The conformance suite needs pytest, which is imported when one of its names is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm.testing.fake_model import ChatRequest, FakeModel, FakeToolCall, Reply, TokenLogprob
from swarm.testing.faults import Fault
from swarm.testing.http import Gate
from swarm.testing.ollama_server import OllamaServer, Received, in_thread, refused_url

if TYPE_CHECKING:
    from swarm.testing.store_conformance import (
        BackupConformance,
        DurableStoreConformance,
        StoreConformance,
    )

__all__ = [
    "BackupConformance",
    "ChatRequest",
    "DurableStoreConformance",
    "FakeModel",
    "FakeToolCall",
    "Fault",
    "Gate",
    "OllamaServer",
    "Received",
    "Reply",
    "StoreConformance",
    "TokenLogprob",
    "in_thread",
    "refused_url",
]

_SUITES = ("BackupConformance", "DurableStoreConformance", "StoreConformance")


def __getattr__(name: str) -> object:
    if name in _SUITES:
        import swarm.testing.store_conformance as suites

        return getattr(suites, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
