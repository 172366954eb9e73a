"""Make a sentence shorter without changing what it says: asides, opening connectives, the noise of speech. Pure.

Only whole pieces are left out; no word is added or put in another place.
"""

from __future__ import annotations

import re

__all__ = ["clean_speech", "trim"]

LEAST_LEFT = 5  # words; a sentence is not trimmed to a stump

# "(Smith et al., 2019)", "[12]"; one level of brackets inside, possessive, so that it takes linear time.
_ASIDE = re.compile(r"\s*\((?:[^()]++|\([^()]*+\))*+\)|\s*\[[^\[\]]*+\]")
_CONNECTIVE = re.compile(
    r"(?:however|moreover|furthermore|in addition|additionally|also|therefore|thus|hence|consequently|as a result|finally"
    r"|specifically|more specifically|in particular|here|in summary|overall|to this end|in contrast|nevertheless"
    r"|in this (?:paper|work|study|article|letter)|to (?:address|solve|tackle|overcome) (?:this|these|such|the)[^,]{0,60})"
    r"\s*,\s*",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"\{[^{}]{1,30}\}|\b(?:mm|uh|m)\s?-\s?hmm?\b|\buh\s?-\s?huh\b"
    r"|\b(?:u+h+|u+m+|uhm|m+h*m+|h+m+|erm?|ah|oh|you know|i mean)\b",
    re.IGNORECASE,
)
_COMMAS = re.compile(r",(?:\s*,)+|^\s*,|,\s*(?=[.?!])")
_STUTTER = re.compile(r"\b(\w+(?: ?'\w+)?)(?:(?: ,|,)? \1\b)++", re.IGNORECASE)
_LOOSE_MARK = re.compile(r"\s+(?=[,.?!;:])|\s+(?=(?:'(?:s|re|ve|ll|m|d|t)|n't)\b)", re.IGNORECASE)
_OPENING = re.compile(
    r"(?:(?:so|well|yeah|yes|yep|okay|ok|right|and|but|no|now|alright|anyway|basically|actually|like|also|because|then|true"
    r"|sure|exactly|i think|i guess|i suppose|i don't know|maybe|just)\b[\s,.]*)+",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")


def trim(sentence: str) -> str:
    """Leave out what stands in brackets, and a connective at the start ("However, ...")."""
    return _without_start(_ASIDE.sub("", sentence).strip() or sentence, _CONNECTIVE)


def clean_speech(sentence: str) -> str:
    """Leave out hesitations, words said twice, and what only takes the floor ("Yeah, so, I think ...").

    Nothing is left of a sentence that is no more than that.

    >>> clean_speech("Uh so we we 're going to to keep the , the rubber buttons .")
    "We're going to keep the rubber buttons."
    """
    said = _SPACE.sub(" ", _NOISE.sub(" ", sentence))
    said = _LOOSE_MARK.sub("", _STUTTER.sub(r"\1", said))
    said = _SPACE.sub(" ", _COMMAS.sub(lambda found: "," if found.group()[0] == "," else "", said))
    said = said.strip(" ,")
    return "" if _OPENING.fullmatch(said) else _without_start(said, _OPENING)


def _without_start(sentence: str, start: re.Pattern[str]) -> str:
    found = start.match(sentence)
    rest = sentence[found.end() :] if found else ""
    if len(rest.split()) < LEAST_LEFT:
        return sentence
    return rest[:1].upper() + rest[1:]
