"""Events as log lines: ids and counts, never what people or models wrote. The only user of structlog."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import structlog

import swarm.events as ev

__all__ = ["LEVELS", "log_events"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}  # as the standard library numbers them

# Fields that may be logged, by event. What is not here may hold what somebody wrote.
_RUN: Mapping[type[ev.Event], tuple[str, ...]] = {
    ev.RunStarted: ("graph",),
    ev.RunPausedEvent: ("node",),
    ev.RunResumed: ("node",),
    ev.RunFinished: ("status", "confidence", "latency_ms"),
    ev.RunFailed: ("code", "node", "latency_ms"),
    ev.RunCancelled: ("latency_ms",),
    ev.NoteAdded: ("code",),
    ev.NodeFailed: ("node", "code", "handled", "latency_ms"),
    ev.ExpertEscalated: ("node", "model", "to_model"),
}
_DETAIL: Mapping[type[ev.Event], tuple[str, ...]] = {
    ev.NodeStarted: ("node", "kind"),
    ev.NodeSkipped: ("node",),
    ev.NodeFinished: ("node", "latency_ms"),
    ev.NodeCancelled: ("node",),
    ev.ModelRequested: ("node", "model", "rung", "attempt"),
    ev.ModelFinished: ("node", "model", "rung", "way", "input_tokens", "output_tokens", "latency_ms"),
    ev.ConfidenceScored: ("node", "model", "rung", "confidence", "estimator", "threshold", "accepted"),
    ev.RouteDecided: ("node", "expert", "way"),
    ev.ToolCalled: ("node", "tool", "attempt"),
    ev.ToolFinished: ("node", "tool", "latency_ms"),
    ev.ToolRefused: ("node", "tool"),
}
_WARNINGS = (ev.RunFailed, ev.NodeFailed, ev.NoteAdded)


def log_events(level: str = "info", write: Callable[[str], Any] | None = None) -> Callable[[ev.Event], None]:
    """Return a listener that logs what happens, one line of `key=value` an event.

    Args:
        level: of `LEVELS`: `info` tells of runs, failures and escalations, `debug` of every step.
        write: takes a line without its end; default: stderr.

    Raises:
        ValueError: an unknown level.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no log level\n  fix: one of {', '.join(LEVELS)}")
    logger = structlog.wrap_logger(
        _Lines(write or _to_stderr),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.LogfmtRenderer(key_order=["level", "event", "run"], bool_as_flag=False),
        ],
        context_class=dict,
    )

    def listen(event: ev.Event) -> None:
        fields = _RUN.get(type(event))
        detail = fields is None
        fields = _DETAIL.get(type(event)) if fields is None else fields
        if fields is None:
            return
        log = logger.debug if detail else logger.warning if isinstance(event, _WARNINGS) else logger.info
        log(event.type, run=event.run, **{name: _value(getattr(event, name)) for name in fields})

    return listen


class _Lines:
    """What structlog writes to: every level goes to one place."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.debug = self.info = self.warning = write


def _value(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
