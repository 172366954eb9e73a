"""`POST /v1/systemone`: typed questions about a state, answered with probabilities and no text."""

import math
from collections.abc import Mapping, Sequence
from typing import cast

from swarm.testing.fake_model import Answer, FakeModel, token_count
from swarm.testing.host import Host
from swarm.testing.http import Request, Response
from swarm.testing.wire import ApiError, json_response, read_json

MAX_REQUEST_BYTES = 64 * 1024
CHOICES = range(2, 256)
LEVELS = range(2, 11)

Fields = dict[str, object]


def systemone(host: Host, http: Request) -> Response:
    """POST /v1/systemone"""
    if len(http.body) > MAX_REQUEST_BYTES:
        raise ApiError(413, "http: request body too large")
    body = read_json(http)
    name = body.text("model")
    if not name:
        raise ApiError(400, "model is required")
    model = host.find(name)
    if "decision" not in model.capabilities:
        raise ApiError(400, f'"{name}" does not support decision')
    state, questions = body.get("state"), _questions(body.mapping("questions"))
    if not isinstance(state, str | Mapping | Sequence):
        raise ApiError(400, "state must be a string, object, or array")
    host.load(name, body.get("keep_alive"))
    given = _given(model, cast("object", state), questions)
    answers = {key: _answer(key, question, given.get(key)) for key, question in questions.items()}
    usage = {"input_tokens": token_count(http.body.decode("utf-8", "replace")), "output_tokens": 0}
    return json_response({"model": name, "answers": answers, "usage": usage})


def concentration(probabilities: Sequence[float]) -> float:
    """How far the probabilities are from even: 1 - H(p) / ln(n). Not the chance of being right."""
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    return 1.0 - entropy / math.log(len(probabilities))


def _questions(raw: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
    if not raw:
        raise ApiError(400, "questions must not be empty")
    for key, question in raw.items():
        if not isinstance(question, Mapping):
            raise ApiError(400, f"question {key!r} must be an object")
        _check(key, cast("Mapping[str, object]", question))
    return cast("Mapping[str, Mapping[str, object]]", raw)


def _check(key: str, question: Mapping[str, object]) -> None:
    kind, criteria = question.get("type"), question.get("criteria")
    if not question.get("instructions"):
        raise ApiError(400, f"question {key!r} needs instructions")
    if kind == "choice":
        fits = isinstance(criteria, Mapping) and len(cast("Fields", criteria)) in CHOICES
        wanted = "2 to 255 criteria by name"
    elif kind == "score":
        fits = isinstance(criteria, list) and len(cast("list[object]", criteria)) in LEVELS
        wanted = "2 to 10 criteria, lowest first"
    else:
        fits = kind == "noul" and (criteria is None or _yes_and_no(criteria))
        wanted = "the type choice, noul or score (a noul: no criteria, or those of true and false)"
    if not fits:
        raise ApiError(400, f"question {key!r} needs {wanted}")


def _yes_and_no(criteria: object) -> bool:
    return isinstance(criteria, Mapping) and set(cast("Fields", criteria)) <= {"true", "false"}


def _given(
    model: FakeModel, state: object, questions: Mapping[str, Mapping[str, object]]
) -> Mapping[str, Answer]:
    if model.decide is None:
        return {}
    return model.decide(state, questions) if callable(model.decide) else model.decide


def _answer(key: str, question: Mapping[str, object], given: Answer | None) -> Mapping[str, object]:
    if isinstance(given, Mapping) and "type" in given:
        return given
    if question["type"] == "noul":
        return {"type": "noul", "noul": 0.5 if given is None else given}
    if given is not None and not isinstance(given, Mapping):
        raise ApiError(500, f"fake model: the answer to {key!r} must map options to probabilities")
    if question["type"] == "choice":
        return _choice(key, list(cast("Fields", question["criteria"])), given or {})
    return _score(key, cast("list[str]", question["criteria"]), given or {})


def _choice(key: str, options: list[str], given: Mapping[str, object]) -> Fields:
    spread = _spread(key, options, given)
    return {
        "type": "choice",
        "choice": max(spread, key=spread.__getitem__),
        "probabilities": spread,
        "confidence": round(concentration(list(spread.values())), 4),
    }


def _score(key: str, levels: list[str], given: Mapping[str, object]) -> Fields:
    spread = _spread(key, [str(level) for level in range(len(levels))], given)
    return {
        "type": "score",
        "score": round(sum(int(level) * p for level, p in spread.items()), 4),
        "legend": {str(level): text for level, text in enumerate(levels)},
        "probabilities": spread,
        "confidence": round(concentration(list(spread.values())), 4),
    }


def _spread(key: str, options: list[str], given: Mapping[str, object]) -> dict[str, float]:
    """Probabilities of all options: those given, the rest shared evenly."""
    known = cast("Mapping[str, float]", given)
    if unknown := sorted(set(known) - set(options)):
        raise ApiError(500, f"fake model: {key!r} has no option {unknown[0]!r}")
    open_options = [option for option in options if option not in known]
    share = (1.0 - sum(known.values())) / len(open_options) if open_options else 0.0
    return {option: known.get(option, share) for option in options}
