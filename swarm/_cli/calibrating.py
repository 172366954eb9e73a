"""Where the outcomes of a calibration come from, and where what was chosen goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from swarm._cli import console
from swarm._eval.subject import Subject, find_subject
from swarm.confidence.outcomes import Outcome, RungOutcome, read_outcomes
from swarm.confidence.policy import Policy
from swarm.errors import InputError
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.version import parts_of, version_of

__all__ = ["Evidence", "artefact_of", "expert_of", "fitted", "gather", "refuse_unfit", "yaml_of"]

ARTEFACTS = "artefacts"
NAMED = 5  # models that a message spells out
OTHER = "another prompt, other labels or other examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a policy is chosen on.

    Attributes:
        subject: the expert it is for; None where only outcomes were given.
        source: where the outcomes came from, for titles. notes: what was left out, a sentence each.
        is_older: the expert was another one when they were recorded.
    """

    outcomes: Sequence[Outcome]
    source: str
    subject: Subject | None = None
    is_older: bool = False
    notes: tuple[str, ...] = ()


def gather(word: str | None, options: Mapping[str, Any]) -> Evidence:
    """Return the outcomes that the options name.

    Raises:
        SpecError, InputError: something named is not there or does not fit.
        SwarmError: nobody answers the cases of `--data`.
    """
    subject = None if word is None else find_subject(word)
    if subject is not None:
        expert_of(subject)
    if options["outcomes"] is not None:
        return _recorded(subject, options["outcomes"])
    if subject is None:
        raise InputError(
            "say which expert", code="usage", hint="swarm calibrate GRAPH.swarm.yaml:EXPERT --data FILE.jsonl --target-error 0.05"
        )  # fmt: skip
    return _logged(subject) if options["from_runs"] else _evaluated(subject, word or "", options)


def expert_of(subject: Subject) -> ResolvedExpert:
    """Return the expert that is calibrated.

    Raises:
        InputError: it is a whole graph.
    """
    if subject.expert is None:
        names = ", ".join(subject.graph.catalogue.experts) if subject.graph else ""
        raise InputError(
            f"{subject.name} is a graph, and thresholds belong to one expert", code="usage",
            hint=f"name one: {subject.file}:EXPERT ({names})",
        )  # fmt: skip
    return subject.expert


def fitted(policy: Policy, evidence: Evidence) -> Policy:
    """Return the policy with the expert it fits, as that is now, if the outcomes are of that."""
    if evidence.subject is None or evidence.is_older:
        return policy
    expert = expert_of(evidence.subject)
    fits = replace(policy.fits, version=version_of(expert), parts=parts_of(expert))
    return replace(policy, expert=expert.name, fits=fits)


def refuse_unfit(evidence: Evidence) -> None:
    """Refuse to save what would not fit the expert.

    Raises:
        InputError: the outcomes are of the expert as it was before, or the file that the policy belongs in
            leads elsewhere.
    """
    if evidence.subject is None:
        return
    expert, file = expert_of(evidence.subject), artefact_of(evidence.subject)
    if evidence.is_older:
        word = f"{evidence.subject.file}:{expert.name}" if evidence.subject.file else expert.name
        raise InputError(
            f"{expert.name} had {OTHER} when these outcomes were recorded: what they show does not fit it now",
            where=evidence.source, code="stale_outcomes",
            hint=f"record new ones: swarm eval {word} --data FILE --record FILE; or leave out --write",
        )  # fmt: skip
    if file.is_symlink():
        raise InputError(
            f"it is a link, and {file.resolve()} would be written over", where=str(file), code="usage",
            hint="delete the link, or save the policy with --policy-out FILE",
        )  # fmt: skip


def artefact_of(subject: Subject) -> Path:
    """Return where the calibration of an expert is saved: beside its graph or its file, never in the package."""
    expert = expert_of(subject)
    home = Path()
    if expert.origin == "./experts":
        home = Path(expert.file).parent
    elif subject.file:
        home = Path(subject.file).parent
    return home / ARTEFACTS / f"{expert.name}.json"


def yaml_of(subject: Subject) -> Path | None:
    """Return the file whose `confidence:` counts for the expert; None for a bundled one without a graph."""
    expert = expert_of(subject)
    if expert.origin == "./experts":
        return Path(expert.file)
    return Path(subject.file) if subject.file else None


