"""The code assistant writes code with a model, and without one says what it needs and shows its notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from swarm import ScriptedBackend, Swarm

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRAPH = Path(__file__).parents[2] / "examples/code_assistant/assistant.swarm.yaml"
TASK = "write a function that reverses a list"


async def test_without_a_model_server_it_says_what_to_start_and_what_to_fetch() -> None:
    async with Swarm.load(GRAPH) as swarm:
        result = await swarm.run(message=TASK)
    assert result.status == "completed"
    assert result["code"].status == "failed"
    assert "`ollama serve`" in result.text
    assert "`ollama pull qwen2.5-coder:3b`" in result.text
    assert "\n" not in result.text, "one short paragraph, and no note that is about something else"


async def test_without_a_model_server_it_shows_the_note_that_fits() -> None:
    async with Swarm.load(GRAPH) as swarm:
        result = await swarm.run(message="make a script that renames all files in a folder")
    assert result.path[-1] == "meanwhile"
    assert "path.rename(" in result.text


async def test_with_a_coding_model_it_answers_with_code() -> None:
    coder = ScriptedBackend(
        {"coder": "```python\ndef backwards(items):\n    return items[::-1]\n```\nIt copies."}
    )
    overrides = ["models.small=scripted/coder", "experts.programmer.cascade=[small]"]
    async with Swarm.load(GRAPH, overrides=overrides, backends={"scripted": coder}) as swarm:
        result = await swarm.run(message=TASK)
    assert result.text == "def backwards(items):\n    return items[::-1]"
    assert result["code"].output["language"] == "python"
    assert result["no_model"].status == "skipped"


async def test_a_question_is_answered_from_the_notes() -> None:
    async with Swarm.load(GRAPH) as swarm:
        result = await swarm.run(message="how do I read a csv file")
    assert "csv.DictReader" in result.text
    assert result.confident


async def test_what_is_not_in_the_notes_is_not_answered_with_something_else() -> None:
    async with Swarm.load(GRAPH) as swarm:
        result = await swarm.run(message="how do I use docker compose")
    assert result.path[-1] == "not_in_notes"


async def test_a_note_that_may_fit_is_shown_as_a_guess() -> None:
    async with Swarm.load(GRAPH) as swarm:
        result = await swarm.run(message="TypeError: 'NoneType' object is not subscriptable")
    assert result.text.startswith("I am not sure")
    assert "a value is None" in result.text
