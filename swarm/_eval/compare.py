"""The results of evaluations, kept as files, and which cases a change has fixed or broken.

One file of JSON lines for each expert and set of cases: a line about the evaluation, then one for each case.
The texts themselves are not kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any, cast

from swarm._eval.cases import Case, digest_of
from swarm.errors import InputError

__all__ = ["Kept", "Verdict", "file_for", "flips", "keep", "read_kept"]

FORMAT = 1
KEEP = 50
NAMED = 50  # cases that are named in the flips; all are counted
PARTIAL = ".partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was made of one case. `good`: counted as right; None where nothing says what is right."""

    id: str
    good: bool | None
    said: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An evaluation as it was kept.

    Attributes:
        about: how it was made (rung, files, date). figures: what it came to.
    """

    about: Mapping[str, Any]
    figures: Mapping[str, Any]
    verdicts: Sequence[Verdict]


def file_for(folder: Path, name: str, cases: Sequence[Case]) -> Path:
    """Return where the results of `name` on these cases are kept."""
    digest = digest_of([[case.id, case.inputs, case.expected] for case in cases])
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    return folder / f"{safe}-{digest}.jsonl"


def keep(file: Path, kept: Kept, *, partial: bool = False) -> Path:
    """Write the results, in place of those of before; return where they are.

    The newest fifty files stay. `partial`: they go beside the last whole results instead.
    """
    file = file.with_suffix(PARTIAL + file.suffix) if partial else file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    head = {"swarm_eval": FORMAT, **kept.about, "figures": kept.figures}
    rows = [
        {"id": one.id, "good": one.good, "said": one.said, "confidence": one.confidence}
        for one in kept.verdicts
    ]
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in (head, *rows))
    fresh = file.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(text, encoding="utf-8", errors="backslashreplace")  # half a surrogate pair as its escape
    fresh.replace(file)  # at once: whoever reads sees the results of before, or these
    _prune(file.parent)
    return file


def read_kept(file: Path) -> Kept | None:
    """Return the results kept in a file; None where there is none.

    Raises:
        InputError: it holds something else.
    """
    if not file.is_file():
        return None
    try:
        head, *rows = [json.loads(line) for line in file.read_text(encoding="utf-8").rstrip("\n").split("\n")]
        if head["swarm_eval"] != FORMAT:
            raise ValueError(f"its format is {head['swarm_eval']!r}, and {FORMAT} is known")
        verdicts = tuple(
            Verdict(id=row["id"], good=row["good"], said=row["said"], confidence=row["confidence"])
            for row in rows
        )
        figures = cast("Mapping[str, Any]", head.pop("figures"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the results of the last evaluation cannot be read: {type(error).__name__}: {error}",
            where=str(file), hint="delete the file, and evaluate again", code="invalid_results",
        ) from error  # fmt: skip
    return Kept(about=head, figures=figures, verdicts=verdicts)


def flips(before: Sequence[Verdict], now: Sequence[Verdict]) -> dict[str, Any]:
    """Return which cases were wrong and are right now, and the other way round.

    `p`: how likely so uneven flips are by chance if nothing changed, two-sided; null without a flip.
    Source: the exact form of McNemar's test (Psychometrika 12, 1947).
    """
    was = {one.id: one.good for one in before}
    both = [(one.id, was[one.id], one.good) for one in now if was.get(one.id) is not None]
    fixed = [name for name, old, new in both if not old and new]
    broken = [name for name, old, new in both if old and new is False]
    return {
        "compared": len(both),
        "fixed": fixed[:NAMED],
        "broken": broken[:NAMED],
        "n_fixed": len(fixed),
        "n_broken": len(broken),
        "p": _chance(len(fixed), len(broken)),
    }


def _chance(fixed: int, broken: int) -> float | None:
    n = fixed + broken
    if n == 0:
        return None
    tail = sum(comb(n, k) for k in range(min(fixed, broken) + 1))
    return min(1.0, 2 * tail / 2**n)


def _prune(folder: Path) -> None:
    """Delete all but the newest results."""
    files: list[tuple[float, Path]] = []
    for file in folder.glob("*.jsonl"):
        with suppress(FileNotFoundError):  # another process deleted it meanwhile
            files.append((file.stat().st_mtime, file))
    for _, file in sorted(files, reverse=True)[KEEP:]:
        file.unlink(missing_ok=True)
