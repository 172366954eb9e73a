"""Find blatant harm by hand-written patterns, robust to simple disguises: what examples cannot all show."""

from __future__ import annotations

import re
import unicodedata

from swarm.backends.embedded.harm.patterns import PARTS, PATTERNS

__all__ = ["matched", "plain_forms"]

MAX_CHARS = 20_000  # a message; what comes later in a paste is not looked at

# --- undoing disguises ---

_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]|[\u0300-\u036f]"
)
_SPELT = re.compile(r"(?<![\w])\w(?:[ .\-_*·]{1,2}\w){3,}(?![\w])")  # k i l l, k.i.l.l
_SPELT_GAP = re.compile(r"[.\-_*·]| (?! )")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")  # killlll
_LEET_WORD = re.compile(r"(?<![\w@$])[a-z013457@$!|]{2,}(?![\w@$])")  # k1ll, a$$
_LEET = str.maketrans("013457@$!|", "oieastasil")
# Letters of other alphabets that look like ours.
_LOOKALIKE = str.maketrans("аеорсухіјѕԁԛѡɡαεικνορτυχ", "aeopcyxijsdqwgaeikvoptux")


def plain_forms(text: str) -> tuple[str, ...]:
    """Return the text in lower case without disguises, in every reading; the last is the plainest."""
    plain = unicodedata.normalize("NFKD", text[:MAX_CHARS]).casefold()
    plain = _INVISIBLE.sub("", plain).replace("’", "'").replace("‘", "'").translate(_LOOKALIKE)
    plain = _SPELT.sub(_joined, plain)
    once, twice = _DRAWN_OUT.sub(r"\1", plain), _DRAWN_OUT.sub(r"\1\1", plain)  # kiiill is kill, killlll too
    read = _LEET_WORD.sub(_letters, once)
    return tuple(dict.fromkeys((twice, once, read)))


def _letters(word: re.Match[str]) -> str:
    """Read digits and signs as letters, in a word that has letters too."""
    found = word.group()
    return found.translate(_LEET) if any(letter.isalpha() for letter in found) else found


def _joined(spelt: re.Match[str]) -> str:
    """Join spelt letters; a wider gap stays a gap between words."""
    return _SPELT_GAP.sub("", spelt.group().replace("  ", " \x00")).replace("\x00", " ")


# --- finding ---

# Somebody tells of harm, asks for help against it, or writes about it: a match then counts half.
REPORTED = 0.5
_REPORTED = re.compile(
    r"\b(?:he|she|they|someone|somebody|people|my \w+|a (?:man|woman|boy|girl|classmate|colleague|stranger)) (?:\w+ )?"
    r"(?:said|says|told|threaten\w*|wrote|writes|called|calls|keeps|posted|sent|shouted|tried|insult\w*|hit|beat|attack\w*)\b|"
    r"\b(?:report(?:ed|ing)?|victim|protect|prevent|recogni[sz]e|against|stop (?:him|her|them)|advice|helpline|hotline|support group|"
    r"essay|novel|film|movie|history|documentary|lesson|research|article|is it (?:illegal|wrong|ok)|(?:it'?s|it is) (?:wrong|unacceptable|racist)|"
    r"nobody should|no one should|don'?t say|never say)\b"
)
FIRST_HAND = frozenset({"self_harm", "injection"})  # nobody else can report these away

PATTERN = 0.92  # how likely a match is harmful; on our 265 harmless examples none matches


def _compiled(category: str) -> re.Pattern[str]:
    joined = "|".join(f"(?:{pattern})" for pattern in PATTERNS[category])
    return re.compile(re.sub(r"<([a-z]+)>", _part, joined))


def _part(name: re.Match[str]) -> str:
    return PARTS.get(name.group(1), name.group())


_COMPILED = {category: _compiled(category) for category in PATTERNS}


def matched(forms: tuple[str, ...]) -> dict[str, float]:
    """Return, for each category with a pattern in one of these forms, how likely the text is harmful."""
    found: dict[str, float] = {}
    for form in forms:
        reported = bool(_REPORTED.search(form))
        for category, pattern in _COMPILED.items():
            if pattern.search(form):
                share = REPORTED if reported and category not in FIRST_HAND else 1.0
                found[category] = max(found.get(category, 0.0), PATTERN * share)
    return found
