"""Why an expert answered as it did, folded from a run's events and told in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import swarm.events as ev
from swarm._cli.tree import shorten

__all__ = ["Asked", "Reasons", "reasons_of"]


@dataclass(slots=True, kw_only=True)
class Asked:
    """One time that a model was asked.

    Attributes:
        finished: None if the run ended before. scored: how sure it was; None if it gave no answer.
        escalated: why the next model was asked, if it was.
    """

    model: str
    rung: int
    attempt: int
    finished: ev.ModelFinished | None = None
    scored: ev.ConfidenceScored | None = None
    escalated: ev.ExpertEscalated | None = None

    @property
    def tokens(self) -> int:
        """Return how many tokens were read and written."""
        return 0 if self.finished is None else self.finished.input_tokens + self.finished.output_tokens

    @property
    def latency_ms(self) -> float:
        """Return how long it took."""
        return 0.0 if self.finished is None else self.finished.latency_ms

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        done, scored = self.finished, self.scored
        return {
            "model": self.model, "rung": self.rung, "attempt": self.attempt,
            "way": done.way if done else "", "latency_ms": done.latency_ms if done else None,
            "tokens": self.tokens, "error": done.error if done else "it did not come back",
            "label": scored.label if scored else None,
            "alternatives": dict(scored.alternatives) if scored else {},
            "signals": dict(scored.signals) if scored else {},
            "confidence": scored.confidence if scored else None,
            "estimator": scored.estimator if scored else "", "source": scored.source if scored else "",
            "threshold": scored.threshold if scored else None,
            "policy": scored.policy if scored else "",
            "accepted": bool(scored and scored.accepted),
            "escalated_to": self.escalated.to_model if self.escalated else None,
            "reason": self.escalated.reason if self.escalated else "",
        }  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Reasons:
    """What one node asked, in order, and what came of it.

    Attributes:
        routed: how a `route` node chose its expert. end: how the node ended; None if it did not.
    """

    node: str
    asked: list[Asked] = field(default_factory=list[Asked])
    routed: ev.RouteDecided | None = None
    end: ev.NodeFinished | ev.NodeFailed | ev.NodeCancelled | None = None

    @property
    def taken(self) -> Asked | None:
        """Return whose answer stands."""
        marks = self._marks
        same = [one for one in self.asked if one.model == marks.get("model") and one.scored is not None]
        return same[-1] if same else None

    @property
    def further(self) -> list[Asked]:
        """Return what was asked because the first answer would not do."""
        return self.asked[1:]

    @property
    def _marks(self) -> Mapping[str, Any]:
        return (isinstance(self.end, ev.NodeFinished) and self.end.marks) or {}

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `why` is the same in words."""
        taken, further, routed = self.taken, self.further, self.routed
        return {
            "node": self.node,
            "status": _status(self),
            "model": taken.model if taken else None,
            "rung": taken.rung if taken else None,
            "confident": self._marks.get("confident"),
            "confidence": self._marks.get("confidence"),
            "routed": None if routed is None else {"expert": routed.expert, "way": routed.way, "scores": dict(routed.scores)},
            "asked": [one.to_json() for one in self.asked],
            "further": {
                "calls": len(further), "tokens": sum(one.tokens for one in further),
                "latency_ms": sum(one.latency_ms for one in further),
            },
            "why": [self.headline(), *self.sentences()],
        }  # fmt: skip

    def headline(self) -> str:
        """Return who answered what, and whether it was confident."""
        taken, marks = self.taken, self._marks
        if taken is None:
            return f"{self.node}: {_status(self)}"
        assert isinstance(self.end, ev.NodeFinished)
        sure = "confident" if marks.get("confident") else "not confident"
        return f"{self.node}: {shorten(self.end.value)}, by {taken.model} (rung {taken.rung}), {sure}"

    def sentences(self) -> Iterator[str]:
        """Yield what happened, a sentence each."""
        if self.routed is not None:
            yield _routed(self.routed)
        for one in self.asked:
            yield from _told(one)
        if self.taken is not None and not self._marks.get("confident"):
            yield f"Nobody was sure enough: the answer of {self.taken.model} is the best there is, marked as not confident."
        if self.further:
            yield _cost(self.further)
        yield from _doubts(self)


def reasons_of(events: Iterable[ev.Event]) -> dict[str, Reasons]:
    """Return the nodes that asked a model or chose an expert, by their path, in the order they began."""
    found: dict[str, Reasons] = {}
    for event in events:
        if not isinstance(event, ev.NodeEvent):
            continue
        if isinstance(event, ev.ModelRequested | ev.RouteDecided):
            _begin(found.setdefault(event.node, Reasons(node=event.node)), event)
        elif event.node in found:
            _add(found[event.node], event)
    return found


