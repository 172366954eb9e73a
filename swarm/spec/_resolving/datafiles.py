"""The files that an expert names: prompts, examples, requests and documents, read and checked.

A path written in a file is relative to that file's folder and may not leave it; one given as an
option or in Python may be anywhere (`Base.confined`).
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from swarm.messages import Passage
from swarm.spec.findings import did_you_mean
from swarm.spec.load import read_text_file

__all__ = [
    "HARMFUL",
    "Base",
    "DataError",
    "Example",
    "find",
    "read_documents",
    "read_examples",
    "read_text",
    "read_texts",
]

RECURSIVE = "**"
MAX_TEXT_BYTES = 1_000_000
MAX_ROWS_BYTES = 64_000_000
MAX_DOCUMENTS = 2_000
MAX_DOCUMENTS_BYTES = 20_000_000
SHOWN_ROWS = 3
LABELLED = ("classify", "moderate")
HARMFUL = "harmful"  # the answer of a moderator's example that is harmful, nobody says how
SAID_HARMFUL = ("harmful", "unsafe", "flagged", "true", "yes", "1")
SAID_HARMLESS = ("harmless", "safe", "none", "false", "no", "0", "")
ANSWERS = frozenset({"label", "expected"})
Example = tuple[str, str]


class DataError(Exception):
    """A file that cannot be used: a code of `CODES`, one sentence, and what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a path is relative to, and whether it must stay inside."""

    folder: Path
    confined: bool = True


def find(name: str, base: Base) -> Path:
    """Return the file that `name` means.

    Raises:
        DataError: SW019 it leaves the folder, SW020 it is not there, SW009 it cannot be read.
    """
    path = base.folder / _inside(name, base)
    if not _is_there(path, name):
        message = f"there is no file {name!r}"
        if not path.parent.is_dir():
            raise DataError("SW020", message, f"there is no folder {path.parent.name!r} either")
        names = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
        raise DataError("SW020", message, _nearest(path.name, names, base))
    _stay(path, name, base)
    if not (path.is_file() or path.is_dir()):  # opening a pipe would wait for whoever writes to it
        raise DataError("SW009", f"{name!r} is no file: a pipe, a socket or a device")
    return path


def _is_there(path: Path, name: str) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        shown = name if len(name) <= 60 else f"{name[:60]}..."
        raise DataError("SW009", f"{shown!r} cannot be read: {error.strerror}") from error


def read_text(name: str, base: Base, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Return the text of the file `name`.

    Raises:
        DataError: it leaves the folder, is not there, is too large, or is not UTF-8.
    """
    text, trouble = read_text_file(find(name, base), max_bytes)
    if trouble is not None:
        raise DataError(trouble.code, trouble.message, trouble.hint)
    return text


def read_documents(patterns: Sequence[str], base: Base) -> tuple[tuple[Passage, ...], tuple[int, ...]]:
    """Return the documents that the patterns match, in order, and the patterns that match none.

    Raises:
        DataError: a pattern leaves the folder, a plain name is not there, or it is too much.
    """
    found: dict[str, Path] = {}
    empty: list[int] = []
    for index, pattern in enumerate(patterns):
        names = _matches(pattern, base)
        if not names:
            empty.append(index)
        found |= {name: base.folder / name for name in names}
    if len(found) > MAX_DOCUMENTS:
        raise DataError("SW005", f"{len(found):,} documents match: {MAX_DOCUMENTS:,} at most", "name fewer")
    passages: list[Passage] = []
    size = 0
    for name, path in found.items():
        _stay(path, name, base)
        text, trouble = read_text_file(path, MAX_TEXT_BYTES)
        if trouble is not None:
            raise DataError(trouble.code, trouble.message, trouble.hint)
        size += len(text)
        passages.append(Passage(name=name, text=text))
    if size > MAX_DOCUMENTS_BYTES:
        raise DataError("SW005", f"the documents have {size:,} characters: {MAX_DOCUMENTS_BYTES:,} at most")
    return tuple(passages), tuple(empty)


def read_examples(
    source: str | Sequence[Any], base: Base, *, kind: str, main: str, labels: Sequence[str] | None
) -> tuple[Example, ...]:
    """Return the examples of an expert as (text, answer).

    Rows are `{text, label}` or `{input, expected}`; other columns are ignored. The answer of a
    moderator's harmless example (false, 0, "safe", "none", null), and of a text that fits none of a
    classifier's labels (label null), is ""; of one that is harmful, nobody says how (true, 1), it is
    `harmful`. Answers that are no text are JSON.

    Args:
        source: a file of JSON lines, or the rows themselves.
        main: the expert's main input. `labels`: the only answers allowed, if known.

    Raises:
        DataError: SW060 with the first bad rows by their line, or the file cannot be read.
    """
    rows = (
        _rows(read_text(source, base, max_bytes=MAX_ROWS_BYTES))
        if isinstance(source, str)
        else _listed(source)
    )
    word = "line" if isinstance(source, str) else "row"
    allowed = None if labels is None else frozenset(labels)
    result: list[Example] = []
    bad: list[str] = []
    for number, row in rows:
        try:
            result.append(_example(row, kind, main, allowed))
        except ValueError as error:
            bad.append(f"{word} {number}: {error}")
    if bad:
        raise _bad_rows(bad, source)
    return tuple(result)


