"""Tests of evaluations may use a fake Ollama server, and have a folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from swarm.testing.fixtures import ollama_models, ollama_server, refused_url

__all__ = ["ollama_models", "ollama_server", "refused_url"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_url: str) -> Path:
    """Give an empty working directory on a machine without a model server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_HOST", refused_url)
    return tmp_path
