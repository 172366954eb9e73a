"""What the JSON of a run looks like: checked where it is read back, since anybody may have written the file.

A store answers for the bytes (they are what was written), not for what was written. So whoever builds on a
body looks at it here first: what passes has every field that is read later, of the kind it is read as.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import swarm.events as ev
from swarm.errors import StoreError
from swarm.spec.types import parse_type, record
from swarm.stores.base import DONE, END, ENDED, EVENTS, INTENT, TRIED, Question, Record, SavedRun

__all__ = [
    "check_parts",
    "check_question",
    "check_record",
    "check_run",
    "check_signature",
    "checked",
    "read_json",
]

Kinds = Mapping[str, tuple[type, ...]]

NUMBER, TEXT, MAYBE_TEXT = (int, float), (str,), (str, type(None))
FAILURE: Kinds = {"code": TEXT, "message": TEXT}
WHERE: Kinds = {"where": MAYBE_TEXT, "hint": MAYBE_TEXT}  # of a failure; may be left out
USAGE: Kinds = {"input_tokens": (int,), "output_tokens": (int,), "model_calls": (int,)}
MARKS: Kinds = {
    "confidence": (int, float, type(None)), "confident": (bool, type(None)), "model": MAYBE_TEXT,
    "rung": (int, type(None)), "escalated": (bool,), "source": MAYBE_TEXT, "way": MAYBE_TEXT,
}  # fmt: skip
ENDING: Kinds = {
    "status": TEXT, "text": TEXT, "confidence": (int, float, type(None)), "usage": (dict,),
    "confident": (bool, type(None)), "notes": (list,), "nodes": (dict,), "output": (object,),
}  # fmt: skip
SIGNALS: Kinds = {
    "probabilities": (dict,), "label_mass": (int, float, type(None)), "logprobs": (list,), "named": (dict,)
}  # fmt: skip
REFUSAL: Kinds = {
    "kind": TEXT, "what": TEXT, "where": TEXT, "hint": TEXT, "code": TEXT, "retryable": (bool,), "model": TEXT
}  # fmt: skip
CALLED: Kinds = {"id": TEXT, "name": TEXT, "arguments": (dict,)}
# What a call inside a node gave, by the field that tells which sort of call it was.
GAVE: Mapping[str, Kinds] = {
    "invalid": {"invalid": TEXT, "usage": (dict,)},
    "failure": {"failure": (dict,)},
    "turn_usage": {
        "text": TEXT, "model": TEXT, "tool_calls": (list,), "turn_usage": (dict,), "finish": TEXT, "signals": (dict,)
    },
    "value": {"value": (object,), "usage": (dict,), "way": MAYBE_TEXT, "signals": (dict,)},
    "scores": {"expert": MAYBE_TEXT, "scores": (dict,), "way": TEXT},
    "shown": {"shown": TEXT},
    "error": {"error": TEXT, "code": TEXT},
}  # fmt: skip
MODEL, TOOL, ROUTE = ("invalid", "failure", "value"), ("turn_usage", "shown", "error"), ("scores",)


def check_run(saved: SavedRun) -> None:
    """Raise unless everything of a run that was read back is as runs write it.

    Raises:
        StoreError: `corrupt`; names the run and what of it is wrong.
    """
    try:
        check_parts(saved)
    except ValueError as error:
        raise _corrupt(f"the run cannot be read: {error}", str(saved.head.id)) from error


def check_parts(saved: SavedRun) -> None:
    """Raise ValueError unless everything of a run is as runs write it; it says what is not."""
    what = "its line"
    try:
        _check_head(saved)
        what = "its input"
        _object(read_json(saved.input), "it")
        for place, one in enumerate(saved.records):
            what = f"record {place}"
            check_record(one)
        what = "its end"
        _check_ended(saved)
        for place, question in enumerate(saved.questions):
            what = f"question {place}"
            check_question(question)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def check_record(one: Record) -> Any:
    """Return the body of a record, which is as runs write it.

    Raises:
        ValueError: it is not; says where.
    """
    _check_texts(*one)
    body = read_json(one.body)
    if one.kind == EVENTS:
        _check_events(body)
    elif one.kind == END:
        _check_ending(_object(body, "body"))
    elif one.kind == DONE and not one.call:
        _check_result(_object(body, "body"))
    elif one.kind in (DONE, TRIED):
        _check_call(one.call, _object(body, "body"))
    elif one.kind == INTENT:
        _object(body, "body")
    else:
        raise ValueError(f"{one.kind!r} is no kind of record")
    return body


def check_signature(signed: Any, run_id: str) -> Mapping[str, Any]:
    """Return the signature of a graph: hashes of its inputs, and of the parts of its nodes.

    Raises:
        StoreError: `corrupt`; names the run whose graph it is.
    """
    try:
        table = _has(signed, {"inputs": (dict,), "nodes": (dict,)}, "it")
        _all(table["inputs"], TEXT, "inputs")
        for name, parts in table["nodes"].items():
            _all(_object(parts, f"nodes.{name}"), TEXT, f"nodes.{name}")
    except ValueError as error:
        raise _corrupt(f"the signature of its graph cannot be read: {error}", run_id) from error
    return table


def read_json(text: Any) -> Any:
    """Return the value that a text holds; ValueError if it holds none, or one that nests too deep."""
    if not isinstance(text, str):
        raise ValueError("it is no text")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deep") from error


def _check_results(records: tuple[Record, ...]) -> None:
    """Raise if an end speaks of a result which is not there."""
    results = {one.place for one in records if one.kind == DONE and not one.call}
    for one in records:
        if one.kind == END:
            for name, brief in json.loads(one.body)["nodes"].items():
                if name not in results and not {"skipped", "latency_ms"} & brief.keys():
                    raise ValueError(f"the result of node {name!r} is missing")


def checked(raw: Any, kinds: Kinds, where: str) -> dict[str, Any]:
    """Return an object that has these fields and no others, else raise ValueError."""
    table = _has(raw, kinds, where)
    unknown = table.keys() - kinds.keys()
    if unknown:
        raise ValueError(f"{where} has the unknown field {min(unknown)!r}")
    return table


def _has(raw: Any, kinds: Kinds, where: str) -> dict[str, Any]:
    """Return an object that has these fields, at least, else raise ValueError."""
    table = _object(raw, where)
    for name, allowed in kinds.items():
        if name not in table:
            raise ValueError(f"{where} has no field {name!r}")
        if not isinstance(table[name], allowed):
            raise ValueError(f"{where}.{name} is {type(table[name]).__name__}")
    return table


def _check_head(saved: SavedRun) -> None:
    head = saved.head
    _check_texts(head.id, head.graph, head.version, head.source, head.status)
    for at in (head.created, head.updated):
        _check_finite(at, "a time")


def _check_ended(saved: SavedRun) -> None:
    """Raise if a run has ended and does not say how."""
    _check_results(saved.records)
    status = saved.head.status
    if status in ENDED and status != "cancelled":
        ends = [json.loads(one.body)["status"] for one in saved.records if one.kind == END]
        if not ends or ends[-1] != status:
            raise ValueError(f"the run is {status}, and its last end says {ends[-1] if ends else 'nothing'}")


def _check_events(body: Any) -> None:
    if not isinstance(body, list):
        raise ValueError("body is no list of events")
    for at, raw in enumerate(cast("list[Any]", body)):
        event = _has(raw, {"type": TEXT}, f"body[{at}]")
        _check_some(event, {"node": MAYBE_TEXT}, f"body[{at}]")
        if event["type"] in ev.EVENTS:  # else a later version wrote it: whoever shows the run says so
            ev.from_json(event)


def _check_result(body: Mapping[str, Any]) -> None:
    """Check what a node came to: one of a value, a failure, and a reason why there is none."""
    _timed(_has(body, {"kind": TEXT}, "body"))
    if len({"output", "error", "skipped"} & body.keys()) != 1:
        raise ValueError("body has not one of output, error, skipped")
    if "error" in body:
        _check_failure(body["error"], "body.error")
    _check_some(body, {"skipped": TEXT}, "body")
    if "marks" in body:
        marks = _object(body["marks"], "body.marks")
        _check_some(marks, MARKS, "body.marks")
        if unknown := marks.keys() - MARKS.keys():
            raise ValueError(f"body.marks has the unknown field {min(unknown)!r}")
        if body["kind"] in ("expert", "route") and not isinstance(body.get("output"), dict):
            raise ValueError("body.output has no fields to put marks beside")


def _check_call(call: str, body: Mapping[str, Any]) -> None:
    """Check what a call inside a node gave, which its name tells: a model's answer, a turn of one, a tool's result."""
    name = call.rpartition("#")[0]
    sort = next(
        (field for field in (ROUTE if name == "route" else TOOL if "#" in name else MODEL) if field in body),
        "",
    )
    if not sort:
        raise ValueError(f"body holds nothing that {call!r} can give")
    table = _has(body, GAVE[sort], "body")
    for usage in table.keys() & {"usage", "turn_usage"}:
        checked({**dict.fromkeys(USAGE, 0), **_object(table[usage], usage)}, USAGE, f"body.{usage}")
    if sort == "failure":
        checked(table["failure"], REFUSAL, "body.failure")
    if sort == "scores":
        _all(table["scores"], NUMBER, "body.scores")
    if sort == "value":
        _check_signals(table["signals"])
    if sort == "turn_usage":
        _all(table["signals"], NUMBER, "body.signals")
        for at, one in enumerate(table["tool_calls"]):
            checked(one, CALLED, f"body.tool_calls[{at}]")


def _check_signals(raw: Any) -> None:
    table = checked(raw, SIGNALS, "body.signals")
    for question, options in table["probabilities"].items():
        _all(_object(options, question), NUMBER, f"body.signals.probabilities.{question}")
    _all(table["named"], NUMBER, "body.signals.named")
    if not all(isinstance(one, NUMBER) for one in table["logprobs"]):
        raise ValueError("body.signals.logprobs holds what is no number")


def _check_ending(body: Mapping[str, Any]) -> None:
    _timed(_has(body, ENDING, "body"))
    if body["status"] not in ENDED:
        raise ValueError(f"body.status is {body['status']!r}")
    checked(body["usage"], USAGE, "body.usage")
    if "error" in body:
        _check_failure(body["error"], "body.error")
    _check_some(body, {"error_node": MAYBE_TEXT}, "body")
    for name, raw in body["nodes"].items():
        brief = _has(raw, {"kind": TEXT}, f"body.nodes.{name}")
        _check_some(brief, {"skipped": TEXT, "latency_ms": (int, float, type(None))}, f"body.nodes.{name}")
        if "error" in brief:
            _check_failure(brief["error"], f"body.nodes.{name}.error")
    if not all(isinstance(note, str) for note in body["notes"]):
        raise ValueError("body.notes holds what is no text")


def _check_failure(raw: Any, where: str) -> None:
    _check_some(_has(raw, FAILURE, where), WHERE, where)


def check_question(question: Question) -> None:
    """Raise ValueError unless a question, and its answer, are as runs write them."""
    _check_texts(question.token, question.place, question.call, question.text)
    _check_finite(question.expires, "the time it expires")
    fields = _object(read_json(question.fields), "fields")
    kind = record({name: parse_type(raw) for name, raw in fields.items()})
    if question.answer is not None:
        wrong = next(kind.misfits(_object(read_json(question.answer), "answer")), "")
        if wrong:
            raise ValueError(f"the answer does not fit: {wrong}")


def _timed(body: Mapping[str, Any]) -> None:
    for name in ("at", "latency_ms"):
        if name not in body:
            raise ValueError(f"body has no field {name!r}")
        _check_finite(body[name], f"body.{name}")


def _check_texts(*names: Any) -> None:
    if not all(isinstance(name, str) for name in names):  # a file may hold bytes where it should hold text
        raise ValueError("a name is no text")


def _check_finite(value: Any, what: str) -> None:
    if not isinstance(value, NUMBER) or not math.isfinite(value):
        raise ValueError(f"{what} is {value!r}")


def _check_some(table: Mapping[str, Any], kinds: Kinds, where: str) -> None:
    """Check fields that may be left out."""
    for name in table.keys() & kinds.keys():
        if not isinstance(table[name], kinds[name]):
            raise ValueError(f"{where}.{name} is {type(table[name]).__name__}")


def _all(table: Mapping[str, Any], kind: tuple[type, ...], where: str) -> None:
    for name, value in table.items():
        if not isinstance(value, kind):
            raise ValueError(f"{where}.{name} is {type(value).__name__}")


def _object(raw: Any, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError(f"{where} is no object")
    return cast("dict[str, Any]", raw)


def _corrupt(what: str, run_id: str) -> StoreError:
    return StoreError(
        what,
        where=run_id,
        code="corrupt",
        hint=f"begin it anew; to be rid of this one: swarm runs cancel {run_id}",
    )
