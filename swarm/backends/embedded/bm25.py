"""Find passages for a question (BM25) and answer with sentences taken out of them.

Pure Python, no model: the answer is always text that stands in the documents or in the given facts, and its
confidence says how much of the question it covers. A question about nothing there gets no text.

Source of the ranking: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from swarm.backends.embedded.facts import render_facts
from swarm.backends.embedded.words import sentences, terms

__all__ = ["BM25Index", "Document", "Extract", "Hit", "extract_answer"]

K1, B = 1.2, 0.75  # the book's defaults; a shop's few documents are too few to tune them
FENCE = "```"
CODE = re.compile(r"(^[ \t]*```.*?^[ \t]*```[ \t]*$)", re.DOTALL | re.MULTILINE)
PASSAGE_WORDS = 120  # longer paragraphs are cut between sentences
CONTEXT_WEIGHT = 0.5  # of a word in the title or heading over a passage, against one in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text to search, by name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that was found. `score` is BM25's: comparable within one search only."""

    document: str
    passage: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """An answer made of found sentences; `text` is empty when there is none.

    `confidence` in [0, 1] is not calibrated. `sources` are document names, and "facts".
    """

    text: str
    confidence: float
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BM25Index:
    """Passages of documents and where each word occurs in them. Built once, never changed."""

    passages: tuple[tuple[str, str], ...]  # document, text
    contexts: tuple[frozenset[str], ...]  # per passage: the stems of its title and heading
    postings: Mapping[str, Sequence[tuple[int, float]]]  # stem -> (passage, weighted count)
    lengths: Sequence[float]
    average_length: float

    @classmethod
    def build(cls, documents: Sequence[Document]) -> BM25Index:
        """Cut documents into passages and index them; headings count for what stands under them."""
        passages: list[tuple[str, str]] = []
        contexts: list[frozenset[str]] = []
        postings: dict[str, list[tuple[int, float]]] = {}
        lengths: list[float] = []
        for document in documents:
            for heading, text in _passages(document):
                counts: Counter[str] = Counter(terms(text))
                context = frozenset(terms(heading))
                weights: dict[str, float] = {term: float(count) for term, count in counts.items()}
                for term in context:
                    weights[term] = weights.get(term, 0.0) + CONTEXT_WEIGHT
                for term, weight in weights.items():
                    postings.setdefault(term, []).append((len(passages), weight))
                lengths.append(sum(weights.values()))
                passages.append((document.name, text))
                contexts.append(context)
        return cls(
            passages=tuple(passages),
            contexts=tuple(contexts),
            postings=postings,
            lengths=lengths,
            average_length=sum(lengths) / len(lengths) if lengths else 1.0,
        )

    def idf(self, term: str) -> float:
        """Return how telling a stem is: high when few passages have it, highest when none has."""
        found = len(self.postings.get(term, ()))
        return log(1 + (len(self.passages) - found + 0.5) / (found + 0.5))

    def scores(self, query: str) -> list[tuple[int, float]]:
        """Return (passage number, score) of every passage that shares a word with the query, best first."""
        found: dict[int, float] = {}
        for term in dict.fromkeys(terms(query)):
            weight = self.idf(term)
            for passage, count in self.postings.get(term, ()):
                norm = K1 * (1 - B + B * self.lengths[passage] / (self.average_length or 1.0))
                found[passage] = found.get(passage, 0.0) + weight * count * (K1 + 1) / (count + norm)
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))

    def search(self, query: str, limit: int) -> list[Hit]:
        """Return at most `limit` passages for the query, best first; none if nothing matches."""
        return [
            Hit(document=self.passages[number][0], passage=self.passages[number][1], score=score)
            for number, score in self.scores(query)[: max(limit, 0)]
        ]


def _passages(document: Document) -> Iterator[tuple[str, str]]:
    """Yield (title and heading, text) of each paragraph; a paragraph that only introduces joins the next."""
    title = document.name.rpartition("/")[2].rpartition(".")[0] or document.name
    title = title.replace("-", " ").replace("_", " ")
    headings: list[str] = []
    intro = ""
    for block in _paragraphs(document.text):
        first, _, rest = block.partition("\n")
        if first.startswith("#"):
            level = len(first) - len(first.lstrip("#"))
            headings = [*headings[: level - 1], first.lstrip("# ").strip()]
            block = rest.strip()
            if not block:
                continue
        block = f"{intro}\n{block}" if intro else block
        intro = block if block.endswith(":") and len(block) < 300 else ""
        if not intro:
            for piece in _pieces(block):
                yield " ".join([title, *headings]), piece
    if intro:
        yield " ".join([title, *headings]), intro


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the blocks of text between blank lines; a heading begins one of its own.

    Code between fences stays whole, with the block before it.
    """
    lines: list[str] = []
    fenced = False
    for line in text.replace("\x00", " ").splitlines():
        fence = line.lstrip().startswith(FENCE)
        if lines and not fenced and not fence and (not line.strip() or line.startswith("#")):
            yield "\n".join(lines)
            lines = []
        fenced ^= fence
        if line.strip() or fenced:
            lines.append(line.rstrip())
    if lines:
        yield "\n".join(lines)


def _pieces(block: str) -> Iterator[str]:
    """Cut a long paragraph between sentences, and a sentence without end between words."""
    if len(block.split(None, PASSAGE_WORDS)) <= PASSAGE_WORDS and len(block) <= 10 * PASSAGE_WORDS:
        yield block
        return
    piece: list[str] = []
    size = 0
    for part in _bounded(sentences(block)):
        words = len(part.split())
        if piece and size + words > PASSAGE_WORDS:
            yield " ".join(piece)
            piece, size = [], 0
        piece.append(part)
        size += words
    if piece:
        yield " ".join(piece)


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        for start in range(0, len(part), 10 * PASSAGE_WORDS):
            yield part[start : start + 10 * PASSAGE_WORDS]


# --- answering ---

SENTENCE_ENDS = (".", "!", "?")

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
    ranked = index.scores(question)[:50]
    wanted = _wanted(question)
    lines = _lines(index, ranked[:PASSAGES_READ])
    found = _from_one_document([replace(line, fits=bool(line.stems & wanted)) for line in lines], weights)
    sure_given, sure_found = _covered(given, weights), _covered(found, weights)
    together = _covered([*given, *found], weights)
    if sure_found < LEAST_COVERED or (given and together - sure_given < LEAST_ADDED):
        found, together = [], sure_given
    if not given and not found:
        return Extract(text="", confidence=0.0, sources=())
    lead = _lead(index, ranked, found)
    chosen = [*given, *sorted(found, key=lambda line: line.place)]
    return Extract(
        text=_joined([line.text for line in chosen]),
        confidence=_confidence(sure_given if given else 0.0, together if found else 0.0, lead, bool(given)),
        sources=tuple(dict.fromkeys(line.source for line in chosen)),
    )


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
        source, text = index.passages[number]
        for position, sentence in enumerate(_said(text)[:100]):
            stems = frozenset(terms(sentence)) | index.contexts[number]
            lines.append(_Line(place=number * 1000 + position, text=sentence, source=source, stems=stems))
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
    rival = max((score for number, score in ranked if index.passages[number][0] not in quoted), default=0.0)
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
