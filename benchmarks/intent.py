"""What the embedded intent classifier is worth on public sets: accuracy, texts out of scope, calibration, time.

`python -m benchmarks.intent` prints one JSON object a line. The data lies beside the repository, in
`../shared/data/intent`. `--on train` measures on the last fifth of the training rows (CLINC150: on its
validation set) instead of `test_dev`: for choosing anything, use that.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from swarm.backends.embedded.intent.ngram import Judgement, NgramClassifier
from swarm.confidence.metrics import auroc

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "intent"
SETS = ("clinc150", "banking77", "hwu64")
OOS = "oos"
DRAWS = 5
KEEP_ACCURACY = 0.91  # of in-scope texts, rejections counted as wrong
BINS = 15
Pair = tuple[str, str]
Judged = Sequence[tuple[str, Judgement]]  # the right label, and what was thought


def pairs_of(name: str, part: str) -> list[Pair]:
    """Return the (text, label) pairs of one file."""
    lines = (DATA / name / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["text"], row["label"]) for row in map(json.loads, lines)]


def halves(name: str, on: str) -> tuple[list[Pair], list[Pair]]:
    """Return what to learn from and what to measure on."""
    train = pairs_of(name, "train")
    if on != "train":
        return train, pairs_of(name, on)
    if name == "clinc150":
        return train, pairs_of(name, "val")
    random.Random(0).shuffle(train)
    return train[len(train) // 5 :], train[: len(train) // 5]


def draw(pairs: Sequence[Pair], count: int, seed: int) -> list[Pair]:
    """Return `count` pairs of every label, drawn at random."""
    by_label: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_label.setdefault(pair[1], []).append(pair)
    rng = random.Random(seed)
    return [pair for members in by_label.values() for pair in rng.sample(members, min(count, len(members)))]


def fitted(pairs: Sequence[Pair]) -> tuple[NgramClassifier, float]:
    """Return a classifier of these pairs, and the seconds it took; rows labelled `oos` are rejects."""
    before = time.perf_counter()
    inside = [pair for pair in pairs if pair[1] != OOS]
    classifier = NgramClassifier.fit(inside, rejects=[text for text, label in pairs if label == OOS])
    return classifier, time.perf_counter() - before


def judged(classifier: NgramClassifier, pairs: Sequence[Pair]) -> tuple[Judged, float]:
    """Return what is thought of each text, and the median milliseconds it took."""
    found: list[tuple[str, Judgement]] = []
    spent: list[float] = []
    for text, label in pairs:
        before = time.perf_counter()
        found.append((label, classifier.judge(text)))
        spent.append((time.perf_counter() - before) * 1000)
    return found, statistics.median(spent)


def first(judgement: Judgement) -> tuple[str, float]:
    """Return the likeliest label and its probability."""
    return next(iter(judgement.probabilities.items()))


def is_right(label: str, judgement: Judgement) -> bool:
    """Return whether the likeliest label is the right one."""
    return first(judgement)[0] == label


def ece(rows: Judged) -> float:
    """Return the expected calibration error of the first label's probability, over 15 bins of equal width."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for label, judgement in rows:
        claimed = first(judgement)[1]
        bins.setdefault(min(BINS - 1, int(claimed * BINS)), []).append((claimed, is_right(label, judgement)))
    gaps = (abs(sum(claimed - right for claimed, right in members)) for members in bins.values())
    return sum(gaps) / len(rows)


def about(rows: Judged) -> dict[str, float]:
    """Return the figures of texts that have a label."""
    right = [is_right(*row) for row in rows]
    by_lead = [good for _, good in sorted(zip([-j.lead for _, j in rows], right, strict=True))]
    surest = by_lead[: int(0.7 * len(rows))]
    return {
        "n": len(rows),
        "accuracy": sum(right) / len(right),
        "ece": ece(rows),
        "auroc_probability": auroc([first(j)[1] for _, j in rows], right) or 0.0,
        "auroc_lead": auroc([j.lead for _, j in rows], right) or 0.0,
        "accuracy_of_surest_70": sum(surest) / max(1, len(surest)),
    }


