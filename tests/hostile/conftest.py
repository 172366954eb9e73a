"""A fake model server for each hostile test that wants one."""

from swarm.testing.fixtures import ollama_models, ollama_server

__all__ = ["ollama_models", "ollama_server"]
