"""Shorten a conversation to its most telling sentences, each with its speaker. Pure Python, no model.

Speech is full of words that no summary repeats. Each word therefore gets odds of being in a summary: what is
asked about and what is said often has good ones; "I", "you" and "just" have bad ones. Sentences are taken
one by one so that the expected overlap with a summary of the wanted length is highest:

    F = 2 * sum of the odds of the words said / (words said + words wanted)

Source of the objective: the expectation of ROUGE-1 (Lin, "ROUGE: A Package for Automatic Evaluation of
Summaries", 2004). The odds are a logistic regression; `python -m benchmarks.train_summarizer` prints it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from swarm.backends.embedded.texts.trimming import clean_speech
from swarm.backends.embedded.words import STOP_WORDS, sentences, stem, terms

__all__ = [
    "Turn",
    "Utterance",
    "all_stems",
    "quote",
    "read_turns",
    "shorten",
    "summarize_turns",
    "utterances",
    "word_features",
]

MOST_UTTERANCES = 400  # that are weighed against each other; of more, those with the best words
TALK = 15  # words of a turn: fewer, and two lines with a colon may be a form
USUAL_WORDS = 80  # qmsum val by folds, ROUGE-1 at 60, 70, 80, 90: 31.7, 32.7, 33.2, 33.2
SLACK = 1.15  # the last utterance may go this far over the words wanted

# A name of up to six words, and what may stand in brackets after it.
_TURN = re.compile(r"[ \t]*((?:[^\s:(]++ ?){1,6}(?:\([^():]{0,60}\))?) ?:(?:[ \t]+(.*))?")
_WORD = re.compile(r"[a-z0-9]+")
# Of the words without a meaning of their own, those of written accounts; the others are those of speech.
_WRITTEN = frozenset(
    {
        "the",
        "a",
        "an",
        "to",
        "of",
        "in",
        "on",
        "at",
        "for",
        "with",
        "by",
        "from",
        "as",
        "that",
        "which",
        "was",
        "were",
    }
    | {"be", "been", "would", "they", "their", "he", "his", "she", "her", "it", "not", "and"}
)

# Log-odds of a word being in a summary, by `python -m benchmarks.train_summarizer` (QMSum, val).
WEIGHTS: Mapping[str, float] = {
    "written": 0.19,  # "the", "of", "would" ...
    "spoken": -2.04,  # "I", "you", "just" ...
    "other": 0.90,  # a word with a meaning of its own, and for these:
    "often": 0.58,  # ln of how often it is said
    "share": 0.56,  # ln of its share of all words
    "asked": 1.58,  # it is in the query
    "near": 0.73,  # how much of the query is in the sentences that have it, on average
    "long": 0.36,  # more than six letters
    "speaker": -1.06,  # part of a speaker's name, which comes with every sentence
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one speaker says in one go."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A sentence of a turn, without the noise of speech.

    `words` are the stems of all words it takes to quote it: the speaker's name, then the sentence.
    """

    place: int
    speaker: str
    text: str
    words: tuple[str, ...]


