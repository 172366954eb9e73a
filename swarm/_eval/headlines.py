"""The figures of an evaluation for people: what each is called, its interval, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from swarm._eval.report.model import Answers, Figure, Report
from swarm._eval.scores import Sheet
from swarm._eval.truth import HARMFUL, HARMLESS, said_by
from swarm._eval.words import percent

__all__ = ["headlines", "report_of"]

SURE = "could be accepted with at most {} wrong, by the best threshold in hindsight"


def headlines(figures: Mapping[str, Any], kind: str) -> list[Figure]:
    """Return the figures that apply, the most telling first."""
    return [*_right(figures), *_texts(figures), *_sure(figures, kind), *_effort(figures)]


def report_of(
    sheet: Sheet, figures: Mapping[str, Any], *, title: str, command: str, made: str, notes: tuple[str, ...]
) -> Report:
    """Return the evaluation as a report to be drawn."""
    by_model: dict[str, list[tuple[float, bool]]] = {}  # cheapest first
    for row in sorted(sheet.rows, key=lambda row: row.reply.rung or 0):
        if row.reply.confidence is not None and row.right is not None:
            by_model.setdefault(row.reply.model or title, []).append((row.reply.confidence, row.right))
    return Report(
        title=title,
        command=command,
        made=made,
        figures=headlines(figures, sheet.kind),
        answers=[
            Answers(
                name=model,
                probabilities=[score for score, _ in pairs],
                right=[right for _, right in pairs],
            )
            for model, pairs in by_model.items()
        ],
        labels=list(_pairs(sheet)),
        notes=notes,
    )


def _pairs(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """Yield (expected, answered) of each row that has labels."""
    nothing = sheet.oos or "none of them"
    for row in sheet.rows:
        said = said_by(sheet.kind, row.reply.value)
        if said is None:
            continue
        if sheet.kind == "classify":
            yield row.truth.label or nothing, said
        elif sheet.kind == "moderate":
            yield HARMFUL if row.truth.harmful else HARMLESS, said


def _right(figures: Mapping[str, Any]) -> Iterator[Figure]:
    accuracy, inside = figures["accuracy"], figures["accuracy_in_scope"]
    if accuracy is not None:
        low, high = percent(figures["accuracy_low"]), percent(figures["accuracy_high"])
        meaning = (
            "" if inside in (None, accuracy) else "rejections counted, where texts fit none of the labels"
        )
        yield Figure(name="right", value=percent(accuracy), interval=f"{low} to {high}", meaning=meaning)
    if inside is not None and inside != accuracy:
        yield Figure(
            name="right in scope", value=percent(inside), meaning="the best label, without rejection"
        )
    yield from _number(figures, "macro_f1", "macro F1", "mean over the labels, rare ones counting as much")
    yield from _number(
        figures, "oos_auroc", "out of scope", "AUROC: texts that fit no label against the others"
    )
    if figures["oos_recall"] is not None:
        kept = figures["oos_accuracy_in_scope"]
        meaning = (
            f"of the texts that fit no label, while {percent(kept)} of the others stay right" if kept else ""
        )
        yield Figure(name="rejected", value=percent(figures["oos_recall"]), meaning=meaning)
    yield from _number(figures, "auprc", "AUPRC", "precision over recall of harmful texts")
    if figures["false_refusal_rate"] is not None:
        yield Figure(
            name="false refusals",
            value=percent(figures["false_refusal_rate"]),
            meaning="harmless, but flagged",
        )


def _texts(figures: Mapping[str, Any]) -> Iterator[Figure]:
    for name, shown in (("rouge1", "ROUGE-1"), ("rouge2", "ROUGE-2"), ("rougeL", "ROUGE-L")):
        if figures[name] is not None:
            yield Figure(
                name=shown, value=f"{figures[name] * 100:.1f}", meaning="F1, the best reference each"
            )
    if figures["must_include"] is not None:
        yield Figure(
            name="facts kept", value=percent(figures["must_include"]), meaning="words that must be there"
        )
    yield from _number(figures, "span_f1", "span F1", "places that overlap by half, of any type")
    yield from _number(figures, "recall_at_10", "recall at 10", "expected documents among the first ten")


def _sure(figures: Mapping[str, Any], kind: str) -> Iterator[Figure]:
    about = (
        "harmful texts score higher than harmless ones"
        if kind == "moderate"
        else ("right answers are surer than wrong ones; 0.5 is chance")
    )
    if figures["auroc"] is not None:
        interval = f"{figures['auroc_low']:.3f} to {figures['auroc_high']:.3f}"
        yield Figure(name="AUROC", value=f"{figures['auroc']:.3f}", interval=interval, meaning=about)
    yield from _number(figures, "ece", "ECE", "how far the confidence is from what comes true")
    yield from _number(figures, "brier", "Brier", "squared distance of the confidence from what came true")
    yield from _number(figures, "aurc", "AURC", "share of wrong answers among the surest, over all shares")
    for target, share in figures["coverage"].items():
        if share is not None:
            wrong = f"{float(target) * 100:g} %"
            yield Figure(name=f"coverage at {wrong}", value=percent(share), meaning=SURE.format(wrong))
    accepted = figures["accepted"]
    if accepted["share"] is not None:
        wrong = "" if accepted["error"] is None else f"{percent(accepted['error'])} of these are wrong"
        yield Figure(name="accepted", value=percent(accepted["share"]), meaning=wrong)


def _effort(figures: Mapping[str, Any]) -> Iterator[Figure]:
    latency, cost = figures["latency_ms"], figures["cost"]
    if latency["p50"] is not None:
        meaning = f"95 % under {latency['p95']:,.1f} ms; {figures['ready_s']:,.1f} s to get ready"
        yield Figure(name="latency", value=f"{latency['p50']:,.1f} ms", meaning=meaning)
    tokens = cost["input_tokens"] + cost["output_tokens"]
    calls = f"{cost['model_calls']:,} calls" + (f", {tokens:,} tokens" if tokens else ", none to a server")
    yield Figure(name="cost", value=f"{cost['total']:,.0f}", meaning=f"{cost['unit']}: {calls}")


def _number(figures: Mapping[str, Any], key: str, name: str, meaning: str) -> Iterator[Figure]:
    if figures[key] is not None:
        yield Figure(name=name, value=f"{figures[key]:.3f}", meaning=meaning)
