"""Find what has a form of its own: e-mail, phone, card and account numbers, links, dates. Checked where it can be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

__all__ = ["Found", "identifiers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A piece of personal data: `text[start:end]`, and what it is."""

    kind: str
    start: int
    end: int


def _is_card(digits: str) -> bool:
    """Return whether the last digit is right by the formula of Luhn (ISO/IEC 7812-1, annex B)."""
    numbers = [int(digit) for digit in re.sub(r"\D", "", digits)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in numbers[-2::-2]]
    return len(set(numbers)) > 1 and (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Return whether the check digits are right (ISO 13616: modulo 97)."""
    plain = re.sub(r"\s", "", text).upper()
    turned = plain[4:] + plain[:4]
    return len(plain) <= 34 and int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_phone(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return 7 <= len(digits) <= 15 and not (len(text) == len(digits) and len(digits) > 12)


def _anything(_text: str) -> bool:
    return True


_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
# In this order: what an earlier one takes, a later one may not.
_FORMS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("email", r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+", _anything),
    ("url", r"\bhttps?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]/?|\bwww\.[\w-]+(?:\.[\w-]+)+(?:/[^\s<>\"']*)?", _anything),
    ("url", r"(?<![@\w.])[\w-]{2,}\.(?:com|net|org|edu|gov|info|io|co\.uk|de|fr|it|es|nl|pl|ru|us|eu|biz)\b(?:/\S*)?", _anything),
    ("ip", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d)|(?<![\w:])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:])", _is_ip),
    ("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", _is_iban),
    ("ssn", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])", _anything),
    ("card", r"(?<![\d-])(?:\d{12,19}|\d{4}(?:[ -]\d{4}){2}[ -]\d{1,7}|3\d{3}[ -]\d{6}[ -]\d{5})(?![\d-])", _is_card),
    ("date", rf"(?<![\d./-])\d{{1,2}}[./-]\d{{1,2}}[./-](?:\d{{4}}|\d{{2}})\b(?![./-]\d)|\b\d{{4}}-\d{{2}}-\d{{2}}(?:T[\d:]+Z?)?\b|"
             rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?)?{_MONTH}\.?(?: \d{{1,2}}(?:st|nd|rd|th)?(?!\d))?(?:,? \d{{4}})\b|"
             rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}\b|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b|"
             rf"(?:(?<=\bin )|(?<=\bsince )|(?<=\bof )|(?<=\bborn )|(?<=\()|(?<=\byear ))(?:19|20)\d\d\b(?!\))|"
             r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b", _anything),
    ("age", r"\b\d{1,3}(?=[ -](?:years?|yrs?)(?:[ -]old)?\b| ?y/?o\b)|\b(?:aged?|age is|age:|age of|turned|turning)\s(?P<a>\d{1,3})\b|"
            r"\b(?:i'm|i am|he is|she is|he's|she's) (?P<b>\d{2})(?=$|[.,;!?]| and\b| now\b| already\b)", _anything),
    ("phone", r"(?<![\w/.-])(?:\+|00)?(?:\(\+?\d{1,4}\)|\d{1,4})(?:[ ./-]{0,2}(?:\(\d{1,4}\)|\d{1,5})){1,6}(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w-])", _is_phone),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(form, re.IGNORECASE), check) for kind, form, check in _FORMS)


def identifiers(text: str) -> Iterator[Found]:
    """Yield what has a form of its own; none overlaps another. Not in order."""
    taken = bytearray(len(text))
    for kind, form, is_right in _COMPILED:
        for match in form.finditer(text):
            start, end = match.span(match.lastgroup or 0)
            if not any(taken[start:end]) and is_right(match.group()):
                taken[start:end] = b"\x01" * (end - start)
                yield Found(kind=kind, start=start, end=end)