def read_turns(text: str) -> list[Turn]:
    """Return the turns of a transcript ("Name: what she says" on each line); none if the text is none.

    It is one if four in five lines begin with a speaker, of several, and one of them speaks twice or they speak
    at length: "From: ... To: ..." is a form.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    found = [_TURN.fullmatch(line) for line in lines]
    speakers = Counter(match[1] for match in found if match)
    talk = sum(len(line.split()) for line in lines) >= TALK * len(lines)
    if len(speakers) < 2 or speakers.total() < 0.8 * len(lines) or not (talk or max(speakers.values()) > 1):
        return []
    turns: list[Turn] = []
    for line, match in zip(lines, found, strict=True):
        if match:
            turns.append(Turn(speaker=match[1].strip(), text=match[2] or ""))
        elif turns:  # a line that goes on
            turns[-1] = Turn(speaker=turns[-1].speaker, text=f"{turns[-1].text} {line.strip()}")
    return turns


def summarize_turns(turns: Sequence[Turn], *, query: str, words: int | None) -> tuple[str, float]:
    """Return a conversation in about `words` words, a line for each turn, and the share of its matter in them.

    The share is over the distinct words that carry meaning, each weighted by its odds; in [0, 1].
    """
    said = utterances(turns)
    chosen = shorten(said, query=query, words=words if words is not None else USUAL_WORDS)
    return quote(chosen), _share(said, chosen, query)


def quote(chosen: Sequence[Utterance]) -> str:
    """Return utterances as lines of a transcript; what one speaker says in a row shares a line."""
    lines: list[tuple[str, str]] = []
    for one in chosen:
        if lines and lines[-1][0] == one.speaker:
            lines[-1] = (one.speaker, f"{lines[-1][1]} {one.text}")
        else:
            lines.append((one.speaker, one.text))
    return "\n".join(f"{speaker}: {text}" for speaker, text in lines)


def _share(said: Sequence[Utterance], chosen: Sequence[Utterance], query: str) -> float:
    odds = _odds(said, query, WEIGHTS)
    telling = {word: value for word, value in odds.items() if word not in _WRITTEN and word not in STOP_WORDS}
    told = {word for one in chosen for word in one.words}
    total = sum(telling.values())
    return round(sum(value for word, value in telling.items() if word in told) / total, 4) if total else 0.0


def utterances(turns: Sequence[Turn]) -> list[Utterance]:
    """Return the sentences that say something, cleaned."""
    said = ((turn.speaker, clean_speech(one)) for turn in turns for one in sentences(turn.text))
    told = [(speaker, text) for speaker, text in said if terms(text)]
    return [
        Utterance(place=place, speaker=speaker, text=text, words=all_stems(f"{speaker} {text}"))
        for place, (speaker, text) in enumerate(told)
    ]


def shorten(
    said: Sequence[Utterance], *, query: str, words: int, weights: Mapping[str, float] = WEIGHTS
) -> list[Utterance]:
    """Return the utterances, in their order, that together are most like a summary of about `words` words."""
    odds = _odds(said, query, weights)
    left = sorted(said, key=lambda one: -_mean_odds(one, odds))[:MOST_UTTERANCES]
    chosen: list[Utterance] = []
    used: Counter[str] = Counter()
    hits, length, best = 0.0, 0, 0.0
    while length < words:
        fitting = [one for one in left if not chosen or length + len(one.words) <= SLACK * words]
        offers = [(hits + _gain(one, odds, used), length + len(one.words), one) for one in fitting]
        valued = [
            (2 * after / (said_then + words), after, said_then, one) for after, said_then, one in offers
        ]
        value, after, said_then, taken = max(valued, key=lambda offer: offer[0], default=(0.0, 0.0, 0, None))
        if taken is None or value <= best:
            break
        best, hits, length = value, after, said_then
        used.update(taken.words)
        left.remove(taken)
        chosen.append(taken)
    return sorted(chosen, key=lambda one: one.place)


def word_features(said: Sequence[Utterance], query: str) -> dict[str, Mapping[str, float]]:
    """Return what the odds of each word are made of; see `WEIGHTS`."""
    asked = frozenset(all_stems(query))
    often = Counter(word for one in said for word in one.words)
    total = sum(often.values())
    speakers = frozenset(word for one in said for word in all_stems(one.speaker))
    spread: Counter[str] = Counter()
    near: dict[str, float] = {}
    for one in said:
        distinct = frozenset(one.words)
        close = len({word for word in distinct & asked if word not in STOP_WORDS}) / sqrt(1 + len(one.words))
        spread.update(distinct)
        for word in distinct:
            near[word] = near.get(word, 0.0) + close
    return {
        word: {"written" if word in _WRITTEN else "spoken": 1.0}
        if word in _WRITTEN or word in STOP_WORDS
        else {
            "other": 1.0,
            "often": log(count),
            "share": log(count / total),
            "asked": float(word in asked),
            "near": near[word] / spread[word],
            "long": float(len(word) > 6),
            "speaker": float(word in speakers),
        }
        for word, count in often.items()
    }


def all_stems(text: str) -> tuple[str, ...]:
    """Return the stems of all words, those without a meaning of their own too (as they are), in order."""
    return tuple(word if word in STOP_WORDS else stem(word) for word in _WORD.findall(text.casefold()))


def _odds(said: Sequence[Utterance], query: str, weights: Mapping[str, float]) -> dict[str, float]:
    """Return how likely each word is to be in a summary, in [0, 1]."""
    return {
        word: 1 / (1 + exp(-sum(weights[name] * value for name, value in features.items())))
        for word, features in word_features(said, query).items()
    }


def _mean_odds(one: Utterance, odds: Mapping[str, float]) -> float:
    return sum(odds[word] for word in set(one.words)) / (4 + len(one.words))


def _gain(one: Utterance, odds: Mapping[str, float], used: Mapping[str, int]) -> float:
    """Return the expected hits of an utterance: a word said for the k-th time has its odds to the power of k."""
    return sum(odds[word] ** (used.get(word, 0) + 1) for word in set(one.words))
