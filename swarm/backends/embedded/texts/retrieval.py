"""Rank whole documents for a query of any length, from one question to a page of description. Pure Python.

A document is found by its words and by its pairs of neighbouring words ("light blue"), in its text and once
more in its title. A word that the query repeats counts more, though less each time.

    score(d) = sum over t in query: (1 + ln n(t)) * (bm25(t, text of d) + TITLE_WEIGHT * bm25(t, title of d))

Source of `bm25`: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009); the
fields are scored apart and added up. `python -m benchmarks.text` measures it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import log

from swarm.backends.embedded.words import terms

__all__ = ["K1", "B", "DocumentIndex", "DocumentWords"]

K1, B = 1.2, 0.75  # the book's defaults: K1 0.8 to 2.0 and B 0.3 to 0.9 change recall@10 by less than 0.02
TITLE_WEIGHT = (
    1.0  # banking documents, recall@10: 0.35 at 0, 0.42 at 1, 0.41 at 3; long titles of papers want less
)
MAX_QUERY_WORDS = 4_000  # of what is asked; more is a document, not a query


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWords:
    """The stems of a document's title and those of its text, in order."""

    title: Sequence[str]
    text: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentIndex:
    """Titles and texts of documents, ready to be ranked. Built once, never changed.

    Attributes:
        size: how many documents.
        postings: term -> numbers of the documents that have it, and what it adds to the score of each.
    """

    size: int
    postings: Mapping[str, tuple[Sequence[int], Sequence[float]]]

    @classmethod
    def build(cls, documents: Sequence[DocumentWords]) -> DocumentIndex:
        """Index documents; a term counts once in a title."""
        added: dict[str, dict[int, float]] = {}
        _add(added, 1.0, [Counter(_with_pairs(one.text)) for one in documents])
        _add(added, TITLE_WEIGHT, [Counter(set(_with_pairs(one.title))) for one in documents])
        postings = {term: (tuple(row), tuple(row.values())) for term, row in added.items()}
        return cls(size=len(documents), postings=postings)

    def rank(self, query: str) -> list[tuple[int, float]]:
        """Return (number, score) of every document that shares a word with the query, best first."""
        scores = [0.0] * self.size
        for term, count in Counter(_with_pairs(terms(query)[:MAX_QUERY_WORDS])).items():
            numbers, added = self.postings.get(term, ((), ()))
            factor = 1 + log(count)
            for number, one in zip(numbers, added, strict=True):
                scores[number] += factor * one
        found = [(number, score) for number, score in enumerate(scores) if score > 0]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _with_pairs(words: Sequence[str]) -> Iterable[str]:
    """Return the words, then each two neighbours joined by a blank."""
    return chain(words, (f"{one} {other}" for one, other in pairwise(words)))


def _add(added: dict[str, dict[int, float]], weight: float, counts: Sequence[Counter[str]]) -> None:
    """Add to `added` what each term brings to the score of each text, by BM25 and the weight of the field."""
    average = sum(count.total() for count in counts) / max(len(counts), 1) or 1.0
    spread = Counter(term for count in counts for term in count)
    idf = {term: log(1 + (len(counts) - found + 0.5) / (found + 0.5)) for term, found in spread.items()}
    for number, count in enumerate(counts):
        norm = K1 * (1 - B + B * count.total() / average)
        for term, often in count.items():
            row = added.setdefault(term, {})
            row[number] = row.get(number, 0.0) + weight * idf[term] * often * (K1 + 1) / (often + norm)
