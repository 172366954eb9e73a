"""What a router learns from: requests that experts serve, and requests that none of them does.

An expert teaches with its `requests`; without any, with what it classifies, and with its description. What
nobody serves is taught by the bundled `none_requests.jsonl`, and by requests of bundled experts that are not
among the candidates. A project's own expert may serve just what is listed there ("What is the weather like?"),
so what speaks of the things in its description is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from swarm.errors import InternalError
from swarm.routing.base import NONE
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.datafiles import Base, DataError, read_texts
from swarm.spec.shelves import bundled

__all__ = ["Lessons", "lessons", "stems"]

STEM = 5  # letters; "classify", "classifies" and "classified" are one word to a router
MAX_EXAMPLES = 60  # of a classifier's examples: they are what it is given, not how one asks for it
LEAST_STRANGERS, STRANGERS_PER_REQUEST = 24, 2  # more would make "none of them" the answer to everything
COMMON = 0.03  # a stem in more than so many of the strangers says nothing about what they are about

_CLAUSE = re.compile(r"[.;:()]|,? (?:or|and) to ")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """The (request, expert) pairs to learn from; `none of them` is the expert of strangers."""

    pairs: tuple[tuple[str, str], ...]
    descriptions: dict[str, str]


def lessons(experts: Sequence[ResolvedExpert]) -> Lessons:
    """Return what can be learned about these candidates. Reads the bundled files once a process."""
    own = [(text, expert.name) for expert in experts for text in _taught_by(expert)]
    strangers = _strangers(experts, {text for text, _ in own})
    room = max(LEAST_STRANGERS, STRANGERS_PER_REQUEST * len(own))
    return Lessons(
        pairs=(*own, *((text, NONE) for text in _evenly(strangers, room))),
        descriptions={**{expert.name: expert.description for expert in experts}, NONE: ""},
    )


def stems(text: str) -> list[str]:
    """Return the first letters of each word, lower case, in order."""
    return [word[:STEM] for word in _WORD.findall(text.casefold())]


def _taught_by(expert: ResolvedExpert) -> Iterable[str]:
    if expert.requests:
        return expert.requests
    clauses = (clause.strip() for clause in _CLAUSE.split(expert.description))
    shown = [text for text, _ in expert.examples] if expert.kind == "classify" else []
    return [*(clause for clause in clauses if clause), *_evenly(shown, MAX_EXAMPLES)]


def _strangers(experts: Sequence[ResolvedExpert], served: set[str]) -> list[str]:
    """Return requests that none of the experts serves, as far as their words tell."""
    names = {expert.name for expert in experts}
    nobody, others = _bundled_requests()
    elsewhere = (text for name, texts in others.items() if name not in names for text in texts)
    texts = [text for text in (*nobody, *elsewhere) if text not in served]
    seen = Counter(stem for text in texts for stem in set(stems(text)))
    subjects = {
        stem
        for expert in experts
        if expert.origin != "bundled"
        for stem in stems(f"{expert.name.replace('_', ' ')} {expert.description}")
        if seen[stem] <= COMMON * len(texts)
    }
    return [text for text in texts if subjects.isdisjoint(stems(text))]


@cache
def _bundled_requests() -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return what no bundled expert serves, and what each of them does."""
    folder = bundled()
    if folder is None:
        raise InternalError("the bundled experts are not there", hint="reinstall: pip install swarm-slm")
    base = Base(folder=folder)
    files = sorted(folder.glob("*/requests.jsonl"))
    try:
        nobody = read_texts("none_requests.jsonl", base)
        return nobody, {file.parent.name: read_texts(f"{file.parent.name}/{file.name}", base) for file in files}
    except DataError as error:
        raise InternalError(str(error), where=str(folder), hint="reinstall: pip install swarm-slm") from error


def _evenly(texts: Sequence[str], count: int) -> list[str]:
    """Return at most `count` of the texts, spread over all of them."""
    if len(texts) <= count:
        return list(texts)
    return [texts[index * len(texts) // count] for index in range(count)]
