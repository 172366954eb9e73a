"""Which tokens of a JSON answer say something: those inside values, not its keys and brackets.

A schema, or a grammar, dictates keys and punctuation; their probabilities drown what the model was unsure of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from swarm.messages import TokenLogprob

__all__ = ["value_tokens"]

# A key comes first, so that nothing inside it is taken for a value. Of a string, the quote that ends it belongs
# to the value (to stop there was the model's choice), the one that opens it does not.
PIECE = re.compile(
    r'"(?:[^"\\]|\\.)*"\s*:|"(?P<text>(?:[^"\\]|\\.)*")|(?P<bare>-?\d[-+.\deE]*|true|false|null)', re.DOTALL
)
AROUND = re.compile(r"(?:\s|```\w*|<[^<>]{0,40}>)*")  # a code fence, or a mark like <tool_call>


def value_tokens(tokens: Sequence[TokenLogprob]) -> tuple[TokenLogprob, ...]:
    """Return the tokens inside values of a JSON answer; all tokens where it is none, or has no value.

    A token counts when any of its characters is part of a string (its closing quote, too), a number, `true`,
    `false` or `null`. JSON means an object or a list, whole and alone in the answer but for a code fence or
    a mark around it.
    """
    whole = tuple(tokens)
    text = "".join(token.token for token in whole)
    bounds = _object(text)
    if bounds is None:
        return whole
    spans = list(_values(text, *bounds))
    ends = accumulate(len(token.token) for token in whole)
    found: list[TokenLogprob] = []
    place = 0
    for token, end in zip(whole, ends, strict=True):
        start = end - len(token.token)
        while place < len(spans) and spans[place][1] <= start:
            place += 1
        if place < len(spans) and spans[place][0] < end and start < end:
            found.append(token)
    return tuple(found) or whole


def _object(text: str) -> tuple[int, int] | None:
    """Return where the JSON object or list of an answer begins and ends, None where it is not that."""
    start = min((place for mark in "{[" if (place := text.find(mark)) >= 0), default=-1)
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if start < 0 or not (AROUND.fullmatch(text[:start]) and AROUND.fullmatch(text[end:])):
        return None
    try:
        json.loads(text[start:end])
    except (ValueError, RecursionError):  # cut short, or nested beyond reading: no telling keys from values
        return None
    return start, end


def _values(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for piece in PIECE.finditer(text, start, end):
        if (kind := piece.lastgroup) is not None:
            yield piece.span(kind)
