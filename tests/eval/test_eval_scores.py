"""The figures of an evaluation: what each means, and where it does not apply."""

from __future__ import annotations

from typing import Any

import pytest
from judging import figures, judged

from swarm._eval.bars import missed, parse_bars
from swarm._eval.scope import Line, threshold_for
from swarm._eval.scores import coverage
from swarm.confidence.metrics import wilson
from swarm.errors import InputError, SwarmError

NULL_FOR_LABELS = (
    "auprc",
    "false_refusal_rate",
    "rouge1",
    "span_f1",
    "recall_at_10",
    "oos_auroc",
    "oos_recall",
)


def label(expected: str | None, answered: str, confidence: float = 0.5, **reply: Any) -> Any:
    return judged("classify", expected, {"label": answered}, confidence=confidence, **reply)


def harm(expected: Any, score: float, **signals: float) -> Any:
    value = {"flagged": score > 0.5, "category": "hate" if score > 0.5 else None, "scores": {"hate": score}}
    return judged("moderate", expected, value, confidence=max(score, 1 - score), signals=signals)


def test_accuracy_has_an_interval_and_what_does_not_apply_is_null() -> None:
    found = figures("classify", label("a", "a"), label("a", "b"), label("b", "b"), label("b", "b"))
    assert found["n"] == 4
    assert found["accuracy"] == found["accuracy_in_scope"] == 0.75
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx(wilson(3, 4), abs=1e-6)
    assert [found[name] for name in NULL_FOR_LABELS] == [None] * len(NULL_FOR_LABELS)


def test_macro_f1_counts_a_rare_label_as_much_as_a_common_one() -> None:
    rows = [label("a", "a")] * 9 + [label("b", "a")]
    found = figures("classify", *rows)
    assert found["macro_f1"] == pytest.approx((2 * 9 / 19 + 0) / 2, abs=1e-6)
    assert found["confusion"] == [{"expected": "b", "answered": "a", "n": 1}]


def test_a_text_out_of_scope_is_right_when_rejected_and_one_in_scope_wrong_when_it_is() -> None:
    line = Line(threshold=0.4, chosen=True)
    found = figures(
        "classify",
        label("a", "a", signals={"in_scope": 0.9}),
        label("a", "a", signals={"in_scope": 0.3}),
        label(None, "a", signals={"in_scope": 0.1}),
        label(None, "a", signals={"in_scope": 0.8}),
        line=line,
    )
    assert found["accuracy"] == 0.5
    assert found["accuracy_in_scope"] == 1.0
    assert found["oos_recall"] == 0.5
    assert found["oos_accuracy_in_scope"] == 0.5
    assert found["oos_auroc"] == pytest.approx(0.75)


def test_without_a_line_chosen_on_training_data_there_is_no_recall() -> None:
    rows = label("a", "a", signals={"in_scope": 0.9}), label(None, "a", signals={"in_scope": 0.1})
    found = figures("classify", *rows)
    assert found["oos_recall"] is None
    assert found["oos_threshold"] == 0.5
    assert found["accuracy"] == 1.0


def test_where_nothing_measures_the_scope_the_confidence_stands_in() -> None:
    found = figures("classify", label("a", "a", 0.9), label("a", "a", 0.8), label(None, "a", 0.7))
    assert found["oos_auroc"] == 1.0


def test_answering_the_label_out_of_scope_is_a_rejection() -> None:
    found = figures("classify", label("a", "a", 0.9), judged("classify", "none", {"label": "none"}, oos="none"),
                    oos="none", line=Line(threshold=0.1, chosen=True))  # fmt: skip
    assert found["oos_recall"] == 1.0
    assert found["accuracy"] == 1.0


def test_confidence_is_judged_by_whether_the_answer_given_is_right_so_out_of_scope_it_never_is() -> None:
    found = figures("classify", label("a", "a", 0.9), label(None, "a", 0.2), label("b", "a", 0.1))
    assert found["auroc"] == 1.0
    assert found["coverage"]["0.01"] == pytest.approx(1 / 3, abs=1e-6)


def test_the_line_is_the_highest_that_keeps_the_accuracy() -> None:
    rows: list[tuple[float | None, bool]] = [(n / 100, True) for n in range(100)]
    kept = threshold_for(rows, accuracy=0.5)
    assert kept is not None
    assert sum(score is not None and score >= kept for score, _ in rows) == 50
    assert threshold_for([(0.9, False), (0.8, True)], accuracy=0.91) is None
    assert threshold_for([]) is None


def test_coverage_takes_rows_of_one_confidence_together() -> None:
    pairs = [(0.9, True), (0.8, True), (0.8, False), (0.7, True)]
    assert coverage(pairs, 0.0, 4) == 0.25
    assert coverage(pairs, 0.25, 4) == 1.0
    assert coverage(pairs, 0.25, 8) == 0.5
    assert coverage([], 0.1, 0) == 0.0


def test_a_moderator_is_judged_by_its_signal_of_harm_else_by_its_worst_category() -> None:
    by_category = figures(
        "moderate", harm(True, 0.9), harm(1, 0.4), harm("hate", 0.8), harm(0, 0.6), harm(None, 0.1)
    )
    by_signal = figures("moderate", harm(True, 0.9, harm=0.1), harm(False, 0.1, harm=0.9))
    assert by_category["auroc"] == pytest.approx(5 / 6, abs=1e-6)
    assert by_category["false_refusal_rate"] == 0.5
    assert by_category["category_accuracy"] == 1.0
    assert by_category["accuracy"] == 0.6
    assert by_category["auprc"] is not None
    assert by_signal["auroc"] == 0.0


