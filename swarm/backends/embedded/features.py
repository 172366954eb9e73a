"""Turn a text into n-grams and n-grams into weighted numbers: what the trained experts see.

Three blocks of features, each scaled to length one so that none drowns the others: pieces of words (2-5
characters, so typing errors and endings do not matter), words and neighbouring words, and pairs of words
anywhere in the text ("card ... declined"), cut to their first letters as a poor man's stem.

Pure Python up to `Vocabulary.matrix`; numpy and scipy are imported only inside functions.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations, pairwise
from math import log, sqrt
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
        "c": Counter(_pieces(text)),
        "w": Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))]),
        "p": Counter(f"{a}~{b}" for a, b in combinations(stems, 2)),
    }


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for word in text.split():
        padded = f" {word[:MAX_WORD]} "
        size = len(padded)
        for length in range(2, min(5, size) + 1):
            pieces += [padded[start : start + length] for start in range(size - length + 1)]
    return pieces


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Which features are known and what each is worth (its inverse document frequency)."""

    columns: dict[str, dict[str, int]]  # block -> feature -> column
    idf: list[float]
    unknown_idf: float

    @classmethod
    def build(cls, rows: Sequence[Row]) -> Vocabulary:
        """Learn the features of these texts; all are kept but pairs seen once in a large set."""
        columns: dict[str, dict[str, int]] = {}
        idf: list[float] = []
        for block in BLOCK_WEIGHTS:
            seen = Counter(feature for row in rows for feature in row[block])
            least = 2 if block == "p" and len(rows) >= RARE_PAIRS_FROM else 1
            columns[block] = {}
            for feature, count in seen.items():
                if count >= least:
                    columns[block][feature] = len(idf)
                    idf.append(log((1 + len(rows)) / (1 + count)) + 1)
        return cls(columns=columns, idf=idf, unknown_idf=log(1 + len(rows)) + 1)

    def weigh(self, row: Row) -> tuple[list[int], list[float], float]:
        """Return the columns and values of one text, and how much of it is known, in [0, 1].

        Unknown words count in the length a block is scaled by, so a text that is mostly unknown gets small
        values, hence small scores. Unknown pairs do not: even a familiar sentence has many new pairs.
        """
        indices: list[int] = []
        values: list[float] = []
        coverage = 0.0
        for block, weight in BLOCK_WEIGHTS.items():
            known = self.columns[block]
            total = missing = 0.0
            start = len(values)
            for feature, count in row[block].items():
                column = known.get(feature)
                if column is None:
                    missing += self.unknown_idf * self.unknown_idf
                    continue
                value = (1 + log(count) if count > 1 else 1.0) * self.idf[column]
                total += value * value
                indices.append(column)
                values.append(value)
            if block != "p":
                coverage += total / (total + missing) / 2 if total else 0.0
                total += missing
            scale = weight / sqrt(total) if total else 0.0
            values[start:] = [value * scale for value in values[start:]]
        return indices, values, coverage

    def matrix(self, rows: Iterable[Row]) -> tuple[Any, Any]:
        """Return the sparse matrix of these texts, and how much of each is known."""
        import numpy as np

        sparse: Any = import_module("scipy.sparse")
        indices, values, ends, coverage = array("i"), array("d"), array("q", [0]), array("d")
        for row in rows:
            columns, numbers, known = self.weigh(row)
            indices.extend(columns)
            values.extend(numbers)
            ends.append(len(indices))
            coverage.append(known)
        shape = (len(ends) - 1, len(self.idf))
        return sparse.csr_matrix(
            (np.array(values), np.array(indices), np.array(ends)), shape=shape
        ), np.array(coverage)
