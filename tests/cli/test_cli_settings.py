"""Settings: option > `SWARM_*` > `swarm.toml` > default; and what is found of Ollama."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import swarm

from swarm._app.detect import detect_ollama
from swarm._cli.settings import Settings, load_settings
from swarm.errors import SwarmError
from swarm.testing import FakeModel, OllamaServer


def test_what_is_given_nowhere_is_the_default(project: Path) -> None:
    assert load_settings(environ={}, folder=project) == Settings()


def test_an_option_goes_over_the_environment_and_that_over_the_file(project: Path) -> None:
    (project / "swarm.toml").write_text("timeout = 1\nconcurrency = 2\nkeep_runs = 3\nsave = false\n")
    environ = {"SWARM_TIMEOUT": "10", "SWARM_CONCURRENCY": "20"}
    settings = load_settings(environ=environ, folder=project, timeout=100.0, concurrency=None)
    assert (settings.timeout, settings.concurrency, settings.keep_runs, settings.save) == (
        100.0,
        20,
        3,
        False,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeuot = 1", "unknown setting 'timeuot'"),
        ("timeout = 'long'", "'long' is no number"),
        ("timeout = -1", "-1 is no number from"),
        ("concurrency = 0", "0 is no number from 1"),
        ("save = 'perhaps'", "'perhaps' is neither true nor false"),
        ("ollama_url = 1", "1 is no text"),
        ("timeout =", "cannot be read"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_its_place(project: Path, text: str, said: str) -> None:
    (project / "swarm.toml").write_text(text)
    with pytest.raises(SwarmError, match=r"swarm\.toml") as caught:
        load_settings(environ={}, folder=project)
    assert said in str(caught.value)
    assert swarm("run", "hello.swarm.yaml", "--input", "message=x").code == 2


def test_settings_hold_for_a_run(project: Path) -> None:
    (project / "swarm.toml").write_text("save = false\ntimeout = 0.05\n")
    assert swarm("run", "nap.swarm.yaml", "--input", "message=x").code == 124
    assert not (project / ".swarm").exists()


async def test_a_server_is_found_with_its_version_and_models() -> None:
    async with OllamaServer({"qwen3:4b": FakeModel(), "llama3.2:latest": FakeModel()}) as server:
        found = await detect_ollama(server.url, with_models=True)
    assert found.is_there
    assert found.version
    assert found.has("qwen3:4b")
    assert found.has("llama3.2")
    assert not found.has("qwen3")


async def test_nothing_there_is_an_answer_with_a_reason(refused_url: str) -> None:
    found = await detect_ollama(refused_url)
    assert not found.is_there
    assert found.reason


@pytest.mark.parametrize("address", ["http://[", "ftp://x", "not a host", "http://127.0.0.1:99999"])
async def test_an_address_that_is_none_is_a_reason_too(address: str) -> None:
    found = await detect_ollama(address, timeout_s=0.2)
    assert not found.is_there
    assert found.reason
