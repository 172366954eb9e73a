"""What an expert's answers are held against: its policy as written, and what calibrating saved for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nlargest
from operator import itemgetter
from pathlib import PurePath
from typing import Any, cast

from swarm.backends.base import Identifies, ModelBackend
from swarm.confidence.drift import DisagreementWatch, ScoreWatch
from swarm.confidence.estimators import Signals, measure
from swarm.confidence.foresight import SIGNAL as FORESEEN
from swarm.confidence.policy import Policy
from swarm.errors import BackendError
from swarm.messages import Confidence
from swarm.spec.catalogue import ModelRef, ResolvedExpert
from swarm.spec.version import stale, version_of

__all__ = ["Scored", "Trust", "Trusts", "alternatives_of", "label_of"]

ALTERNATIVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How sure one answer is, and what follows.

    Attributes:
        confidence: None where nothing could measure the answer.
        threshold: what it was held against; None accepts any valid answer.
        policy: where the threshold came from, in words.
    """

    confidence: Confidence | None
    threshold: float | None
    accepted: bool
    policy: str


class Trust:
    """Scores the answers of one expert; kept for as long as the expert is in use.

    Raises:
        InputError: the saved calibration is no policy; the key that is wrong is named.
    """

    def __init__(self, expert: ResolvedExpert) -> None:
        self.expert = expert
        self.reasons = list(stale(expert))  # why the saved calibration does not count; () while it does
        saved = expert.calibration
        self._saved = None if saved is None else Policy.from_json(saved, where=expert.calibration_file)
        self.weights: dict[str, str] = {}  # digest of each model that was asked for it, "" where nobody knows
        self._watches: dict[int, ScoreWatch | None] = {}  # by the rung's place
        self._comparing: DisagreementWatch | None = None
        self.drifted = ""  # what has changed since the calibration; thresholds are stricter from then on

    @property
    def policy(self) -> Policy | None:
        """Return the saved policy, None where there is none or it no longer fits."""
        return None if self.reasons else self._saved

    @cached_property
    def version(self) -> str:
        """Return what identifies prompt, labels and examples of the expert."""
        return version_of(self.expert)

    @property
    def measured(self) -> bool:
        """Return whether token log-probabilities are wanted."""
        return self.expert.confidence is not None or self._saved is not None

    @property
    def rungs(self) -> tuple[int, ...]:
        """Return the places of the models that are asked, cheapest first; the last one is always among them."""
        every = tuple(range(len(self.expert.cascade)))
        policy = self.policy
        if policy is None or not self._keeps_target:
            return every
        used = [policy.rung_of(place, str(self.expert.cascade[place])) for place in every]
        return tuple(
            place
            for place, rung in zip(every, used, strict=True)
            if rung is None or rung.use or place == every[-1]
        )

    @property
    def last_stands(self) -> bool:
        """Return whether the last answer is delivered where none was accepted, as the saved policy was certified.

        Otherwise the surest answer is.
        """
        return self.policy is not None and self._keeps_target

    async def compare_weights(self, model: ModelRef, backend: ModelBackend, *, recorded: bool) -> None:
        """Ask once whether the model still has the weights that were calibrated; if not, the calibration is stale.

        Args:
            recorded: the answer is recorded, and with it which weights gave it.
        """
        name = str(model)
        wanted = "" if self._saved is None else self._saved.fits.digests.get(name, "")
        if not (wanted or recorded) or name in self.weights or not isinstance(backend, Identifies):
            return
        try:
            found = await backend.digest(model.name)
        except BackendError:
            return  # the question that follows fails the same way, and tells
        self.note_weights(name, found)

    def note_weights(self, name: str, found: str) -> None:
        """Take note of which weights a model has ("" where nobody knows), now or when it answered."""
        wanted = "" if self._saved is None else self._saved.fits.digests.get(name, "")
        known = name in self.weights
        self.weights[name] = found
        if not known and wanted and found and found != wanted:
            self.reasons.append(f"made for other weights of {name}")

    def score(self, place: int, signals: Signals, label: str | None, text: str) -> Scored:
        """Return how sure an answer of the rung at `place` to this text is."""
        policy, written = self.policy, self.expert.confidence
        if policy is None:
            return self._raw(signals)
        model = str(self.expert.cascade[place])
        measured: dict[str, float | None] = dict(signals.flat())
        if model in policy.foresight:
            measured[FORESEEN] = policy.foresight[model](text)
        found = policy.judge(place, model, measured, label)
        last = place == len(self.expert.cascade) - 1
        if found.probability is None:
            raw = self._raw(signals)
            if last or not self._keeps_target:
                return raw
            return replace(raw, threshold=None, accepted=False, policy=self._origin(policy))
        confidence = Confidence(value=found.probability, estimator=found.estimator, source="calibrated")
        at_least, origin = found.at_least, self._origin(policy)
        if not self._keeps_target:
            at_least = written.at_least if written is not None else None
            origin = "at_least: a guess, on the calibrated probability"
        elif at_least is None and last:
            at_least = 1 - policy.target_error
            origin = f"target_error {policy.target_error:g} of the calibrated probability: the last rung"
        if self.drifted and at_least is not None:
            at_least, origin = 1 - (1 - at_least) / 2, f"{origin}; stricter, since {self.drifted}"
        accepted = at_least is not None and found.probability >= at_least
        return Scored(confidence=confidence, threshold=at_least, accepted=accepted, policy=origin)

    def watch(self, place: int, probability: float) -> str:
        """Take in a calibrated probability; return what has changed, once, when there is enough evidence."""
        if self.policy is None or self.drifted:
            return ""
        watch = self._watches[place] if place in self._watches else self._watch_of(place, self.policy)
        way = watch.add(probability) if watch else ""
        if way:
            self.drifted = f"the scores of {self.expert.cascade[place]} {way}"
        return self.drifted

    def compare(self, agreed: bool) -> str:
        """Take in whether the dearer rung agreed with an accepted answer; return as `watch`."""
        if self.policy is None or self.drifted:
            return ""
        if self._comparing is None:
            self._comparing = DisagreementWatch(self.policy.target_error)
        if self._comparing.add(agreed):
            self.drifted = f"accepted answers are contradicted more often than {self.policy.target_error:g}"
        return self.drifted

    def _watch_of(self, place: int, policy: Policy) -> ScoreWatch | None:
        rung = policy.rung_of(place, str(self.expert.cascade[place]))
        known = rung is not None and rung.reference
        self._watches[place] = ScoreWatch(rung.reference, policy.chosen_on.n) if rung and known else None
        return self._watches[place]

    @property
    def _keeps_target(self) -> bool:
        written = self.expert.confidence
        return written is None or written.at_least is None

    def _raw(self, signals: Signals) -> Scored:
        written = self.expert.confidence
        confidence = measure(signals, written.from_ if written else "auto")
        threshold = written.threshold if written else None
        accepted = threshold is None or (confidence is not None and confidence.value >= threshold)
        if written is None or threshold is None:
            origin = "no threshold: any valid answer is accepted"
        elif written.at_least is not None:
            origin = "at_least: a guess"
        else:
            origin = f"target_error {written.target_error:g} of the raw score: not calibrated"
        return Scored(confidence=confidence, threshold=threshold, accepted=accepted, policy=origin)

    def _origin(self, policy: Policy) -> str:
        file = "/".join(PurePath(self.expert.calibration_file).parts[-2:])
        surely = (
            "on average"
            if policy.with_confidence is None
            else f"with {policy.with_confidence:.0%} confidence"
        )
        if not policy.feasible:
            return f"{file}: target_error {policy.target_error:g} cannot be vouched for"
        return f"{file}: target_error {policy.target_error:g} {surely}, from {policy.chosen_on.n:,} outcomes"


class Trusts:
    """One `Trust` for each expert that was asked for."""

    def __init__(self) -> None:
        self._made: dict[int, Trust] = {}  # each holds its expert, so an id is not given twice

    def __call__(self, expert: ResolvedExpert) -> Trust:
        """Return what the expert's answers are held against.

        Raises:
            InputError: its saved calibration is no policy.
        """
        found = self._made.get(id(expert))
        if found is None:
            found = self._made[id(expert)] = Trust(expert)
        return found


def label_of(value: Mapping[str, Any]) -> str | None:
    """Return the label of a decision's value: a classifier's label, a moderator's category."""
    label = value.get("label", value.get("category"))
    return label if isinstance(label, str) else None


def alternatives_of(value: Mapping[str, Any]) -> dict[str, float]:
    """Return the best other labels of a decision's value and their probabilities, best first."""
    scores = value.get("scores")
    if not isinstance(scores, Mapping):
        return {}
    own, table = label_of(value), cast("Mapping[str, float]", scores)
    best = nlargest(ALTERNATIVES + 1, table.items(), key=itemgetter(1))
    return dict([pair for pair in best if pair[0] != own][:ALTERNATIVES])
