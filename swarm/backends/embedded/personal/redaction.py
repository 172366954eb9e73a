"""Find personal data in a text: identifiers by their form, names and places by shape and by what stands around them.

No trained model: a name is a run of capitalised words that are not ordinary ones, and a few words before or
after it say whether it is a person, an organization or a place. English around the names; the names may be from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from swarm.backends.embedded.personal.gazetteer import (
    COUNTRIES,
    FIRST_NAMES,
    FUNCTION_WORDS,
    OCCUPATIONS,
    ORDINARY,
    PEOPLES,
)
from swarm.backends.embedded.personal.identifiers import Found, identifiers
from swarm.backends.embedded.vectors import shared_vectors

__all__ = ["KINDS", "personal_data", "redact"]

LINE_CHARS = 200  # how far a line is read on both sides of a name
KINDS = (
    "person", "title", "organization", "place", "address", "zip", "nationality", "email", "phone", "card",
    "iban", "ssn", "ip", "url", "date", "age",
)  # fmt: skip

TAKEN = "\ufffc"  # stands for an object in a text: no letter, digit or space
MONTH = re.compile(r"(?i)\b[0-9]{1,2} [a-z]{3}|[a-z]{3} [0-9]{1,2}\b")  # a date that no address looks like
DOUBTFUL = ("phone", "date", "age")  # numbers that may belong to an address

_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Mx|Herr|Frau)\b\.?(?=\s+[A-Z])")
_PEOPLE = re.compile(r"\b(?:" + "|".join(sorted(PEOPLES, key=len, reverse=True)) + r")s?\b", re.IGNORECASE)
_COUNTRY = re.compile(
    r"\b(?:"
    + "|".join(sorted((c for c in COUNTRIES if len(c) > 3), key=len, reverse=True))
    + r")\b(?: \([A-Z]\w+\))?",
    re.IGNORECASE,
)
_JOB = re.compile(
    rf"(?m)^[A-Z][\w,'/-]*(?: [\w,'/-]+){{0,6}} (?:{OCCUPATIONS})s?$|^(?i:{OCCUPATIONS})s?$|"
    rf"(?<=, the )[A-Z][\w-]*(?: [\w,/-]+){{0,6}}(?=,)|(?<=, the )(?i:{OCCUPATIONS})(?=,)"
)
_CORNER = re.compile(
    r"(?i:\b(?:the )?corner of )[^\n.,?!]{2,40}?(?:\b[A-Z]\w*\.)?[^\n.,?!]{0,20} and (?:[A-Z0-9][\w'’-]*(?: (?=[A-Z0-9]))?)+"
)
_ZIP = re.compile(
    r"(?i:\b(?:zip(?:[ -]?code)?|postal code|post ?code|zipcode)(?: is|:)?\s+)([A-Z]{0,2}\d[\dA-Z]{1,5}(?:[ -]\d?[\dA-Z]{2,4})?)\b"
)

# --- addresses: a run of capitalised words and numbers with at least one of each ---

_PIECE = (
    r"(?:[^\W\d_a-zß-öø-ÿ][\w'’.´-]*|\d+[\w/-]*|(?:de|del|della|di|da|do|dos|la|le|les|l'|du|des|der|den|van|von|am|an|im|auf|ul|al|el|"
    r"i|y|e|en|na|og|zu|zum|st|ten|trg|apt|suite|street|road|avenue)\b\.?)"
)
_RUN = re.compile(
    rf"{_PIECE}(?:(?:[ \t]+|,[ \t]*|[ \t]*,?[ \t]*\n[ \t]*,?[ \t]*){_PIECE})+(?:[ \t]*\([A-Z]\w+\))?(?:[ \t]+\d{{3,6}}(?:-\d+)?)?"
)
_STREET = re.compile(
    r"(?i)\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|square|way|place|terrace|highway|route|rue|via|calle|"
    r"plaza|piazza|rua|avenida|ul|ulica|platz|weg|allee|gasse|apt|suite|unit|box|psc|floor|mill|pass)\b|"
    r"(?:stra(?:ss|ß)e|str|weg|gade|gata|gatan|vej|veien|vegen|katu|tie|laan|straat|utca|ulica|strasse|gasse|platz|vollen|bakken)\b"
)
_ADDRESS_CUE = re.compile(
    r"(?i)(?:address(?: \w+){0,2}(?: is|:)?|live[sd]? (?:at|on)|located (?:at|in|on)|sent to|deliver(?:ed)? to|meet you at|off at|corner of|"
    r"it'?s (?:in|at)|move[sd]? to|ship(?:ped)? to|is at|reside[sd]? at|home at|house at|come to|we'?re at|\bat|visit)[\s:]*$"
)


def _addresses(text: str) -> Iterator[Found]:
    for run in _RUN.finditer(text):
        start, end = run.span()
        words = run.group().split()
        while words and words[0].strip(",.").lower() in ORDINARY - {
            "street",
            "road",
            "church",
            "university",
            "station",
        }:
            start = text.index(words[1], start + len(words[0])) if len(words) > 1 else end
            words = words[1:]
        start += _owner(text, start, end)
        found = text[start:end].rstrip(" ,\n.")
        numbers = re.findall(r"(?<!\w)\d+[\w/-]*", found)
        named = re.search(r"[^\W\d_]{3,}", found)
        if not numbers or not named or len(words) < 2:
            continue
        cue = bool(_ADDRESS_CUE.search(text[max(0, start - 30) : start]))
        if _STREET.search(found) or (cue and len(words) > 1) or len(numbers) > 1:
            yield Found(kind="address", start=start, end=start + len(found))


_UNIT = re.compile(r"(?i)\b(?:apt|suite|unit)\b\.? ?\d")


def _owner(text: str, start: int, end: int) -> int:
    """Return how long the name is that stands before an address in one line: `Ann Lee Apt. 4 ...`."""
    unit = _UNIT.search(text, start, end)
    before = text[start : unit.start()] if unit else ""
    return len(before) if before and not re.search(r"[\d\n]", before) else 0


# --- names ---

_NAME_WORD = r"(?:[A-Z]\.(?!\w)|[^\W\d_a-zß-öø-ÿ](?:[\w'’´]|-(?=\w))*)"
_NAME = re.compile(
    rf"(?<![\w@./]){_NAME_WORD}(?:[ ](?:(?:van|von|de|der|den|da|di|del|la|le|al|bin|ben|el|du|dos|das|of|&)[ ]){{0,2}}{_NAME_WORD})*\.?"
)
_START = re.compile(r"(?:^|[.!?:;\n\"“(\[>-]\s*|[\"“']|said:\s*)$")
_ORGANIZATION = re.compile(
    r"(?i)\b(?:inc|llc|ltd|limited|corp|corporation|company|co|group|bank|university|college|holdings|associates|partners|gmbh|ag|plc|"
    r"institute|foundation|insurance|systems|software|technologies|solutions|services|industries|media|networks?|labs?|"
    r"incorporated|health|data|energy|capital|financial|ventures|consulting|global|society|council|agency|department|ministry|league|union|score)\b\.?"
)
_AT_WORK = re.compile(
    r"(?i)(?:work(?:s|ed|ing)? (?:at|for)|job at|employed (?:at|by)|company,?|year at|became|offices? (?:at|of)|position at|hired by|with the|customers? of|shares? (?:of|in)|career at|(?:ceo|founder|director|head|president|chair\w*) (?:of|at)|intern at|on behalf of|bought|acquired|joined|account (?:at|with))\s*$"
)
_IN = re.compile(
    r"(?i)\b(?:in|from|to|near|around|leaving|reach|visit(?:ing|ed)?|across|throughout|via|live[sd]? in|city of|country of|capital of|moved? to|trip to|flight to|born in|at)\s+(?:the\s+)?$"
)
_FIRM = re.compile(
    r"(?i)^(?:'s)? (?:(?:is|was|are) (?:an? |the )?(?:\w+ ){0,2}(?:company|firm|bank|startup|start-up|organi[sz]ation|provider|founded|acquired|ranked|"
    r"headquartered|listed)|announced|employees|customers|shares|stock|ceo|cfo|founder|headquarters|employs)\b"
)
_DEFINITE = re.compile(r"(?i)\b(?:the|your|our|this)\s+$")
_CALLED = re.compile(r"(?i)\b(?:mr|mrs|ms|miss|dr|prof|name is|named|call me)\b\.?\s+$")
_SAYS = re.compile(
    r"(?i)^(?:'s\b|,? (?:said|says|told|asked|replied|is|was|has|had|works?|lives?|spent|wrote|and i|will|can|would|played|sang))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Capitalised words that follow each other, and the text on both sides."""

    words: tuple[str, ...]
    before: str
    after: str
    opens: bool  # a sentence starts here, so a capital letter says nothing


