"""The cheapest way to route: a few rules that are right whenever they speak. Pure.

1. The request names the expert: "@coder why ...", "summarizer: ...".
2. It opens with a word that the expert's own description and at least four of its requests use, and no request of
   anybody else opens with: "Shorten ...", "Classify ...".
3. It comes with a fenced code block or a stack trace and asks for help, and one candidate is of kind `code`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swarm.routing.base import NONE, RouteDecision
from swarm.routing.lessons import Lessons
from swarm.routing.request import Request, read_request, stems
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["Rules"]

LEAST_OPENINGS = 4
NAMED = 1.0  # the confidence of a request that says where it wants to go
CODE = 0.97  # of the code that comes with the bundled experts' requests, none is for another expert

_ADDRESS = re.compile(r"\s*(?:@([a-z][a-z0-9_]*)\b|([a-z][a-z0-9_]*):(?=\s))")
_HELP = re.compile(
    r"\b(?:fix|debug|explain|why|wrong|help|error|bug|fails?|failing|broken|work|mean|refactor|improve|review)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules for one set of candidates.

    Attributes:
        names: the candidates'.
        openings: stem of an opening word -> the expert, and how many of its requests open so.
        coder: the only candidate of kind `code`, or "".
    """

    names: tuple[str, ...]
    openings: Mapping[str, tuple[str, int]]
    coder: str

    @classmethod
    def learn(cls, experts: Sequence[ResolvedExpert], taught: Lessons) -> Rules:
        """Find the rules that hold for these candidates."""
        coders = [expert.name for expert in experts if expert.kind == "code"]
        return cls(
            names=tuple(expert.name for expert in experts),
            openings=_openings(taught),
            coder=coders[0] if len(coders) == 1 else "",
        )

    def decide(self, text: str, request: Request) -> RouteDecision | None:
        """Return the decision of the first rule that speaks, or None."""
        address = _ADDRESS.match(text)
        named = (address[1] or address[2]) if address else ""
        if named in self.names:
            return self._decision(named, NAMED, f"the request names {named!r}")
        opening = next(iter(stems(" ".join(request.opening[:1]))), "")
        if opening in self.openings:
            expert, count = self.openings[opening]
            confidence = (count + 1) / (count + 2)  # Laplace's rule of succession
            word = request.opening[0]
            reason = f"it opens with {word!r}, as {count} requests of {expert!r} do and no others"
            return self._decision(expert, confidence, reason)
        if self.coder and request.code and _HELP.search(text[:2_000]):
            return self._decision(self.coder, CODE, "it comes with code or a stack trace and asks for help")
        return None

    def _decision(self, expert: str, confidence: float, reason: str) -> RouteDecision:
        rest = (1.0 - confidence) / len(self.names)
        scores = {name: confidence if name == expert else rest for name in (*self.names, NONE)}
        return RouteDecision(expert=expert, scores=scores, way="rules", confidence=confidence, reason=reason)


def _openings(taught: Lessons) -> dict[str, tuple[str, int]]:
    """Return the opening words that only one expert's requests have, and that its description has too."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for text, expert in taught.pairs:
        for opening in stems(" ".join(read_request(text).opening[:1])):
            found[opening][expert] += 1
    return {
        opening: (expert, count)
        for opening, experts in found.items()
        if len(experts) == 1
        for expert, count in experts.items()
        if count >= LEAST_OPENINGS and opening in stems(taught.descriptions[expert])
    }
