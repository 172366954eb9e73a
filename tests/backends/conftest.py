"""A running fake server for each test, and requests to send to it."""

from swarm.testing.fixtures import ollama_models, ollama_server, refused_url

__all__ = ["ollama_models", "ollama_server", "refused_url"]
