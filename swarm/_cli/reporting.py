"""How a run ended, printed: its answer to stdout, what happened and what to do next to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence

from swarm._cli import console
from swarm._cli.answers import command_of, fields_of
from swarm._cli.asking import answer_all
from swarm._cli.keeping import typed
from swarm._cli.session import Session
from swarm._cli.settings import Settings
from swarm._cli.tree import show_tree, summary_line
from swarm._engine.result import RunResult
from swarm.stores.base import Question, SavedRun

__all__ = ["answered", "how_to_answer", "open_questions", "report"]


def answered(session: Session, result: RunResult) -> RunResult:
    """Ask the person at the terminal what the run wants to know; without one it stays paused."""
    return answer_all(session, result) if console.is_interactive() else result


def report(session: Session, result: RunResult, *, as_json: bool) -> None:
    """Print how a run ended, or what it waits for."""
    story = session.story(result.id)
    if sys.stderr.isatty():
        show_tree(story)
    if as_json:
        console.data_json(result.to_json())
    elif result.error is not None:
        console.complain(f"error: {result.error}")
    elif result.status == "cancelled":
        console.say("the run was cancelled")
    elif result.status != "paused":
        console.data(result.text)
    if result.status == "paused":
        _tell_paused(session, result, as_json=as_json)
    console.say(summary_line(story), "dim")
    if not sys.stderr.isatty():
        for note in story.notes:
            console.say(f"note: {note}")


def open_questions(saved: SavedRun) -> list[Question]:
    """Return what a run asks and nobody answered yet."""
    return [one for one in saved.questions if one.answer is None]


def how_to_answer(questions: Sequence[Question], settings: Settings) -> Iterator[str]:
    """Yield each question, and the command that answers it in the store of the settings."""
    for one in questions:
        fields = fields_of(json.loads(one.fields))
        yield f"{one.place} asks: {one.text}"
        command = command_of(one.run if len(questions) == 1 else one.token, fields)
        yield f"  answer: {typed(command, settings)}"
        for name, kind in fields.items():
            if kind.one_of:
                yield f"  {name} is one of {', '.join(map(str, kind.one_of))}"
            elif not kind.required:
                yield f"  {name} may be left out"


def _tell_paused(session: Session, result: RunResult, *, as_json: bool) -> None:
    """Say what the run asks; in JSON it stands already."""
    saved = session.saved(result.id)
    if saved is not None:
        for line in how_to_answer(open_questions(saved), session.settings):
            console.say(line)
    elif not as_json:
        console.say(
            f"{result.text}\n  this run waits for a person: run it on a terminal, or use `swarm chat`"
        )
