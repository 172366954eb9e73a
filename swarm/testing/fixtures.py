"""Pytest fixtures: put `pytest_plugins = ["swarm.testing.fixtures"]` into your conftest.py.

Needs pytest-asyncio. Override `ollama_models` to say what the server serves, or call
`ollama_server.serve(name, model)` in the test.
"""

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
import pytest_asyncio

from swarm.testing import ollama_server as servers
from swarm.testing.fake_model import FakeModel


@pytest.fixture
def ollama_models() -> Mapping[str, FakeModel]:
    """What `ollama_server` serves."""
    return {"qwen3:4b": FakeModel()}


@pytest_asyncio.fixture
async def ollama_server(ollama_models: Mapping[str, FakeModel]) -> AsyncIterator[servers.OllamaServer]:
    """A running fake Ollama server, fresh for each test."""
    async with servers.OllamaServer(ollama_models) as server:
        yield server


@pytest.fixture
def refused_url() -> Iterator[str]:
    """A URL where nothing listens."""
    with servers.refused_url() as url:
        yield url
