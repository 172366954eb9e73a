"""Public test doubles: a fake Ollama server that speaks the real protocol over real HTTP."""

from swarm.testing.fake_model import ChatRequest, FakeModel, FakeToolCall, Reply, TokenLogprob
from swarm.testing.faults import Fault
from swarm.testing.http import Gate
from swarm.testing.ollama_server import OllamaServer, Received, in_thread, refused_url

__all__ = [
    "ChatRequest",
    "FakeModel",
    "FakeToolCall",
    "Fault",
    "Gate",
    "OllamaServer",
    "Received",
    "Reply",
    "TokenLogprob",
    "in_thread",
    "refused_url",
]
