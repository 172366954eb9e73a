"""Turn a text into n-grams and n-grams into weighted numbers: what the trained experts see.

Three blocks of features, each scaled to length one so that none drowns the others: pieces of words (2-5
characters, so typing errors and endings do not matter), words and neighbouring words, and pairs of words
anywhere in the text ("card ... declined"), cut to their first letters as a poor man's stem.

Pure Python up to `Vocabulary`; numpy and scipy are imported only inside functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import chain, combinations, pairwise
from typing import Any

__all__ = ["Row", "Vocabulary", "extract", "normalize"]

MAX_CHARS = 6_000  # a message is a few hundred characters; what comes later is a paste, and costs time only
MAX_WORD = 40  # a longer "word" is a link, a key or binary: only its start is looked at
MAX_PAIR_STEMS = 40  # pairs grow with the square of the words
STEM = 5  # 4-fold cross-validation on banking77: 0.910 with 5 letters, 0.909 with whole words

# How much each block counts. 4-fold cross-validation on banking77 train: pieces and words alone 0.906, with
# pairs 0.910, with words at half weight 0.911; clinc150 0.957 -> 0.958, hwu64 0.888 -> 0.884; with 5 examples
# a label 0.590 -> 0.616, 0.763 -> 0.777, 0.608 -> 0.626.
BLOCK_WEIGHTS = {"c": 1.0, "w": 0.5, "p": 1.0}
RARE_PAIRS_FROM = 1_000  # texts; from here a pair seen once is noise, and there are very many

_TOKEN = re.compile(r"\w+|[?!]")

Row = dict[str, Counter[str]]
"""The counted features of one text, by block."""


def normalize(text: str) -> str:
    """Return the text that features are made from: cut, one form per character, lower case."""
    return unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold().replace("\x00", " ")


def extract(text: str) -> Row:
    """Count the features of one text. Empty blocks for a text with nothing in it."""
    text = normalize(text)
    words = [word[:MAX_WORD] for word in _TOKEN.findall(text)]
    stems = sorted(dict.fromkeys(word[:STEM] for word in words[: 2 * MAX_PAIR_STEMS]))[:MAX_PAIR_STEMS]
    return {
        "c": Counter(chain.from_iterable(_pieces(word[:MAX_WORD]) for word in text.split())),
        "w": Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))]),
        "p": Counter(f"{a}~{b}" for a, b in combinations(stems, 2)),
    }


@lru_cache(maxsize=20_000)
def _pieces(word: str) -> tuple[str, ...]:
    """Return the pieces of one word; most words of a message were seen before."""
    padded = f" {word} "
    size = len(padded)
    return tuple(
        padded[start : start + length]
        for length in range(2, min(5, size) + 1)
        for start in range(size - length + 1)
    )


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Which features are known and what each is worth (its inverse document frequency).

    Attributes:
        columns: block -> feature -> column; the columns of a block are next to each other, in its order.
        idf: by column, (features,). `unknown_idf`: of a feature that is in none of the texts.
        blocks: how much each block counts.
    """

    columns: dict[str, dict[str, int]]
    idf: Any
    unknown_idf: float
    blocks: Mapping[str, float]

    @classmethod
    def build(cls, rows: Sequence[Row], *, blocks: Mapping[str, float] = BLOCK_WEIGHTS) -> Vocabulary:
        """Learn the features of these texts; all are kept but pairs seen once in a large set."""
        import numpy as np

        columns: dict[str, dict[str, int]] = {}
        counts: list[int] = []
        for block in blocks:
            seen = Counter(chain.from_iterable(row[block] for row in rows))
            least = 2 if block == "p" and len(rows) >= RARE_PAIRS_FROM else 1
            kept = [feature for feature, count in seen.items() if count >= least]
            columns[block] = dict(zip(kept, range(len(counts), len(counts) + len(kept)), strict=True))
            counts += [seen[feature] for feature in kept]
        idf = np.log((1 + len(rows)) / (1 + np.array(counts, np.float64))) + 1
        return cls(columns=columns, idf=idf, unknown_idf=float(np.log(1 + len(rows)) + 1), blocks=blocks)

    def matrix(self, rows: Iterable[Row], *, own: bool = False) -> tuple[Any, Any]:
        """Return the sparse matrix of these texts, and how much of each is known, in [0, 1].

        Unknown words count in the length a block is scaled by, so a text that is mostly unknown gets small
        values, hence small scores. Unknown pairs do not: even a familiar sentence has many new pairs.

        Args:
            own: the texts are those learned from; what one alone has then counts as unknown.
        """
        import numpy as np

        sparse: Any = import_module("scipy.sparse")
        rows = list(rows)
        found = [self._block(block, rows, own=own) for block in self.blocks]
        numbers, columns, values = (
            np.concatenate(each) for each in zip(*(f[:3] for f in found), strict=True)
        )
        shape = (len(rows), len(self.idf))
        return sparse.csr_matrix((values, (numbers, columns)), shape=shape), sum(f[3] for f in found)

    def weigh(self, row: Row) -> tuple[Any, Any, float]:
        """Return the columns and values of one text, and how much of it is known, in [0, 1]."""
        import numpy as np

        found = [self._block(block, (row,), own=False) for block in self.blocks]
        columns, values = np.concatenate([f[1] for f in found]), np.concatenate([f[2] for f in found])
        return columns, values, float(sum(f[3][0] for f in found))

    def _block(self, block: str, rows: Sequence[Row], *, own: bool) -> tuple[Any, Any, Any, Any]:
        """Return the text, column and value of each known feature of one block, and each text's known share."""
        import numpy as np

        place, texts = self.columns[block].get, len(rows)
        columns = np.array([place(feature, -1) for row in rows for feature in row[block]], np.int64)
        counts = np.array([count for row in rows for count in row[block].values()], np.float64)
        numbers = np.repeat(np.arange(texts), [len(row[block]) for row in rows])
        known = columns >= 0
        squares = np.full(len(columns), self.unknown_idf**2)
        squares[known] = ((1 + np.log(counts[known])) * self.idf[columns[known]]) ** 2
        total = np.bincount(numbers, squares * known, texts)
        missing = np.bincount(numbers, squares * ~known, texts)
        if block == "p":
            missing, share = 0.0, np.zeros(texts)
        else:
            shared = known & ~self._alone(columns) if own else known
            share = np.bincount(numbers, squares * shared, texts) / np.maximum(total + missing, 1e-12) / 2
        scale = self.blocks[block] / np.sqrt(np.maximum(total + missing, 1e-12))
        return numbers[known], columns[known], (np.sqrt(squares) * scale[numbers])[known], share

    def _alone(self, columns: Any) -> Any:
        """Return whether each column is of a feature that only one text has: log 2 below an unknown one."""
        return self.idf[columns] > self.unknown_idf - 1.0