def read_texts(name: str, base: Base) -> tuple[str, ...]:
    """Return the `text` of every row of a JSON lines file.

    Raises:
        DataError: as `read_examples`.
    """
    texts: list[str] = []
    bad: list[str] = []
    for number, row in _rows(read_text(name, base, max_bytes=MAX_ROWS_BYTES)):
        try:
            texts.append(_text(_table(row).get("text"), "text"))
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        raise _bad_rows(bad, name)
    return tuple(texts)


def _nearest(name: str, names: Sequence[str], base: Base) -> str:
    """Return a hint: the file that may be meant, else those of the same kind if they are few."""
    hint = did_you_mean(name, names)
    if hint.startswith("did you mean"):
        return hint
    alike = [other for other in names if Path(other).suffix == Path(name).suffix]
    if 0 < len(alike) < 10:
        return did_you_mean(name, alike)
    return f"paths are relative to the {'file' if base.confined else 'working directory'}"


def _inside(name: str, base: Base) -> Path:
    path = Path(name)
    if base.confined and (path.is_absolute() or ".." in path.parts or name.startswith("~")):
        raise DataError("SW019", f"{name!r} leaves the folder of the file", "copy it beside the file")
    return path


def _stay(path: Path, name: str, base: Base) -> None:
    if base.confined and not path.resolve().is_relative_to(base.folder.resolve()):
        raise DataError("SW019", f"{name!r} is a link that leaves the folder", "copy it beside the file")


def _matches(pattern: str, base: Base) -> list[str]:
    _inside(pattern, base)
    if not glob.has_magic(pattern):
        find(pattern, base)
        return [pattern]
    names = _everywhere(pattern, base) if RECURSIVE in Path(pattern).parts else _here(pattern, base)
    return sorted(name for name in names if (base.folder / name).is_file())


def _here(pattern: str, base: Base) -> Iterable[str]:
    return glob.glob(pattern, root_dir=base.folder)


def _everywhere(pattern: str, base: Base) -> Iterable[str]:
    """Yield what a pattern with `**` matches; linked folders are not gone into, which may be a circle."""
    path = Path(pattern)
    root = Path(path.anchor) if path.is_absolute() else base.folder
    try:
        for found in root.glob(str(path.relative_to(path.anchor))):
            name = found if path.is_absolute() else found.relative_to(root)
            if not any(part.startswith(".") for part in name.parts):
                yield str(name)
    except ValueError as error:
        raise DataError("SW020", f"{pattern!r} is no pattern: {error}") from error


def _rows(text: str) -> Iterator[tuple[int, Any]]:
    """Yield line number and value; a line that is not JSON is a ValueError as value."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                yield number, ValueError(f"not JSON ({error})")


def _listed(rows: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    yield from enumerate(rows, start=1)


def _bad_rows(bad: Sequence[str], source: Any) -> DataError:
    name = repr(source) if isinstance(source, str) else "the examples"
    more = f"; and {len(bad) - SHOWN_ROWS} more" if len(bad) > SHOWN_ROWS else ""
    message = f"bad rows in {name}: {'; '.join(bad[:SHOWN_ROWS])}{more}"
    return DataError("SW060", message, 'a row is {"text": "...", "label": "..."}')


def _table(row: Any) -> dict[str, Any]:
    if isinstance(row, ValueError):
        raise row
    if not isinstance(row, dict):
        raise ValueError("not an object {...}")
    return cast("dict[str, Any]", row)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"no {name!r}" if value is None else f"{name!r} is not text")
    if not value.strip():
        raise ValueError(f"{name!r} is empty")
    return value


def _example(row: Any, kind: str, main: str, labels: frozenset[str] | None) -> Example:
    table = _table(row)
    if "input" in table:
        given = table["input"]
        text = cast("dict[str, Any]", given).get(main) if isinstance(given, dict) else given
        answer = table.get("expected")
    else:
        text, answer = table.get("text"), table.get("label", table.get("expected"))
    text = _text(text, main if "input" in table else "text")
    if kind not in LABELLED:
        return text, answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    if kind == "classify" and answer is None and not table.keys().isdisjoint(ANSWERS):
        return text, ""
    return text, _label(answer, kind, labels)


def _label(answer: Any, kind: str, labels: frozenset[str] | None) -> str:
    if isinstance(answer, dict):
        table = cast("dict[str, Any]", answer)
        answer = table.get("label") if kind == "classify" else table.get("category") or table.get("flagged")
    said = _harm_at_all(answer, labels) if kind == "moderate" else None
    if said is not None:
        return said
    label = _text(answer, "label")
    if labels is not None and label not in labels:
        near = did_you_mean(label, labels)
        what = near if near.startswith("did you mean") else "not one of the labels"
        raise ValueError(f"label {label!r}: {what}{', nor true or false' if kind == 'moderate' else ''}")
    return label


def _harm_at_all(answer: Any, labels: frozenset[str] | None) -> str | None:
    """Return `harmful` or "" for an answer that names no category but says whether it is one; else None."""
    if answer is None:
        return ""
    if not isinstance(answer, str | bool | int) or answer in (labels or ()):
        return None
    said = str(int(answer) if isinstance(answer, bool) else answer).strip().casefold()
    return HARMFUL if said in SAID_HARMFUL else "" if said in SAID_HARMLESS else None
