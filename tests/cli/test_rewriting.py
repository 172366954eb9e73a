"""Changing one value of a YAML file: the rest of it, comments and all, stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from swarm._cli.rewriting import propose
from swarm.spec.load import load_graph

GRAPH = """\
swarm: 1
name: shop   # our shop
input: {message: string}

experts:
  # sorts messages
  triage:
    use: intent      # the bundled one
    labels: {order: Where is it, refund: Money back}
    cascade: [embedded/ngram]   # quick
CONFIDENCE
nodes:
  sort: {expert: triage, with: {text: input.message}}
output: sort
"""


def changed(
    project: Path, confidence: str, expert: str = "triage", with_confidence: float | None = None
) -> tuple[str, str]:
    """Return the file as it would be, and what to write by hand."""
    file = project / "shop.swarm.yaml"
    file.write_text(GRAPH.replace("CONFIDENCE\n", confidence), encoding="utf-8")
    change = propose(file, expert, 0.05, with_confidence)
    if change.after != change.before:
        change.make()
        assert not load_graph(file).findings
    return file.read_text(encoding="utf-8"), change.by_hand


def test_a_guess_becomes_a_target_and_its_comment_stays(project: Path) -> None:
    after, by_hand = changed(project, "    confidence: {at_least: 0.6}   # as we like it\n")
    assert after == GRAPH.replace("CONFIDENCE", "    confidence: {target_error: 0.05}   # as we like it")
    assert by_hand == ""


def test_a_comment_that_calls_it_a_guess_goes_with_the_guess(project: Path) -> None:
    after, _ = changed(project, "    confidence: {at_least: 0.6}   # a guess, until calibrated\n")
    assert after == GRAPH.replace("CONFIDENCE", "    confidence: {target_error: 0.05}")


def test_what_is_measured_besides_stays(project: Path) -> None:
    before = "    confidence: {at_least: 0.6, samples: 5, witness: ollama/qwen3:4b}\n"
    after, _ = changed(project, before)
    assert "{target_error: 0.05, samples: 5, witness: ollama/qwen3:4b}" in after


def test_the_estimator_that_was_written_stays(project: Path) -> None:
    after, _ = changed(project, "    confidence: {from: probability, at_least: 0.6}\n", with_confidence=0.9)
    assert "    confidence: {from: probability, target_error: 0.05, with_confidence: 0.9}\n" in after


def test_a_value_on_several_lines_becomes_one(project: Path) -> None:
    after, _ = changed(project, "    confidence:\n      at_least: 0.6\n")
    assert after == GRAPH.replace("CONFIDENCE", "    confidence: {target_error: 0.05}")


def test_a_comment_inside_the_value_is_not_lost(project: Path) -> None:
    before = "    confidence:\n      at_least: 0.6   # asked by Ann\n      from: auto\n"
    after, by_hand = changed(project, before)
    assert after == GRAPH.replace("CONFIDENCE\n", before)
    assert by_hand == "confidence: {target_error: 0.05}"


def test_a_missing_value_gets_a_line_of_its_own(project: Path) -> None:
    after, _ = changed(project, "")
    assert after == GRAPH.replace("CONFIDENCE", "    confidence: {target_error: 0.05}")


def test_a_target_that_is_there_already_changes_nothing(project: Path) -> None:
    before = "    confidence: {target_error: 0.05}\n"
    assert changed(project, before) == (GRAPH.replace("CONFIDENCE\n", before), "")


def test_an_expert_that_is_not_written_in_the_file_is_left_to_its_author(project: Path) -> None:
    _, by_hand = changed(project, "", expert="moderator")
    assert by_hand.splitlines()[:3] == ["experts:", "  moderator:", "    use: moderator"]


def test_line_ends_of_another_system_stay(project: Path) -> None:
    file = project / "shop.swarm.yaml"
    before = GRAPH.replace("CONFIDENCE", "    confidence: {at_least: 0.6}").replace("\n", "\r\n")
    file.write_bytes(before.encode())
    propose(file, "triage", 0.05, None).make()
    assert file.read_bytes() == before.replace("{at_least: 0.6}", "{target_error: 0.05}").encode()


@pytest.mark.parametrize("confidence", ["confidence: {at_least: 0.6}\n", ""])
def test_an_expert_in_a_file_of_its_own_is_changed_the_same_way(project: Path, confidence: str) -> None:
    file = project / "expert.yaml"
    text = "swarm: 1\nname: talker\nkind: write   # it talks\ninput: {text: string}\ncascade: [ollama/a]\n"
    file.write_text(text + confidence, encoding="utf-8")
    change = propose(file, "talker", 0.1, None)
    assert change.after == text + "confidence: {target_error: 0.1}\n"
    assert "-confidence" in change.diff or not confidence
    assert "+confidence: {target_error: 0.1}" in change.diff
