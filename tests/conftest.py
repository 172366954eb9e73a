"""What holds for every test: tests that need a live server run only when they are asked for."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `live` unless SWARM_LIVE=1."""
    if os.environ.get("SWARM_LIVE") == "1":
        return
    skip = pytest.mark.skip(reason="needs a running Ollama server: SWARM_LIVE=1")
    for item in items:
        if "live" in item.keywords:
            item.add_marker(skip)
