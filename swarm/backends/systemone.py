"""Decisions on the wire: `POST /v1/systemone`, the same at Ollama, llama.cpp and others. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from swarm.backends.transport import encode_json
from swarm.errors import BackendError
from swarm.messages import Answer, Decision, DecisionRequest, Question, Usage

__all__ = ["MAX_REQUEST_BYTES", "PATH", "check_size", "read_decision", "wire_questions"]

PATH = "/v1/systemone"
MAX_REQUEST_BYTES = 64 * 1024  # Ollama's limit; a longer request is refused, never cut


def wire_questions(questions: Mapping[str, Question]) -> dict[str, dict[str, Any]]:
    """Return the questions in the words of the protocol: a yes/no is a `noul` there."""
    return {name: _wire_question(name, question) for name, question in questions.items()}


def check_size(body: object, *, where: str, model: str) -> None:
    """Refuse a request that is too long for the protocol.

    Raises:
        BackendError: code `too_long`.
    """
    size = len(encode_json(body, where=where))
    if size > MAX_REQUEST_BYTES:
        raise BackendError(
            f"a decision is asked with at most {MAX_REQUEST_BYTES:,} bytes, and this request has {size:,}",
            where=where,
            hint="give the expert a shorter text, or a model that reads longer ones",
            model=model,
            code="too_long",
        )


def read_decision(body: Mapping[str, Any], request: DecisionRequest, *, where: str, model: str) -> Decision:
    """Return the answers of a response.

    Raises:
        BackendError: code `malformed`; an answer is missing, or its probabilities make no sense.
    """
    answers = body.get("answers")
    try:
        table = cast("Mapping[str, Mapping[str, Any]]", answers)
        found = {name: _answer(question, table[name]) for name, question in request.questions.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise BackendError(
            f"the server's answers cannot be read ({type(error).__name__}: {error})",
            where=where,
            hint="is the server newer or older than this client?",
            model=model,
            code="malformed",
        ) from error
    return Decision(answers=found, model=request.model, way="native", usage=_usage(body.get("usage")))


def _wire_question(name: str, question: Question) -> dict[str, Any]:
    words = question.instructions or name.replace("_", " ")
    options = question.options
    match question.type:
        case "choice":
            criteria = {option: text or None for option, text in options.items()}
            return {"type": "choice", "instructions": words, "criteria": criteria}
        case "score":
            levels = [f"{level}: {text}" if text else level for level, text in options.items()]
            return {"type": "score", "instructions": words, "criteria": levels}
        case _:
            described = {"criteria": dict(options)} if all(options.values()) and options else {}
            return {"type": "noul", "instructions": words, **described}


def _answer(question: Question, given: Mapping[str, Any]) -> Answer:
    match question.type:
        case "yes_no":
            yes = _share(given["noul"])
            return Answer(value=yes >= 0.5, probabilities={"true": yes, "false": 1.0 - yes})
        case "score":
            shares = given["probabilities"]
            levels = {
                level: _share(shares.get(str(place), 0.0)) for place, level in enumerate(question.options)
            }
            return Answer(value=float(given["score"]), probabilities=_normal(levels))
        case _:
            shares = given["probabilities"]
            options = _normal({option: _share(shares.get(option, 0.0)) for option in question.options})
            return Answer(value=max(options, key=options.__getitem__), probabilities=options)


def _share(value: Any) -> float:
    share = float(value)
    if not -1e-6 <= share <= 1.0 + 1e-6:  # a NaN fails this too
        raise ValueError(f"{value!r} is no probability")
    return min(1.0, max(0.0, share))


def _normal(shares: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(shares.values())
    if total <= 0.0:
        raise ValueError("the probabilities of the options sum to 0")
    return {option: share / total for option, share in shares.items()}


def _usage(given: Any) -> Usage:
    table = cast("Mapping[str, Any]", given if isinstance(given, Mapping) else {})
    tokens: Any = table.get("input_tokens", 0)
    return Usage(input_tokens=tokens if isinstance(tokens, int) else 0, model_calls=1)
