"""What would be right, read from the `expected` of a case for each kind of expert, and whether an answer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from swarm.spec.types import same

__all__ = [
    "HARMFUL",
    "HARMLESS",
    "Span",
    "Truth",
    "answer_is_right",
    "form_of",
    "said_by",
    "truth_of",
    "words_kept",
]

HARMFUL, HARMLESS = "harmful", "harmless"
YES = (True, 1, "1", "true", "yes", "harmful", "unsafe", "flagged")
NO = (False, 0, "0", "false", "no", "harmless", "safe", "none", "")
TEXTS = ("summarize", "write", "translate", "code")
TEXT_KEYS = (
    "text", "summary", "reference", "references", "must_include", "must_not_include", "refuses", "documents",
    "spans",
)  # fmt: skip

FORMS: Mapping[str, str] = {
    "classify": '"expected": "label", or null for a text that fits none of the labels',
    "moderate": '"expected": true, false, a category, or {"flagged": true, "category": "hate"}',
    "decide": '"expected": {"question": answer}',
    "extract": '"expected": {"field": value}, or {"spans": [{"type": "name", "start": 0, "end": 5}]}',
    "graph": '"expected": "text or label of the output", or {"field": value}',
}
TEXT_FORM = (
    '"expected": "a text", {"references": ["..."]}, {"must_include": ["..."]}, {"documents": ["..."]}, or'
    ' {"refuses": true}'
)

Span = tuple[str, int, int]  # type, start, end: characters from 0, the end not included


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is right for one case; what the case does not say is None or empty.

    Attributes:
        label: of a classifier; None: the text fits none of the labels (out of scope).
        harmful: of a moderator; category: which harm, where the case says it.
        references: texts that a good answer resembles.
        must_include, must_not_include: words of a right answer; refuses: it admits not to know.
        documents: names of the documents that hold the answer.
        value: what a graph's whole output is; fields: what single fields of an answer are.
    """

    label: str | None = None
    harmful: bool | None = None
    category: str | None = None
    references: tuple[str, ...] = ()
    must_include: tuple[str, ...] = ()
    must_not_include: tuple[str, ...] = ()
    refuses: bool = False
    spans: tuple[Span, ...] | None = None
    documents: tuple[str, ...] | None = None
    value: Any = None
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


def form_of(kind: str) -> str:
    """Return what a case of this kind may expect, as it is written."""
    return FORMS.get(kind, TEXT_FORM)


def truth_of(kind: str, expected: Any) -> Truth:
    """Return what is right for an expert of `kind`, or for a `graph`.

    Raises:
        ValueError: nothing an answer of that kind could be compared with; says what to write.
    """
    match kind:
        case "classify":
            return Truth(label=_label(expected))
        case "moderate":
            return _harm(expected)
        case "decide" | "extract":
            return _fields(kind, expected)
        case "graph":
            return _output(expected)
        case _ if kind in TEXTS:
            return _text(kind, expected)
        case _:
            raise ValueError(f"nothing says when the answer of an expert of kind {kind!r} is right")


def answer_is_right(kind: str, truth: Truth, value: Mapping[str, Any] | None, text: str) -> bool | None:
    """Return whether an answer is right; None where the case has only texts or places to compare it with.

    Args:
        value: the fields of the answer; None where no answer came, or it has no fields. `text`: the same
            as text.

    A text that fits none of the labels is never answered rightly by a label, nor a question that cannot be
    answered by an answer: those are right where the expert is not confident, which is judged elsewhere.
    """
    match kind:
        case "classify":
            return truth.label is not None and value is not None and value.get("label") == truth.label
        case "moderate":
            return value is not None and value.get("flagged") is truth.harmful
        case "graph":
            return _is_output(truth, value, text)
        case _ if kind in TEXTS:
            return _is_good_text(truth, text if value is not None else None)
        case _:
            return _agree(truth.fields, value) if truth.fields else None


def said_by(kind: str, value: Mapping[str, Any] | None) -> str | None:
    """Return the label that an answer comes to; None where it is no label."""
    if value is None:
        return None
    if kind == "moderate":
        return HARMFUL if value.get("flagged") else HARMLESS
    label = value.get("label")
    return label if isinstance(label, str) else None


def words_kept(truth: Truth, text: str) -> tuple[int, int]:
    """Return how many of the words that must be in the answer are, and how many there are."""
    found = sum(word.lower() in text.lower() for word in truth.must_include)
    return found, len(truth.must_include)


