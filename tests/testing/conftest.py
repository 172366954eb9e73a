"""A running fake server for each test, and the two real clients that drive it."""

import ssl
from collections.abc import AsyncIterator

import httpx
import ollama
import pytest_asyncio

from swarm.testing import OllamaServer
from swarm.testing.fixtures import ollama_models, ollama_server, refused_url

__all__ = ["client", "http", "ollama_models", "ollama_server", "refused_url"]

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused on loopback; making one per client costs 50 ms


@pytest_asyncio.fixture
async def http(ollama_server: OllamaServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=ollama_server.url, verify=NO_TLS, trust_env=False, timeout=5
    ) as client:
        yield client


@pytest_asyncio.fixture
async def client(ollama_server: OllamaServer) -> AsyncIterator[ollama.AsyncClient]:
    client = ollama.AsyncClient(host=ollama_server.url, verify=NO_TLS, trust_env=False, timeout=5)
    yield client
    await client.close()
