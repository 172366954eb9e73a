"""A run as one file: to hand on, to keep beside a test, to execute again offline.

JSON, versioned, laid out for people: the run's head, its input, the signature of its graph, its journal,
and what people were asked. It holds what people wrote and models answered, so it is private (0600). The
tokens of questions stay behind: whoever has the file can answer nothing with it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import swarm.events as ev
from swarm.errors import StoreError
from swarm.stores.base import EVENTS, Question, Record, RunHead, SavedRun
from swarm.stores.shapes import check_parts, checked

__all__ = ["VERSION", "Recording", "dump_recording", "load_recording", "read_recording", "write_recording"]

VERSION = 1
FILE_BYTES = 256_000_000  # four times what the journal of a run may take: it is laid out for people
HEAD = {
    "id": (str,), "graph": (str,), "version": (str,), "source": (str,), "status": (str,), "created": (int, float),
    "updated": (int, float), "key": (str, type(None)), "forked_from": (str,),
}  # fmt: skip
RECORD = {"kind": (str,), "place": (str,), "call": (str,), "body": (dict, list)}
QUESTION = {
    "place": (str,), "call": (str,), "text": (str,), "fields": (dict,), "expires": (int, float),
    "answer": (dict, type(None)),
}  # fmt: skip
FILE = {
    "swarm_recording": (int,), "run": (dict,), "input": (dict,), "graph": (dict,), "records": (list,),
    "questions": (list,),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A run read back, and the signature of the graph it was a run of."""

    saved: SavedRun
    signature: Mapping[str, Any]


def write_recording(path: str | Path, recording: Recording) -> None:
    """Write a recording to a file that only its owner may read; an old one is replaced whole.

    Raises:
        StoreError: it cannot be written.
    """
    path, text = Path(os.path.realpath(path)), dump_recording(recording)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():  # a pipe, a terminal: it is written to, and stays what it is
            path.write_text(text, encoding="utf-8")
            return
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"the run cannot be written: {error.strerror}", where=str(path)) from error


def read_recording(path: str | Path) -> Recording:
    """Return the recording in a file.

    Raises:
        StoreError: it cannot be read, or is none; says where it is wrong.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES + 1)  # a device or a pipe does not say how much there is
        if len(raw) > FILE_BYTES:
            raise StoreError(f"it is larger than {FILE_BYTES:,} bytes", where=str(path), code="too_large")
        return load_recording(raw.decode("utf-8"), where=str(path))
    except OSError as error:
        raise StoreError(f"it cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise _no_recording("it is no UTF-8 text", str(path)) from error


def dump_recording(recording: Recording) -> str:
    """Return the text of a recording.

    Raises:
        StoreError: its journal holds something that JSON has no word for.
    """
    saved = recording.saved
    head = saved.head
    table = {
        "swarm_recording": VERSION,
        "run": {name: getattr(head, name) for name in HEAD},
        "input": json.loads(saved.input),
        "graph": recording.signature,
        "records": [{**one._asdict(), "body": json.loads(one.body)} for one in saved.records],
        "questions": [_question_table(one) for one in saved.questions],
    }
    try:
        return json.dumps(table, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    except ValueError as error:
        raise StoreError(f"the run cannot be exported: {error}", where=head.id) from error


def load_recording(text: str, *, where: str = "") -> Recording:
    """Return the recording that a text holds.

    Raises:
        StoreError: it is none; says where it is wrong. `schema`: a later version wrote it.
    """
    try:
        table = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object_of)
        if isinstance(table, dict) and cast("dict[str, Any]", table).get("swarm_recording", 0) != VERSION:
            raise StoreError(
                f"it is no recording of version {VERSION}", where=where, code="schema",
                hint="swarm runs export ID -o FILE writes one",
            )  # fmt: skip
        return _recording(checked(table, FILE, "it"))
    except RecursionError as error:
        raise _no_recording("it nests too deep", where) from error
    except ValueError as error:
        raise _no_recording(str(error), where) from error


def _recording(table: Mapping[str, Any]) -> Recording:
    head = checked(table["run"], HEAD, "run")
    records = tuple(_record(one, f"records[{at}]") for at, one in enumerate(table["records"]))
    saved = SavedRun(
        head=RunHead(**head, epoch=0, records=len(records), bytes=sum(len(one.body) for one in records)),
        input=_text(table["input"]),
        records=records,
        questions=tuple(
            _question(one, head["id"], f"questions[{at}]") for at, one in enumerate(table["questions"])
        ),
    )
    check_parts(saved)
    return Recording(saved=saved, signature=table["graph"])


def _record(raw: Any, where: str) -> Record:
    table = checked(raw, RECORD, where)
    if table["kind"] == EVENTS:
        for at, event in enumerate(table["body"]):
            if isinstance(event, dict):  # else it is refused with the rest
                _check_known(cast("dict[str, Any]", event), f"{where}.body[{at}]")
    return Record(table["kind"], table["place"], table["call"], _text(table["body"]))


def _check_known(event: Mapping[str, Any], where: str) -> None:
    """Refuse an event that is none: what replaying would leave out, nobody would miss."""
    try:
        ev.from_json(event)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _question_table(question: Question) -> dict[str, Any]:
    answer = None if question.answer is None else json.loads(question.answer)
    return {
        "place": question.place, "call": question.call, "text": question.text,
        "fields": json.loads(question.fields), "expires": question.expires, "answer": answer,
    }  # fmt: skip


def _question(raw: Any, run_id: str, where: str) -> Question:
    table = checked(raw, QUESTION, where)
    return Question(
        token="", run=run_id, place=table["place"], call=table["call"], text=table["text"],
        fields=_text(table["fields"]), expires=table["expires"],
        answer=None if table["answer"] is None else _text(table["answer"]),
    )  # fmt: skip


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _no_recording(what: str, where: str) -> StoreError:
    hint = "swarm runs export ID -o FILE writes one"
    return StoreError(f"this is no recording of a run: {what}", where=where, hint=hint, code="corrupt")


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON")


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key is there twice")
    return table
