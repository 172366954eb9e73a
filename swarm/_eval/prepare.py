"""From names and files to an evaluation that can start: everything is read and checked before a model is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swarm._eval.cases import Case, Columns, read_cases, spread
from swarm._eval.evaluate import Done, How, Ready, evaluate, evaluate_in_folds
from swarm._eval.scope import Line, choose_line
from swarm._eval.subject import Subject, drawn, find_subject, lessons_of, taught, truths_of
from swarm._eval.truth import Truth
from swarm.errors import InputError
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.version import stale

__all__ = ["Prepared", "Request", "prepare", "start"]

NAMED = 5  # labels that a warning spells out


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody wants evaluated.

    Attributes:
        word: `intent`, `support.swarm.yaml`, or `support.swarm.yaml:triage`.
        data: the cases; None: the expert's own. train: rows that it is taught first.
        per_label: at most so many of these rows of each label, drawn with `seed`; None: all.
        oos: the label that means none of the labels. folds: parts that teach and test in turn, or 0.
        limit: so many cases, taken evenly.
    """

    word: str
    data: Path | None = None
    train: Path | None = None
    per_label: int | None = None
    seed: int = 0
    oos: str | None = None
    folds: int = 0
    limit: int | None = None
    columns: Columns = field(default_factory=Columns)
    how: How = field(default_factory=How)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An evaluation that can start.

    Attributes:
        expert: the subject's, taught; None for a graph.
        cases: with what is right for each. lessons: rows that taught.
        unknown: labels that cases expect and the expert cannot say, with how many cases each.
        warnings: what is doubtful, a sentence each.
    """

    request: Request
    subject: Subject
    expert: ResolvedExpert | None
    data: Path
    cases: Sequence[tuple[Case, Truth]]
    lessons: int = 0
    unknown: Sequence[tuple[str, int]] = ()
    warnings: Sequence[str] = ()

    @property
    def has_outsiders(self) -> bool:
        """Return whether any case fits none of the labels."""
        return self.subject.kind == "classify" and any(truth.label is None for _, truth in self.cases)


def prepare(request: Request) -> Prepared:
    """Read and check all that the evaluation needs.

    Raises:
        SpecError: the expert or graph is wrong, or is not there.
        InputError: options, cases or training rows that do not fit; the rows by their lines.
    """
    subject = find_subject(request.word)
    _refuse_misfits(request, subject)
    data = request.data or subject.evals
    if data is None:
        raise InputError(
            f"{request.word} has no cases of its own", hint="give some: --data cases.jsonl", code="usage"
        )
    cases = read_cases(data, subject.inputs, request.columns)
    if request.limit is not None:
        cases = spread(cases, request.limit)
    truths = truths_of(subject, cases, data, request.oos)
    pairs = list(zip(cases, truths, strict=True))
    expert, lessons = _teach(request, subject, pairs)
    unknown = _unknown(request, expert, truths, data)
    return Prepared(
        request=request, subject=subject, expert=expert, data=data, cases=pairs, lessons=lessons,
        unknown=unknown, warnings=tuple(_doubts(request, expert, cases, unknown)),
    )  # fmt: skip


async def start(prepared: Prepared, done: Done) -> tuple[Ready, Line]:
    """Ask about every case; return how it began, and the line that counts as out of scope.

    Args:
        done: told of each case as it is judged, in no particular order.

    Raises:
        SwarmError: nobody answers.
    """
    request, subject, expert = prepared.request, prepared.subject, prepared.expert
    if request.folds:
        return await evaluate_in_folds(subject, prepared.cases, request.folds, request.how, done), Line()
    line = Line()
    if prepared.has_outsiders and expert is not None:
        line = await choose_line(subject, expert, request.how)
    return await evaluate(subject, expert, prepared.cases, request.how, done), line


def _refuse_misfits(request: Request, subject: Subject) -> None:
    """Refuse options that mean nothing together, or nothing for this subject."""
    if subject.expert is None:
        wrong = [
            option
            for option, given in (
                ("--train", request.train), ("--folds", request.folds), ("--oos", request.oos),
                ("--rung", request.how.rung is not None), ("--record", request.how.every_rung),
            )
            if given
        ]  # fmt: skip
        if wrong:
            raise InputError(
                f"{wrong[0]} is about one expert, and {request.word} is a graph",
                hint=f"name an expert of it: {request.word}:EXPERT", code="usage",
            )  # fmt: skip
    elif request.oos is not None and subject.kind != "classify":
        raise InputError(
            f"--oos is for classifiers, and {subject.name} is of kind {subject.kind}",
            hint="leave it out", code="usage",
        )  # fmt: skip
    if request.per_label is not None and request.train is None:
        raise InputError(
            "--per-label says how many rows of --train teach, and there are none",
            hint="add --train FILE.jsonl", code="usage",
        )  # fmt: skip
    if request.folds and request.train is not None:
        raise InputError(
            "--folds teaches with the cases themselves, and --train with other rows",
            hint="choose one",
            code="usage",
        )


def _teach(
    request: Request, subject: Subject, pairs: Sequence[tuple[Case, Truth]]
) -> tuple[ResolvedExpert | None, int]:
    """Return the expert after its lessons, and how many there were; with folds, as after all of them."""
    expert = subject.expert
    if expert is None:
        return None, 0
    if request.folds:
        if len(pairs) < 2 * request.folds:
            raise InputError(
                f"{len(pairs)} cases are too few for {request.folds} folds",
                hint="use fewer folds",
                code="usage",
            )
        lessons = lessons_of(subject, (case for case, _ in pairs), (truth for _, truth in pairs))
        return taught(expert, lessons), len(lessons)
    if request.train is not None:
        rows = read_cases(request.train, subject.inputs, request.columns)
        lessons = lessons_of(subject, rows, truths_of(subject, rows, request.train, request.oos))
        if request.per_label is not None:
            lessons = drawn(lessons, request.per_label, request.seed)
        return taught(expert, lessons), len(lessons)
    if expert.kind == "classify" and not expert.labels:
        raise InputError(
            f"{subject.name} has no labels of its own", where=request.word, code="usage",
            hint="teach it some: --train FILE.jsonl, or --folds 5 to teach with the cases in turn",
        )  # fmt: skip
    return expert, 0


def _unknown(
    request: Request, expert: ResolvedExpert | None, truths: Sequence[Truth], data: Path
) -> list[tuple[str, int]]:
    """Return the labels that cases expect and the expert cannot say.

    Raises:
        InputError: all labels are such.
    """
    if expert is None or expert.kind not in ("classify", "moderate"):
        return []
    wanted = [truth.label if expert.kind == "classify" else truth.category for truth in truths]
    named = [label for label in wanted if label is not None]
    found = Counter(label for label in named if label not in expert.labels)
    if expert.kind == "classify" and found and found.total() == len(named):
        have = ", ".join(list(expert.labels)[:NAMED])
        raise InputError(
            f"none of the expected labels is one of {expert.name}: they are {_listed(list(found.items()))}",
            where=str(data), code="invalid_cases",
            hint=f"its labels are {have}, ...; teach it yours with --train, or map them: --map expected=COLUMN",
        )  # fmt: skip
    return found.most_common()


def _doubts(
    request: Request, expert: ResolvedExpert | None, cases: Sequence[Case], unknown: Sequence[tuple[str, int]]
) -> list[str]:
    doubts: list[str] = []
    if expert is None:
        return doubts
    if unknown:
        count = sum(number for _, number in unknown)
        doubts.append(
            f"{count:,} cases expect a label that {expert.name} cannot say ({_listed(unknown)}): they count as wrong"
        )
    doubts += [f"{expert.calibration_file} is not used: {reason}" for reason in stale(expert)]
    if not request.folds:
        known = {text for text, _ in expert.examples} | set(expert.rejects)
        seen = sum(case.inputs.get(expert.main_input) in known for case in cases)
        if seen:
            doubts.append(
                f"{seen:,} of the {len(cases):,} cases are among the examples it was taught: those measure memory"
            )
    return doubts


def _listed(labels: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(repr(label) for label, _ in labels[:NAMED])
    return shown if len(labels) <= NAMED else f"{shown} and {len(labels) - NAMED} more"
