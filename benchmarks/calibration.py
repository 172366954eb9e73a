"""What calibrated probabilities are worth, on outcomes of the embedded rungs and of public cascades.

`python -m benchmarks.calibration` prints one JSON line per set: over random splits, the calibration error above
what perfect probabilities would show, and the Brier score, beside Platt scaling of the set's main signal, and
beside semantic-router's where it is installed (`pip install semantic-router==1.1.1`). Every method sees the same
rows of the same split. Outcomes are made once and kept in the temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from swarm import Expert, Graph, Swarm
from swarm.backends.embedded.intent.ngram import NgramClassifier
from swarm.confidence.calibrate import Calibrator, fit_calibrator

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared/data"
FITTED, TESTED = 300, 1_500
SPLITS = 100
FLOORS = 5  # simulations of perfect probabilities a split
BINS = 15
TARGETS = (0.05, 0.10)
Signals = Mapping[str, "float | None"]
Pairs = list[tuple[dict[str, float], bool]]
# Name, public set, examples a label: few, so that there are errors to tell.
INTENTS = (
    ("banking77, 5 a label", "banking77", 5),
    ("banking77, 30 a label", "banking77", 30),
    ("clinc150, 5 a label", "clinc150", 5),
    ("clinc150, 20 a label", "clinc150", 20),
    ("hwu64, 5 a label", "hwu64", 5),
    ("snips, 10 a label", "snips", 10),
)


@dataclass(frozen=True, kw_only=True)
class OutcomeSet:
    """Answers of one rung: their signals, and whether they were right; `main` is the signal Platt is given."""

    name: str
    main: str
    rows: Sequence[Signals]
    right: Sequence[bool]


def _lines(path: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (DATA / path).read_text(encoding="utf-8").splitlines() if line.strip()
    ]


def intents(folder: str, shots: int) -> Pairs:
    """Return what `embedded/ngram`, taught few examples, makes of the rest, with a second model as witness."""
    text: Any = import_module("sklearn.feature_extraction.text")
    linear: Any = import_module("sklearn.linear_model")
    pool = [
        (row["text"], row["label"]) for row in _lines(f"intent/{folder}/train.jsonl") if row["label"] != "oos"
    ]
    random.Random(0).shuffle(pool)
    taught: list[tuple[str, str]] = []
    rest: list[tuple[str, str]] = []
    counts: dict[str, int] = {}
    for pair in pool:
        counts[pair[1]] = counts.get(pair[1], 0) + 1
        (taught if counts[pair[1]] <= shots else rest).append(pair)
    rest = rest[:4_000]
    if folder == "clinc150":
        rest += [(row["text"], "oos") for row in _lines("intent/clinc150/val.jsonl") if row["label"] == "oos"]
    words = text.TfidfVectorizer(sublinear_tf=True)
    model = linear.LogisticRegression(C=20, max_iter=300)
    model.fit(words.fit_transform([said for said, _ in taught]), [label for _, label in taught])
    witness = model.predict_proba(words.transform([said for said, _ in rest])).tolist()
    place = {label: number for number, label in enumerate(model.classes_.tolist())}
    first = NgramClassifier.fit(taught)
    found: Pairs = []
    for (said, label), chances in zip(rest, witness, strict=True):
        (answer, best), (_, next_best) = list(first.predict(said).items())[:2]
        share = chances[place[answer]]
        signals = {"probability": best, "margin": best - next_best, "witness": share}
        found.append((signals | {"agreement": float(share == max(chances))}, answer == label))
    return found


async def moderated() -> Pairs:
    """Return what the bundled moderator's embedded rung makes of the OpenAI moderation set."""
    graph = Graph("moderated", input={"text": str})
    graph.output(
        graph.expert(
            "it", Expert(use="moderator", cascade=["embedded/moderator"]), with_={"text": graph.input["text"]}
        )
    )
    found: Pairs = []
    async with Swarm(graph) as swarm:
        for row in _lines("moderation/openai_moderation/test_dev.jsonl"):
            output: Any = (await swarm.run_input({"text": row["text"]}))["it"].output
            worst, *rest = sorted(output["scores"].values(), reverse=True)
            signals = {"probability": max(worst, 1 - worst), "spread": worst - sum(rest) / len(rest)}
            found.append((signals, output["flagged"] == bool(row["label"])))
    return found


def mmlu_pro() -> Pairs:
    """Return an 8 B model's answers to MMLU-Pro, with three other small models as witnesses."""

    def answers(model: str) -> dict[str, tuple[str, bool]]:
        with (DATA / f"routing/mmlu-pro/{model}.csv").open(encoding="utf-8") as file:
            rows = csv.DictReader(file)
            return {row["question_id"]: (row["pred"], float(row["correct"]) > 0) for row in rows}

    small, *others = map(answers, ("Meta-Llama-3-8B", "Mistral-7B-v0.2-hf", "gemma-7b", "Yi-6B"))
    found: Pairs = []
    for question, (said, right) in small.items():
        if all(question in other for other in others):
            agree = [float(other[question][0] == said) for other in others]
            signals = {"agreement": sum(agree) / 3, "mistral": agree[0], "gemma": agree[1], "yi": agree[2]}
            found.append((signals, right))
    return found


