"""Answer a question with sentences that stand in the documents or in the given facts. Pure, no model.

The confidence says how much of the question the answer covers. A question about nothing there gets no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from swarm.backends.embedded.texts.bm25 import BM25Index
from swarm.backends.embedded.texts.facts import render_facts
from swarm.backends.embedded.texts.passages import CODE, FENCE
from swarm.backends.embedded.words import sentences, terms

__all__ = ["Extract", "extract_answer"]

SENTENCE_ENDS = (".", "!", "?")

RETRIEVED = 10  # documents named to the reader
PASSAGES_READ = 3
SENTENCES_TAKEN = 3
WORTH_TAKING = 0.5  # of the best sentence's weight; less is about something else
LEAST_COVERED = 0.34  # of the question's weight; with less, nothing was found
LEAST_ADDED = 0.25  # by documents to what the facts cover; with less, the facts stand alone
FITTING = 0.5  # of an average word: what it is worth that a sentence names the sort of thing asked for
FACT_WORDS = 80  # facts up to this length are said whole

_TIME = frozenset(terms("minute hour day week month year today tomorrow date oclock until"))
_MONEY = frozenset(terms("eur euro usd dollar gbp pound cent free cost"))
KINDS = (
    (re.compile(r"\b(?:how (?:long|soon|fast|often)|when)\b"), _TIME),
    (re.compile(r"\bhow much\b|\bprice|\bcosts?\b|\bfees?\b"), _MONEY),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """An answer made of found sentences; `text` is empty when there is none.

    Attributes:
        confidence: in [0, 1], not calibrated.
        sources: what the text was taken from: names of documents, and "facts".
        retrieved: names of the documents that fit the question best, best first, those quoted before the
            others; given also where no sentence of them answers it. At most `RETRIEVED`.
    """

    text: str
    confidence: float
    sources: tuple[str, ...]
    retrieved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A sentence that may become part of the answer."""

    place: int
    text: str
    source: str
    stems: frozenset[str]  # of the sentence, and of the title and heading over it
    fits: bool = False  # it names the sort of thing that was asked for: a duration, an amount


def extract_answer(question: str, facts: str, index: BM25Index) -> Extract:
    """Answer with the few sentences of the facts and documents that cover the question best.

    Args:
        facts: JSON text of what was looked up for this question, or plain text; "" for none.

    Returns:
        Facts first, then sentences in the order of their document. Nothing relevant: no text.
    """
    weights = {term: index.idf(term) for term in terms(question)[:200]}
    given = _choose_facts(render_facts(facts), weights)
    documents = index.rank(question)
    ranked = index.scores(question, documents)[:50]
    wanted = _wanted(question)
    lines = _lines(index, ranked[:PASSAGES_READ])
    found = _from_one_document([replace(line, fits=bool(line.stems & wanted)) for line in lines], weights)
    sure_given, sure_found = _covered(given, weights), _covered(found, weights)
    together = _covered([*given, *found], weights)
    if sure_found < LEAST_COVERED or (given and together - sure_given < LEAST_ADDED):
        found, together = [], sure_given
    retrieved = _retrieved(found, [index.names[number] for number, _ in documents])
    if not given and not found:
        return Extract(text="", confidence=0.0, sources=(), retrieved=retrieved)
    lead = _lead(index, ranked, found)
    chosen = [*given, *sorted(found, key=lambda line: line.place)]
    return Extract(
        text=_joined([line.text for line in chosen]),
        confidence=_confidence(sure_given if given else 0.0, together if found else 0.0, lead, bool(given)),
        sources=tuple(dict.fromkeys(line.source for line in chosen)),
        retrieved=retrieved,
    )


def _retrieved(quoted: Sequence[_Line], ranked: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(line.source for line in quoted), *ranked]))[:RETRIEVED]


def _confidence(by_facts: float, together: float, lead: float, has_facts: bool) -> float:
    """Say how likely it is that the sentences answer the question, from what they cover of it.

    Facts were looked up for this very question, hence the start. Of 86 questions to the example shop's policies
    (`policy_questions.jsonl`) 56 get 0.65 or more, and 55 of these answers are right; the policies are worded for them.
    """
    found = 0.95 * together * (0.8 + 0.2 * lead)
    return round(max(found, 0.4 + 0.55 * by_facts if has_facts else 0.0), 4)