def _begin(reasons: Reasons, event: ev.ModelRequested | ev.RouteDecided) -> None:
    if isinstance(event, ev.RouteDecided):
        reasons.routed = event
    else:
        reasons.asked.append(Asked(model=event.model, rung=event.rung, attempt=event.attempt))


def _add(reasons: Reasons, event: ev.NodeEvent) -> None:
    match event:
        case ev.NodeFinished() | ev.NodeFailed() | ev.NodeCancelled():
            reasons.end = event
        case ev.ModelFinished() if reasons.asked:
            reasons.asked[-1].finished = event
        case ev.ConfidenceScored() if reasons.asked:
            reasons.asked[-1].scored = event
        case ev.ExpertEscalated() if reasons.asked:
            reasons.asked[-1].escalated = event
        case _:
            pass


def _status(reasons: Reasons) -> str:
    match reasons.end:
        case ev.NodeFinished():
            return "answered" if reasons.taken else "done"
        case ev.NodeFailed(code=code, message=message):
            return f"failed, {code}: {message}"
        case ev.NodeCancelled():
            return "cancelled"
        case _:
            return "not ended"


def _routed(routed: ev.RouteDecided) -> str:
    chosen = f"expert {routed.expert!r} was chosen" if routed.expert else "no expert fits"
    best = sorted(routed.scores.items(), key=lambda pair: -pair[1])[:4]
    scores = f" (scores: {_numbers(best)})" if best else ""
    return f"{chosen}, by {routed.way}{scores}."


def _told(one: Asked) -> Iterator[str]:
    """Yield what one model said, how sure it was and what followed."""
    who = f"{one.model} (rung {one.rung}{', asked again' if one.attempt > 1 else ''})"
    done, scored = one.finished, one.scored
    if done is None:
        yield f"{who} was asked and did not come back before the end."
        return
    if scored is None:
        yield f"{who} gave no answer that counts: {done.error or 'it ended without one'}."
    else:
        yield f"{who} {_answered(scored)}."
        yield f"{_sure(scored)}."
    if one.escalated is not None:
        yield f"So {one.escalated.to_model} was asked: {one.escalated.reason}."


def _answered(scored: ev.ConfidenceScored) -> str:
    if scored.label is None:
        return "answered"
    others = _numbers(list(scored.alternatives.items()))
    return f"said {scored.label!r}" + (f"; next came {others}" if others else "")


def _sure(scored: ev.ConfidenceScored) -> str:
    """Return the scores, what was made of them, and what they were held against."""
    measured = _numbers(sorted(scored.signals.items()))
    lead = f"Measured: {measured}. " if measured else ""
    if scored.confidence is None:
        sure = "Nothing there says how sure it was"
    elif scored.source == "calibrated":
        sure = f"Read from {scored.estimator}, it is right with a probability of {scored.confidence:.3f}"
    else:
        sure = f"Its raw score, read from {scored.estimator}, is {scored.confidence:.3f}"
    origin = f" ({scored.policy})" if scored.policy else ""
    if scored.threshold is None:
        verdict = (
            "accepted: any valid answer is" if scored.accepted else "not accepted: nothing this rung says is"
        )
        return f"{lead}{sure}; {verdict}{origin}"
    verdict = "accepted" if scored.accepted else "not accepted"
    return f"{lead}{sure}; {verdict}, since {scored.threshold:.3f} has to be reached{origin}"


def _cost(further: list[Asked]) -> str:
    tokens, took = sum(one.tokens for one in further), sum(one.latency_ms for one in further)
    calls = f"{len(further)} more call{'s' if len(further) > 1 else ''}"
    return f"Not stopping at the first answer cost {calls}, {tokens:,} tokens and {took:,.0f} ms."


def _doubts(reasons: Reasons) -> Iterator[str]:
    """Say what would turn a guess into something to rely on."""
    raw = [
        one.scored for one in reasons.asked if one.scored is not None and one.scored.source != "calibrated"
    ]
    if any(scored.threshold is not None for scored in raw):
        yield (
            "The score is raw: 0.9 need not mean right nine times in ten. Calibrate it:"
            " swarm calibrate EXPERT --data FILE.jsonl --target-error 0.05 --write"
        )


def _numbers(pairs: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in pairs)
