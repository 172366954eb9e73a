"""Pytest fixtures: put `pytest_plugins = ["swarm.testing.fixtures"]` into your conftest.py.

Needs pytest-asyncio. Override `ollama_models` to say what the server serves, or call
`ollama_server.serve(name, model)` in the test. `recorded` runs a graph once with its models, and replays
it offline ever after (`swarm.testing.recordings`).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from swarm.testing import ollama_server as servers
from swarm.testing.fake_model import FakeModel

if TYPE_CHECKING:
    from swarm.testing.recordings import Recorded


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--swarm-record`."""
    parser.getgroup("swarm").addoption(
        "--swarm-record",
        choices=("all", "new", "none"),
        help="Which runs of the fixture `recorded` are made with real models and recorded: `new` (the default), those"
        " without a recording; `all`; `none` (the default where CI is set): a missing recording fails.",
    )


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """What runs a graph: live the first time, from its recording ever after."""
    from swarm.testing.recordings import Recorded, file_name, mode_of

    item: pytest.Item = request.node
    _, _, name = item.nodeid.partition("::")
    return Recorded(
        item.path.parent / "recordings" / item.path.stem,
        file_name(name.replace("::", ".")),
        mode_of(request.config.getoption("--swarm-record", None), os.environ),
        again=f"pytest --swarm-record=all '{item.nodeid}'",
    )


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
