"""How sure an answer looks: estimators turn what was measured of it into a score in [0, 1].

A score is raw: higher means surer, but 0.9 does not mean "right nine times in ten". What a score
is worth is measured on data, by a calibrator. Which estimator tells right from wrong best depends
on the expert and the model, so all are kept by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from swarm.confidence.json_tokens import value_tokens
from swarm.confidence.validity import python_compiles
from swarm.messages import Completion, Confidence, Decision

__all__ = ["AUTO", "ESTIMATORS", "Estimator", "Signals", "measure", "quantile"]

AUTO = ("probability", "logprob", "grounding")  # the first that can measure the answer is taken
# Short answers fail at their worst token, long ones at their worst tenth; which quantile tells most is learned.
# Source: Gupta et al., "Language model cascades: token-level uncertainty and beyond", ICLR 2024.
QUANTILES = {"logprob_low": 0.1, "logprob_quarter": 0.25, "logprob_half": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What was measured of one answer.

    Attributes:
        probabilities: question -> option -> probability; an empty inner mapping means that the
            model answered that question without any.
        label_mass: the share of probability that fell on the options at all; None if not measured.
        logprobs: natural-log probability of each token of the answer, in order.
        named: what the backend itself measured, by name, each in [0, 1].
    """

    probabilities: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    label_mass: float | None = None
    logprobs: tuple[float, ...] = ()
    named: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def of_decision(cls, decision: Decision) -> Signals:
        """Return what a decision tells; a model that decides natively can say nothing but an option."""
        whole = 1.0 if decision.way == "native" else None
        return cls(
            probabilities={name: answer.probabilities for name, answer in decision.answers.items()},
            label_mass=decision.signals.get("label_mass", whole),
            named=decision.signals,
        )

    @classmethod
    def of_completion(cls, completion: Completion, *, kind: str = "") -> Signals:
        """Return what a completion tells; of JSON, the tokens of its values alone.

        Args:
            kind: of the expert; for `code` it is measured, too, whether the Python in it compiles (`valid`).
        """
        compiles = python_compiles(completion.text) if kind == "code" else None
        valid = {} if compiles is None else {"valid": compiles}
        tokens = value_tokens(completion.logprobs)
        return cls(logprobs=tuple(token.logprob for token in tokens), named={**completion.signals, **valid})

    def flat(self) -> dict[str, float]:
        """Return all that was measured by name, as outcomes record it and calibrators read it.

        Log-probabilities stay logarithms (0 is the surest); all else is in [0, 1].
        """
        found = dict(self.named)
        for name in ("probability", "margin"):
            if (score := ESTIMATORS[name](self)) is not None:
                found[name] = score
        if self.label_mass is not None:
            found["label_mass"] = self.label_mass
        if self.logprobs:
            found |= {
                "logprob": sum(self.logprobs) / len(self.logprobs),
                "logprob_min": min(self.logprobs),
                **{name: quantile(self.logprobs, share) for name, share in QUANTILES.items()},
            }
        return found


Estimator = Callable[[Signals], float | None]


def measure(signals: Signals, name: str = "auto") -> Confidence | None:
    """Return the raw confidence of an answer, or None where this estimator cannot measure it.

    Args:
        name: one of `ESTIMATORS`, or `auto`: probability, else logprob, else grounding; none of them where
            the answer is not even `valid`.

    Raises:
        ValueError: no such estimator.
    """
    if name != "auto" and name not in ESTIMATORS:
        raise ValueError(f"unknown estimator {name!r}: one of auto, {', '.join(ESTIMATORS)}")
    for estimator in AUTO if name == "auto" else (name,):
        score = ESTIMATORS[estimator](signals)
        if score is not None and not math.isnan(score):
            if name == "auto" and valid(signals) == 0.0:
                return Confidence(value=0.0, estimator="valid")
            return Confidence(value=min(1.0, max(0.0, score)), estimator=estimator)
    return None


def probability(signals: Signals) -> float | None:
    """Return the probability of the chosen option; of several questions, the least sure one's."""
    return _least(max(options.values(), default=None) for options in signals.probabilities.values())


def margin(signals: Signals) -> float | None:
    """Return how far the chosen option leads the next; of several questions, the smallest lead."""
    return _least(map(_lead, signals.probabilities.values()))


def label_mass(signals: Signals) -> float | None:
    """Return the chosen option's share of everything the model might have said.

    It is `probability` before renormalising over the options: low when the model would rather
    have said something that is no option at all.
    """
    chosen = probability(signals)
    return None if chosen is None or signals.label_mass is None else chosen * signals.label_mass


def logprob(signals: Signals) -> float | None:
    """Return the geometric mean of the tokens' probabilities."""
    return math.exp(sum(signals.logprobs) / len(signals.logprobs)) if signals.logprobs else None


def logprob_min(signals: Signals) -> float | None:
    """Return the probability of the least likely token."""
    return math.exp(min(signals.logprobs)) if signals.logprobs else None


def logprob_low(signals: Signals) -> float | None:
    """Return the probability that a tenth of the tokens do not reach."""
    low = QUANTILES["logprob_low"]
    return math.exp(quantile(signals.logprobs, low)) if signals.logprobs else None


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of them, in [0, 1), does not reach. At least one value."""
    return sorted(values)[int(share * len(values))]


def grounding(signals: Signals) -> float | None:
    """Return how much of the answer is found in its sources, as the backend measured it."""
    return signals.named.get("grounding")


def valid(signals: Signals) -> float | None:
    """Return 1.0 where the answer is what it should be at all, such as code that compiles, else 0.0."""
    return signals.named.get("valid")


def agreement(signals: Signals) -> float | None:
    """Return the share of several answers of the model that say what the delivered one says."""
    return signals.named.get("agreement")


def witness(signals: Signals) -> float | None:
    """Return how far another model, asked the same, agrees with the answer."""
    return signals.named.get("witness")


ESTIMATORS: Mapping[str, Estimator] = {
    "probability": probability,
    "margin": margin,
    "label_mass": label_mass,
    "logprob": logprob,
    "logprob_min": logprob_min,
    "logprob_low": logprob_low,
    "grounding": grounding,
    "agreement": agreement,
    "witness": witness,
    "valid": valid,
}


def _lead(options: Mapping[str, float]) -> float | None:
    if not options:
        return None
    first, second = sorted([*options.values(), 0.0], reverse=True)[:2]
    return first - second


def _least(scores: Iterable[float | None]) -> float | None:
    """Return the smallest score; None when there is none, or one of them could not be measured."""
    found = list(scores)
    known = [score for score in found if score is not None]
    return min(known) if known and len(known) == len(found) else None