def _label(expected: Any) -> str | None:
    if isinstance(expected, dict):
        table = cast("dict[str, Any]", expected)
        if "label" not in table:
            raise ValueError('`expected` has no `label`: write {"label": "..."}')
        expected = table["label"]
    if expected is None:
        return None
    if not isinstance(expected, str) or not expected:
        raise ValueError(f"the label is {expected!r}: write its name, or null for a text that fits none")
    return expected


def _harm(expected: Any) -> Truth:
    if isinstance(expected, dict):
        table = cast("dict[str, Any]", expected)
        category = table.get("category")
        if category is not None and not isinstance(category, str):
            raise ValueError(f"`category` is {category!r}: write its name or null")
        harmful = _yes_or_no(table["flagged"]) if "flagged" in table else category not in (None, "none", "")
        return Truth(harmful=harmful, category=category if harmful else None)
    if expected is None:
        return Truth(harmful=False)
    try:
        return Truth(harmful=_yes_or_no(expected))
    except ValueError:
        if not isinstance(expected, str):
            raise
        return Truth(harmful=True, category=expected)


def _yes_or_no(value: Any) -> bool:
    folded = value.lower() if isinstance(value, str) else value
    if isinstance(folded, str | bool | int | float):
        if folded in YES:
            return True
        if folded in NO:
            return False
    raise ValueError(f"{value!r} is neither true nor false nor a category")


def _fields(kind: str, expected: Any) -> Truth:
    if not isinstance(expected, dict) or not expected:
        raise ValueError(f"`expected` of kind {kind} is an object of the fields to compare: {{...}}")
    table = dict(cast("dict[str, Any]", expected))
    spans = _spans(table.pop("spans")) if "spans" in table else None
    return Truth(spans=spans, fields=table)


def _output(expected: Any) -> Truth:
    if expected is None:
        raise ValueError("`expected` is null: write the output, or some of its fields")
    if isinstance(expected, dict):
        return Truth(fields=cast("dict[str, Any]", expected))
    return Truth(value=expected)


def _text(kind: str, expected: Any) -> Truth:
    if isinstance(expected, str) and expected.strip():
        return Truth(references=(expected,))
    if isinstance(expected, list):
        return Truth(references=_texts(expected, "expected"))
    if not isinstance(expected, dict):
        raise ValueError("`expected` is a text, a list of texts, or an object with `must_include`")
    table = cast("dict[str, Any]", expected)
    if table.keys().isdisjoint(TEXT_KEYS):
        why = ": code that a model wrote is not run here" if kind == "code" else ""
        raise ValueError(f"nothing in `expected` can be compared with a text{why}")
    references: list[str] = []
    for key in ("text", "summary", "reference", "references"):
        if key in table:
            references += _texts(table[key], key)
    documents = table.get("documents")
    return Truth(
        references=tuple(references),
        must_include=_texts(table.get("must_include", []), "must_include"),
        must_not_include=_texts(table.get("must_not_include", []), "must_not_include"),
        refuses=table.get("refuses") is True,
        documents=None if documents is None else _texts(documents, "documents"),
        spans=_spans(table["spans"]) if "spans" in table else None,
    )


def _texts(value: Any, name: str) -> tuple[str, ...]:
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise ValueError(f"`{name}` is no text and no list of texts")
    return tuple(cast("list[str]", items))


def _spans(value: Any) -> tuple[Span, ...]:
    try:
        return tuple((str(one["type"]), int(one["start"]), int(one["end"])) for one in value)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError('`spans` is no list of {"type": "...", "start": 0, "end": 5}') from error


def _is_output(truth: Truth, value: Mapping[str, Any] | None, text: str) -> bool:
    if truth.fields:
        return _agree(truth.fields, value)
    wanted = truth.value
    if isinstance(wanted, str):
        return wanted == text or (value is not None and value.get("label") == wanted)
    return value is not None and any(same(part, wanted) for part in value.values())


def _agree(fields: Mapping[str, Any], value: Mapping[str, Any] | None) -> bool:
    return value is not None and all(
        name in value and same(value[name], wanted) for name, wanted in fields.items()
    )


def _is_good_text(truth: Truth, text: str | None) -> bool | None:
    """Return whether a text has the words it must have and none it must not; None where none are named."""
    if truth.refuses:
        return False
    if not (truth.must_include or truth.must_not_include):
        return None
    if text is None:
        return False
    found, wanted = words_kept(truth, text)
    return found == wanted and not _any_word(truth.must_not_include, text)


def _any_word(words: Sequence[str], text: str) -> bool:
    return any(word.lower() in text.lower() for word in words)
