"""Every test of the command line has a folder of its own with small graphs in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import GRAPHS

from swarm.testing.fixtures import refused_url

__all__ = ["refused_url"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_url: str) -> Path:
    """Give a folder with graphs, as the working directory, on a machine without a model server."""
    for name, text in GRAPHS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in (
        "SWARM_LOG",
        "SWARM_TRACEBACK",
        "SWARM_TIMEOUT",
        "SWARM_SAVE",
        "SWARM_STORE",
        "SWARM_KEEP_RUNS",
        "SWARM_OLLAMA_URL",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", refused_url)
    return tmp_path
