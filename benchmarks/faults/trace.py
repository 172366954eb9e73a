"""What a process wrote to the files of one folder, and when it asked for it to be on the disk: by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Step", "is_available", "recorded"]

CALLS = "openat,unlink,write,pwrite64,fsync,fdatasync,ftruncate"
MOST_BYTES = 65536  # of one write
UNFINISHED = re.compile(r"^(\d+) +(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (\d+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
ON_FILE = re.compile(r"^\d+<((?:\\x[0-9a-f]{2})*)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing done to a folder's files: `create`, `unlink`, `write`, `truncate`, `sync`, or `sync` of the folder.

    Attributes:
        name: of the file in the folder; "" is the folder itself. at: an offset, or a new length.
    """

    what: str
    name: str
    at: int = 0
    data: bytes = b""


def is_available() -> bool:
    """Return whether the program is here, and may look at a process of ours."""
    found = shutil.which("strace")
    return found is not None and not subprocess.run([found, "true"], capture_output=True).returncode


def recorded(
    command: Sequence[str], folder: Path, names: Sequence[str], *, log: Path, cwd: Path
) -> list[Step]:
    """Run a command to its end, and return what it did to these files of a folder, in order.

    Raises:
        CalledProcessError: the command failed.
    """
    watched = [word for name in ("", *names) for word in ("-P", str(folder / name))]
    strace = ["strace", "-f", "-y", "-xx", "-s", str(MOST_BYTES), "-e", f"trace={CALLS}", "-o", str(log)]
    subprocess.run([*strace, *watched, *command], check=True, capture_output=True, cwd=cwd)
    there: set[str] = set()
    return [step for line in _whole_lines(log) if (step := _step(line, folder, there)) is not None]


def _whole_lines(log: Path) -> Iterator[str]:
    """Yield one line for each call, where it ended."""
    begun: dict[str, str] = {}
    with log.open(encoding="ascii") as lines:
        for line in map(str.rstrip, lines):
            if half := UNFINISHED.match(line):
                begun[half[1]] = half[2]
            elif rest := RESUMED.match(line):
                yield f"{rest[1]} {begun.pop(rest[1])}{rest[2]}"
            else:
                yield line


def _step(line: str, folder: Path, there: set[str]) -> Step | None:
    """Return what a line says was done; `there`: the names there are, kept up to date."""
    if (call := CALL.match(line)) is None:
        return None
    what, given, result = call[1], call[2], int(call[3])
    if what in ("openat", "unlink"):
        name = _name(_texts(given)[0], folder)
        if what == "openat" and ("O_CREAT" not in given or name in there):
            return None
        (there.add if what == "openat" else there.discard)(name)
        return Step(what="create" if what == "openat" else what, name=name)
    file = ON_FILE.match(given)
    assert file is not None, line
    name = _name(_bytes(file[1]), folder)
    if what in ("fsync", "fdatasync"):
        return Step(what="sync", name=name)
    if what == "ftruncate":
        return Step(what="truncate", name=name, at=int(given.rpartition(", ")[2]))
    data = _texts(given[file.end() :])[0][:result]
    assert len(data) == result, "a write was longer than what strace shows"
    return Step(
        what="write", name=name, at=int(given.rpartition(", ")[2]) if what == "pwrite64" else -1, data=data
    )


def _texts(given: str) -> list[bytes]:
    return [_bytes(text) for text in TEXT.findall(given)]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _name(path: bytes, folder: Path) -> str:
    found = Path(path.decode())
    return "" if found == folder else found.name
