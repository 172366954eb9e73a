"""The router's embedded classifier: which expert a request is for, learned from the frames of requests.

With scikit-learn it is the n-gram classifier, whose probabilities are measured on requests held out. Without,
it counts words (`counting.py`): less often right, never calibrated, but there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

from swarm.routing.base import NONE, RouteDecision
from swarm.routing.counting import CountingClassifier
from swarm.routing.described import Described
from swarm.routing.lessons import Lessons
from swarm.routing.request import Request, read_request
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["SURE", "RequestClassifier"]

# 10-fold cross-validation on the bundled experts' requests and those none of them serves (800 rows): 0.908 right
# of all, 0.948 of the 86 % that score at least 0.7. Below it a model is asked, where there is one.
SURE = 0.7
LEAST_SHARE = 0.3  # a winner below this is a guess among many: nobody is known to serve the request


class TextClassifier(Protocol):
    """Says how likely each label is."""

    def predict(self, text: str) -> dict[str, float]:
        """Return the probability of every label; they sum to 1."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClassifier:
    """What was learned about one set of experts: from their requests, and from their descriptions."""

    learned: TextClassifier
    described: Described

    @classmethod
    def learn(
        cls, experts: Sequence[ResolvedExpert], taught: Lessons, *, trained: bool | None = None
    ) -> RequestClassifier:
        """Learn from requests; a second or two for hundreds of them. Blocks: call it in a thread.

        Args:
            trained: use the n-gram classifier; default: if scikit-learn is installed.
        """
        pairs = [(read_request(text).frame, expert) for text, expert in taught.pairs]
        if find_spec("sklearn") is not None if trained is None else trained:
            from swarm.backends.embedded.intent.ngram import (
                NgramClassifier as Classifier,  # heavy: on first use
            )
        else:
            Classifier = CountingClassifier
        learned = Classifier.fit(pairs, descriptions=taught.descriptions)
        return cls(learned=learned, described=Described.learn(experts, taught))

    def decide(self, request: Request) -> RouteDecision:
        """Return the likeliest expert, or none if that is likelier, or if nothing is likely."""
        return decide_by_scores(self.described.weigh(self.learned.predict(request.frame), request))


def decide_by_scores(scores: Mapping[str, float]) -> RouteDecision:
    """Return the likeliest expert, or none if that is likelier, or if nothing is likely."""
    experts = {name: share for name, share in scores.items() if name != NONE}
    best = max(experts, key=experts.__getitem__)
    share, none = experts[best], scores.get(NONE, 0.0)
    if share > none and share >= LEAST_SHARE:
        reason = f"it is worded like requests of {best!r} ({share:.0%}; none of them: {none:.0%})"
        return RouteDecision(expert=best, scores=scores, way="classifier", confidence=share, reason=reason)
    if none >= share:
        reason = f"it is worded like requests that no expert here serves ({none:.0%}; {best!r}: {share:.0%})"
    else:
        reason = f"it is like no request that is known; the nearest is {best!r} ({share:.0%})"
    return RouteDecision(
        expert=None, scores=scores, way="classifier", confidence=max(none, 1.0 - share), reason=reason
    )