def drawn(seed: int, chance: Callable[[float], float], signal: Callable[[float], float]) -> Pairs:
    """Return outcomes of a known law: what no calibrator can know, and no set at hand shows."""
    rng = random.Random(seed)
    hidden = [rng.gauss(0, 1) for _ in range(5_000)]
    return [({"score": signal(z)}, rng.random() < chance(z)) for z in hidden]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


LAWS: Mapping[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "drawn: log-probabilities": (
        lambda z: 0.05 + 0.9 * _sigmoid(1 + 2 * z),
        lambda z: -math.exp(-1 - 1.2 * z),
    ),
    "drawn: overconfident": (lambda z: _sigmoid(1 + z), lambda z: _sigmoid(3 + 3 * z)),
    "drawn: votes": (lambda z: _sigmoid(1 + 1.5 * z), lambda z: float(round(3 + 1.5 * z))),
    "drawn: heavy tails": (lambda z: _sigmoid(1.5 + 1.5 * z), lambda z: 300 + 50 * math.sinh(2 * z)),
    "drawn: a straight line": (lambda z: _sigmoid(1 + z), lambda z: z),
}


def outcome_sets() -> list[OutcomeSet]:
    """Return all sets, made or read from the temporary folder."""
    code = b"".join(path.read_bytes() for path in sorted((ROOT / "swarm/backends/embedded").glob("*.py")))
    kept = Path(tempfile.gettempdir()) / f"swarm-calibration-{hashlib.sha256(code).hexdigest()[:12]}"
    kept.mkdir(exist_ok=True)
    makers: dict[str, Callable[[], Pairs]] = {
        name: lambda folder=folder, shots=shots: intents(folder, shots) for name, folder, shots in INTENTS
    }
    makers |= {"moderator, OpenAI set": lambda: asyncio.run(moderated()), "mmlu-pro, 8 B": mmlu_pro}
    found: list[OutcomeSet] = []
    for name, make in makers.items():
        path = kept / f"{name}.json"
        if not path.exists():
            print(f"making outcomes: {name}", file=sys.stderr)
            path.write_text(json.dumps(make()), encoding="utf-8")
        found.append(_set(name, json.loads(path.read_text(encoding="utf-8"))))
    return found + [_set(name, drawn(place, *law)) for place, (name, law) in enumerate(LAWS.items())]


def _set(name: str, pairs: Sequence[tuple[Signals, bool]]) -> OutcomeSet:
    main = next(iter(pairs[0][0]))
    return OutcomeSet(
        name=name, main=main, rows=[row for row, _ in pairs], right=[right for _, right in pairs]
    )


class Split:
    """The numbers of one random split: some rows to fit on, others to test on."""

    def __init__(self, data: OutcomeSet, seed: int, fitted: int = FITTED) -> None:
        np: Any = import_module("numpy")
        order: list[int] = np.random.default_rng(seed).permutation(len(data.rows)).tolist()
        fit, test = order[:fitted], order[fitted : fitted + TESTED]
        self.data, self.seed = data, seed
        self.fit_rows, self.fit_right = [data.rows[i] for i in fit], [data.right[i] for i in fit]
        self.test_rows = [data.rows[i] for i in test]
        self.right = np.array([data.right[i] for i in test], dtype=float)
        self.fit_main = np.array([row[data.main] for row in self.fit_rows])
        self.test_main = np.array([row[data.main] for row in self.test_rows])

    def scores(self, chances: Any) -> dict[str, float]:
        """Return what probabilities of the test rows are worth."""
        np: Any = import_module("numpy")
        rng = np.random.default_rng(self.seed)
        perfect = [_ece(chances, rng.random(len(chances)) < chances) for _ in range(FLOORS)]
        table = {"ece": _ece(chances, self.right), "floor": statistics.fmean(perfect)}
        table |= {
            "excess": table["ece"] - table["floor"],
            "brier": float(((chances - self.right) ** 2).mean()),
        }
        return table | {f"avoided at {target}": _avoided(chances, self.right, target) for target in TARGETS}


def _ece(chances: Any, right: Any) -> float:
    np: Any = import_module("numpy")
    place = np.clip((chances * BINS).astype(int), 0, BINS - 1)
    return float(np.abs(np.bincount(place, chances - right, BINS)).sum() / len(chances))