def _names(text: str) -> Iterator[Found]:
    for match in _NAME.finditer(text):
        start, end = match.span()
        shown = text[start:end]
        if shown.endswith(".") and not re.search(r"(?:\b[A-Z]|Inc|Ltd|Corp|Co|Jr|Sr)\.$", shown):
            end -= 1
        opens = bool(_START.search(text[max(0, start - 12) : start]))
        start, end = _trimmed(text, start, end, opens)
        if start >= end:
            continue
        run = _Run(
            words=tuple(text[start:end].split()), before=text[max(0, start - 40) : start],
            after=text[end : end + 30], opens=opens,
        )  # fmt: skip
        kind = _kind(run)
        if kind and not _is_shouted(text, start, end):
            yield Found(kind=kind, start=start, end=end)


def _trimmed(text: str, start: int, end: int, opens: bool) -> tuple[int, int]:
    """Return the run without ordinary words at its ends; within a sentence, a capital letter may say that
    an ordinary word belongs to a name (`Credit Karma`)."""
    words = [(start + m.start(), start + m.end()) for m in re.finditer(r"\S+", text[start:end])]
    while words and _is_ordinary(text[slice(*words[0])], alone=opens or len(words) == 1):
        words, opens = words[1:], False
    while words and (
        _is_ordinary(text[slice(*words[-1])], alone=len(words) == 1) or text[slice(*words[-1])] == "&"
    ):
        words = words[:-1]
    return (words[0][0], words[-1][1]) if words else (end, end)