def test_only_harmless_texts_give_a_rate_of_false_refusals_and_no_auroc() -> None:
    found = figures("moderate", harm(0, 0.9), harm("safe", 0.1), harm({"flagged": False}, 0.2))
    assert found["false_refusal_rate"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["auroc"] is None


def test_rouge_is_that_of_the_best_reference() -> None:
    expected = {"references": ["nothing alike", "the cat sat"]}
    found = figures("summarize", judged("summarize", expected, {"text": "the cat sat"}, text="the cat sat"))
    assert (found["rouge1"], found["rouge2"], found["rougeL"]) == (1.0, 1.0, 1.0)
    assert found["accuracy"] is None


def test_a_text_with_the_words_it_must_have_is_right() -> None:
    expected = {"must_include": ["Redhill", "2.50"], "must_not_include": ["Leeds"]}
    rows = [
        judged("write", expected, {"text": text}, text=text)
        for text in ("redhill, 2.50", "Redhill", "Redhill 2.50 Leeds")
    ]
    found = figures("write", *rows)
    assert found["accuracy"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["must_include"] == pytest.approx(5 / 6, abs=1e-6)


def test_a_question_without_an_answer_is_right_when_nobody_is_confident_or_it_says_so() -> None:
    def answered(text: str, confident: bool) -> Any:
        return judged(
            "write", {"refuses": True}, {"text": text}, text=text, confident=confident, confidence=0.5
        )

    found = figures(
        "write", answered("Tuesday", True), answered("Tuesday", False), answered("I don't know.", True)
    )
    assert found["accuracy"] == pytest.approx(2 / 3, abs=1e-6)


def test_spans_are_found_when_they_overlap_by_half() -> None:
    expected = {"spans": [{"type": "NAME", "start": 0, "end": 10}, {"type": "DATE", "start": 20, "end": 30}]}
    found = figures("extract", judged("extract", expected, {"found": [
        {"type": "person", "start": 2, "end": 10}, {"type": "date", "start": 20, "end": 30},
        {"type": "date", "start": 21, "end": 30},
    ]}))  # fmt: skip
    assert found["span_f1"] == pytest.approx(2 * 2 / 5, abs=1e-6)
    assert found["span_f1_typed"] == pytest.approx(2 * 1 / 5, abs=1e-6)
    assert found["span_f1_exact"] == pytest.approx(2 * 1 / 5, abs=1e-6)


def test_recall_looks_at_the_first_ten_documents_an_answer_names() -> None:
    sources = tuple(f"doc{number}" for number in range(12))
    row = judged("write", {"documents": ["doc3", "doc11"]}, {"text": "x"}, text="x", sources=sources)
    assert figures("write", row)["recall_at_10"] == 0.5


def test_a_document_may_be_named_without_its_folder_and_suffix() -> None:
    sources = ("policies/returns.md", "policies/lamps.md")
    row = judged(
        "write",
        {"documents": ["returns", "lamps.md", "policies/tax.md"]},
        {"text": "x"},
        text="x",
        sources=sources,
    )
    assert figures("write", row)["recall_at_10"] == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "expected", "value", "right"),
    [
        ("decide", {"urgent": True}, {"urgent": True, "mood": 2}, True),
        ("decide", {"urgent": True}, {"urgent": 1}, False),
        ("extract", {"city": "Rome"}, {"city": "Rome", "zip": None}, True),
        ("graph", "refund", {"label": "refund", "scores": {}}, True),
        ("graph", {"order": {"id": 7}}, {"order": {"id": 7}, "text": "x"}, True),
        ("graph", 7, {"output": 7}, True),
        ("graph", "refund", None, False),
        ("classify", "a", None, False),
    ],
)
def test_fields_that_are_expected_are_compared_as_json(
    kind: str, expected: Any, value: Any, right: bool
) -> None:
    assert judged(kind, expected, value).right is right


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("classify", 3), ("classify", {"category": "a"}), ("moderate", 7), ("moderate", {"flagged": "maybe"}),
        ("decide", "yes"), ("extract", {}), ("summarize", {"tests": "assert"}), ("write", 3), ("graph", None),
        ("extract", {"spans": [{"start": 1}]}), ("embed", "x"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_with_an_answer_is_refused(kind: str, expected: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        judged(kind, expected, None)


def test_a_case_that_failed_counts_as_wrong_and_measures_nothing() -> None:
    failed = judged("classify", "a", None, error=SwarmError("too slow", code="timeout"))
    found = figures("classify", failed, label("a", "a", 0.9))
    assert (found["failed"], found["accuracy"], found["brier"]) == (1, 0.5, pytest.approx(0.01))


def test_bars_name_the_accuracy_or_another_figure() -> None:
    found = figures("classify", label("a", "a", 0.9), label("a", "b", 0.1))
    assert missed(parse_bars(["0.5", "coverage.0.05=0.5"]), found) == []
    under = missed(parse_bars(["0.9", "oos_auroc=0.5"]), found)
    assert under == ["accuracy is 0.5000, under 0.9", "oos_auroc was not measured, and 0.5 is asked for"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("acuracy=0.9", "did you mean 'accuracy'"), ("ece=0.1", "the lower ece the better"), ("high", "is no number"),
     ("auroc=nan", "is no number"), ("latency_ms.p50=3", "the lower")],
)  # fmt: skip
def test_a_bar_that_cannot_be_kept_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_bars([text])
    assert said in str(caught.value)
