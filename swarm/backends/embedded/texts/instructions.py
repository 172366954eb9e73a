"""Read what is asked of a summary in front of the text: "Summarize in two sentences: ...". Pure.

Only a request that opens the text and ends with a colon is one; all else is text to shorten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from swarm.backends.embedded.words import terms

__all__ = ["Request", "read_request"]

_OPENING = re.compile(
    r"\A\s*(?:please\s+)?(?:can you\s+)?(?:summari[sz]e|shorten|condense|tl;?\s?dr|sum up|give me|boil down|cut)"
    r"[^:.!?\n]{0,80}:\s+",
    re.IGNORECASE,
)
_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_LENGTH = re.compile(
    rf"\b({'|'.join(_NUMBERS)}|\d{{1,4}})[ -](short |brief )?(sentence|word)s?\b", re.IGNORECASE
)
_FOCUS = re.compile(
    r"\b(?:about|on|regarding|concerning|focus(?:ing)? on|what|why|how|who)\b(.*)", re.IGNORECASE | re.DOTALL
)
# What a request calls the text itself: not what the summary is to be about.
_THE_TEXT = frozenset(
    terms(
        "text article email mail message letter note report page paragraph thread conversation abstract following below"
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A text, and what is asked of its summary; `query` is "" and the numbers None where nothing is."""

    text: str
    query: str = ""
    words: int | None = None
    sentences: int | None = None


def read_request(text: str) -> Request:
    """Split a text from the request in front of it.

    >>> read_request("Summarize in two sentences what was decided about the budget: ...")
    Request(text='...', query='was decided about the budget', words=None, sentences=2)
    """
    opening = _OPENING.match(text)
    if opening is None:
        return Request(text=text)
    asked = opening.group().strip().rstrip(":")
    length = _LENGTH.search(asked)
    count = None
    if length:
        count = _NUMBERS.get(length[1].lower()) or int(length[1])
        asked = asked[: length.start()] + asked[length.end() :]
    focus = _FOCUS.search(asked)
    query = focus[1].strip() if focus and not set(terms(focus[1])) <= _THE_TEXT else ""
    in_words = bool(length and length[3].lower() == "word")
    return Request(
        text=text[opening.end() :],
        query=query,
        words=count if in_words else None,
        sentences=None if in_words else count,
    )
