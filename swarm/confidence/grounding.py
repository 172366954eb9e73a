"""How well an answer stands on its source: sentence by sentence, the share of its words that the source has.

It works for the answer of any model, without one. It finds what was made up out of words and numbers: a changed
amount, a name nobody mentioned, a topic from elsewhere. It does not find what was made up out of the source's own
words: a "not" that came or went, two people changed round, "before" for "after".

    grounding(answer) = min over sentences s of  sum of w(t) over t in s found / sum of w(t) over t in s
    w = 1 for a word, NAME_WEIGHT for a name, NUMBER_WEIGHT for a number; a number that is not found also
    halves what its sentence has left

The least grounded sentence decides, because one invention spoils an answer. The weights are set by judgement, not
fitted: they order the cases of `tests/confidence/test_grounding.py`. Not calibrated: a calibrator does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from swarm.backends.embedded.words import STOP_WORDS, sentences, stem

__all__ = ["Source", "grounding"]

NAME_WEIGHT = 2.0
NUMBER_WEIGHT = 3.0
INVENTED = 0.5  # left of a sentence's share for each number that the source does not have
MAX_ANSWER_CHARS = 100_000  # of an answer; a longer one is judged by its start

# A number with its separators, a run of letters, or one sign of a script without blanks between words.
_TOKEN = re.compile(r"\d+(?:[.,']\d+)*|[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+")
_THOUSANDS = re.compile(r"(?<=\d)[,'](?=\d{3}(?!\d))")
_EITHER = re.compile(r"\d{1,3}(?:\.\d{3})+")  # "1.200" is a thousand and more, or one and a bit
_COUNT = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_COUNT.split())}
# "one" is more often a pronoun than a number; the endings are those of "22nd" and "9pm".
_EMPTY = "one mr mrs ms dr sir madam dear st nd rd th am pm"
_SAYS_NOTHING = STOP_WORDS | frozenset(_EMPTY.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A word, name or number that a sentence says; `forms` are what the source may say instead."""

    forms: frozenset[str]
    weight: float


@dataclass(frozen=True, slots=True)
class Source:
    """The words and numbers of a source, read once for any number of answers."""

    said: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Source:
        """Read a source; linear in its length."""
        return cls(frozenset(form for token in set(_TOKEN.findall(text)) for form in _forms(token)))

    def grounding(self, answer: str) -> float:
        """Return how well the least grounded sentence stands on this source, in [0, 1].

        A sentence that claims nothing ("I am not sure.") is passed over. 0.0 where none claims anything: such an
        answer stands on nothing.
        """
        claims = [list(_claims(part)) for part in sentences(answer[:MAX_ANSWER_CHARS])]
        return min((self._share(each) for each in claims if each), default=0.0)

    def _share(self, claims: list[_Claim]) -> float:
        total = sum(claim.weight for claim in claims)
        missing = [claim for claim in claims if not claim.forms & self.said]
        invented = sum(claim.weight == NUMBER_WEIGHT for claim in missing)
        return (1 - sum(claim.weight for claim in missing) / total) * INVENTED**invented


def grounding(answer: str, source: str) -> float:
    """Return how well an answer stands on its source, in [0, 1]; see the module.

    For several answers to one source, make a `Source` once.

    >>> grounding("The label costs 6.90.", "The return label costs 6.90 EUR.")
    1.0
    >>> grounding("The label costs 7.90.", "The return label costs 6.90 EUR.") < 0.3
    True
    """
    return Source.of(source).grounding(answer)


def _claims(sentence: str) -> Iterator[_Claim]:
    """Yield what a sentence says, each thing once.

    A capital letter makes a name, but not at the start of the sentence, where every word has one.
    """
    seen: set[str] = set()
    for place, token in enumerate(_TOKEN.findall(sentence)):
        lower = token.casefold()
        if lower not in seen and lower not in _SAYS_NOTHING and not _is_scrap(token):
            seen.add(lower)
            yield _Claim(forms=_forms(token), weight=_weight(token, place))


def _is_scrap(token: str) -> bool:
    """Say whether a token is a letter or two that name nothing: the "c" of "c)"; "EU" and "5" do."""
    return len(token) < 3 and token.isascii() and token.islower()


def _weight(token: str, place: int) -> float:
    if token[0].isdigit() or token.casefold() in _NUMBER_WORDS:
        return NUMBER_WEIGHT
    return NAME_WEIGHT if place and token[0].isupper() else 1.0


def _forms(token: str) -> frozenset[str]:
    """Return the ways to say a token: its stem; a number in figures, without separators of thousands."""
    lower = token.casefold()
    if lower in _NUMBER_WORDS:
        return frozenset({stem(lower), _NUMBER_WORDS[lower]})
    if not lower[0].isdigit():
        return frozenset({stem(lower)})
    forms = {_plain(_THOUSANDS.sub("", lower))}
    if _EITHER.fullmatch(lower):
        forms.add(_plain(lower.replace(".", "")))
    return frozenset(forms)


def _plain(number: str) -> str:
    """Return a number without zeros in front, and without zeros at the end of its decimals: 09,50 -> 9.5."""
    number = number.replace(",", ".")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0"
