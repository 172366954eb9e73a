"""Every example is clean, runs without a model server, and does what its README shows."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from swarm import Swarm
from swarm.__main__ import main

EXAMPLES = Path(__file__).parents[2] / "examples"
GRAPHS = sorted(EXAMPLES.glob("*/*.swarm.yaml"))
READMES = sorted(EXAMPLES.glob("*/README.md"))
DOCUMENTS = json.loads((EXAMPLES / "document_digest/documents.json").read_text(encoding="utf-8"))
INPUTS: dict[str, dict[str, Any]] = {
    "assistant": {"message": "how do I read a csv file"},
    "bank": {"message": "the cash machine ate my card"},
    "digest": {"documents": DOCUMENTS},
    "support": {"message": "how much is shipping?"},
}
TICKET = re.compile(r"\bT-1\d{3}\b")  # counted within a process
CONSOLE = re.compile(r"^(?P<fence>`{3,})console\n(?P<command>\$ .*?)^(?P=fence)$", re.M | re.S)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_an_example_checks_clean_but_for_thresholds_chosen_by_hand(path: Path) -> None:
    assert {problem.code for problem in Swarm.load(path).warnings} <= {"SW091"}


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
async def test_an_example_answers_without_a_model_server(path: Path) -> None:
    async with Swarm.load(path) as swarm:
        result = await swarm.run_input(INPUTS[swarm.name])
    assert result.status == "completed"
    assert result.text.strip()


async def test_the_bank_routes_a_message_to_a_desk_and_says_how_sure_it_is() -> None:
    async with Swarm.load(EXAMPLES / "bank_triage/bank.swarm.yaml") as swarm:
        result = await swarm.run(message="the cash machine ate my card")
    assert result.text == "This goes to the lost_card desk."
    assert 0.6 <= (result["triage"].confidence or 0) <= 1


async def test_the_bank_hands_over_what_it_is_not_sure_of() -> None:
    async with Swarm.load(EXAMPLES / "bank_triage/bank.swarm.yaml") as swarm:
        result = await swarm.run(message="a goat ate my umbrella")
    assert result.path == ("triage", "handoff")


async def test_another_examples_file_teaches_the_bank_other_labels(tmp_path: Path) -> None:
    lessons = {
        "cats": ["my cat sleeps all day", "the kitten purrs", "cats like fish", "her cat climbs the curtain"],
        "dogs": ["my dog barks", "the puppy fetches a stick", "dogs chase balls", "his dog buried the bone"],
    }
    rows = [{"text": text, "label": label, "source": "pets"} for label in lessons for text in lessons[label]]
    path = tmp_path / "pets.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    graph = EXAMPLES / "bank_triage/bank.swarm.yaml"
    async with Swarm.load(graph, overrides=[f"experts.triage.examples={path}"]) as swarm:
        result = await swarm.run(message="the dog barks at the puppy")
    assert result["triage"].output["label"] == "dogs"
    assert set(result["triage"].output["scores"]) == {"cats", "dogs"}


async def test_the_digest_has_a_summary_of_each_document_in_their_order() -> None:
    async with Swarm.load(EXAMPLES / "document_digest/digest.swarm.yaml") as swarm:
        result = await swarm.run(documents=DOCUMENTS)
    notes = [note["text"] for note in result["notes"].output]
    assert len(notes) == len(DOCUMENTS) == 8
    for note, document in zip(notes, DOCUMENTS, strict=True):
        assert note.split(". ")[0] in " ".join(document.split()), "a summary of another document"
        assert len(note) < len(document)
    places = [result.text.index(f"- {note}") for note in notes]
    assert places == sorted(places)
    assert result.text.startswith(f"In short: {result['overview'].output['text']}")


async def test_an_empty_list_of_documents_is_said_to_be_empty() -> None:
    async with Swarm.load(EXAMPLES / "document_digest/digest.swarm.yaml") as swarm:
        result = await swarm.run(documents=[])
    assert result.text == "There is nothing to summarise: the documents are empty."


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.parent.name)
def test_the_output_in_the_readme_is_what_the_commands_print(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    blocks = list(CONSOLE.finditer(page.read_text(encoding="utf-8")))
    assert blocks, f"{page.parent.name}/README.md shows no output: put a ```console block there"
    for block in blocks:
        command, shown = _typed(block["command"])
        printed = _answer(command)
        missing = [line for line in printed if TICKET.sub("T-1001", line) not in shown]
        assert not missing, f"{page}: `{command}` prints {missing[0]!r}, which the page does not show"


def _typed(block: str) -> tuple[str, list[str]]:
    """Return a block's command and the lines below it."""
    command, _, shown = re.sub(r"\\\n\s*", "", block).partition("\n")
    return command.removeprefix("$ "), [line.rstrip() for line in shown.splitlines()]


def _answer(command: str) -> Iterator[str]:
    """Run a `swarm` command, unsaved; yield the lines of its answer, without the story on standard error."""
    program, verb, *words = shlex.split(command)
    assert program == "swarm"
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    aside = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(out), redirect_stderr(aside):
        exit_code = main([verb, *words, "--no-save"])
    assert exit_code == 0, f"{command}: exit code {exit_code}"
    out.seek(0)
    yield from (line.rstrip() for line in out)