def line_of(train: Sequence[Pair]) -> float:
    """Return the threshold of `in_scope` that keeps the accuracy, chosen on the last fifth of each label.

    The highest one at which four fifths of the training rows leave in-scope accuracy at or above 0.91.
    """
    kept: list[Pair] = []
    held: list[Pair] = []
    counts = {label: 0 for _, label in train}
    for _, label in train:
        counts[label] += 1
    seen = dict.fromkeys(counts, 0)
    for pair in train:
        seen[pair[1]] += 1
        (held if seen[pair[1]] > 0.8 * counts[pair[1]] else kept).append(pair)
    rows, _ = judged(fitted(kept)[0], [pair for pair in held if pair[1] != OOS])
    scores = sorted((j.in_scope for label, j in rows if is_right(label, j)), reverse=True)
    needed = int(KEEP_ACCURACY * len(rows)) + 1
    return scores[min(needed, len(scores)) - 1]


def scope(rows: Judged, outside: Callable[[str], bool]) -> dict[str, float]:
    """Return how well `in_scope`, and the first probability, tell texts of a label from others."""
    truth = [not outside(label) for label, _ in rows]
    return {
        "oos_auroc": auroc([j.in_scope for _, j in rows], truth) or 0.0,
        "oos_auroc_probability": auroc([first(j)[1] for _, j in rows], truth) or 0.0,
    }


def full(name: str, on: str) -> dict[str, float]:
    """Learn from all rows."""
    train, test = halves(name, on)
    classifier, seconds = fitted(train)
    rows, median = judged(classifier, test)
    figures = about([row for row in rows if row[0] != OOS]) | {"fit_s": seconds, "p50_ms": median}
    if name != "clinc150":
        return figures
    line = line_of(train)
    outside = [j.in_scope < line for label, j in rows if label == OOS]
    inside = [is_right(label, j) and j.in_scope >= line for label, j in rows if label != OOS]
    return figures | scope(rows, lambda label: label == OOS) | {
        "ece_with_oos": ece(rows),
        "threshold": line,
        "oos_recall": sum(outside) / len(outside),
        "accuracy_after_rejection": sum(inside) / len(inside),
    }  # fmt: skip


def few(name: str, on: str, count: int) -> dict[str, float]:
    """Learn from a few rows of each label; means over draws."""
    train, test = halves(name, on)
    train, test = ([pair for pair in part if pair[1] != OOS] for part in (train, test))
    draws: list[dict[str, float]] = []
    for seed in range(DRAWS):
        classifier, seconds = fitted(draw(train, count, seed))
        rows, median = judged(classifier, test)
        draws.append(about(rows) | {"fit_s": seconds, "p50_ms": median})
    return {key: statistics.mean(each[key] for each in draws) for key in draws[0]}


def inside_the_domain(on: str) -> dict[str, float]:
    """Withhold intents of BANKING77 from the training rows: those of its list, or on `train` 27 others."""
    train, test = halves("banking77", on)
    withheld = set(json.loads((DATA / "banking77" / "id_oos_intents.json").read_text(encoding="utf-8")))
    if on == "train":
        withheld = set(random.Random(1).sample(sorted({label for _, label in train}), len(withheld)))
    classifier, _ = fitted([pair for pair in train if pair[1] not in withheld])
    rows, _ = judged(classifier, test)
    kept = [row for row in rows if row[0] not in withheld]
    return about(kept) | scope(rows, withheld.__contains__)


def table(on: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield every figure."""
    for name in SETS:
        yield f"{name}, all rows", full(name, on)
    for name in reversed(SETS):
        for count in (10, 3):
            yield f"{name}, {count} a label", few(name, on, count)
    yield "banking77, 27 intents withheld", inside_the_domain(on)


def rounded(figures: dict[str, float]) -> dict[str, Any]:
    """Return the figures with four digits."""
    return {key: value if isinstance(value, int) else round(value, 4) for key, value in figures.items()}


def main() -> None:
    """Print the table, or what is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intent", description=__doc__)
    parser.add_argument("--on", choices=["test_dev", "train"], default="test_dev", help="rows to measure on")
    options = parser.parse_args()
    missing = [name for name in SETS if not (DATA / name / "train.jsonl").exists()]
    if missing:
        print(f"no data for {', '.join(missing)}: put it at ../shared/data/intent", file=sys.stderr)
        return
    for name, figures in table(options.on):
        print(json.dumps({"set": name, "on": options.on, **rounded(figures)}), flush=True)


if __name__ == "__main__":
    main()