def _recorded(subject: Subject | None, path: Path) -> Evidence:
    """Return the outcomes of a file; of several experts those of the one that is named."""
    found = read_outcomes(path)
    if subject is None:
        return Evidence(outcomes=found, source=path.name)
    expert = expert_of(subject)
    own = [one for one in found if one.expert in ("", expert.name)]
    if not own:
        names = ", ".join(sorted({one.expert for one in found})[:9])
        raise InputError(
            f"no outcome here is of {expert.name}", where=str(path), code="invalid_outcomes",
            hint=f"they are of {names}; name that expert, or leave the name out",
        )  # fmt: skip
    version = version_of(expert)
    now = [one for one in own if one.version in ("", version)]
    notes: list[str] = []
    if len(own) < len(found):
        notes.append(f"{len(found) - len(own):,} outcomes are of other experts: left out")
    if not now:
        notes.append(f"{expert.name} had {OTHER} when these were recorded")
    elif len(now) < len(own):
        notes.append(f"{len(own) - len(now):,} outcomes are of {expert.name} when it had {OTHER}: left out")
    strangers = _strangers(now or own, expert)
    if strangers:
        notes.append(
            f"{expert.name} does not ask {', '.join(strangers)}: a policy does nothing there,"
            f" and its models are {', '.join(map(str, expert.cascade))}"
        )
    return Evidence(
        outcomes=now or own, source=path.name, subject=subject, is_older=not now,
        notes=tuple(notes),
    )  # fmt: skip


def _strangers(outcomes: Sequence[Outcome], expert: ResolvedExpert) -> tuple[str, ...]:
    """Return the models that answered and that the expert does not ask."""
    answered = {rung.model for outcome in outcomes for rung in outcome.rungs}
    return tuple(sorted(answered - {str(model) for model in expert.cascade})[:NAMED])


def _logged(subject: Subject) -> Evidence:
    """Return what was logged of runs, each answer held against that of the dearest rung that was asked."""
    from swarm._app.learned import LEARNED
    from swarm._eval.fallbacks import judged_by_agreement, read_fallbacks

    expert = expert_of(subject)
    found = read_fallbacks(Path(LEARNED), expert)
    judged = judged_by_agreement(
        found.outcomes, kind=expert.kind, models=[str(model) for model in expert.cascade]
    )
    if not judged:
        raise InputError(
            f"no run of {expert.name!r} asked a second model yet, so nothing says what is right",
            where=LEARNED, code="no_outcomes", hint="let it run for a while, or calibrate on labelled cases: --data FILE.jsonl",
        )  # fmt: skip
    dearest = judged[0].rungs[-1].model
    notes = [f"right is what {dearest} said: it is wrong, too, at times"]
    if len(judged) < len(found.outcomes):
        notes.append(f"{len(found.outcomes) - len(judged):,} outcomes did not reach it: left out")
    if found.older:
        notes.append(f"{found.older:,} outcomes are of {expert.name} when it had {OTHER}: left out")
    return Evidence(outcomes=judged, source="logged runs", subject=subject, notes=tuple(notes))


def _evaluated(subject: Subject, word: str, options: Mapping[str, Any]) -> Evidence:
    """Ask every rung that can be reached about every case."""
    from swarm._cli.measuring import Measuring
    from swarm._cli.settings import load_settings, use_ollama_of
    from swarm._eval.cases import parse_columns
    from swarm._eval.evaluate import How
    from swarm._eval.prepare import Request, prepare
    from swarm._eval.record import outcome_of

    expert = expert_of(subject)
    if expert.kind == "classify" and not expert.labels:
        raise InputError(
            f"{expert.name} has no labels of its own, so there is nothing to calibrate", code="usage",
            hint="calibrate the expert of a graph that gives them: GRAPH.swarm.yaml:EXPERT",
        )  # fmt: skip
    settings = load_settings()
    use_ollama_of(settings)
    how = How(every_rung=True, concurrency=settings.concurrency)
    prepared = prepare(
        Request(word=word, data=options["data"], columns=parse_columns(options["maps"]), how=how)
    )
    for doubt in prepared.warnings:
        console.warn(doubt)
    rows = Measuring(prepared).run().sheet.rows
    version = version_of(expert)
    outcomes = [_whole(outcome_of(row, expert, version), expert) for row in rows]
    asked = {rung.model for one in outcomes for rung in one.rungs if rung.signals or rung.output is not None}
    missing = [str(model) for model in expert.cascade if str(model) not in asked]
    notes = [f"{', '.join(missing)}: nobody answered there, so nothing is known of it"] if missing else []
    return Evidence(outcomes=outcomes, source=prepared.data.name, subject=subject, notes=tuple(notes))


def _whole(outcome: Outcome, expert: ResolvedExpert) -> Outcome:
    """Return an outcome with a rung for each model of the cascade, those that could not be asked without an answer."""
    known = {rung.model: rung for rung in outcome.rungs}
    names = [str(model) for model in expert.cascade]
    if len(set(names)) < len(names) or not known.keys() <= set(names):
        return outcome
    return replace(outcome, rungs=tuple(known.get(name, RungOutcome(model=name)) for name in names))
