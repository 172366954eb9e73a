"""The events of a run, from their classes."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, fields
from typing import Any

from generator.markdown import block, code, first_line, table
from generator.results import example_run, fixed
from swarm.events import EVENTS, VERSION, ConfidenceScored, Event, to_json

__all__ = ["events"]

COMMON = ("run", "at")


def events() -> str:
    """Return a table of all events, and one line for each with its fields."""
    rows = [(code(name), _fields(cls), first_line(cls)) for name, cls in EVENTS.items()]
    return "\n\n".join(
        [
            f"The format's version is {VERSION}; `run.started` carries it. One event as JSON:",
            block(json.dumps(example(), indent=2), "json"),
            table(("event", "fields, beside `run` and `at`", "meaning"), rows),
        ]
    )


def example() -> dict[str, Any]:
    """Return an event of a real run as JSON."""
    _, happened = example_run()
    return fixed(to_json(next(event for event in happened if isinstance(event, ConfidenceScored))))


def _fields(cls: type[Event]) -> str:
    return ", ".join(_field(one) for one in fields(cls) if one.name not in COMMON)


def _field(field: Field[Any]) -> str:
    given = field.default is MISSING and field.default_factory is MISSING
    return code(field.name) + ("" if given else "?")
