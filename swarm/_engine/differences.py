"""Where a run that was executed again parts from the recorded one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from swarm._engine.result import RunResult
from swarm._engine.trail import Step, Trail, enclosing, plain

__all__ = ["TOLERATED", "Difference", "differences"]

PRECISION = 1e-5  # log-probabilities are recorded to six digits, so what is measured of them is no more exact
LEAVES = 5  # of one value, shown
TOLERATED = ("confidence",)  # what may differ while path and outputs are the same
RUN = "the run"
NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as it was.

    Attributes:
        what: `not recorded`, `path` (what became of a node), `output`, `error`, `arguments` (of a tool),
            `model` (who answered), `confidence`, or `status` (how the run ended).
        where: the node's path, with the field after it; or `the run`.
        recorded, now: the two values, plain data.
    """

    what: str
    where: str
    recorded: Any
    now: Any

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"what": self.what, "where": self.where, "recorded": self.recorded, "now": self.now}


def differences(
    before: Trail, now: Trail, recorded: RunResult, result: RunResult, *, stopped: bool
) -> Iterator[Difference]:
    """Yield what is different, in the order of the recorded run; ids and times are not compared.

    Args:
        before, now: what the nodes came to. recorded, result: how the runs ended.
        stopped: this run was stopped where it parted; what it did not come to is no difference.
    """
    fails_alike = not stopped and recorded.error is not None and _error(recorded) == _error(result)
    for place in dict.fromkeys((*before.steps, *now.steps)):
        old, new = before.steps.get(place), now.steps.get(place)
        if old is not None and new is not None:
            yield from _of_step(place, old, new)
        elif not (fails_alike or (stopped and new is None) or _is_part_of_another(place, before, now)):
            yield Difference(what="path", where=place, recorded=_status(old), now=_status(new))
    if not stopped:
        yield from _of_end(recorded, result)


def _is_part_of_another(place: str, before: Trail, now: Trail) -> bool:
    """Return whether what is around the node explains that one run has it and the other has not.

    It went another way, or it failed both times: then what else was at work in it was cut off somewhere.
    """
    for outer in enclosing(place):
        old, new = before.steps.get(outer), now.steps.get(outer)
        if _status(old) != _status(new) or _status(old) == "failed":
            return True
    return False


def _of_step(place: str, old: Step, new: Step) -> Iterator[Difference]:
    if old.status != new.status:
        yield Difference(what="path", where=place, recorded=_status(old), now=_status(new))
        return
    if _brief(old.error) != _brief(new.error):
        yield Difference(what="error", where=place, recorded=_brief(old.error), now=_brief(new.error))
    if _who(old.marks) != _who(new.marks):
        yield Difference(what="model", where=place, recorded=_who(old.marks), now=_who(new.marks))
    for name in ("confidence", "confident"):
        if not _is_same(old.marks.get(name), new.marks.get(name)):
            where = f"{place}.{name}"
            yield Difference(
                what="confidence", where=where, recorded=old.marks.get(name), now=new.marks.get(name)
            )
    yield from _of_values(place, old.output, new.output)


def _of_end(recorded: RunResult, result: RunResult) -> Iterator[Difference]:
    if recorded.status != result.status:
        yield Difference(what="status", where=RUN, recorded=recorded.status, now=result.status)
    if _error(recorded) != _error(result):
        yield Difference(what="error", where=RUN, recorded=_error(recorded), now=_error(result))
    if not _is_same(recorded.confidence, result.confidence) or recorded.confident != result.confident:
        yield Difference(
            what="confidence", where=RUN, recorded=recorded.confidence, now=result.confidence
        )  # fmt: skip
    yield from _of_values(RUN, plain(recorded.output), plain(result.output))


def _of_values(where: str, old: Any, new: Any) -> Iterator[Difference]:
    for shown, (path, before, now) in enumerate(_leaves(where, old, new)):
        if shown == LEAVES:
            return
        yield Difference(what="output", where=path, recorded=before, now=now)


def _leaves(where: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the innermost parts that differ, and their paths."""
    if isinstance(old, dict) and isinstance(new, dict):
        before, now = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for key in dict.fromkeys((*before, *now)):
            if key in before and key in now:
                yield from _leaves(f"{where}.{key}", before[key], now[key])
            else:
                yield f"{where}.{key}", before.get(key), now.get(key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):  # pyright: ignore[reportUnknownArgumentType]
        for at, (one, other) in enumerate(zip(cast("list[Any]", old), cast("list[Any]", new), strict=True)):
            yield from _leaves(f"{where}[{at}]", one, other)
    elif not _is_same(old, new):
        yield where, old, new


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, int | float) and isinstance(new, int | float):
        return (
            math.isclose(old, new, rel_tol=PRECISION, abs_tol=PRECISION) if _is_real(old, new) else old == new
        )
    return old == new


def _is_real(old: float, new: float) -> bool:
    return isinstance(old, float) or isinstance(new, float)


def _status(step: Step | None) -> str:
    return NOT_REACHED if step is None else step.status


def _who(marks: Mapping[str, Any]) -> str:
    if marks.get("model") is None:
        return ""
    return f"{marks['model']} (rung {marks.get('rung')}{', escalated' if marks.get('escalated') else ''})"


def _brief(error: Mapping[str, Any]) -> str:
    return f"{error['code']}: {error['message']}" if error else ""


def _error(result: RunResult) -> str:
    if result.error is None:
        return ""
    at = f" at {result.error_node}" if result.error_node else ""
    return f"{result.error.code}: {result.error.what}{at}"
