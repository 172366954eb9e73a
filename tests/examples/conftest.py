"""The examples as a newcomer runs them: from their files, on a machine without a model server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from swarm import Swarm

EXAMPLES = Path(__file__).parents[2] / "examples"
NOBODY = "http://127.0.0.1:9"  # nothing listens there


@pytest.fixture(scope="module", autouse=True)
def no_model_server() -> Generator[None, None, None]:
    """Take away the model server that this machine may have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWARM_OLLAMA_URL", NOBODY)
        patch.setenv("OLLAMA_HOST", NOBODY)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def support() -> AsyncGenerator[Swarm, None]:
    """The shop's chatbot, as it is in its file."""
    async with Swarm.load(EXAMPLES / "support_chatbot/support.swarm.yaml") as swarm:
        yield swarm
