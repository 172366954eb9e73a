"""What a router learns from: requests that experts serve, and requests that none of them does.

An expert teaches with its `requests`; without any, a classifier teaches with what it classifies. What nobody
serves is taught by the bundled `none_requests.jsonl`, and by requests of bundled experts that are not among the
candidates. A project's own expert may serve just what is listed there ("What is the weather like?"), so what
speaks of its subjects is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from swarm.errors import InternalError
from swarm.routing.base import NONE
from swarm.routing.request import read_request, stems
from swarm.spec._resolving.datafiles import Base, DataError, read_texts
from swarm.spec._resolving.shelves import bundled
from swarm.spec.catalogue import ResolvedExpert

__all__ = ["Lessons", "lessons", "subjects"]

MAX_EXAMPLES = 60  # of a classifier's examples: they are what it is given, not how one asks for it
LEAST_STRANGERS, STRANGERS_PER_REQUEST = 24, 2  # more would make "none of them" the answer to everything

# How much a word of an expert's description, met in a request, speaks for the expert. Set by hand: much where at
# most 1 % of the bundled experts' requests have the word, less up to 3 %, nothing from there.
RARE, RARE_SHARE, SEEN, SEEN_SHARE = 0.65, 0.01, 0.35, 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """The (request, expert) pairs to learn from; `none of them` is the expert of strangers."""

    pairs: tuple[tuple[str, str], ...]
    descriptions: Mapping[str, str]


def lessons(experts: Sequence[ResolvedExpert]) -> Lessons:
    """Return what can be learned about these candidates. Reads the bundled files once a process."""
    own = [(text, expert.name) for expert in experts for text in _taught_by(expert)]
    strangers = _strangers(experts, {text for text, _ in own})
    room = max(LEAST_STRANGERS, STRANGERS_PER_REQUEST * len(own))
    return Lessons(
        pairs=(*own, *((text, NONE) for text in _evenly(strangers, room))),
        descriptions={**{expert.name: expert.description for expert in experts}, NONE: ""},
    )


def subjects(expert: ResolvedExpert) -> dict[str, float]:
    """Return the stems of the words that the expert is about, and how much each speaks for it, in [0, 1]."""
    seen, total = _instruction_words()
    words = stems(f"{expert.name.replace('_', ' ')} {expert.description}")
    return {
        word: RARE if seen[word] <= RARE_SHARE * total else SEEN
        for word in words
        if seen[word] <= SEEN_SHARE * total and (len(word) > 2 or not word.isascii())
    }


def _taught_by(expert: ResolvedExpert) -> Sequence[str]:
    if expert.requests or expert.kind != "classify":
        return expert.requests
    return _evenly([text for text, _ in expert.examples], MAX_EXAMPLES)


def _strangers(experts: Sequence[ResolvedExpert], served: set[str]) -> list[str]:
    """Return requests that none of the experts serves, as far as their words tell."""
    names = {expert.name for expert in experts}
    spoken_of = {word for expert in experts if expert.origin != "bundled" for word in subjects(expert)}
    nobody, others = _bundled_requests()
    elsewhere = (text for name, texts in others.items() if name not in names for text in texts)
    return [
        text
        for text in (*nobody, *elsewhere)
        if text not in served and spoken_of.isdisjoint(stems(read_request(text).instruction))
    ]


@cache
def _bundled_requests() -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return what no bundled expert serves, and what each of them does."""
    folder = bundled()
    if folder is None:
        raise InternalError("the bundled experts are not there", hint="reinstall: pip install swarm-slm")
    base = Base(folder=folder)
    names = [file.parent.name for file in sorted(folder.glob("*/requests.jsonl"))]
    try:
        nobody = read_texts("none_requests.jsonl", base)
        return nobody, {name: read_texts(f"{name}/requests.jsonl", base) for name in names}
    except DataError as error:
        raise InternalError(str(error), where=str(folder), hint="reinstall: pip install swarm-slm") from error


@cache
def _instruction_words() -> tuple[Counter[str], int]:
    """Return in how many of the bundled experts' requests each stem is, and how many requests there are."""
    texts = [text for texts in _bundled_requests()[1].values() for text in texts]
    return Counter(word for text in texts for word in set(stems(read_request(text).instruction))), len(texts)


def _evenly(texts: Sequence[str], count: int) -> list[str]:
    """Return at most `count` of the texts, spread over all of them."""
    if len(texts) <= count:
        return list(texts)
    return [texts[index * len(texts) // count] for index in range(count)]
