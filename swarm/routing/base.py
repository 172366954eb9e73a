"""What a router answers: the expert for a request, or none, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["NONE", "RouteDecision", "Way"]

NONE = "none of them"  # beside the experts' names in scores; the spaces keep it from being one

Way = Literal["rules", "classifier", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDecision:
    """Which expert a request should go to.

    Attributes:
        expert: the chosen one's name, or None when none of them serves this request.
        scores: a share in [0, 1] for every candidate and for `none of them`; they sum to 1.
        way: what decided: `rules`, the embedded `classifier`, or a `model`.
        confidence: in [0, 1], that this choice is right, as the way that decided measures it.
        reason: why, in one sentence for people.
    """

    expert: str | None
    scores: Mapping[str, float]
    way: Way
    confidence: float
    reason: str
