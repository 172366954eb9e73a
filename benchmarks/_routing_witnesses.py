"""MMLU-Pro, 8 B or 70 B: who should answer, told from what two other small models answered.

The target is the gain of asking the large model, in {-1, 0, 1}. Everything is learned on training folds, the
choice of the two witnesses included; equal questions are never on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from benchmarks._routing_data import PRO, SEED, answers, curve, folds, lines
from swarm.confidence.calibrate import fit_calibrator
from swarm.confidence.foresight import SIGNAL, Foresight, text_of, with_foresight
from swarm.confidence.glance import marks
from swarm.confidence.outcomes import Outcome, RungOutcome

SMALL, LARGE = "Meta-Llama-3_1-8B-Instruct", "Meta-Llama-3_1-70B-Instruct"
CANDIDATES = (
    "Qwen1.5-7B-Chat", "Mistral-7B-Instruct-v0.2", "gemma-7b", "Yi-6b-Chat", "Phi-3-mini-4k-instruct",
    "mathstral-7B",
)  # fmt: skip
FOLDS = 5
INNER = 3
LEARNED = "kept"  # the signal that a boosted model of the gain makes


@dataclass(frozen=True, slots=True)
class Table:
    """MMLU-Pro as arrays. `letter` is 0 where an answer could not be read; `length` is log(1 + characters)."""

    questions: tuple[Any, ...]
    groups: Any
    category: Any
    options: Any
    right: dict[str, Any]
    letter: dict[str, Any]
    length: dict[str, Any]

    @property
    def gain(self) -> Any:
        """Return what asking the large model wins: 1, 0, or -1. Shape (rows,)."""
        return self.right[LARGE] - self.right[SMALL]


def table() -> Table:
    """Read the questions and what the models answered."""
    import numpy as np

    questions = tuple(lines(PRO / "questions.jsonl"))
    said = {model: answers(model) for model in (SMALL, LARGE, *CANDIDATES)}

    def column(model: str, key: str) -> list[str]:
        return [said[model][row["id"]][key] for row in questions]

    def letter(text: str) -> int:
        return ord(text) - ord("A") + 1 if len(text) == 1 else 0

    def codes(key: str) -> Any:
        return np.unique([row[key] for row in questions], return_inverse=True)[1]

    return Table(
        questions=questions, groups=codes("question"), category=codes("category"),
        options=np.array([row["n_options"] for row in questions]),
        right={model: np.array(column(model, "correct"), dtype=float) for model in said},
        letter={model: np.array([letter(one) for one in column(model, "pred")]) for model in said},
        length={model: np.log1p(np.array(column(model, "gen_chars"), dtype=float)) for model in said},
    )  # fmt: skip


def mmlu_pro_outcomes(data: Table, witnesses: Sequence[str]) -> tuple[Outcome, ...]:
    """Return the cascade small -> large as outcomes; what the witnesses said are signals of the small model."""
    return tuple(
        Outcome(
            id=str(row["id"]), expert="mmlu_pro", input=row["question"], expected=row["answer"],
            rungs=(
                RungOutcome(model=SMALL, signals=_signals(data, at, witnesses), correct=bool(data.right[SMALL][at])),
                RungOutcome(model=LARGE, correct=bool(data.right[LARGE][at])),
            ),
        )
        for at, row in enumerate(data.questions)
    )  # fmt: skip


def _signals(data: Table, at: int, witnesses: Sequence[str]) -> dict[str, float | None]:
    mine = data.letter[SMALL][at]
    theirs = [data.letter[one][at] for one in witnesses]
    agree = [float(one == mine) for one in theirs]
    found: dict[str, float | None] = {
        "votes": sum(agree),
        "unopposed": float(not (theirs[0] == theirs[1] != mine)),
        "brevity": -float(data.length[SMALL][at]),
        "options": -float(data.options[at]),
    }
    for name, witness, agrees in zip(("first", "second"), witnesses, agree, strict=True):
        found |= {f"{name}_agrees": agrees, f"{name}_brevity": -float(data.length[witness][at])}
    return found


def features(data: Table, witnesses: Sequence[str]) -> Any:
    """Return who agrees with whom, what was answered and at what length, and the question. Shape (rows, k)."""
    import numpy as np

    one, two = (data.letter[witness] for witness in witnesses)
    mine = data.letter[SMALL]
    agreement = [
        one == mine,
        two == mine,
        one == two,
        one,
        two,
        mine,
        one == 0,
        two == 0,
        mine > data.options,
    ]
    lengths = [data.length[model] for model in (*witnesses, SMALL)]
    question = np.array([marks(row["question"]) for row in data.questions])
    return np.column_stack([*agreement, *lengths, data.category, data.options, question]).astype(float)


def pair(data: Table, rows: Any) -> tuple[str, str]:
    """Return the two witnesses whose agreement tells most, by a linear model on halves of these rows."""
    import numpy as np
    from sklearn.linear_model import Ridge

    def worth(witnesses: tuple[str, str]) -> float:
        one, two = (data.letter[witness][rows] for witness in witnesses)
        mine = data.letter[SMALL][rows]
        pattern = np.column_stack(
            [one == mine, two == mine, one == two, (one == mine) & (two == mine), one == 0]
        )
        lengths = np.column_stack([data.length[model][rows] for model in (*witnesses, SMALL)])
        inputs: Any = np.hstack([pattern, lengths])
        told = np.zeros(len(rows))
        for fit, rest in folds(data.groups[rows], 2):
            model: Any = Ridge(alpha=10)
            told[rest] = model.fit(inputs[fit], data.gain[rows][fit]).predict(inputs[rest])
        return float(np.corrcoef(told, data.gain[rows])[0, 1])

    return max(combinations(CANDIDATES, 2), key=worth)


def boosted(inputs: Any, goal: Any, seed: int = SEED) -> Any:
    """Return boosted trees of the gain, small and many."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model: Any = HistGradientBoostingRegressor(
        max_iter=250, learning_rate=0.03, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=5,
        max_features=0.4, random_state=seed,
    )  # fmt: skip
    return model.fit(inputs, goal)