def _is_ordinary(word: str, *, alone: bool) -> bool:
    plain = re.sub(r"['’](?:s|m|re|ve|ll|d|t)$", "", word.lower()).strip(".,'’")
    if alone and plain not in FIRST_NAMES and _is_known(plain):
        return True
    return (
        plain in (ORDINARY if alone else FUNCTION_WORDS)
        or (len(plain) < 2 and not word.endswith("."))
        or plain.endswith("n't")
    )


@lru_cache(maxsize=10_000)
def _is_known(word: str) -> bool:
    """Say whether a word is so common that the word vectors have it whole; without them, nothing is."""
    vectors = shared_vectors()
    return vectors is not None and len(word) > 2 and word.isalpha() and len(vectors.pieces(word)) == 1


def _kind(run: _Run) -> str:
    """Return what a run of capitalised words names, or "" for nothing personal."""
    whole = " ".join(run.words)
    plain = whole.lower().removesuffix("'s").strip(".")
    first = run.words[0].lower().strip(".'’")
    if plain in PEOPLES:
        return "nationality"
    if plain in COUNTRIES:
        return "place"
    if len(run.words) > 1 and _ORGANIZATION.search(whole):
        return "organization"
    if _AT_WORK.search(run.before) or _FIRM.search(run.after) or " & " in whole:
        return "organization"
    if len(run.words) == 1 and run.before.lower().endswith("address of ") and first not in FIRST_NAMES:
        return "organization"
    if first in FIRST_NAMES or re.search(r"(?:^|\s)[A-Z]\.?(?:\s|$)", whole):
        return "person"
    if _DEFINITE.search(run.before) and len(run.words) == 1:
        return ""
    if (
        run.opens
        and len(run.words) == 1
        and not (_SAYS.search(run.after) or run.after[:1] in ",")
        and _looks_ordinary(first)
    ):
        return ""
    if whole.isupper() or re.search(r"[\d_]", whole):
        return "place" if len(whole) > 3 and whole.isalpha() and _IN.search(run.before) else ""
    if all(_is_ordinary(word, alone=True) for word in run.words) and not _CALLED.search(run.before):
        return ""
    if len(run.words) <= 3 and re.search(r"\bin (?:the )?$", run.before):
        return "place"
    if (
        len(run.words) == 1
        and _IN.search(run.before)
        and not re.search(r"(?i)\b(?:said \w+ to|from the)\s+$", run.before)
    ):
        return "place"
    return "person"


