"""What was learned about an expert and saved beside it: `artefacts/<expert>.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from swarm.spec._resolving.datafiles import DataError
from swarm.spec.load import read_text_file
from swarm.spec.plain import parse_json

__all__ = ["FOLDER", "read_calibration"]

FOLDER = "artefacts"
MAX_BYTES = 4_000_000


def read_calibration(name: str, homes: Iterable[Path]) -> tuple[Mapping[str, Any] | None, str]:
    """Return the calibration saved for the expert `name` and its file; None and where it would be if none is.

    Args:
        homes: the folders to look in, the nearest first.

    Raises:
        DataError: SW061: it is there and is no JSON object.
    """
    files = [home / FOLDER / f"{name}.json" for home in homes]
    found = next((file for file in files if file.exists() or file.is_symlink()), None)
    if found is None:
        return None, str(files[0]) if files else ""
    if not found.is_file():
        raise DataError("SW061", f"{found} is no file", _again(name))
    text, trouble = read_text_file(found, MAX_BYTES)
    if trouble is not None:
        raise DataError("SW061", f"{found}: {trouble.message}", _again(name))
    try:
        data = parse_json(text)
    except ValueError as error:
        raise DataError("SW061", f"{found} is no JSON: {error}", _again(name)) from error
    if not isinstance(data, dict) or "swarm_policy" not in data:
        raise DataError("SW061", f"{found} is no calibration: it has no `swarm_policy`", _again(name))
    return cast("dict[str, Any]", data), str(found)


def _again(name: str) -> str:
    return f"delete it, then make it again: swarm calibrate {name} --data FILE --target-error 0.05 --write"
