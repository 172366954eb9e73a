"""Find passages for a question: first the documents that fit, then the passages in them. Pure Python, no model.

Source of the ranking: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from swarm.backends.embedded.texts.passages import Document, passages_of
from swarm.backends.embedded.texts.retrieval import K1, B, DocumentIndex, DocumentWords
from swarm.backends.embedded.words import terms

__all__ = ["BM25Index", "Document", "Hit"]

CONTEXT_WEIGHT = 0.5  # of a word in the title or heading over a passage, against one in it
DOCUMENTS_READ = 20  # the best documents, whose passages are ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that was found. `score` is comparable within one search only."""

    document: str
    passage: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPassage:
    """A passage with its weighted stems.

    Attributes:
        context: the stems of its title and headings.
        weights: stem -> what it adds to a score, before it is known how telling the stem is. A word of the context
            counts `CONTEXT_WEIGHT` more.
    """

    document: str
    text: str
    context: frozenset[str]
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BM25Index:
    """Documents, their passages and where each word occurs in them. Built once, never changed."""

    passages: tuple[IndexedPassage, ...]
    starts: tuple[int, ...]  # per document the number of its first passage, and the count of all at the end
    names: tuple[str, ...]  # of the documents
    ranking: DocumentIndex
    spread: Mapping[str, int]  # stem -> in how many passages it is

    @classmethod
    def build(cls, documents: Sequence[Document]) -> BM25Index:
        """Cut documents into passages and index both; headings count for what stands under them."""
        passages: list[IndexedPassage] = []
        words: list[DocumentWords] = []
        starts = [0]
        for document in documents:
            found, said = _read(document)
            passages += found
            words.append(said)
            starts.append(len(passages))
        return cls(
            passages=_saturated(passages),
            starts=tuple(starts),
            names=tuple(document.name for document in documents),
            ranking=DocumentIndex.build(words),
            spread=Counter(term for passage in passages for term in passage.weights),
        )

    def idf(self, term: str) -> float:
        """Return how telling a stem is: high when few passages have it, highest when none has."""
        found = self.spread.get(term, 0)
        return log(1 + (len(self.passages) - found + 0.5) / (found + 0.5))

    def rank(self, query: str) -> list[tuple[int, float]]:
        """Return (document number, score) of the best documents that share a word with the query, best first."""
        return self.ranking.rank(query)[:DOCUMENTS_READ]

    def scores(self, query: str, among: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """Return (passage number, score) of the passages that share a word with the query, best first.

        A passage's score is its own BM25 and that of its document: a long query is about the document, and no
        single passage has all of it (banking documents in the order of their passages, recall@10: 0.30 -> 0.41).

        Args:
            among: the documents whose passages are looked at, as `rank` returns them.
        """
        weights = {term: self.idf(term) for term in terms(query) if term in self.spread}
        found = [
            (number, score + whole)
            for document, whole in among
            for number in range(self.starts[document], self.starts[document + 1])
            if (score := _score(self.passages[number], weights)) > 0
        ]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return at most `limit` passages for the query, best first; none if nothing matches."""
        ranked = self.scores(query, self.rank(query))[: max(limit, 0)]
        best = [(self.passages[number], score) for number, score in ranked]
        return [Hit(document=one.document, passage=one.text, score=score) for one, score in best]


def _score(passage: IndexedPassage, weights: Mapping[str, float]) -> float:
    if len(weights) < len(passage.weights):
        return sum(
            weight * passage.weights[term] for term, weight in weights.items() if term in passage.weights
        )
    return sum(weights[term] * added for term, added in passage.weights.items() if term in weights)


def _read(document: Document) -> tuple[list[IndexedPassage], DocumentWords]:
    """Return a document's passages, and the stems of its title (name and first heading) and of its text."""
    passages: list[IndexedPassage] = []
    stems: dict[str, list[str]] = {}  # of a heading; the name of the document is the first
    title: list[str] = []
    said: list[str] = []
    for headings, text in passages_of(document):
        for heading in headings:
            if heading not in stems:
                said += terms(heading) if stems else []  # a name is not said
                stems[heading] = terms(heading)
        title = title or [stem for heading in headings[:2] for stem in stems[heading]]
        words = terms(text)
        said += words
        context = frozenset(stem for heading in headings for stem in stems[heading])
        passages.append(_indexed(document.name, text, words, context))
    return passages, DocumentWords(title=title, text=said)


def _indexed(document: str, text: str, words: Sequence[str], context: frozenset[str]) -> IndexedPassage:
    counts = {term: float(count) for term, count in Counter(words).items()}
    for term in context:
        counts[term] = counts.get(term, 0.0) + CONTEXT_WEIGHT
    return IndexedPassage(document=document, text=text, context=context, weights=counts)


def _saturated(counted: Sequence[IndexedPassage]) -> tuple[IndexedPassage, ...]:
    """Return passages with the BM25 weights of their stems in place of their counts."""
    lengths = [sum(passage.weights.values()) for passage in counted]
    average = sum(lengths) / max(len(lengths), 1) or 1.0
    saturated: list[IndexedPassage] = []
    for passage, length in zip(counted, lengths, strict=True):
        norm = K1 * (1 - B + B * length / average)
        weights = {term: count * (K1 + 1) / (count + norm) for term, count in passage.weights.items()}
        saturated.append(replace(passage, weights=weights))
    return tuple(saturated)
