"""Turn a text into numbers about its meaning: which concepts of harm its words are near, and in whose company.

Word vectors know that "slay" is near "kill" where n-grams see two different strings. A text becomes

- for each concept of `concepts.py`, how near its nearest word is, its three nearest, and all its words on average;
- the same for pairs of concepts within a sentence ("a group" with "vermin", "you" with "stupid"): harm is rarely
  in one word, mostly in who it is said of;
- the mean vector of its pieces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from swarm.backends.embedded.harm.concepts import ABOUT_ONESELF, CONCEPTS, GROUPS, HOSTILE, SPEAKERS
from swarm.backends.embedded.vectors import DIMENSIONS, Vectors, shared_vectors
from swarm.backends.embedded.words import sentences

__all__ = ["VECTOR_SHARE", "Meaning", "shared_meaning"]

VECTOR_SHARE = 0.5  # of the mean vector beside the concepts; 5 folds of the OpenAI set: 0.895, at 1 0.892

MAX_CHARS = 4_000  # about 700 words; what follows in a paste says the same again
MAX_SENTENCES = 60
NEAREST = 3

_WORD = re.compile(r"[\w']+")
_NAMES = (*CONCEPTS, *SPEAKERS)
_AT = {name: column for column, name in enumerate(_NAMES)}
_COMPANY = (  # both within one sentence
    *((group, hostile) for group in ("any group",) for hostile in HOSTILE),
    *(("you", hostile) for hostile in HOSTILE),
    *(("i", hurt) for hurt in ABOUT_ONESELF),
    *(("they", hostile) for hostile in HOSTILE),
    ("minor", "sex"),
    ("organ", "orgasm"),
    ("kill", "weapon"),
    *(("you", said) for said in ("fat", "roast", "die")),
    *(("i", done) for done in ("hurt oneself", "kill", "weapon")),
    *(("any group", said) for said in ("conspiracy", "crime", "racism", "negation")),
    ("they", "racism"),
    ("jews", "conspiracy"),
    ("any hostility", "negation"),
    ("fat", "roast"),
    ("kiss", "body"),
    ("sex", "abuse"),
    ("sex", "story"),
    ("kill", "story"),
    ("suicide", "help"),
    ("cut", "help"),
    *((group, "any hostility") for group in GROUPS),
)


class Meaning:
    """The concepts as vectors, and the way from a text to its numbers."""

    def __init__(self, vectors: Vectors) -> None:
        import numpy as np

        self._vectors = vectors
        self._word = lru_cache(maxsize=50_000)(self._vector_of)
        seeds = [CONCEPTS.get(name) or SPEAKERS[name] for name in _NAMES]
        means = [np.mean([self._word(word) for word in text.split()], axis=0) for text in seeds]
        self._concepts = np.array([_unit(mean) for mean in means])  # (concepts, 256)

    def features(self, text: str) -> Any:
        """Return the numbers of a text: float32, shape (features,). Zeros where it has no word."""
        import numpy as np

        text = (
            text[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8")
        )  # the tokenizer takes no lone surrogate
        parts = [self._nearness(part) for part in (sentences(text) or [text])[:MAX_SENTENCES]]
        near = np.concatenate(parts)[:, : len(CONCEPTS)]
        top = np.sort(near, axis=0)[-NEAREST:]
        company = np.array([_company(part.max(axis=0)) for part in parts])
        return np.concatenate(
            [top[-1], top.mean(axis=0), near.mean(axis=0), company.max(axis=0), company.mean(axis=0),
             self._vectors.embed([text])[0]]
        ).astype(np.float32)  # fmt: skip

    def _nearness(self, sentence: str) -> Any:
        """Return the cosine of each word with each concept: (words, concepts)."""
        import numpy as np

        words = list(dict.fromkeys(_WORD.findall(sentence.lower()))) or [""]
        return np.array([self._word(word) for word in words]) @ self._concepts.T

    def _vector_of(self, word: str) -> Any:
        import numpy as np

        pieces = self._vectors.pieces(word[:40])
        return _unit(pieces.mean(axis=0)) if len(pieces) else np.zeros(DIMENSIONS, np.float32)


def _company(nearest: Sequence[float]) -> list[float]:
    """Return the product of each pair of `_COMPANY`, of a sentence's nearest words."""
    found = {name: float(nearest[column]) for name, column in _AT.items()}
    found["any group"] = max(found[name] for name in GROUPS)
    found["any hostility"] = max(found[name] for name in HOSTILE)
    return [found[one] * found[other] for one, other in _COMPANY]


def _unit(vector: Any) -> Any:
    import numpy as np

    return vector / max(float(np.linalg.norm(vector)), 1e-9)


@lru_cache(maxsize=1)
def shared_meaning() -> Meaning | None:
    """Return the concepts, made once a process; None where the word vectors are not installed."""
    vectors = shared_vectors()
    return None if vectors is None else Meaning(vectors)
