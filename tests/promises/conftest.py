"""Every test of a promise may use a fake Ollama server, and has a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from swarm.testing.fixtures import ollama_models, ollama_server, refused_url

__all__ = ["ollama_models", "ollama_server", "refused_url"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
