"""Learning from fallbacks: what a dearer rung answered tells whether the cheaper one was right.

The dearer answer is a stand-in for the truth, not the truth: large models are wrong, too. So what comes of it
is proposed, never applied by itself: a calibration is written when one says `--write`, examples likewise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from swarm._engine.nodes.observe import COMPARED, essence
from swarm._eval.subject import Subject
from swarm.confidence.outcomes import Outcome, RungOutcome, read_outcomes
from swarm.errors import InputError
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.registry import Registry
from swarm.spec.version import version_of

__all__ = ["Fallbacks", "Proposal", "examples_file", "judged_by_agreement", "proposals", "read_fallbacks"]

TAUGHT = ("classify", "moderate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """What was logged of one expert.

    Attributes:
        outcomes: those of the expert as it is now. older: how many belong to another prompt, other
            labels or other examples, and were left out.
    """

    outcomes: tuple[Outcome, ...]
    older: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A new example: the text, the dearer rung's label, and what the cheaper one had said."""

    text: str
    label: str | None
    instead_of: str | None
    model: str
    probability: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the row of an examples file."""
        return {"text": self.text, "label": self.label}


def read_fallbacks(path: Path, expert: ResolvedExpert) -> Fallbacks:
    """Return what was logged of `expert`.

    Raises:
        InputError: nothing was, or the file cannot be read.
    """
    if not path.exists():
        raise _nothing(f"nothing was logged yet: there is no {path}", expert)
    own = [one for one in read_outcomes(path) if one.expert == expert.name]
    version = version_of(expert)
    now = tuple(one for one in own if one.version in ("", version))
    if not now:
        older = f"; {len(own)} belong to it as it was before" if own else ""
        raise _nothing(f"no run of expert {expert.name!r} was logged{older}", expert)
    return Fallbacks(outcomes=now, older=len(own) - len(now))


def judged_by_agreement(
    outcomes: Sequence[Outcome], *, kind: str, models: Sequence[str]
) -> tuple[Outcome, ...]:
    """Return the outcomes that the dearest rung answered, too; each answer is judged by that one's.

    The dearest is the last of `models`, those of the cascade, that answered anything. An outcome that ended before it is left out:
    a rung cannot be judged by itself. Rungs in between that were not asked stand there without an answer.

    Raises:
        InputError: answers of this kind are texts, which are not just equal or different.
    """
    if kind not in COMPARED:
        raise InputError(
            f"answers of kind {kind} are texts: whether two of them agree cannot be told by comparing",
            where="--from-runs", code="usage",
            hint="judge some by hand: swarm run --record FILE, add \"correct\", then --outcomes FILE",
        )  # fmt: skip
    reached = [
        max((models.index(rung.model) for rung in one.rungs if rung.model in models), default=0)
        for one in outcomes
    ]
    dearest = max(reached, default=0)
    return tuple(
        _judged(one, models[: dearest + 1]) for one, place in zip(outcomes, reached, strict=True)
        if 0 < place == dearest
    )  # fmt: skip


def proposals(outcomes: Sequence[Outcome], expert: ResolvedExpert, *, limit: int) -> tuple[Proposal, ...]:
    """Return new examples for the cheaper rungs: escalated texts and what the last rung asked said of them.

    Texts that are examples already are left out; labels take turns, so that none crowds the others out,
    and within a label those come first that the cheaper rung had got wrong.

    Raises:
        InputError: the expert does not learn from labelled texts.
    """
    if expert.kind not in TAUGHT:
        raise InputError(
            f"examples teach classifiers and moderators, and {expert.name} is of kind {expert.kind}",
            code="usage", hint="calibrate it instead: swarm calibrate",
        )  # fmt: skip
    known = {_folded(text) for text, _ in expert.examples} | {_folded(text) for text in expert.rejects}
    by_label: dict[str | None, list[Proposal]] = {}
    for one in outcomes:
        found = _proposal(one, expert)
        if found is None or _folded(found.text) in known:
            continue
        known.add(_folded(found.text))
        by_label.setdefault(found.label, []).append(found)
    rounds: Counter[str | None] = Counter()
    ranked: list[tuple[int, Proposal]] = []
    for label, found in by_label.items():
        for one in sorted(found, key=lambda one: one.label == one.instead_of):
            ranked.append((rounds[label], one))
            rounds[label] += 1
    ranked.sort(key=lambda pair: pair[0])
    return tuple(one for _, one in ranked[:limit])


def examples_file(subject: Subject) -> Path | None:
    """Return the file that new examples of an expert belong in; None where it has none that may be changed."""
    assert subject.expert is not None
    if subject.graph is not None and subject.graph.spec is not None:
        own = subject.graph.spec.experts.get(subject.expert.name)
        if own is not None and isinstance(own.examples, str):
            return subject.graph.folder / own.examples
        return None
    layers, _ = Registry().layers(subject.expert.name, ())
    first = layers[0] if layers else None
    if first is None or first.origin == "bundled" or not isinstance(first.spec.examples, str):
        return None
    return first.base.folder / first.spec.examples


def _judged(outcome: Outcome, names: Sequence[str]) -> Outcome:
    """Return the outcome with a rung for each of these models, judged by the last one's answer."""
    known = {rung.model: rung for rung in outcome.rungs}
    truth = essence(known[names[-1]].output)
    rungs = (
        replace(known[name], correct=essence(known[name].output) == truth) if name in known else RungOutcome(model=name)
        for name in names
    )  # fmt: skip
    return replace(outcome, rungs=tuple(rungs))


def _proposal(outcome: Outcome, expert: ResolvedExpert) -> Proposal | None:
    first, last = outcome.rungs[0], outcome.rungs[-1]
    if len(outcome.rungs) < 2 or not isinstance(outcome.input, str) or not outcome.input.strip():
        return None
    label = _label(last, expert.kind)
    if label is not None and label not in expert.labels:
        return None
    return Proposal(
        text=outcome.input, label=label, instead_of=_label(first, expert.kind), model=last.model,
        probability=last.signals.get("probability"),
    )  # fmt: skip


def _label(rung: RungOutcome, kind: str) -> str | None:
    """Return the label or category; None for a moderator's harmless text."""
    output: object = rung.output
    if kind == "classify" or not isinstance(output, Mapping):
        return rung.label
    category = cast("Mapping[str, Any]", output).get("category")
    return category if isinstance(category, str) else None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _nothing(what: str, expert: ResolvedExpert) -> InputError:
    hint = f"write `learn: true` under the expert {expert.name!r}, and let it run for a while"
    return InputError(what, where="--from-runs", hint=hint, code="no_outcomes")