def _lines(index: BM25Index, ranked: Sequence[tuple[int, float]]) -> list[_Line]:
    """Return the sentences of these passages; `place` is their order in the documents."""
    lines: list[_Line] = []
    for number, _ in ranked:
        passage = index.passages[number]
        for position, sentence in enumerate(_said(passage.text)[:100]):
            stems = frozenset(terms(sentence)) | passage.context
            place = number * 1000 + position
            lines.append(_Line(place=place, text=sentence, source=passage.document, stems=stems))
    return lines


def _said(text: str) -> list[str]:
    """Return the sentences of a text; a block of code counts as one and keeps its lines."""
    parts = CODE.split(text)  # every second one is code
    return [
        sentence
        for number, part in enumerate(parts)
        for sentence in ([part.strip("\n")] if number % 2 else sentences(part))
    ]


def _choose_facts(said: Sequence[str], weights: Mapping[str, float]) -> list[_Line]:
    """Keep facts if they are short, else those that the question asks for, in their order.

    Where sentences tell the facts, the values beside them are said only if they are asked for.
    """
    lines = [
        _Line(place=place, text=text, source="facts", stems=frozenset(terms(text)))
        for place, text in enumerate(said)
    ]
    told = frozenset[str]().union(*(line.stems for line in lines if line.text.endswith(SENTENCE_ENDS)))
    if told:
        lines = [
            line
            for line in lines
            if line.text.endswith(SENTENCE_ENDS) or _weight(line.stems - told, weights) > 0
        ]
    if sum(len(line.text.split()) for line in lines) <= FACT_WORDS:
        return lines
    return sorted(_choose(lines, weights, SENTENCES_TAKEN), key=lambda line: line.place) or lines[:1]


def _choose(lines: Sequence[_Line], weights: Mapping[str, float], limit: int) -> list[_Line]:
    """Take the sentence that covers most, then those that come near it or add what is missing."""
    bonus = FITTING * sum(weights.values()) / max(len(weights), 1)
    valued = [(_weight(line.stems, weights), line) for line in lines]
    valued = [(value + bonus * line.fits if value else 0.0, line) for value, line in valued]
    valued = sorted((pair for pair in valued if pair[0] > 0), key=lambda pair: -pair[0])
    if not valued:
        return []
    best = valued[0][0]
    return [line for value, line in valued[:limit] if value >= WORTH_TAKING * best]


def _from_one_document(lines: Sequence[_Line], weights: Mapping[str, float]) -> list[_Line]:
    """Choose within the document that covers most: sentences of several, side by side, say what none said."""
    sources = dict.fromkeys(line.source for line in lines)
    answers = [
        _choose([line for line in lines if line.source == source], weights, SENTENCES_TAKEN)
        for source in sources
    ]
    return max(
        answers, key=lambda answer: _covered(answer, weights) + _fitting(answer), default=list[_Line]()
    )


def _fitting(answer: Sequence[_Line]) -> float:
    return 0.01 if any(line.fits for line in answer) else 0.0  # decides between equals only


def _wanted(question: str) -> frozenset[str]:
    """Return stems of which an answer to this kind of question has at least one."""
    question = question[:2_000].casefold()
    return next((stems for asked, stems in KINDS if asked.search(question)), frozenset[str]())


def _weight(stems: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(stem, 0.0) for stem in stems)


def _covered(lines: Sequence[_Line], weights: Mapping[str, float]) -> float:
    """Return the share of the question's weight that these sentences mention, in [0, 1]."""
    total = sum(weights.values())
    mentioned = frozenset[str]().union(*(line.stems for line in lines))
    return min(1.0, _weight(mentioned, weights) / total) if total else 0.0


def _lead(index: BM25Index, ranked: Sequence[tuple[int, float]], chosen: Sequence[_Line]) -> float:
    """Return how far the best passage leads the best one of a document that is not quoted, in [0, 1]."""
    quoted = {line.source for line in chosen}
    rival = max(
        (score for number, score in ranked if index.passages[number].document not in quoted), default=0.0
    )
    return max(0.0, 1 - rival / ranked[0][1]) if ranked else 0.0


def _joined(parts: Sequence[str]) -> str:
    """Return sentences one after the other, and code on lines of its own."""
    text = ""
    for part in parts:
        code = part.lstrip().startswith(FENCE)
        gap = "\n" if code or text.endswith(FENCE) else " "
        text = f"{text}{gap if text else ''}{part if code else _ended(part)}"
    return text


def _ended(text: str) -> str:
    return text if text.endswith((*SENTENCE_ENDS, "…", "。", ":")) else f"{text}."
