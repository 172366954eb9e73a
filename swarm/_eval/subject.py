"""What is evaluated: an expert by name, an expert of a graph, or a whole graph; and teaching an expert."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarm._app.check import Checked, check_graph, registry_of
from swarm._eval.cases import Case, bad_rows, digest_of
from swarm._eval.truth import HARMFUL, Truth, form_of, truth_of
from swarm.errors import InputError
from swarm.spec.catalogue import ResolvedExpert, output_type
from swarm.spec.findings import did_you_mean
from swarm.spec.registry import Registry
from swarm.spec.types import Type

__all__ = ["Lesson", "Subject", "drawn", "file_of", "find_subject", "lessons_of", "taught", "truths_of"]

SUFFIXES = (".yaml", ".yml")
TAUGHT = ("classify", "moderate")
Lesson = tuple[str, str | None]  # a text and its label; None: it fits none of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is evaluated.

    Attributes:
        name: as reports and files call it.
        expert: None for a whole graph. graph: the graph it is, or is part of.
        file: of the graph, "" for an expert outside one.
        evals: the expert's own cases.
    """

    name: str
    expert: ResolvedExpert | None = None
    graph: Checked | None = None
    file: str = ""
    evals: Path | None = None

    @property
    def kind(self) -> str:
        """Return the expert's kind, or `graph`."""
        return self.expert.kind if self.expert is not None else "graph"

    @property
    def inputs(self) -> Mapping[str, Type]:
        """Return what it takes, the main input first."""
        if self.expert is not None:
            return self.expert.inputs
        assert self.graph is not None, "a subject is an expert or a graph"
        return self.graph.require().inputs


def file_of(word: str) -> Path | None:
    """Return the graph file that `word` names; None where it names an expert outside one."""
    file, colon, _ = word.rpartition(":")
    named = file if colon and file.endswith(SUFFIXES) else word
    return Path(named) if named.endswith(SUFFIXES) else None


def find_subject(word: str) -> Subject:
    """Return what `word` names: `intent`, `support.swarm.yaml`, or `support.swarm.yaml:triage`.

    Raises:
        SpecError: there is no such expert, or a file is wrong.
        InputError: the graph has no expert of that name.
    """
    file, colon, name = word.rpartition(":")
    if colon and file.endswith(SUFFIXES):
        return _in_graph(file, name)
    if word.endswith(SUFFIXES):
        checked = check_graph(word)
        return Subject(name=checked.require().name, graph=checked, file=word)
    registry = Registry()
    return Subject(name=word, expert=registry.get(word), evals=_evals_of(registry, word))


def truths_of(
    subject: Subject, cases: Sequence[Case], path: Path | str, oos: str | None = None
) -> list[Truth]:
    """Return what is right for each case; `oos` is the label that means none of the labels.

    Raises:
        InputError: rows whose `expected` cannot be compared with an answer of this kind, by their lines.
    """
    truths: list[Truth] = []
    bad: list[str] = []
    for case in cases:
        try:
            truth = truth_of(subject.kind, case.expected)
        except ValueError as error:
            bad.append(f"{case.line}: {error}")
            continue
        is_oos = oos is not None and truth.label == oos
        truths.append(replace(truth, label=None) if is_oos else truth)
    if bad:
        raise bad_rows(path, bad, hint=f"write {form_of(subject.kind)}")
    return truths


def lessons_of(subject: Subject, cases: Iterable[Case], truths: Iterable[Truth]) -> list[Lesson]:
    """Return what the cases teach.

    Raises:
        InputError: only classifiers and moderators learn from labelled texts.
    """
    expert = subject.expert
    if expert is None or expert.kind not in TAUGHT:
        hint = "name an expert of the graph: GRAPH.swarm.yaml:EXPERT" if expert is None else "leave it out"
        raise InputError(
            f"labelled texts teach classifiers and moderators, and {subject.name} is "
            f"{'a graph' if expert is None else f'of kind {expert.kind}'}",
            where="--train", hint=hint, code="usage",
        )  # fmt: skip
    return [
        (str(case.inputs[expert.main_input]), _label_of(expert, truth))
        for case, truth in zip(cases, truths, strict=True)
    ]


def drawn(lessons: Sequence[Lesson], per_label: int, seed: int) -> list[Lesson]:
    """Return at most `per_label` lessons of each label, drawn at random, in their order."""
    places: dict[str | None, list[int]] = {}
    for place, (_, label) in enumerate(lessons):
        places.setdefault(label, []).append(place)
    rng = random.Random(seed)
    kept = {place for own in places.values() for place in rng.sample(own, min(per_label, len(own)))}
    return [lesson for place, lesson in enumerate(lessons) if place in kept]


def taught(expert: ResolvedExpert, lessons: Sequence[Lesson]) -> ResolvedExpert:
    """Return the expert with the lessons beside its own examples; labels come from them if it has none.

    Raises:
        InputError: a lesson has a label that the expert has not.
    """
    pairs = tuple((text, label) for text, label in lessons if label is not None)
    labels = dict(expert.labels) or dict.fromkeys((label for _, label in pairs), "")
    allowed = {*labels, *(("", HARMFUL) if expert.kind == "moderate" else ())}
    unknown = sorted({label for _, label in pairs} - allowed)
    if unknown:
        raise InputError(
            f"the training rows have {len(unknown)} labels that {expert.name} has not: {_listed(unknown)}",
            where="--train", code="invalid_cases",
            hint=f"{did_you_mean(unknown[0], labels)}; or give the expert no labels: then the rows name them",
        )  # fmt: skip
    rejects = tuple(text for text, label in lessons if label is None)
    return replace(
        expert,
        key=digest_of([expert.key, lessons]),
        labels=labels,
        examples=(*expert.examples, *pairs),
        rejects=(*expert.rejects, *rejects),
        output=output_type(expert.kind, labels=labels, questions=expert.questions),
    )


def _label_of(expert: ResolvedExpert, truth: Truth) -> str | None:
    if expert.kind == "moderate":
        return (truth.category or HARMFUL) if truth.harmful else ""
    return truth.label


def _in_graph(file: str, name: str) -> Subject:
    checked = check_graph(file)
    plan = checked.require()
    expert = checked.catalogue.experts.get(name)
    if expert is None:
        hint = did_you_mean(name, checked.catalogue.experts, what="experts in it")
        raise InputError(f"graph {plan.name!r} has no expert {name!r}", where=file, hint=hint, code="usage")
    registry = registry_of(checked.folder)
    own = checked.spec.experts.get(name) if checked.spec is not None else None
    if own is not None and own.evals is not None:
        evals: Path | None = checked.folder / own.evals
    else:
        evals = _evals_of(registry, own.use if own is not None and own.use is not None else name)
    return Subject(name=f"{plan.name}.{name}", expert=expert, graph=checked, file=file, evals=evals)


def _evals_of(registry: Registry, name: str) -> Path | None:
    layers, _ = registry.layers(name, ())
    found = next((layer for layer in layers if layer.spec.evals is not None), None)
    return None if found is None or found.spec.evals is None else found.base.folder / found.spec.evals


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
