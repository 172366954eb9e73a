"""Agreement: how alike several answers to one question are, and when enough of them were asked for.

Labels and short answers are compared without regard to case, punctuation, articles and how a number is written;
JSON field by field.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, cast

__all__ = ["agree", "agreement", "enough", "majority"]

MAX_DEPTH = 50
ARTICLES = re.compile(r"\b(?:a|an|the)\b")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?|\w+")


def agreement(samples: Sequence[Any]) -> float | None:
    """Return the share of the most frequent answer among samples of one model; None without any.

    Source: Wang et al., "Self-consistency improves chain of thought reasoning", ICLR 2023.
    """
    counts = _counted(samples)
    return max(counts.values()) / len(samples) if counts else None


def majority(samples: Sequence[Any]) -> Any:
    """Return the most frequent answer as it was first given; of equally frequent ones, the first.

    Raises:
        ValueError: no samples.
    """
    counts = _counted(samples)
    if not counts:
        raise ValueError("no samples")
    best = max(counts, key=counts.__getitem__)
    return next(sample for sample in samples if _normal(sample) == best)


def enough(samples: Sequence[Any], k: int, *, at_least: float | None = None) -> bool:
    """Say whether further samples, up to `k` in all, cannot change the outcome.

    Args:
        at_least: the agreement that is asked for. With it, it is enough once it is settled whether the most
            frequent of k answers reaches it; without, once no other answer can become the most frequent.
    """
    left = k - len(samples)
    counts = [count for _, count in _counted(samples).most_common(2)]
    if left <= 0:
        return True
    if not counts:
        return False
    if at_least is not None:
        needed = at_least * k - 1e-9
        return counts[0] >= needed or counts[0] + left < needed
    return counts[0] - (counts[1] if len(counts) > 1 else 0) > left


def agree(one: Any, other: Any) -> float:
    """Return how far two answers agree, in [0, 1]: texts and labels 0 or 1, JSON by the share of its fields.

    A field that only one of them has counts as a disagreement. Lists are compared in order.
    """
    return _agree(_read(one), _read(other), MAX_DEPTH)


def _agree(one: Any, other: Any, depth: int) -> float:
    pairs: list[tuple[Any, Any]]
    if depth and isinstance(one, Mapping) and isinstance(other, Mapping):
        first, second = cast("Mapping[str, Any]", one), cast("Mapping[str, Any]", other)
        pairs = [(first.get(key, _NONE), second.get(key, _NONE)) for key in dict.fromkeys((*first, *second))]
    elif depth and isinstance(one, list) and isinstance(other, list):
        left, right = cast("list[Any]", one), cast("list[Any]", other)
        size = max(len(left), len(right))
        pairs = list(
            zip(left + [_NONE] * (size - len(left)), right + [_NONE] * (size - len(right)), strict=True)
        )
    else:
        return float(_normal(one) == _normal(other))
    return sum(_agree(a, b, depth - 1) for a, b in pairs) / len(pairs) if pairs else 1.0


_NONE = object()  # a field, or a place of a list, that is not there: equal to nothing but itself


def _counted(samples: Sequence[Any]) -> Counter[Hashable]:
    return Counter(_normal(sample) for sample in samples)


def _read(answer: Any) -> Any:
    """Return the object or list that a text is the JSON of, else what was given."""
    if not isinstance(answer, str) or answer.lstrip()[:1] not in ("{", "["):
        return answer
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):  # a text that only begins like JSON is compared as a text
        return answer


def _normal(answer: Any, depth: int = MAX_DEPTH) -> Hashable:
    """Return what is equal for answers that say the same."""
    answer = _read(answer)
    if depth and isinstance(answer, Mapping):
        table = cast("Mapping[str, Any]", answer)
        return frozenset((key, _normal(value, depth - 1)) for key, value in table.items())
    if depth and isinstance(answer, list | tuple):
        return tuple(_normal(value, depth - 1) for value in cast("Sequence[Any]", answer))
    if isinstance(answer, str):
        return _words(answer)
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        return _words(repr(answer))
    return answer if isinstance(answer, Hashable) else repr(answer)


def _words(text: str) -> tuple[str, ...]:
    """Return the words and numbers of a short answer, as those who score such answers compare them.

    Source: Rajpurkar et al., "SQuAD", EMNLP 2016 (lower case, no punctuation, no articles).
    """
    plain = THOUSANDS.sub("", unicodedata.normalize("NFKC", text).casefold())
    words = NUMBER.findall(ARTICLES.sub(" ", plain)) or NUMBER.findall(plain)
    return tuple(_number(word) for word in words) or (plain.strip(),)


def _number(word: str) -> str:
    """Write equal numbers alike: 5.00 and +5 as 5."""
    if "." in word:
        word = word.rstrip("0").rstrip(".")
    return word.removeprefix("+")
