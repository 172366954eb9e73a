"""Learn the weights of the embedded summarizer and print them; `python -m benchmarks.train_summarizer`.

Data: the validation halves of SciTLDR and QMSum in `../shared/data/summarisation`. The test halves are not read.
The weights are a few numbers, and stand in `swarm/backends/embedded/texts/worth.py` and `transcripts.py`: copy them
there when the features change. Each line also says what the weights are worth by folds (ROUGE-1, no
fold's text or meeting is in its training part).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.text import DATA, read_rows, rouge_1
from swarm.backends.embedded.texts import transcripts
from swarm.backends.embedded.texts.centrality import centrality
from swarm.backends.embedded.texts.transcripts import (
    Turn,
    Utterance,
    quote,
    read_turns,
    shorten,
    utterances,
    word_features,
)
from swarm.backends.embedded.texts.trimming import trim
from swarm.backends.embedded.texts.worth import sentence_features
from swarm.backends.embedded.words import sentences, terms

FOLDS = 5
SEED = 0
Weights = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Abstract:
    """Sentences as features, and the ROUGE-1 of each against the references."""

    features: Sequence[Weights]
    scores: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A query about a part of a meeting, and what somebody wrote in answer."""

    name: str
    query: str
    said: Sequence[Utterance]
    reference: str


def abstracts() -> list[Abstract]:
    """Read SciTLDR's validation half."""
    found: list[Abstract] = []
    for row in read_rows(DATA / "summarisation/scitldr_abstract/val.jsonl"):
        told = [one for one in sentences(row["source"]) if terms(one)]
        shares = centrality([frozenset(terms(one)) for one in told])
        features = [
            sentence_features(one, central=share * len(told), words=len(trim(one).split()))
            for one, share in zip(told, shares, strict=True)
        ]
        scores = [rouge_1(row["references"], trim(one)) for one in told]
        found.append(Abstract(features=features, scores=scores))
    return found


def fit_sentences(data: Sequence[Abstract]) -> Weights:
    """Return ridge weights for ROUGE-1 against the mean of its abstract."""
    names = list(data[0].features[0])
    rows = [[one[name] for name in names] for each in data for one in each.features]
    targets = [score - sum(each.scores) / len(each.scores) for each in data for score in each.scores]
    scaler: Any = import_module("sklearn.preprocessing").StandardScaler()
    ridge: Any = import_module("sklearn.linear_model").Ridge(alpha=30.0)
    ridge.fit(scaler.fit_transform(rows), targets)
    scaled = zip(names, ridge.coef_, scaler.scale_, strict=True)
    return {name: round(float(weight / scale), 3) for name, weight, scale in scaled}


def score_sentences(weights: Weights, data: Sequence[Abstract]) -> list[float]:
    """Return the ROUGE-1 of the best sentence of each abstract by these weights."""

    def value(features: Weights) -> float:
        return sum(weights[name] * one for name, one in features.items())

    return [each.scores[max(range(len(each.scores)), key=lambda i: value(each.features[i]))] for each in data]


def meetings() -> list[Meeting]:
    """Read the questions of QMSum's validation half that ask for a part of a meeting."""
    return [
        Meeting(
            name=row["meeting"],
            query=row["query"],
            said=utterances(read_turns(row["source"]) or [Turn(speaker="", text=row["source"])]),
            reference=row["reference"],
        )
        for row in read_rows(DATA / "summarisation/qmsum/val_specific.jsonl")
    ]


def fit_words(data: Sequence[Meeting]) -> Weights:
    """Return the log-odds of a word being in the reference."""
    names = list(transcripts.WEIGHTS)
    rows: list[list[float]] = []
    targets: list[bool] = []
    for each in data:
        said = set(transcripts.all_stems(each.reference))
        for word, features in word_features(each.said, each.query).items():
            rows.append([features.get(name, 0.0) for name in names])
            targets.append(word in said)
    logistic = import_module("sklearn.linear_model").LogisticRegression
    model: Any = logistic(C=0.3, fit_intercept=False, max_iter=3000)
    model.fit(rows, targets)
    return {name: round(float(weight), 2) for name, weight in zip(names, model.coef_[0], strict=True)}


def score_words(weights: Weights, data: Sequence[Meeting]) -> list[float]:
    """Return the ROUGE-1 of each meeting's summary by these weights."""
    scores: list[float] = []
    for each in data:
        chosen = shorten(each.said, query=each.query, words=transcripts.USUAL_WORDS, weights=weights)
        scores.append(rouge_1([each.reference], quote(chosen)))
    return scores


def by_folds(
    data: Sequence[Any],
    group: Callable[[int], str],
    fit: Callable[[Sequence[Any]], Weights],
    score: Callable[[Weights, Sequence[Any]], list[float]],
) -> float:
    """Return the mean score of what was not trained on; rows of one group stay together."""
    groups = sorted({group(index) for index in range(len(data))})
    random.Random(SEED).shuffle(groups)
    scores: list[float] = []
    for fold in range(FOLDS):
        left_out = set(groups[fold::FOLDS])
        inside = [row for index, row in enumerate(data) if group(index) in left_out]
        outside = [row for index, row in enumerate(data) if group(index) not in left_out]
        scores += score(fit(outside), inside)
    return sum(scores) / len(scores)


def main() -> None:
    """Print the weights, and what they are worth by folds, as JSON lines."""
    if not DATA.is_dir():
        print(json.dumps({"skipped": "no public data in ../shared/data"}))
        return
    papers, talks = abstracts(), meetings()
    rouge = by_folds(papers, str, fit_sentences, score_sentences)
    print(json.dumps({"worth": fit_sentences(papers), "rouge_1_by_folds": round(100 * rouge, 2)}))
    meeting_names = [one.name for one in talks]
    rouge = by_folds(talks, meeting_names.__getitem__, fit_words, score_words)
    print(json.dumps({"transcripts": fit_words(talks), "rouge_1_by_folds": round(100 * rouge, 2)}))


if __name__ == "__main__":
    main()