def _is_shouted(text: str, start: int, end: int) -> bool:
    """Say whether the whole line is in capitals, which then say nothing."""
    line = text[max(0, start - LINE_CHARS) : start].rpartition("\n")[2]
    line += text[start : end + LINE_CHARS].partition("\n")[0]
    return len(line.split()) > 3 and line.isupper()


def _looks_ordinary(word: str) -> bool:
    """Say whether a word at the start of a sentence may well be no name: it has an English ending."""
    return (
        bool(
            re.search(r"(?:ing|ed|ly|tion|ness|ment|ful|less|ous|able|ive|est|ight|ould|ere|ch|sh|ck)$", word)
        )
        or len(word) < 4
    )


# --- together ---


def personal_data(text: str) -> list[Found]:
    """Return the personal data of a text, in order; none overlaps another."""
    taken = bytearray(len(text))
    found: list[Found] = []
    left = text
    for finder in (_sure, _addresses, _likely, _names):
        for each in finder(left):
            if not any(taken[each.start : each.end]):
                taken[each.start : each.end] = b"\x01" * (each.end - each.start)
                found.append(each)
        left = _without(left, found)
    return sorted(found, key=lambda each: each.start)


def _without(text: str, found: Sequence[Found]) -> str:
    """Return a text of the same length in which marks stand for what was found, so that it splits no name."""
    parts: list[str] = []
    at = 0
    for each in sorted(found, key=lambda each: each.start):
        parts += [text[at : each.start], TAKEN * (each.end - each.start)]
        at = each.end
    return "".join([*parts, text[at:]])


def _sure(text: str) -> Iterator[Found]:
    yield from (
        each
        for each in identifiers(text)
        if each.kind not in DOUBTFUL or (each.kind == "date" and MONTH.search(text, each.start, each.end))
    )
    yield from (Found(kind="zip", start=m.start(1), end=m.end(1)) for m in _ZIP.finditer(text))
    yield from _all("address", _CORNER, text)


def _likely(text: str) -> Iterator[Found]:
    yield from (each for each in identifiers(text) if each.kind in DOUBTFUL)
    yield from _all("title", _TITLE, text)
    yield from _all("title", _JOB, text)
    yield from _all("place", _COUNTRY, text)
    yield from _all("nationality", _PEOPLE, text)


def _all(kind: str, form: re.Pattern[str], text: str) -> Iterator[Found]:
    return (Found(kind=kind, start=match.start(), end=match.end()) for match in form.finditer(text))


def redact(text: str, found: Sequence[Found]) -> str:
    """Return the text with each piece of personal data replaced by its kind: `[person]`."""
    parts: list[str] = []
    at = 0
    for each in found:
        parts += [text[at : each.start], f"[{each.kind}]"]
        at = each.end
    return "".join([*parts, text[at:]])