def forest(inputs: Any, goal: Any) -> Any:
    """Return random trees of the gain, which err elsewhere than boosted ones."""
    from sklearn.ensemble import ExtraTreesRegressor

    model: Any = ExtraTreesRegressor(120, min_samples_leaf=8, max_features=0.5, random_state=SEED)
    return model.fit(inputs, goal)


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from, rows to be told, and the outcomes of both with what is foreseen of them."""

    fit: Any
    rest: Any
    told: dict[int, Outcome]

    def foreseen(self, rows: Any) -> Any:
        """Return the foreseen chance of both rungs. Shape (rows, 2)."""
        import numpy as np

        return np.array(
            [[rung.signals[SIGNAL] for rung in self.told[at].rungs] for at in rows.tolist()], float
        )


def foreseen(outcomes: Sequence[Outcome], fit: Any, rest: Any) -> Fold:
    """Return a fold with foresight learned on its training rows alone."""
    inside, fits = with_foresight([outcomes[int(at)] for at in fit])
    told: dict[int, Outcome] = dict(zip(fit.tolist(), inside, strict=True))
    told |= {int(at): _apply(outcomes[int(at)], fits) for at in rest}
    return Fold(fit, rest, told)


def _apply(outcome: Outcome, fits: dict[str, Foresight]) -> Outcome:
    text = text_of(outcome.input)
    rungs = (replace(one, signals={**one.signals, SIGNAL: fits[one.model](text)}) for one in outcome.rungs)
    return replace(outcome, rungs=tuple(rungs))


def blended(data: Table, inputs: Any, fold: Fold) -> Any:
    """Return the gain by boosted and random trees together, of the fold's other rows."""
    import numpy as np

    goal = data.gain[fold.fit]
    trees = np.mean([boosted(inputs[fold.fit], goal, s).predict(inputs[fold.rest]) for s in range(2)], axis=0)
    more = [np.hstack([inputs[rows], fold.foreseen(rows)]) for rows in (fold.fit, fold.rest)]
    random = forest(more[0], goal).predict(more[1])
    return trees / trees.std() + random / random.std()


def calibrated(fold: Fold, right: Any, order: str | None = None) -> Any:
    """Return what swarm's own calibrator, fitted on the fold, says of its other rows."""
    import numpy as np

    def rows_of(rows: Any) -> list[Any]:
        return [fold.told[at].rungs[0].signals for at in rows.tolist()]

    fit = fit_calibrator(rows_of(fold.fit), [bool(one) for one in right[fold.fit]], order=order)
    return np.array([math.nan if one is None else one for one in fit.calibrator.many(rows_of(fold.rest))])


def with_learned(data: Table, inputs: Any, fold: Fold) -> Fold:
    """Add the signal `kept`: less, the more a boosted model expects of the large one; out of fold where it learned."""
    import numpy as np

    kept = np.zeros(len(data.questions))
    goal = data.gain[fold.fit]
    for inner, rest in folds(data.groups[fold.fit], INNER):
        rows = fold.fit[rest]
        kept[rows] = -boosted(inputs[fold.fit[inner]], goal[inner]).predict(inputs[rows])
    kept[fold.rest] = -boosted(inputs[fold.fit], goal).predict(inputs[fold.rest])

    def added(at: int, outcome: Outcome) -> Outcome:
        first, last = outcome.rungs
        return replace(
            outcome, rungs=(replace(first, signals={**first.signals, LEARNED: float(kept[at])}), last)
        )

    return Fold(fold.fit, fold.rest, {at: added(at, outcome) for at, outcome in fold.told.items()})


def witnesses() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each way of choosing who answers wins."""
    import numpy as np

    data = table()
    small, large = data.right[SMALL], data.right[LARGE]
    no_regret = 1 - (1 - small) * large
    ways = ("text_only", "simple_agreement", "product_right", "product_regret", "product_kept", "best")
    scores = {way: np.zeros(len(small)) for way in ways}
    chosen: list[str] = []
    rests: list[Any] = []
    for fit, rest in folds(data.groups, FOLDS):
        names = pair(data, fit)
        inputs = features(data, names)
        fold = foreseen(mmlu_pro_outcomes(data, names), fit, rest)
        chances = fold.foreseen(rest)
        scores["text_only"][rest] = chances[:, 0] - chances[:, 1]
        agree = [data.letter[name][rest] == data.letter[SMALL][rest] for name in names]
        scores["simple_agreement"][rest] = agree[0].astype(float) + agree[1]
        scores["product_right"][rest] = calibrated(fold, small)
        scores["product_regret"][rest] = calibrated(fold, no_regret)
        learned = with_learned(data, inputs, fold)
        scores["product_kept"][rest] = calibrated(learned, no_regret, order=LEARNED)
        scores["best"][rest] = -blended(data, inputs, fold)
        chosen.append(" + ".join(names))
        rests.append(rest)
    for way in ways:
        yield way, curve(scores[way], small, large, rests)
    yield "witnesses", {"chosen": sorted(set(chosen))}
