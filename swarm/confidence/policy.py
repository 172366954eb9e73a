"""The rule that accepts an answer or asks the next rung, and its form as JSON.

A policy is found by `swarm.confidence.tune` and only applied here: a rung's signals become a
probability, the probability is held against the rung's threshold. Applying one needs no numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from swarm.confidence.calibrate import Calibrator
from swarm.confidence.fields import Fields
from swarm.confidence.foresight import Foresight

__all__ = ["ChosenOn", "Expected", "Fits", "Judgement", "Loss", "Of", "Policy", "RungPolicy"]

FORMAT = 1
Loss = Literal["wrong", "regret"]
Of = Literal["accepted", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a policy makes of one answer.

    Attributes:
        probability: that the answer is right, in (0, 1); None where nothing it reads was measured.
        at_least: the threshold it was held against; None where nothing is accepted.
        accepted: the answer may be delivered without asking the next rung.
        estimator: what the probability was read from, in words; "" where there is none.
    """

    probability: float | None
    at_least: float | None
    accepted: bool
    estimator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RungPolicy:
    """What holds for one rung.

    Attributes:
        model: as in the outcomes it was chosen on.
        use: False: this rung is not asked at all.
        at_least: the calibrated probability that is accepted; None: nothing this rung says is.
        groups: thresholds of single labels, in place of `at_least`; None as there.
        estimator: what the probability is read from, in words.
        reference: even quantiles of the probabilities on the outcomes it comes from, lowest first;
            what later ones are compared with.
    """

    model: str
    use: bool = True
    at_least: float | None = None
    groups: Mapping[str, float | None] = field(default_factory=dict[str, "float | None"])
    estimator: str = ""
    calibrator: Calibrator | None = None
    reference: tuple[float, ...] = ()

    def judge(self, signals: Mapping[str, float | None], label: str | None) -> Judgement:
        """Return whether an answer with these signals and this label is accepted, and why."""
        probability = None if self.calibrator is None else self.calibrator(signals)
        at_least = self.groups.get(label, self.at_least) if label is not None else self.at_least
        accepted = probability is not None and at_least is not None and probability >= at_least
        return Judgement(
            probability=probability, at_least=at_least, accepted=accepted, estimator=self.estimator
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "model": self.model, "use": self.use, "at_least": self.at_least, "groups": dict(self.groups),
            "estimator": self.estimator,
            "calibrator": None if self.calibrator is None else self.calibrator.to_json(),
            "reference": list(self.reference),
        }  # fmt: skip

    @staticmethod
    def from_fields(data: Fields) -> RungPolicy:
        """Read one rung; see `Policy.from_json`."""
        calibrator = data.any("calibrator")
        rung = RungPolicy(
            model=data.text("model"), use=data.flag("use", True), at_least=data.share_or_none("at_least"),
            groups=data.shares("groups"), estimator=data.text("estimator", ""),
            calibrator=None if calibrator is None else data.within("calibrator", Calibrator.from_json, calibrator),
            reference=data.rising_shares("reference"),
        )  # fmt: skip
        data.end()
        return rung


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenOn:
    """The outcomes a policy comes from: how many, how many of them certified it, which, and when."""

    n: int = 0
    certified_on: int = 0
    outcomes: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a policy did on the outcomes it comes from; None where it cannot be told.

    Attributes:
        accepted_error: share of the accepted answers that count as wrong under the policy's loss.
        bound: the upper bound of it that the target was held against.
        escalated: share of the rows that the last rung had to answer.
        accuracy: share of the rows whose delivered answer was right.
        saving: 1 - cost / cost of the last rung alone, failed small calls included.
    """

    accepted_error: float | None = None
    bound: float | None = None
    escalated: float | None = None
    accuracy: float | None = None
    saving: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """What a policy fits: the expert's version, its parts' hashes, each model's digest; missing is unknown."""

    version: str = ""
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    digests: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which rungs of a cascade are asked, and which of their answers are accepted.

    Attributes:
        rungs: cheapest first; the last one answers where nobody before it was accepted.
        target_error: at most this share of the accepted answers is wrong.
        with_confidence: how surely the target holds over the draw of the outcomes; None: on average.
        loss: "wrong", or "regret": wrong where the next rung in use would have been right.
        of: the share is one of the "accepted" answers, or of "all" rows.
        feasible: False: the target could not be vouched for, and nothing is accepted.
        bypass: True: only the last rung is asked, since everything else would cost more.
        reason: how it came to this, for people.
        foresight: what tells from the input alone how likely a model will be right, by model; it
            gives the signal `foreseen`.
    """

    rungs: tuple[RungPolicy, ...]
    target_error: float
    with_confidence: float | None = None
    loss: Loss = "wrong"
    of: Of = "accepted"
    expert: str = ""
    feasible: bool = True
    bypass: bool = False
    reason: str = ""
    chosen_on: ChosenOn = field(default_factory=ChosenOn)
    expected: Expected = field(default_factory=Expected)
    fits: Fits = field(default_factory=Fits)
    foresight: Mapping[str, Foresight] = field(default_factory=dict[str, Foresight])

    def rung_of(self, index: int, model: str) -> RungPolicy | None:
        """Return what holds for a rung: the one of this model; of several, the one at this place.

        None is a rung this policy does not know: it is asked, and nothing it says is accepted.
        """
        named = [rung for rung in self.rungs if rung.model == model]
        if len(named) == 1:
            return named[0]
        here = self.rungs[index] if 0 <= index < len(self.rungs) else None
        return here if here in named else None

    def judge(
        self, index: int, model: str, signals: Mapping[str, float | None], label: str | None
    ) -> Judgement:
        """Return what to make of an answer of the rung at this place."""
        rung = self.rung_of(index, model)
        if rung is None:
            return Judgement(probability=None, at_least=None, accepted=False, estimator="")
        return rung.judge(signals, label)

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        chosen, expected, fits = self.chosen_on, self.expected, self.fits
        return {
            "swarm_policy": FORMAT, "expert": self.expert, "target_error": self.target_error,
            "with_confidence": self.with_confidence, "loss": self.loss, "of": self.of,
            "feasible": self.feasible, "bypass": self.bypass, "reason": self.reason,
            "rungs": [rung.to_json() for rung in self.rungs],
            "chosen_on": {
                "n": chosen.n, "certified_on": chosen.certified_on, "outcomes": chosen.outcomes,
                "date": chosen.date,
            },
            "expected": {
                "accepted_error": expected.accepted_error, "bound": expected.bound,
                "escalated": expected.escalated, "accuracy": expected.accuracy, "saving": expected.saving,
            },
            "fits": {"version": fits.version, "parts": dict(fits.parts), "digests": dict(fits.digests)},
            "foresight": {model: one.to_json() for model, one in self.foresight.items()},
        }  # fmt: skip

    @staticmethod
    def from_json(data: object, *, where: str = "") -> Policy:
        """Read a policy, by the letter.

        Args:
            data: what `json.load` made of the file. `where`: the file, for the error.

        Raises:
            InputError: a key is missing, unknown, or holds what it cannot; the key is named.
        """
        top = Fields.of(data, where=where)
        top.version("swarm_policy", FORMAT)
        policy = Policy(
            expert=top.text("expert", ""), target_error=top.share("target_error"),
            with_confidence=top.share_or_none("with_confidence"),
            loss="regret" if top.choice("loss", ("wrong", "regret")) == "regret" else "wrong",
            of="all" if top.choice("of", ("accepted", "all")) == "all" else "accepted",
            feasible=top.flag("feasible", True), bypass=top.flag("bypass", False),
            reason=top.text("reason", ""),
            rungs=tuple(RungPolicy.from_fields(rung) for rung in top.tables("rungs")),
            chosen_on=_chosen_on(top.table("chosen_on")), expected=_expected(top.table("expected")),
            fits=_fits(top.table("fits")), foresight=top.each("foresight", Foresight.from_json),
        )  # fmt: skip
        top.end()
        return policy


def _chosen_on(data: Fields) -> ChosenOn:
    chosen = ChosenOn(
        n=data.count("n", 0), certified_on=data.count("certified_on", 0),
        outcomes=data.text("outcomes", ""), date=data.text("date", ""),
    )  # fmt: skip
    data.end()
    return chosen


def _expected(data: Fields) -> Expected:
    expected = Expected(
        accepted_error=data.share_or_none("accepted_error"), bound=data.share_or_none("bound"),
        escalated=data.share_or_none("escalated"), accuracy=data.share_or_none("accuracy"),
        saving=data.number_or_none("saving"),
    )  # fmt: skip
    data.end()
    return expected


def _fits(data: Fields) -> Fits:
    fits = Fits(version=data.text("version", ""), parts=data.texts("parts"), digests=data.texts("digests"))
    data.end()
    return fits
