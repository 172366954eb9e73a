"""Nine models of 7 to 70 B: which one to ask, told from the question.

A question is sent to the model of the largest foreseen score less `price_of_a_point` times its cost. Both are
learned on the training half; its questions that are in the test half, too, are left out.

Cost: the price of `default_llm.json` times the question's tokens, at four characters a token. What answers were
long is not in the data; input and output have one price there, so a share of the cost is that of equal answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks._routing_data import NINE, SEED, folds, options, tasks
from swarm.confidence.foresight import learn
from swarm.confidence.glance import marks
from swarm.confidence.sides import goal_of, look

HALF = 0.5
FOLDS = 5
LAMBDAS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class Split:
    """Questions, what each model scored, in [0, 1], and what it cost; shapes (rows, models)."""

    texts: tuple[str, ...]
    task: Any
    scores: Any
    costs: Any

    def sent(self, models: Any) -> tuple[float, float]:
        """Return mean score and cost of sending each row to a model."""
        import numpy as np

        rows = np.arange(len(self.texts))
        return float(self.scores[rows, models].mean()), float(self.costs[rows, models].mean())


def splits() -> tuple[tuple[str, ...], Split, Split]:
    """Return the models, the training and the test half."""
    raw = {
        split: json.loads((NINE / f"dcrouter_{split}.json").read_text("utf-8")) for split in ("train", "test")
    }
    tested = {row["question"] for row in raw["test"]}
    models = tuple(sorted(raw["test"][0]["scores"]))
    prices = json.loads((NINE / "default_llm.json").read_text("utf-8"))
    price = [prices[model]["input_price"] for model in models]
    train = [row for row in raw["train"] if row["question"] not in tested]
    return models, _split(train, models, price), _split(raw["test"], models, price)


def _split(rows: Sequence[Any], models: Sequence[str], price: Sequence[float]) -> Split:
    import numpy as np

    listed, task = options(), tasks()
    texts = tuple(row["question"] + listed[row["question"].strip()] for row in rows)
    tokens = np.array([len(text) / 4 for text in texts])
    return Split(
        texts=texts, task=np.array([task[row["question"].strip()] for row in rows]),
        scores=np.array([[row["scores"][model] for model in models] for row in rows]),
        costs=np.outer(tokens / tokens.mean(), price),
    )  # fmt: skip


def foreseen(train: Split, test: Split) -> tuple[Any, Any]:
    """Return the foreseen score of each model: of training rows by fits on others, and of test rows."""
    import numpy as np

    seen = look(train.texts)
    inside, outside = list[Any](), list[Any]()
    for column in train.scores.T:
        fit, held_out = learn(seen, goal_of(train.texts, column.tolist(), None))
        inside.append(held_out)
        outside.append(fit.many(test.texts))
    return np.column_stack(inside), np.column_stack(outside)


def boosted(train: Split, test: Split, told: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the scores by boosted trees over what is foreseen of all models, and the text's marks."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor

    tables = [
        np.hstack([np.array([marks(text) for text in split.texts]), chances])
        for split, chances in zip((train, test), told, strict=True)
    ]

    def model(rows: Any, column: Any) -> Any:
        made: Any = HistGradientBoostingRegressor(
            max_iter=100, learning_rate=0.06, max_leaf_nodes=10, l2_regularization=5, random_state=SEED
        )
        return made.fit(tables[0][rows], column[rows])

    every = np.arange(len(train.texts))
    inside, outside = np.zeros_like(train.scores), np.zeros_like(test.scores)
    for at, column in enumerate(train.scores.T):
        for fit, rest in folds(every, FOLDS):
            inside[rest, at] = model(fit, column).predict(tables[0][rest])
        outside[:, at] = model(every, column).predict(tables[1])
    return inside, outside


def by_task(train: Split, test: Split) -> tuple[Any, Any]:
    """Return each model's mean training score in the question's task: what no router from text can know better."""
    import numpy as np

    mean = {task: train.scores[train.task == task].mean(axis=0) for task in np.unique(train.task)}
    return np.array([mean[task] for task in train.task]), np.array([mean[task] for task in test.task])


def routed(train: Split, test: Split, told: tuple[Any, Any], most: float) -> dict[str, Any]:
    """Return what routing wins on the test half; the price of a point is chosen on the training half.

    Args:
        most: the mean cost that routing may have on the training half.
    """

    def sent(split: Split, chances: Any, price: float) -> tuple[float, float]:
        return split.sent((chances - price * split.costs).argmax(axis=1))

    found = {price: sent(train, told[0], price) for price in LAMBDAS}
    allowed = {price: score for price, (score, cost) in found.items() if cost <= most}
    price = max(allowed, key=lambda one: allowed[one])
    score, cost = sent(test, told[1], price)
    return {
        "score": round(score, 4),
        "cost": round(cost, 3),
        "price_of_a_point": price,
        "score_train": round(found[price][0], 4),
    }


def nine() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what routing among nine models wins against the best single one."""
    import numpy as np

    models, train, test = splits()
    best, hindsight = int(train.scores.mean(axis=0).argmax()), int(test.scores.mean(axis=0).argmax())
    for name, model in (("best_single_on_train", best), ("best_single_in_hindsight", hindsight)):
        score, cost = test.sent(np.full(len(test.texts), model))
        yield name, {"model": models[model], "score": round(score, 4), "cost": round(cost, 3)}
    single, full = test.sent(np.full(len(test.texts), best))
    most = HALF * train.sent(np.full(len(train.texts), best))[1]
    told = foreseen(train, test)
    ways = {"foresight": told, "boosted": boosted(train, test, told), "task_known": by_task(train, test)}
    for name, chances in ways.items():
        figures = routed(train, test, chances, most)
        points, share = 100 * (figures["score"] - single), figures["cost"] / full
        yield (
            name,
            figures | {"points": round(points, 1), "share_of_cost": round(share, 3), "n": len(test.texts)},
        )
