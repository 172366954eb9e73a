"""Typed questions put into words, and answers in words read back. Pure.

A value here is what an answer says, as text: an option's name, or `true` and `false`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from swarm.backends.labels import find_label, forms_of, label_masses, tokens_from
from swarm.messages import Answer, Completion, DecisionRequest, Question, TokenLogprob

__all__ = [
    "Misread",
    "Said",
    "answer_of",
    "ask_for_json",
    "ask_for_label",
    "json_schema",
    "label_forms",
    "read_json",
    "read_label",
]

YES_NO = {"true": "true", "yes": "true", "false": "false", "no": "false"}
LEAST_MASS = 0.05  # under this the model was about to say something else, and its tokens tell nothing
MAX_QUOTED = 80  # characters of a wrong answer that are quoted


class Misread(ValueError):
    """The text does not answer the questions; the message says to the model what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a text says to one question, and the tokens it says it with (() when not known)."""

    value: str
    tokens: Sequence[TokenLogprob] = ()


def label_forms(question: Question) -> Mapping[str, str] | None:
    """Return folded form -> value for each way to answer; None when a word cannot tell the options apart."""
    return YES_NO if question.type == "yes_no" else forms_of(question.options)


def ask_for_label(request: DecisionRequest) -> str:
    """Return the instruction to answer the only question with one label."""
    (question,) = request.questions.values()
    words = ["yes", "no"] if question.type == "yes_no" else list(question.options)
    asked = [*_described(request), f"Answer with exactly one of these and nothing else: {', '.join(words)}."]
    return "\n".join(asked)


def ask_for_json(request: DecisionRequest) -> str:
    """Return the instruction to answer all questions in one JSON object."""
    parts = [f"{json.dumps(name)}: {_choices(question)}" for name, question in request.questions.items()]
    return "\n".join([*_described(request), f"Answer with JSON only, in this form: {{{', '.join(parts)}}}"])


def json_schema(questions: Mapping[str, Question]) -> dict[str, Any]:
    """Return the schema of that object."""
    properties = {
        name: {"type": "boolean"} if question.type == "yes_no" else {"enum": list(question.options)}
        for name, question in questions.items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_label(completion: Completion, question: Question, forms: Mapping[str, str]) -> Said:
    """Return the label that the model said.

    Raises:
        Misread: no label, or more than one.
    """
    value = find_label(completion.text, forms)
    if value is None:
        raise Misread(f"answer with exactly one of {_choices(question)}, not {_quoted(completion.text)}")
    return Said(value=value, tokens=completion.logprobs)


def read_json(completion: Completion, questions: Mapping[str, Question]) -> dict[str, Said]:
    """Return what the model's JSON says to each question.

    Raises:
        Misread: no JSON object, or answers that are missing or no options; all are named.
    """
    text = completion.text
    table = _object(text)
    said: dict[str, Said] = {}
    wrong: list[str] = []
    for name, question in questions.items():
        value = _value(table.get(name), question)
        if value is None:
            given = _quoted(json.dumps(table[name])) if name in table else "missing"
            wrong.append(f"{json.dumps(name)} is {given}, and must be {_choices(question)}")
        else:
            said[name] = Said(value=value, tokens=_tokens_of(completion, name))
    if wrong:
        raise Misread("; ".join(wrong))
    return said


def answer_of(question: Question, said: Said) -> tuple[Answer, float | None]:
    """Return the answer to a question, and its label mass; None when its tokens tell nothing."""
    forms = label_forms(question)
    masses = label_masses(said.tokens, forms) if forms and said.tokens else {}
    mass = sum(masses.values())
    if mass < LEAST_MASS:
        return _answer(question, said.value, {}), None
    shares = {value: each / mass for value, each in masses.items()}
    return _answer(question, max(shares, key=shares.__getitem__), shares), min(1.0, mass)


def _answer(question: Question, value: str, shares: Mapping[str, float]) -> Answer:
    match question.type:
        case "yes_no":
            return Answer(value=value == "true", probabilities=shares)
        case "score":
            levels = list(question.options)
            expected = sum(levels.index(level) * share for level, share in shares.items())
            return Answer(value=float(expected if shares else levels.index(value)), probabilities=shares)
        case _:
            return Answer(value=value, probabilities=shares)


def _described(request: DecisionRequest) -> list[str]:
    """Say the questions, for an expert whose prompt may not: the other kinds have prompts of their own."""
    if request.task.kind != "decide":
        return []
    lines: list[str] = []
    for name, question in request.questions.items():
        lines.append(f"{name}: {question.instructions or name.replace('_', ' ')}")
        lines += [f"- {option}: {text}" for option, text in question.options.items() if text]
    return lines


def _choices(question: Question) -> str:
    if question.type == "yes_no":
        return "true or false"
    return " or ".join(json.dumps(option, ensure_ascii=False) for option in question.options)


def _object(text: str) -> Mapping[str, Any]:
    begin, end = text.find("{"), text.rfind("}") + 1
    try:
        table = json.loads(text[begin:end] if 0 <= begin < end else text)
    except (ValueError, RecursionError) as error:
        raise Misread(f"answer with one JSON object, not {_quoted(text)}") from error
    if not isinstance(table, dict):
        raise Misread(f"answer with one JSON object, not {_quoted(text)}")
    return cast("dict[str, Any]", table)


def _value(given: Any, question: Question) -> str | None:
    forms = label_forms(question) or {option: option for option in question.options}
    if isinstance(given, bool):
        return str(given).lower() if question.type == "yes_no" else None
    if isinstance(given, str):
        return given if given in question.options else find_label(given, forms)
    levels = list(question.options)
    if question.type == "score" and isinstance(given, int) and 0 <= given < len(levels):
        return levels[given]
    return None


def _tokens_of(completion: Completion, name: str) -> Sequence[TokenLogprob]:
    """Return the tokens from the value of key `name` on."""
    key = re.search(rf"{re.escape(json.dumps(name, ensure_ascii=False))}\s*:\s*\"?", completion.text)
    return tokens_from(completion.logprobs, completion.text, key.end()) if key else ()


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]} ...")
