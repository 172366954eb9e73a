"""Look whether an Ollama server is there, which version it is, and which models it has.

A small probe on the standard library, so that saying which backend answers costs a few
milliseconds and no import of a client.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from swarm.backends.ollama_wire import server_url
from swarm.errors import BackendError
from swarm.tools.threads import in_thread

__all__ = ["Ollama", "detect_ollama"]

PROBE_S = 0.3  # design: a start must not be felt; a server on this machine answers in 2 ms
LIST_S = 2.0  # listing models reads a folder; asked only where the list is wanted
MAX_BYTES = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ollama:
    """What was found.

    Attributes:
        url: where it was looked for. version: "" when nothing answered.
        models: names with their tags (`qwen3:4b`) -> digest of the weights, "" where it is not told;
            None when they were not asked for.
        reason: why nothing was found, in a few words.
    """

    url: str
    version: str = ""
    models: Mapping[str, str] | None = None
    reason: str = ""

    @property
    def is_there(self) -> bool:
        """Return whether a server answered."""
        return bool(self.version)

    def has(self, model: str) -> bool:
        """Return whether the server has `model`; a name without a tag means `:latest`."""
        full = model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"
        return self.models is not None and full in self.models


async def detect_ollama(url: str = "", *, with_models: bool = False, timeout_s: float = PROBE_S) -> Ollama:
    """Return what answers at `url`, by default where Ollama is expected (`OLLAMA_HOST`); never raises."""
    written = url or os.environ.get("OLLAMA_HOST", "")
    try:
        url = server_url(written)
        async with asyncio.timeout(timeout_s + LIST_S * with_models):  # looking a name up has no deadline
            return await in_thread(lambda: _probe(url, with_models, timeout_s), name="detect ollama")
    except BackendError as error:
        return Ollama(url=written, reason=error.what)
    except TimeoutError:
        return Ollama(url=url, reason=f"no answer within {timeout_s * 1000:.0f} ms")


def _probe(url: str, with_models: bool, timeout_s: float) -> Ollama:
    try:
        version = _get(url, "/api/version", timeout_s).get("version")
        if not isinstance(version, str) or not version:
            return Ollama(url=url, reason="something else answers there")
        models = _digests(_get(url, "/api/tags", LIST_S)) if with_models else None
    except TimeoutError:
        return Ollama(url=url, reason=f"no answer within {timeout_s * 1000:.0f} ms")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Ollama(url=url, reason=getattr(error, "strerror", None) or str(error) or type(error).__name__)
    return Ollama(url=url, version=version, models=models)


def _get(url: str, path: str, timeout_s: float) -> Mapping[str, Any]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path.rstrip("/") + path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(MAX_BYTES)
        if response.status != 200:
            raise ValueError(f"it answers with status {response.status}")
        table: Any = json.loads(body)
        if not isinstance(table, dict):
            raise ValueError("something else answers there")
        return cast("dict[str, Any]", table)
    finally:
        connection.close()


def _digests(table: Mapping[str, Any]) -> dict[str, str]:
    listed = cast("list[Any]", table.get("models") or [])
    rows = [cast("dict[str, Any]", row) for row in listed if isinstance(row, dict)]
    return {str(row.get("name", "")): str(row.get("digest") or "") for row in rows}
