"""Words, stems and sentences of plain text: what retrieval and summaries are made from. Pure Python.

Meant for English; other scripts pass through as they are, without stems or stop words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["sentences", "stem", "terms"]

_STOP_WORDS = """a about after again all also am an and any are as at be because been before being both but by can could
    did do does doing done each for from get gets getting give go going got had has have having he hello her here
    hi him his how i if in into is it its just know let like long make many may me might more most much must my need no not
    now of off often on once only or other our out over own please possible put s same shall she should since so some
    still such t take tell than thank thanks that the their them then there these they this those through to too
    under until up us use very want was we were what when where which while who whom whose why will with without
    would you your m re ve ll d don didn doesn isn aren wasn won"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

# Words that customers and documents use for the same thing. Short on purpose: each must be safe anywhere.
SAME = {
    "package": "parcel",
    "packet": "parcel",
    "purchase": "buy",
    "bought": "buy",
    "fee": "cost",
    "price": "cost",
    "charge": "cost",
    "sent": "send",
    "paid": "pay",
    "telephone": "phone",
    "mobile": "phone",
    "begin": "start",
    "broken": "break",
    "broke": "break",
    "swap": "exchange",
    "swop": "exchange",
}

_WORD = re.compile(r"\w+(?:[.,:]\d+)*")
_LETTERS = re.compile(r"[a-z]+")
_VOWEL = re.compile(r"[aeiouy]")


def terms(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in order, with repetitions."""
    found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("e-mail", "email"))
    return [stem(word) for word in found if word not in STOP_WORDS]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return a lower-case word without its English ending; light, so different words rarely meet."""
    word = SAME.get(word, word)
    if len(word) < 4 or not _LETTERS.fullmatch(word):
        return word[:64]
    word = _without_plural(word)
    word = SAME.get(word, word)
    for ending, least in (("ation", 4), ("ment", 3), ("able", 4), ("ing", 3), ("ed", 3), ("ly", 4)):
        base = word.removesuffix(ending)
        if base != word and len(base) >= least and _VOWEL.search(base):
            word = base
            break
    word = _single(word)
    if len(word) > 4 and word[-1] in "eyi":
        word = word[:-1]
    return SAME.get(word, word)[:64]


def _without_plural(word: str) -> str:
    if word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1]


def _single(word: str) -> str:
    """Undo a doubled last consonant: `shipp` -> `ship`, `cancell` -> `cancel`, but not `bill`, `pass`."""
    doubled = word[-1] == word[-2] and word[-1] not in "aeiousz"
    return word[:-1] if doubled and len(word) > (4 if word[-1] == "l" else 3) else word


# A full stop after one of these ends no sentence (compared in lower case, dots removed).
_ABBREVIATIONS = """mr mrs ms dr prof st sr jr vs etc eg ie cf al fig figs eq eqs sec ch vol no nos p pp approx ca dept est inc
    ltd co corp gov univ jan feb mar apr jun jul aug sep sept oct nov dec tel ext incl min max avg resp"""
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())

# Possessive, and starting only where a run of marks starts: a megabyte of full stops takes linear time.
_END = re.compile(r"""(?<![.!?…])[.!?…]++["'”’)\]]*+(?=\s)|[。！？]++[”’」』）]*+""")
_LAST_WORD = re.compile(r"([^\s(\[\"'“‘]+?)\.$")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_ITEM = re.compile(r"[ \t]*(?:[-*•+]|\(?\d{1,3}[.)]|#{1,6})[ \t]+")
_SPACE = re.compile(r"\s+")


def sentences(text: str) -> list[str]:
    """Split a text into its sentences, in order; a list item or a heading is one of its own.

    Not fooled by abbreviations, initials, numbers and links. Linear in the length of the text.
    """
    text = text.replace("\x00", " ").replace("\r\n", "\n").replace("\r", "\n")
    return [one for block in _blocks(text) for one in _split(_SPACE.sub(" ", block).strip()) if one]


def _blocks(text: str) -> list[str]:
    """Cut at blank lines and in front of list items; join lines that are only wrapped."""
    blocks: list[str] = []
    for paragraph in _BLANK.split(text):
        current: list[str] = []
        for line in paragraph.split("\n"):
            marker = _ITEM.match(line)
            if marker and current:
                blocks.append(" ".join(current))
                current = []
            current.append(line[marker.end() :] if marker else line)
            if line.lstrip().startswith("#"):
                blocks.append(" ".join(current))
                current = []
        blocks.append(" ".join(current))
    return blocks


def _split(block: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in _END.finditer(block):
        if end.group()[0] in ".!?" and not _ends_sentence(block, start, end.start(), end.end()):
            continue
        found.append(block[start : end.end()].strip())
        start = end.end()
    found.append(block[start:].strip())
    return found


def _ends_sentence(block: str, start: int, dot: int, after: int) -> bool:
    """Say whether the mark at `dot` ends a sentence."""
    following = block[after : after + 2].strip()
    if following and (following[0].islower() or following[0] in ",;:"):
        return False
    if block[dot] != ".":
        return True
    last = _LAST_WORD.search(block[max(start, dot - 20) : dot + 1])
    word = last.group(1) if last else ""
    is_initial = len(word) == 1 and word.isalpha() and word not in {"I", "a"}
    number_of_item = word.isdigit() and dot - start <= 3  # "2. " at the start of a line
    return not (is_initial or number_of_item or word.replace(".", "").lower() in ABBREVIATIONS)
