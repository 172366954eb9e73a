"""Say how a text sounds word by word: a list of 15,442 English words, each with what it weighs for abuse.

Somebody else's labels: the weights come from the package alt-profanity-check (MIT), trained on about 200,000 public
comments; `benchmarks/train_moderator.py` writes them into `experts/moderator/artefacts/lexicon.json`. Abuse is
often in one sentence of many, and in one word of many, so a text is looked at whole, by sentence and by word.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any

from swarm.backends.embedded.words import sentences
from swarm.spec.registry import bundled

__all__ = ["FEATURES", "STEP", "Lexicon", "shared_lexicon"]

FEATURES = 8
STEP = 0.001  # numbers are kept as whole thousandths
MAX_CHARS = 8_000
MAX_SENTENCES = 60
WORST = (1, 3, 5)  # how many of the heaviest words are averaged

_WORD = re.compile(r"\b\w\w+\b")


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """The words: how rare each is (inverse document frequency) and what it weighs, above 0 for abuse."""

    words: Mapping[str, tuple[float, float]]
    offset: float

    @classmethod
    def read(cls, written: str) -> Lexicon:
        """Return the lexicon that `benchmarks/train_moderator.py` wrote, as JSON."""
        found = json.loads(written)
        numbers = zip(_numbers(found["idf"]), _numbers(found["weights"]), strict=True)
        return cls(words=dict(zip(found["words"].split(), numbers, strict=True)), offset=found["offset"])

    def features(self, text: str) -> Any:
        """Return the numbers of a text: float64, (FEATURES,).

        The score of the whole; of its sentences the highest, the soft maximum, the mean and the mean of the
        highest three; the weights of its heaviest word, three words and five words.

        Args:
            text: in lower case, without disguises (`rules.plain_forms`).
        """
        import numpy as np

        text = text[:MAX_CHARS]
        parts = [part for part in sentences(text)[:MAX_SENTENCES] if " " in part] or [text]
        by_part = np.sort([self._score(_WORD.findall(part)) for part in parts])
        words = _WORD.findall(text)
        heavy = sorted((self.words[word][1] for word in {*words} if word in self.words), reverse=True)
        return np.array(
            [
                self._score(words),
                by_part[-1],
                np.log(np.exp(by_part).mean()),
                by_part.mean(),
                by_part[-3:].mean(),
            ]
            + [sum(heavy[:count]) / count for count in WORST]
        )

    def _score(self, words: Sequence[str]) -> float:
        """Return the score of a linear model over TF-IDF of length one."""
        total = length = 0.0
        for word, count in Counter(words).items():
            idf, weight = self.words.get(word, (0.0, 0.0))
            total += count * idf * weight
            length += (count * idf) ** 2
        return total / sqrt(length) + self.offset if length else self.offset


def _numbers(written: str) -> list[float]:
    import numpy as np

    return (np.frombuffer(base64.b64decode(written), dtype="<i2") * STEP).tolist()


@lru_cache(maxsize=1)
def shared_lexicon() -> Lexicon | None:
    """Return the lexicon that ships with the bundled moderator, read once a process; None without it."""
    folder = bundled()
    path = None if folder is None else folder / "moderator" / "artefacts" / "lexicon.json"
    if path is None or not path.is_file():
        return None
    return Lexicon.read(path.read_text(encoding="utf-8"))
