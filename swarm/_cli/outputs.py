"""The files that a command writes: never one that it reads, and looked at before the work begins."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from swarm.errors import InputError

__all__ = ["check_outputs", "replace_text"]


def check_outputs(read: Mapping[str, Path | None], written: Mapping[str, Path | None]) -> None:
    """Refuse files that cannot be written, or must not be; make the folders of the others.

    Args:
        read, written: files by the option that names them; None where it is not given.

    Raises:
        InputError: one would be written over what is read or what another option writes, or cannot be written.
    """
    taken = {file.resolve(): name for name, file in read.items() if file is not None}
    for name, file in written.items():
        if file is None:
            continue
        other = taken.setdefault(file.resolve(), name)
        if other != name:
            raise _misfit(name, file, f"is the file of {other}, too: it would be damaged")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _misfit(name, file, f"cannot be written: {error.strerror or error}") from error
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            raise _misfit(name, file, "cannot be written: Permission denied")


def replace_text(file: Path, text: str) -> None:
    """Write a file whole or not at all: an interruption or a full disk leaves the one that was there.

    Line ends stay as they are in the text; half of a surrogate pair becomes its escape, as JSON has it.

    Raises:
        OSError: it cannot be written.
    """
    is_plain = not file.is_symlink() and (not file.exists() or (file.is_file() and os.access(file, os.W_OK)))
    fresh = file.with_name(f".{file.name}.{os.getpid()}.new") if is_plain else file
    try:
        with fresh.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            stream.write(text)
        if is_plain:
            if file.exists():
                shutil.copymode(file, fresh)
            fresh.replace(file)
    finally:
        if is_plain:
            fresh.unlink(missing_ok=True)


def _misfit(name: str, file: Path, why: str) -> InputError:
    return InputError(f"{name} {str(file)!r} {why}", hint="write to another file", code="usage")
