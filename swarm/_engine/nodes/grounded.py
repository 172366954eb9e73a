"""How well the answer of any model stands on what it was given: a signal that needs no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from swarm._engine.prompt import source_of
from swarm.confidence.grounding import Source
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["grounding_of"]

KINDS = ("summarize", "write", "extract")


def grounding_of(expert: ResolvedExpert, inputs: Mapping[str, Any], value: Mapping[str, Any]) -> float | None:
    """Return how well an answer stands on its source, in [0, 1]; None where there is nothing to stand on.

    Of a text it is the least grounded sentence, of extracted fields the least grounded one.
    """
    if expert.kind not in KINDS:
        return None
    source = source_of(expert, inputs)
    if not source.strip():
        return None
    read = Source.of(source)
    if expert.kind != "extract":
        return read.grounding(str(value["text"]))
    return min((read.grounding(leaf) for leaf in _leaves(value)), default=None)


def _leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of extracted fields; true and false are no quotation."""
    if isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _leaves(part)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
        yield str(value)
