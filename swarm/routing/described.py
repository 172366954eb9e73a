"""Experts that teach the router nothing but their description: chosen by the words they share with a request.

A classifier that knows a hundred requests of one expert and two sentences of another never chooses the other.
So what the classifier says is weighed against the subjects of the experts it could not learn about. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from swarm.routing.base import NONE
from swarm.routing.lessons import Lessons, subjects
from swarm.routing.request import Request, stems
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["Described"]

TAUGHT = 8  # requests from which the classifier knows an expert


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The subjects of experts with fewer than 8 requests: expert -> stem -> how much it speaks for it."""

    subjects: Mapping[str, Mapping[str, float]]

    @classmethod
    def learn(cls, experts: Sequence[ResolvedExpert], taught: Lessons) -> Described:
        """Find the experts that are known by their description only."""
        count = Counter(expert for _, expert in taught.pairs)
        return cls(subjects={one.name: subjects(one) for one in experts if count[one.name] < TAUGHT})

    def weigh(self, scores: Mapping[str, float], request: Request) -> Mapping[str, float]:
        """Return the classifier's scores with what the words of the request say; they sum to 1.

        Each shared word is evidence of its own; all of an expert's together take their share from "none of
        them", and stand beside the score of an expert that the classifier knows.
        """
        words = set(stems(request.instruction))
        spoken = {
            name: 1.0 - prod(1.0 - weight for word, weight in table.items() if word in words)
            for name, table in self.subjects.items()
        }
        strongest = max(spoken.values(), default=0.0)
        if not strongest:
            return scores
        evidence = {name: max(share, spoken.get(name, 0.0)) for name, share in scores.items()}
        evidence[NONE] *= 1.0 - strongest
        total = sum(evidence.values())
        return {name: share / total for name, share in evidence.items()}
