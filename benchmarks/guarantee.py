"""Whether the promises of tuned policies are kept, and what that costs: `python -m benchmarks.guarantee`.

Outcomes: the embedded intent classifier taught few examples of public sets (training halves only), an 8 B
model of MMLU-Pro judged by the agreement of two others, and drawn ones whose true order is known. Of each,
many random splits: a policy is chosen on some rows and held against all others. `plain` is the largest set
whose Clopper-Pearson bound is within the target, given the true order; `best` the best threshold in hindsight.

`--bargain` compares with the library of that name (pip install bargain), which is skipped where it is missing.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from swarm.backends.embedded.intent.ngram import NgramClassifier
from swarm.confidence.calibrate import default_order
from swarm.confidence.ladder import read_ladder
from swarm.confidence.outcomes import Outcome, RungOutcome
from swarm.confidence.resplit import resplit
from swarm.confidence.risk import upper_bound
from swarm.confidence.settle import Goal, measure, scores_of, settle

DATA = Path(__file__).parents[1] / "../shared/data"
TARGETS = (0.05, 0.10, 0.20)
SURE = 0.9
ROWS = 4_000
SMALL, LARGE = 1.0, 20.0  # what a call costs

Signals = dict[str, float | None]


def outcome(name: object, signals: Signals, right: bool, last: bool = True) -> Outcome:
    """Return the outcome of a small model and a large one."""
    small = RungOutcome(model="small", signals=signals, correct=right, cost=SMALL)
    return Outcome(id=str(name), rungs=(small, RungOutcome(model="large", correct=last, cost=LARGE)))


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def intent(name: str, shots: int) -> list[Outcome]:
    """Return what the embedded classifier, taught `shots` examples a label, made of other training rows."""
    rows = [(row["text"], row["label"]) for row in _lines(DATA / f"intent/{name}/train.jsonl")]
    rows = [row for row in rows if row[1] != "oos"]
    random.Random(0).shuffle(rows)
    seen: Counter[str] = Counter()
    few: list[tuple[str, str]] = []
    rest: list[tuple[str, str]] = []
    for text, label in rows:
        seen[label] += 1
        (few if seen[label] <= shots else rest).append((text, label))
    classifier = NgramClassifier.fit(few)
    found: list[Outcome] = []
    for text, label in rest[:ROWS]:
        (said, first), (_, second) = list(classifier.predict(text).items())[:2]
        found.append(outcome(len(found), {"margin": first - second}, said == label))
    return found


def mmlu() -> list[Outcome]:
    """Return an 8 B model's answers, judged by how many of two other small models agree, and a 70 B model's."""
    names = (
        "Meta-Llama-3_1-8B-Instruct",
        "Mistral-7B-Instruct-v0.2",
        "Phi-3-mini-4k-instruct",
        "Meta-Llama-3_1-70B-Instruct",
    )
    said: dict[str, list[dict[str, str]]] = defaultdict(list)
    for name in names:
        with (DATA / f"routing/mmlu-pro/{name}.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                said[row["question_id"]].append(row)
    found: list[Outcome] = []
    for question, rows in said.items():
        if len(rows) == len(names):
            small, one, two, large = rows
            agreeing = float(small["pred"] == one["pred"]) + float(small["pred"] == two["pred"])
            found.append(outcome(question, {"agreement": agreeing}, _true(small), _true(large)))
    return found


def _true(row: dict[str, str]) -> bool:
    return row["correct"].strip().lower() in ("1", "1.0", "true")


def drawn(error: Callable[[float], float], seed: int = 0) -> list[Outcome]:
    """Return outcomes whose chance of being wrong is a known function of a signal in [0, 1]."""
    rng = random.Random(seed)
    signals = [rng.random() for _ in range(5 * ROWS)]
    return [outcome(i, {"signal": u}, rng.random() >= error(u)) for i, u in enumerate(signals)]


SETS: dict[str, Callable[[], list[Outcome]]] = {
    "banking77, 5 shots": lambda: intent("banking77", 5),
    "clinc150, 5 shots": lambda: intent("clinc150", 5),
    "clinc150, 20 shots": lambda: intent("clinc150", 20),
    "hwu64, 5 shots": lambda: intent("hwu64", 5),
    "mmlu-pro, agreement": mmlu,
    "drawn, steep": lambda: drawn(lambda u: 0.75 * 2.718 ** (-6 * u)),
    "drawn, even": lambda: drawn(lambda u: 0.45 * (1 - u)),
    "drawn, flat top": lambda: drawn(lambda u: 0.11 if u > 0.4 else 0.5),
}


def yardsticks(
    outcomes: Sequence[Outcome], target: float, rows: int, times: int
) -> tuple[float, float, float]:
    """Return the escalation of `plain`, how often it misses the target, and the escalation of `best`."""
    import numpy as np

    ladder = read_ladder(outcomes, regret=False)
    order = default_order(ladder.signals[0][0])
    score: Any = np.array([row[order] for row in ladder.signals[0]], dtype=float)
    wrong: Any = 1.0 - ladder.right[0]
    bounds = _affordable(rows, target)
    rng = np.random.default_rng(0)
    plain, missed, best = 0.0, 0, 0.0
    for _ in range(times):
        split: Any = rng.permutation(len(score))
        chosen, other = split[:rows], split[rows:]
        levels, errors = _blocks(score[chosen], wrong[chosen])
        within = [i for i, (size, lost) in enumerate(errors) if lost <= bounds[size]]
        accepted = score[other] >= levels[within[-1]] if within else np.zeros(len(other), dtype=bool)
        plain += 1 - accepted.mean()
        missed += bool(accepted.any() and wrong[other][accepted].mean() > target)
        _, held = _blocks(score[other], wrong[other])
        best += 1 - max([size for size, lost in held if lost <= target * size], default=0) / len(other)
    return plain / times, missed / times, best / times


def _affordable(rows: int, target: float) -> list[int]:
    """Return the most errors whose upper bound is within the target, for each size."""
    most, found = -1, [-1]
    for size in range(1, rows + 1):
        while most + 1 < size and upper_bound(most + 1, size, 1 - SURE) <= target:
            most += 1
        found.append(most)
    return found


def _blocks(score: Any, wrong: Any) -> tuple[list[float], list[tuple[int, float]]]:
    """Return the levels, falling, and how many rows reach each and are wrong; equal scores are one level."""
    import numpy as np

    down = np.argsort(-score, kind="stable")
    levels, errors = score[down], np.cumsum(wrong[down])
    ends = np.flatnonzero(np.append(levels[1:] < levels[:-1], True))
    return levels[ends].tolist(), list(zip((ends + 1).tolist(), errors[ends].tolist(), strict=True))


def guarantees(times: int, names: Sequence[str]) -> dict[str, str]:
    """Return, for each set, size and target, what the promises were worth."""
    table: dict[str, str] = {}
    for name in names:
        outcomes = SETS[name]()
        for rows in (300, 2_000):
            for target in TARGETS:
                sure = resplit(
                    outcomes, Goal(target_error=target, with_confidence=SURE), times, chosen_on=rows
                )
                mean = resplit(outcomes, Goal(target_error=target), times, chosen_on=rows)
                plain, missed, best = yardsticks(outcomes, target, rows, times)
                table[f"{name}, n {rows}, target {target}"] = (
                    f"violated {sure.violated:.3f} (plain {missed:.3f}), escalated {sure.escalated:.3f}"
                    f" (plain {plain:.3f}, best {best:.3f}); on average: error {mean.realised:.4f},"
                    f" escalated {mean.escalated:.3f}"
                )
                print(name, rows, target, table[f"{name}, n {rows}, target {target}"], file=sys.stderr)
    return table


def bargain(seeds: int, names: Sequence[str]) -> dict[str, str]:
    """Return how often each method kept its target in a batch, and how many large calls it avoided."""
    try:
        import BARGAIN  # type: ignore[import-not-found]
    except ImportError:
        return {"bargain": "skipped: pip install bargain"}
    library: Any = BARGAIN
    table: dict[str, str] = {}
    for name in names:
        outcomes = SETS[name]()[:ROWS]
        for target in TARGETS:
            theirs: list[tuple[bool, float]] = []
            ours: list[tuple[bool, float]] = []
            used: list[int] = []
            for seed in range(seeds):
                kept, avoided, labels = _theirs(library, outcomes, target, seed)
                theirs.append((kept, avoided))
                ours.append(_ours(outcomes, target, seed, labels))
                used.append(labels)
            table[f"{name}, target {target}"] = (
                f"kept {_mean(theirs, 0):.3f}, avoided {_mean(theirs, 1):.3f}; ours kept {_mean(ours, 0):.3f},"
                f" avoided {_mean(ours, 1):.3f}; labels {statistics.mean(used):.0f} of {len(outcomes)}"
            )
            print(name, target, table[f"{name}, target {target}"], file=sys.stderr)
    return table


def _mean(pairs: Sequence[tuple[bool, float]], column: int) -> float:
    return statistics.mean(float(pair[column]) for pair in pairs)


def _theirs(library: Any, outcomes: Sequence[Outcome], target: float, seed: int) -> tuple[bool, float, int]:
    """Return whether the batch kept the target, the share of large calls avoided, and the labels bought."""
    rows = {row.id: row.rungs[0] for row in outcomes}
    bought: set[str] = set()

    class Proxy(library.Proxy):
        def proxy_func(self, input: str) -> tuple[Any, float]:
            (score,) = rows[str(input)].signals.values()
            return "small", float(score or 0.0)

    class Oracle(library.Oracle):
        def oracle_func(self, input: str, proxy_output: Any) -> tuple[bool, Any]:
            if str(proxy_output):
                bought.add(str(input))
            return bool(rows[str(input)].correct), "large"

    method = library.BARGAIN_A(
        Proxy(verbose=False, max_workers=1), Oracle(verbose=False, max_workers=1),
        target=1 - target, delta=1 - SURE, verbose=False, seed=seed,
    )  # fmt: skip
    _, large = method.process([row.id for row in outcomes], return_oracle_usage=True)
    lost = sum(not rows[row.id].correct for row, asked in zip(outcomes, large, strict=True) if not asked)
    return lost <= target * len(outcomes), 1 - sum(large) / len(outcomes), len(bought)


def _ours(outcomes: Sequence[Outcome], target: float, seed: int, labels: int) -> tuple[bool, float]:
    """Return the same of a policy chosen on as many rows, whose labels are bought, too."""
    import numpy as np

    ladder = read_ladder(outcomes, regret=False)
    order = np.random.default_rng(seed).permutation(len(ladder))
    known, other = ladder.take(order[:labels]), ladder.take(order[labels:])
    if not labels or not len(other):
        return True, 0.0
    share = min(
        0.999, target * len(ladder) / len(other)
    )  # what was bought is right, which leaves more for the rest
    goal = Goal(target_error=share, with_confidence=SURE, of="all")
    settled = settle(known, goal, groups=False, seed=seed)
    done = measure(other, scores_of(other, settled.fits), settled, goal)
    return done.lost <= target * len(ladder), done.accepted / len(ladder)


def run(times: int = 200) -> dict[str, str]:
    """Return the table for `python -m benchmarks`; fewer splits than `python -m benchmarks.guarantee`."""
    if not DATA.is_dir():
        return {"guarantee": "skipped: there is no ../shared/data"}
    return guarantees(times, list(SETS))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guarantee", description=__doc__)
    parser.add_argument("--times", type=int, default=1_000, help="random splits of each set (default: 1000)")
    parser.add_argument(
        "--bargain", type=int, default=0, metavar="SEEDS", help="compare with BARGAIN instead"
    )
    parser.add_argument("--set", choices=list(SETS), action="append", help="only these (default: all)")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit("there is no ../shared/data to measure on")
    names = options.set or list(SETS)
    table = bargain(options.bargain, names) if options.bargain else guarantees(options.times, names)
    for row, value in table.items():
        print(f"{row:44} {value}")


if __name__ == "__main__":
    main()
