"""What a batch is: the graph, the input and the options that its results depend on.

A batch keeps a note of it beside its output (`out.jsonl.batch.json`) until it has ended, so that it is
gone on with only as what it was begun as.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from swarm._app.check import Checked
from swarm.errors import InputError
from swarm.spec.catalogue import Catalogue
from swarm.spec.dump import plain_of
from swarm.spec.graph import GraphSpec
from swarm.spec.version import version_of

__all__ = ["Identity", "forget", "identify", "note_of", "read_note", "refuse_other", "write_note"]

SUFFIX = ".batch.json"
FORMAT = 1
NOTE_BYTES = 16_000_000  # a note has a hash for each part of a graph; one that is cut off is no JSON
ENDS = 1 << 16  # bytes at the beginning and at the end of the input that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One batch.

    Attributes:
        id: names its runs (`<id>-<row>`). began: seconds since the epoch.
        parts: by the name people know it by, a hash or the text of what results depend on.
    """

    id: str
    began: float
    parts: Mapping[str, str]


def identify(
    checked: Checked, file: str, options: Mapping[str, Any], *, batch_id: str, began: float
) -> Identity:
    """Return what a batch over `file` is; `options` are those of `swarm run`."""
    parts = dict(_parts_of_graph(checked.spec, checked.catalogue, checked.folder))
    parts["input"] = _hash_of_input(Path(file))
    parts["order"] = "as they come" if options["unordered"] else "of the input"
    for name, given in (("--map", sorted(options["maps"])), ("--set", list(options["overrides"]))):
        parts[name] = " ".join(given)
    for name in ("expect", "record"):
        parts[f"--{name}"] = str(options[name] or "")
    return Identity(id=batch_id, began=began, parts=parts)


def note_of(out: Path) -> Path:
    """Return where the note of a batch is that writes to `out`."""
    return out.with_name(out.name + SUFFIX)


def read_note(out: Path) -> Identity | None:
    """Return the note of the batch that has not ended, None if there is none.

    Raises:
        InputError: it is there, and cannot be understood.
    """
    path = note_of(out)
    try:
        with path.open("rb") as file:
            table = json.loads(file.read(NOTE_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    try:
        if table["format"] != FORMAT:
            raise ValueError(f"format {table['format']!r}, and this version writes {FORMAT}")
        parts = cast("dict[str, str]", dict(table["parts"]))
        return Identity(id=str(table["id"]), began=float(table["began"]), parts=parts)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, f"{error}") from error


def write_note(out: Path, identity: Identity) -> None:
    """Write the note, whole or not at all, and durably.

    Raises:
        OSError: it cannot be written.
    """
    path = note_of(out)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump({"format": FORMAT, **asdict(identity)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def forget(out: Path) -> None:
    """Delete the note: the batch has ended."""
    note_of(out).unlink(missing_ok=True)


def refuse_other(was: Identity, now: Identity, out: Path) -> None:
    """Refuse to go on with a batch as something else than it was begun as.

    Raises:
        InputError: says what differs.
    """
    names = [name for name in {**was.parts, **now.parts} if was.parts.get(name) != now.parts.get(name)]
    if names:
        differ = "".join(f"\n  - {_difference(name, was.parts, now.parts)}" for name in names)
        raise InputError(
            f"this batch was begun with something else:{differ}", where=str(out), code="usage",
            hint=f"give what it was begun with; to begin anew, delete {out} and {note_of(out)}",
        )  # fmt: skip


def _difference(name: str, was: Mapping[str, str], now: Mapping[str, str]) -> str:
    if name.startswith("--") or name == "order":
        before, after = (side.get(name) or "not given" for side in (was, now))
        return f"{name}: it was {before}, and now is {after}"
    if name not in was or name not in now:
        return f"{name}: {'added' if name not in was else 'taken away'} since"
    return f"{name}: changed since"


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(
        f"the note of a batch cannot be read: {why}", where=str(path), code="usage",
        hint="to begin anew, delete it and the output beside it",
    )  # fmt: skip


def _parts_of_graph(
    spec: GraphSpec | None, catalogue: Catalogue, folder: Path, prefix: str = ""
) -> Iterator[tuple[str, str]]:
    assert spec is not None, "a graph that runs has a spec"
    yield f"{prefix}graph {spec.name}", _hash(_json(plain_of(spec)))
    for name, expert in catalogue.experts.items():
        yield (
            f"{prefix}expert {name}",
            _hash(version_of(expert) + _json([expert.confidence, expert.calibration])),
        )
    for file in [spec.tools] if isinstance(spec.tools, str) else spec.tools or []:
        yield f"{prefix}tools {file}", _hash_of_file(folder / file)
    for name, inner in catalogue.subgraphs.items():
        yield from _parts_of_graph(inner.spec, inner.catalogue, Path(inner.file).parent, f"{prefix}{name}: ")


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _hash_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _hash_of_input(path: Path) -> str:
    """Return the size of the input and a hash of how it begins and ends: a large one is not read whole."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        first = file.read(ENDS)
        file.seek(max(0, size - ENDS))
        return f"{size} bytes {hashlib.sha256(first + file.read(ENDS)).hexdigest()[:16]}"


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
