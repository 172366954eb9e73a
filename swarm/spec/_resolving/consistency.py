"""Do the parts of an expert fit its kind? Pure: what it found is reported by `resolve`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarm.spec.catalogue import ModelRef, ResolvedExpert
from swarm.spec.expert import QuestionSpec

__all__ = ["Misfit", "doubts", "misfits"]

FEW_EXAMPLES = 5  # fewer of a label leave the n-gram classifier nothing to hold out
ONLY_FOR = {"labels": ("classify", "moderate"), "questions": ("decide",), "output": ("extract",)}
NEEDED = {
    "decide": ("questions", "questions: {urgent: {yes_no: Is it urgent?}}"),
    "moderate": ("labels", "labels: {violence: Threatens or incites}"),
    "extract": ("output", "output: {name: string, date: string?}"),
}
DECIDING = ("decide", "classify", "moderate")
MEASURES = {
    "decides": ("auto", "probability", "margin", "label_mass", "agreement", "witness"),
    "writes": ("auto", "logprob", "logprob_min", "logprob_low", "grounding", "agreement", "witness"),
}
ASKED_FOR = {"agreement": ("samples", "samples: 5"), "witness": ("witness", "witness: ollama/qwen3:4b")}
EMBEDDED_KINDS = {
    "ngram": ("classify", "decide"),
    "moderator": ("moderate",),
    "bm25": ("write",),
    "textrank": ("summarize",),
    "personal": ("extract",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """What does not fit, under which key of the expert ("": the expert as a whole)."""

    message: str
    key: str = ""
    at: tuple[str | int, ...] = ()
    hint: str = ""


def misfits(
    name: str,
    kind: str,
    fields: Mapping[str, Any],
    *,
    labels: Mapping[str, str],
    cascade: Sequence[ModelRef],
) -> Iterator[Misfit]:
    """Yield every contradiction in an expert whose fields, `use` followed, are `fields`."""
    for key, kinds in ONLY_FOR.items():
        if fields[key] is not None and kind not in kinds:
            hint = f"only {' and '.join(kinds)} experts have {key!r}"
            yield Misfit(message=f"a {kind} expert has no {key!r}", key=key, hint=hint)
    if kind in NEEDED and not (fields[NEEDED[kind][0]] or (kind == "moderate" and labels)):
        key, example = NEEDED[kind]
        yield Misfit(message=f"{name} has no {key}, which {kind} experts need", hint=f"add `{example}`")
    if not fields["cascade"]:
        yield Misfit(message=f"{name} has no cascade", hint="add `cascade: [ollama/qwen3:4b]`")
    if not fields["input"]:
        yield Misfit(message=f"{name} has no input", hint="add `input: {text: string}`")
    if kind == "classify" and len(labels) == 1:
        key = "labels" if fields["labels"] is not None else "examples"
        yield Misfit(message=f"{name} has one label: a choice needs two", key=key)
    yield from _questions(fields["questions"] or {})
    yield from _confidence(kind, fields["confidence"])
    if len(cascade) == len(fields["cascade"] or ()):
        yield from _embedded(kind, fields["questions"] or {}, cascade)


def doubts(expert: ResolvedExpert) -> Iterator[Misfit]:
    """Yield what makes an embedded classifier weak: no examples, or few of a label."""
    if expert.kind != "classify" or not any(str(model) == "embedded/ngram" for model in expert.cascade):
        return
    if not expert.examples:
        message = f"{expert.name} has no examples: embedded/ngram has only the names of the labels"
        yield Misfit(message=message, hint="add `examples: examples.jsonl`")
        return
    counts = dict.fromkeys(expert.labels, 0)
    for _, label in expert.examples:
        counts[label] += 1
    few = [label for label, count in counts.items() if count < FEW_EXAMPLES]
    if few:
        named = ", ".join(f"{label!r} ({counts[label]})" for label in few[:3]) + (", ..." if few[3:] else "")
        message = f"fewer than {FEW_EXAMPLES} examples for {named}"
        yield Misfit(message=message, key="examples", hint="more examples make embedded/ngram surer")


def _embedded(
    kind: str, questions: Mapping[str, QuestionSpec], cascade: Sequence[ModelRef]
) -> Iterator[Misfit]:
    """Yield the embedded models that can never answer this expert."""
    open_ended = next((name for name, question in questions.items() if question.choice is None), None)
    for index, model in enumerate(cascade):
        kinds = EMBEDDED_KINDS.get(model.name) if model.backend == "embedded" else None
        if kinds is None:
            continue
        if kind not in kinds:
            message, hint = f"{model} cannot {kind}", f"it serves {' and '.join(kinds)} experts"
        elif kind == "decide" and open_ended is not None:
            message = f"{model} answers choices only, and question {open_ended!r} is none"
            hint = "leave it out of the cascade, or ask with `choice`"
        else:
            continue
        yield Misfit(message=message, key="cascade", at=(index,), hint=hint)


def _questions(questions: Mapping[str, QuestionSpec]) -> Iterator[Misfit]:
    for name, question in questions.items():
        kinds = [key for key in ("choice", "yes_no", "score") if getattr(question, key) is not None]
        if len(kinds) != 1:
            what = f"is both {' and '.join(kinds)}" if kinds else "asks nothing"
            message = f"question {name!r} {what}"
            hint = "exactly one of choice, yes_no, score"
            yield Misfit(message=message, key="questions", at=(name,), hint=hint)
        elif question.choice is not None and len(question.choice) < 2:
            message = f"question {name!r} has {len(question.choice)} options: a choice needs two"
            yield Misfit(message=message, key="questions", at=(name, "choice"))


def _confidence(kind: str, policy: Any) -> Iterator[Misfit]:
    if policy is None:
        return
    if policy.at_least is not None and policy.target_error is not None:
        message = "two thresholds: `at_least` and `target_error`"
        yield Misfit(message=message, key="confidence", hint="keep `target_error`: it comes from data")
    if policy.with_confidence is not None and policy.target_error is None:
        message = "`with_confidence` says how surely a `target_error` holds, and there is none"
        yield Misfit(
            message=message, key="confidence", at=("with_confidence",), hint="add `target_error: 0.05`"
        )
    key, example = ASKED_FOR.get(policy.from_, ("", ""))
    if key and getattr(policy, key) is None:
        message = f"`from: {policy.from_}` measures what nothing asks for"
        yield Misfit(message=message, key="confidence", at=("from",), hint=f"add `{example}`")
    known = (*MEASURES["decides" if kind in DECIDING else "writes"], *(("valid",) if kind == "code" else ()))
    if policy.from_ not in known:
        message = f"{policy.from_!r} measures no answer of a {kind} expert: none would ever be confident"
        yield Misfit(message=message, key="confidence", at=("from",), hint=f"one of {', '.join(known)}")
