"""From `--input k=v`, `--input k=@file` and `--input-file` to the input of a run; all misfits at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from swarm.errors import InputError
from swarm.spec.findings import did_you_mean
from swarm.spec.plain import parse_json
from swarm.spec.types import Type

__all__ = ["NOT_UTF8", "read_inputs"]

MAX_BYTES = 64_000_000
NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what Python makes of bytes that are no text


class _MisfitError(Exception):
    """One thing that is wrong with the input."""


def read_inputs(pairs: Sequence[str], file: str, inputs: Mapping[str, Type], *, graph: str) -> dict[str, Any]:
    """Return the input that the options give.

    Args:
        pairs: each `name=value` (text for a `string`, else JSON) or `name=@file`.
        file: a file with a JSON object of inputs, `-` for standard input, or ""; pairs go over it.

    Raises:
        InputError: missing, extra, wrong; everything at once.
    """
    wrong: list[str] = []
    given = _from_file(file, wrong) if file else {}
    broken: set[str] = set()
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign:
            wrong.append(f"--input {pair!r} has no '='")
        elif name in inputs:
            try:
                given[name] = _value(name, text, inputs[name])
            except _MisfitError as error:
                broken.add(name)
                wrong.append(str(error))
        else:
            given[name] = text
    wrong += _misfits(given, broken, inputs)
    if wrong:
        takes = ", ".join(f"{name}: {kind}" for name, kind in inputs.items()) or "nothing"
        raise InputError(
            "the input does not fit\n  - " + "\n  - ".join(wrong[:20]),
            where=graph,
            hint=f"it takes {takes}; write --input name=value",
        )
    return given


def _misfits(given: Mapping[str, Any], broken: set[str], inputs: Mapping[str, Type]) -> Iterable[str]:
    for name, kind in inputs.items():
        if name in broken:
            continue
        if name in given:
            yield from kind.misfits(given[name], name)
        elif kind.required:
            yield f"{name}: missing"
    for name in given:
        if name not in inputs:
            hint = did_you_mean(name, inputs)
            yield f"{name}: the graph has no such input" + (f" ({hint})" if hint else "")


def _value(name: str, text: str, kind: Type) -> Any:
    if text.startswith("@"):
        try:
            text = _read(name, text[1:])
        except _MisfitError as error:
            raise _MisfitError(f"{error} (text that begins with @ goes into --input-file)") from error
    if kind.base == "string":
        return text
    try:
        return parse_json(text)
    except ValueError as error:
        raise _MisfitError(
            f"{name}: {kind} is written as JSON, and {text[:40]!r} is none: {error}"
        ) from error


def _read(name: str, file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)  # a device or a pipe does not say how much there is
        if len(raw) > MAX_BYTES:
            raise _MisfitError(f"{name}: {file!r} is larger than {MAX_BYTES:,} bytes")
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _MisfitError(f"{name}: {file!r} is not UTF-8 (byte {error.start})") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _MisfitError(f"{name}: {file!r} cannot be read: {reason}") from error


def _standard_input() -> str:
    text = sys.stdin.read(MAX_BYTES)
    if NOT_UTF8.search(text):
        raise _MisfitError("--input-file: standard input is not UTF-8")
    return text


def _from_file(file: str, wrong: list[str]) -> dict[str, Any]:
    try:
        text = _standard_input() if file == "-" else _read("--input-file", file)
        table = parse_json(text)
    except _MisfitError as error:
        wrong.append(str(error))
        return {}
    except (ValueError, RecursionError) as error:
        wrong.append(f"--input-file: {file!r} is not JSON: {error}")
        return {}
    if not isinstance(table, dict):
        wrong.append(f'--input-file: {file!r} holds no object; write {{"name": value}}')
        return {}
    return cast("dict[str, Any]", table)