def _avoided(chances: Any, right: Any, target: float) -> float:
    """Return the largest share that can be accepted, surest first, with at most this share of them wrong."""
    np: Any = import_module("numpy")
    order = np.argsort(-chances, kind="stable")
    taken = np.arange(1, len(order) + 1)
    last = np.append(np.diff(chances[order]) != 0, True)  # equal ones are accepted together
    fine = last & (np.cumsum(1 - right[order]) <= target * taken)
    return float(taken[fine].max() / len(order)) if fine.any() else 0.0


def ours(split: Split) -> Any:
    """Return our probabilities, of all signals."""
    return _chances(fit_calibrator(split.fit_rows, split.fit_right).calibrator, split)


def ours_main(split: Split) -> Any:
    """Return our probabilities, of the main signal alone."""
    fit = fit_calibrator(split.fit_rows, split.fit_right, order=split.data.main)
    return _chances(fit.calibrator, split)


def _chances(calibrator: Calibrator, split: Split) -> Any:
    np: Any = import_module("numpy")
    return np.array(calibrator.many(split.test_rows), dtype=float)


def platt(split: Split) -> Any:
    """Return Platt scaling of the main signal, by maximum likelihood."""
    linear: Any = import_module("sklearn.linear_model")
    centre, spread = split.fit_main.mean(), split.fit_main.std() or 1.0
    model = linear.LogisticRegression(C=1e6, max_iter=1_000)
    model.fit(((split.fit_main - centre) / spread)[:, None], split.fit_right)
    return model.predict_proba(((split.test_main - centre) / spread)[:, None])[:, 1]


def semantic_router(split: Split) -> Any:
    """Return what `Calibrator.fit` of semantic-router makes of the main signal."""
    np: Any = import_module("numpy")
    theirs: Any = import_module("semantic_router.calibration")
    with np.errstate(all="ignore"):
        found = theirs.Calibrator.fit(split.fit_main, np.array(split.fit_right, dtype=float))(split.test_main)
    return np.clip(np.nan_to_num(found, nan=0.5), 0, 1)


METHODS: dict[str, Callable[[Split], Any]] = {"ours": ours, "ours, main signal": ours_main, "platt": platt}


def compare(data: OutcomeSet, splits: int, fitted: int = FITTED) -> dict[str, dict[str, float]]:
    """Return the mean of every score by method, and the worst excess of a split."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in METHODS}
    for seed in range(splits):
        split = Split(data, seed, fitted)
        for name, method in METHODS.items():
            found[name].append(split.scores(method(split)))
    return {
        name: {key: round(statistics.fmean(row[key] for row in rows), 5) for key in rows[0]}
        | {"worst excess": round(max(row["excess"] for row in rows), 4)}
        for name, rows in found.items()
    }


def timings() -> dict[str, str]:
    """Return what fitting 1,000 outcomes costs (median of 9) and what applying costs (99th of 100)."""
    rng = random.Random(0)
    rows = [{f"signal {k}": rng.gauss(0, 1) for k in range(16)} for _ in range(200_000)]
    right = [rng.random() < _sigmoid(sum(list(row.values())[:8]) / 2) for row in rows]
    three = [{key: row[key] for key in list(row)[:3]} for row in rows]
    table: dict[str, str] = {}
    for name, given in (("3 signals", three), ("16 signals", rows)):
        took = [_took(lambda given=given: fit_calibrator(given[:1_000], right[:1_000])) for _ in range(9)]
        table[f"fit 1,000 outcomes, {name}"] = f"{statistics.median(took) * 1e3:.0f} ms"
        calibrator = fit_calibrator(given[:1_000], right[:1_000]).calibrator
        applied = sorted(_took(lambda row=row, it=calibrator: it(row)) for row in given[:10_000])
        table[f"apply, {name}, p99"] = f"{applied[9_900] * 1e6:.1f} us"
    table["fit 200,000 outcomes, 3 signals"] = f"{_took(lambda: fit_calibrator(three, right)):.1f} s"
    return table


def _took(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def run() -> dict[str, object]:
    """Return the figures by set, for `python -m benchmarks`: few splits."""
    found: dict[str, object] = {data.name: compare(data, 10) for data in outcome_sets()}
    return found | timings()


def main() -> None:
    """Print one JSON line per set, then the timings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--fitted", type=int, default=FITTED, help="outcomes to fit on")
    parser.add_argument("--only", default="", help="sets whose name contains this")
    options = parser.parse_args()
    try:
        import_module("semantic_router.calibration")
        METHODS["semantic-router"] = semantic_router
    except ImportError:
        print("semantic-router is not installed: left out", file=sys.stderr)
    for data in outcome_sets():
        if options.only in data.name:
            table = compare(data, options.splits, options.fitted)
            right = sum(data.right) / len(data.right)
            print(
                json.dumps({"set": data.name, "n": len(data.rows), "right": round(right, 3), **table}),
                flush=True,
            )
    print(json.dumps(timings()))


if __name__ == "__main__":
    main()
