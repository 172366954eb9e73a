"""How alike texts are: by the words they share, and by what their words are near in meaning.

The likeness of two texts is the sum of two kernels: the dot product of their weighted n-grams (`features.py`),
and a Gaussian of the distance between the means of their word vectors (`vectors.py`). Without the table of
vectors the n-grams stand alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from swarm.backends.embedded.features import BLOCK_WEIGHTS, Row, Vocabulary, extract, normalize
from swarm.backends.embedded.vectors import Vectors, shared_vectors

__all__ = ["Encoded", "Space", "gaussian"]

# Beside the vectors n-grams count less. In a large set most words are known, and pieces of them matter less.
# Chosen on train rows held out and on the router's requests (10-fold, pieces at 0.32, 0.7, 1.0: 0.894, 0.903,
# 0.905 right). banking77, hwu64 and clinc150 with all rows lie within 0.3 points from 0.3 to 0.6.
BLOCKS = {"c": 0.7, "w": 0.4, "p": 0.7}
BLOCKS_OF_MANY, MANY = {"c": 0.5, "w": 0.7, "p": 0.5}, 2_500  # texts
# A piece's vector is divided by its length to this power: 0 keeps it (function words are short, and count little),
# 1 lets all pieces count alike. With 10 a label 0 to 0.5 are best (banking77 0.810, 0.804; hwu64 0.781, 0.784),
# with all rows 0.4 to 0.7.
EVENNESS = 0.4
STEEPNESS = 2.0  # of the Gaussian, on unit vectors; 1 and 3 lie within 0.5 points, 8 loses 2 to 4


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Texts as numbers.

    Attributes:
        words: sparse float32, (texts, features); the first `pieces` columns are of pieces of words.
        meaning: unit vectors, float32, (texts, 256); None without the table of vectors.
        known: how much of each text's words was learned from, in [0, 1], (texts,).
    """

    words: Any
    pieces: int
    meaning: Any
    known: Any


@dataclass(frozen=True, kw_only=True)
class Space:
    """The features learned from one set of texts, and the table of vectors if there is one."""

    vocabulary: Vocabulary
    vectors: Vectors | None

    @classmethod
    def learn(cls, texts: Sequence[str]) -> tuple[Space, Encoded]:
        """Return the space of these texts, and themselves in it; `known` as if each had been left out."""
        vectors = shared_vectors()
        rows = [extract(text) for text in texts]
        beside_vectors = BLOCKS if len(texts) <= MANY else BLOCKS_OF_MANY
        blocks = BLOCK_WEIGHTS if vectors is None else beside_vectors
        space = cls(vocabulary=Vocabulary.build(rows, blocks=blocks), vectors=vectors)
        return space, space._encode(texts, rows)

    def encode(self, text: str) -> tuple[Any, Any, Any, float]:
        """Return one text: its columns, their values, its unit vector (or None), how much of it is known."""
        import numpy as np

        columns, values, known = self.vocabulary.weigh(extract(text))
        return columns, values.astype(np.float32), self._meaning(text), known

    def _encode(self, texts: Sequence[str], rows: Sequence[Row]) -> Encoded:
        import numpy as np

        words, known = self.vocabulary.matrix(rows, own=True)
        meaning = None if self.vectors is None else np.array([self._meaning(text) for text in texts])
        pieces = len(self.vocabulary.columns["c"])  # the first block
        return Encoded(words=words.astype(np.float32), pieces=pieces, meaning=meaning, known=known)

    def _meaning(self, text: str) -> Any:
        """Return the mean direction of a text's pieces as a unit vector, (256,); zeros without a piece."""
        import numpy as np

        if self.vectors is None:
            return None
        plain = normalize(text).encode("utf-8", "replace").decode("utf-8")  # no half of a surrogate pair
        pieces = self.vectors.pieces(plain)
        total = (pieces * np.linalg.norm(pieces, axis=1, keepdims=True) ** -EVENNESS).sum(axis=0)
        return total / max(float(np.linalg.norm(total)), 1e-9)


def gaussian(some: Any, others: Any) -> Any:
    """Return `exp(-steepness * distance**2 / 2)` of every pair of unit vectors: (some, others)."""
    import numpy as np

    return np.exp(STEEPNESS * (some @ others.T - 1.0))
