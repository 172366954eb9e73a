"""How much a sentence is worth to a summary: what it is made of, and what that weighs. Pure Python.

The weights are a ridge regression of ROUGE-1 on these features, learnt from abstracts and their one-sentence
summaries; `python -m benchmarks.train_summarizer` makes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["WEIGHTS", "sentence_features", "worth"]

USUAL_WORDS = 22  # of a one-sentence summary: the median (scitldr, val)
LONGEST = 3.0  # times the usual length; what is longer is not worse still

_PROPOSES = re.compile(r"\b(?:propose|present|introduce|develop|describe|design)s?\b", re.IGNORECASE)
_WE = re.compile(
    r"\bwe (?:\w+ly )?(?:propose|present|introduce|develop|describe|show|demonstrate|find|found|study|investigate|explore"
    r"|provide|prove|analy[sz]e|use|apply|argue)",
    re.IGNORECASE,
)
_THIS_WORK = re.compile(
    r"\b(?:this (?:paper|work|study|article)|our (?:method|approach|model|work|paper))\b", re.IGNORECASE
)
_RESULT = re.compile(
    r"\b(?:results?|outperform\w*|state[- ]of[- ]the[- ]art|experiments?|achieves?|improve\w*)\b",
    re.IGNORECASE,
)
_CUES = {"proposes": _PROPOSES, "we": _WE, "this_work": _THIS_WORK, "result": _RESULT}

WEIGHTS: Mapping[str, float] = {
    "central": 0.136,  # its share of the votes (TextRank), 1 on average
    "length": 0.066,  # in usual lengths
    "length_squared": -0.029,
    "proposes": 0.062,  # "propose", "introduce", "design" ...
    "we": 0.040,  # "we show", "we study" ...
    "this_work": 0.041,  # "this paper", "our method" ...
    "result": -0.021,  # "results", "outperforms" ...: how good it is, not what it is
}


def sentence_features(
    text: str, *, central: float, words: int, usual_words: float = USUAL_WORDS
) -> dict[str, float]:
    """Return what a sentence is made of; see `WEIGHTS`.

    Args:
        central: its share of the votes times the number of sentences: 1 is average.
    """
    length = min(words / usual_words, LONGEST)
    cues = {name: float(bool(cue.search(text))) for name, cue in _CUES.items()}
    return {"central": central, "length": length, "length_squared": length * length, **cues}


def worth(features: Mapping[str, float]) -> float:
    """Return the expected ROUGE-1 of a sentence against a summary, up to a constant."""
    return sum(WEIGHTS[name] * value for name, value in features.items())
