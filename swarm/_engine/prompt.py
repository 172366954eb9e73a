"""From an expert and its inputs to what a model is sent: the prompt, the questions, the passages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from swarm.backends.embedded.texts.bm25 import BM25Index, Document
from swarm.errors import NodeError
from swarm.messages import Message, Passage, Question, Task
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.template import parse_template
from swarm.spec.types import Type

__all__ = ["fill_inputs", "main_text", "prompt_messages", "questions_of", "source_of", "task_of"]

PASSAGES = 4  # given to a prompt: more crowd a small model's window


def fill_inputs(expert: ResolvedExpert, given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a value for every input of the expert.

    Raises:
        NodeError: a value does not fit.
    """
    filled: dict[str, Any] = {}
    for name, kind in expert.inputs.items():
        value = given.get(name)
        if value is None and (name not in given or not kind.optional):
            value = kind.when_left_out()
        wrong = next(kind.misfits(value, name), "")
        if wrong:
            raise NodeError(f"expert {expert.name!r}: {wrong}", where=place, code="input")
        filled[name] = kind.filled(value)
    return filled


def main_text(expert: ResolvedExpert, inputs: Mapping[str, Any]) -> str:
    """Return the main input as text."""
    value = inputs[expert.main_input]
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def task_of(expert: ResolvedExpert, inputs: Mapping[str, Any]) -> Task:
    """Return the task that embedded models answer from."""
    return Task(
        expert=expert.name, key=expert.key, kind=expert.kind, inputs=inputs, text=main_text(expert, inputs),
        labels=expert.labels, examples=expert.examples, rejects=expert.rejects,
        documents=expert.documents,
    )  # fmt: skip


def questions_of(expert: ResolvedExpert) -> Mapping[str, Question]:
    """Return the typed questions of a decision: `classify` is one choice, `moderate` a yes/no each."""
    if expert.kind == "classify":
        instructions = expert.description or "Which label fits?"
        return {"label": Question(type="choice", instructions=instructions, options=expert.labels)}
    if expert.kind == "moderate":
        return {
            name: Question(type="yes_no", instructions=description or name.replace("_", " "))
            for name, description in expert.labels.items()
        }
    return expert.questions


@lru_cache(maxsize=64)
def _index(documents: tuple[Passage, ...]) -> BM25Index:
    return BM25Index.build([Document(name=one.name, text=one.text) for one in documents])


def _passages(expert: ResolvedExpert, text: str) -> list[dict[str, str]]:
    if not expert.documents:
        return []
    hits = _index(expert.documents).search(text, PASSAGES)
    return [{"name": hit.document, "text": hit.passage} for hit in hits]


def prompt_messages(
    expert: ResolvedExpert, inputs: Mapping[str, Any], addition: str = ""
) -> tuple[Message, ...]:
    """Return the turns a chat model is sent: the conversation so far, then the filled prompt.

    Args:
        addition: what to add after the prompt (how to answer in JSON, what was wrong last time).
    """
    turns = [
        Message(role=turn["role"], content=turn["content"])
        for name, kind in expert.inputs.items()
        if kind.base == "messages"
        for turn in cast("list[dict[str, Any]]", inputs.get(name) or [])
    ]
    text = (
        parse_template(expert.prompt).render(_scope(expert, inputs))
        if expert.prompt
        else main_text(expert, inputs)
    )
    content = f"{text}\n\n{addition}" if addition else text
    return (*turns, Message(role="user", content=content))


def _scope(expert: ResolvedExpert, inputs: Mapping[str, Any]) -> dict[str, Any]:
    plain = {
        name: value for name, value in inputs.items() if expert.inputs.get(name, _ANY).base != "messages"
    }
    questions = [
        {"name": name, "type": one.type, "instructions": one.instructions, "options": list(one.options)}
        for name, one in questions_of(expert).items()
    ]
    return {
        **plain,
        "labels": [{"name": name, "description": text} for name, text in expert.labels.items()],
        "questions": questions,
        "documents": _passages(expert, main_text(expert, inputs)),
    }


def source_of(expert: ResolvedExpert, inputs: Mapping[str, Any]) -> str:
    """Return what an answer should be taken from, "" where nothing was given.

    For a writer that is its facts and documents, not the question; otherwise the main input.
    """
    if expert.kind != "write":
        return main_text(expert, inputs)
    facts = inputs.get("facts")
    told = facts if isinstance(facts, str) else "" if facts is None else json.dumps(facts, ensure_ascii=False)
    return "\n".join([told, *(one["text"] for one in _passages(expert, main_text(expert, inputs)))])


_ANY = Type(base="any")
