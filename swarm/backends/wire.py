"""What both wire protocols share: values looked up by shape, where a wrong shape is an absence. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from swarm.messages import TokenLogprob

__all__ = ["count", "items", "table", "token", "unit"]


def table(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return a list; an empty one for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def count(value: Any) -> int:
    """Return a whole number; 0 for anything else: servers leave zeros out."""
    return value if isinstance(value, int) else 0


def token(value: Any) -> TokenLogprob:
    """Return a token with its log-probability and alternatives, which both protocols write alike."""
    row = table(value)
    text, logprob = _pair(row)
    top = tuple(_pair(table(other)) for other in items(row.get("top_logprobs")))
    return TokenLogprob(token=text, logprob=logprob, top=top)


def unit(vector: Sequence[float]) -> list[float]:
    """Return the vector scaled to length 1; a zero vector as it is."""
    length = math.hypot(*vector)
    return [value / length for value in vector] if length else list(vector)


def _pair(row: Mapping[str, Any]) -> tuple[str, float]:
    given = row.get("logprob")
    logprob = -math.inf if not isinstance(given, int | float) or math.isnan(given) else min(0.0, given)
    return str(row.get("token", "")), logprob  # never more than certain, whatever the server rounds
