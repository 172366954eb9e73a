"""How likely a model's answer will be right, told from the input alone, before anybody is asked.

A text is seen from three sides: its words and pairs of words (hashed, so that no word of the outcomes is saved),
its vector, and plain marks such as its length, digits and options. Where they say no more of texts they had not
seen than the base rate, the base rate is what remains.

Fitting needs scikit-learn. Applying needs numpy where the vectors are installed, and no library where they are
not: what is said without the vector is weighed on its own. What was tried: decision record 0008.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from swarm.backends.embedded.vectors import DIMENSIONS, shared_vectors
from swarm.confidence.curves import bad, number, table_of
from swarm.confidence.glance import BINS, MARKS, bins, excerpt, marks, weighted
from swarm.confidence.outcomes import Outcome, RungOutcome
from swarm.confidence.sides import MOST, Goal, Seen, goal_of, look, ridge, weigh
from swarm.errors import InputError

__all__ = ["SIGNAL", "Foresight", "Mix", "add_foreseen", "learn", "text_of", "with_foresight"]

SIGNAL = "foreseen"
STEPS = 127  # weights of words are saved as whole numbers from -127 to 127
DIGITS = 6  # of the numbers saved for the vector
LEAST_SPREAD = 1e-6  # of a mark, so that one that never changes is no division by 0
SIDES = ("marks", "words", "vector")
KEYS = ("n", "edge", "marks", "rarity", "words", "step", "vector", "mixed", "plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What each side of a text weighs in the log-odds; `vector` is 0 where there is none."""

    intercept: float
    marks: float = 0.0
    words: float = 0.0
    vector: float = 0.0

    def to_json(self) -> dict[str, float]:
        """Return plain data."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: object, key: str) -> Mix:
        """Read what `to_json` gave; InputError names the key."""
        table = table_of(data, ("intercept", *SIDES), key, "foresight")
        return cls(**{name: number(value, f"{key}.{name}") for name, value in table.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """A text -> the chance that the answer to it will be right.

    Attributes:
        n: texts it was fitted on.
        edge: a chance is never nearer to 0 and 1 than this.
        marks: of each mark (weight, offset); it is worth weight * (mark - offset).
        rarity: of each bin of words, its inverse document frequency in sixteenths: one byte each.
        words: the weight of each bin of words, in `step`s: one signed byte each.
        vector: the weight of each number of the vector; () where it was fitted without vectors.
        mixed, plain: how the sides are weighed, with the vector and without.
    """

    n: int
    edge: float
    marks: tuple[tuple[float, float], ...]
    rarity: bytes
    words: bytes
    step: float
    vector: tuple[float, ...]
    mixed: Mix
    plain: Mix

    @classmethod
    def fit(
        cls, texts: Sequence[str], right: Sequence[float], *, weights: Sequence[float] | None = None
    ) -> Foresight:
        """Return what these texts tell of the answers to others.

        Args:
            right: of each answer, in [0, 1]: whether it was right, or a score.
            weights: of the texts; one of weight 2 counts as two, up to a common factor.

        Raises:
            InputError: there are no texts, or scikit-learn is missing. ValueError: the lengths differ, a
                `right` is not in [0, 1], or a weight is not above 0.
        """
        return learn(look(texts), goal_of(texts, right, weights))[0]

    def __call__(self, text: str) -> float:
        """Return the chance that the answer to this text will be right, in (0, 1)."""
        vectors = shared_vectors() if self.vector else None
        mix = self.plain if vectors is None else self.mixed
        total = mix.intercept
        if mix.marks:
            found = zip(self.marks, marks(text), strict=True)
            total += mix.marks * math.fsum(weight * (mark - offset) for (weight, offset), mark in found)
        if mix.words:
            steps = memoryview(self.words).cast("b")
            shares = weighted(bins(text), self.rarity).items()
            total += mix.words * self.step * math.fsum(steps[at] * share for at, share in shares)
        if mix.vector and vectors is not None:
            total += mix.vector * float(vectors.embed([excerpt(text)])[0] @ self.vector)
        chance = 1 / (1 + math.exp(-max(-MOST, min(MOST, total))))
        return self.edge + (1 - 2 * self.edge) * chance

    def many(self, texts: Sequence[str]) -> list[float]:
        """Return the chance of each text."""
        return [self(text) for text in texts]

    def to_json(self) -> dict[str, Any]:
        """Return plain data, about 50 KB of it, which `from_json` reads; it holds no text."""
        return {
            "n": self.n, "edge": self.edge, "marks": [list(pair) for pair in self.marks],
            "rarity": base64.b64encode(self.rarity).decode("ascii"),
            "words": base64.b64encode(self.words).decode("ascii"), "step": self.step,
            "vector": list(self.vector), "mixed": self.mixed.to_json(), "plain": self.plain.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: object) -> Foresight:
        """Read what `to_json` gave, by the letter.

        Raises:
            InputError: a key is missing, unknown or not of its kind; it is named.
        """
        table = table_of(data, KEYS, "", "foresight")
        n, edge = table["n"], number(table["edge"], "edge")
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise bad("n", f"is {n!r}: no whole number from 1")
        if not 0 <= edge < 0.5:
            raise bad("edge", f"is {edge!r}: a number from 0 to below 0.5")
        pairs = [_numbers(pair, f"marks[{at}]", 2) for at, pair in enumerate(_list(table["marks"], "marks"))]
        if len(pairs) != MARKS:
            raise bad("marks", f"has {len(pairs)} items, not {MARKS}")
        return cls(
            n=n, edge=edge, marks=tuple((weight, offset) for weight, offset in pairs),
            rarity=_bytes(table["rarity"], "rarity"), words=_bytes(table["words"], "words"),
            step=number(table["step"], "step"),
            vector=() if table["vector"] == [] else _numbers(table["vector"], "vector", DIMENSIONS),
            mixed=Mix.from_json(table["mixed"], "mixed"), plain=Mix.from_json(table["plain"], "plain"),
        )  # fmt: skip


def with_foresight(outcomes: Sequence[Outcome]) -> tuple[tuple[Outcome, ...], dict[str, Foresight]]:
    """Add the signal `foreseen` to each rung of outcomes, and return what foresees each model's answers.

    A rung's chance comes from a fit on other texts: equal texts are never on both sides. A rung of which nobody
    said whether it was right gets its chance from the fit on all others. An input without text gets none. What
    came after the first rung counts by 1 / propensity, being seen only that often.

    Raises:
        InputError: no outcome has both a text and a rung known to be right or wrong; scikit-learn is missing.
    """
    texts = [text_of(outcome.input) for outcome in outcomes]
    places: dict[str, list[tuple[int, int]]] = {}
    for row, outcome in enumerate(outcomes):
        for place, rung in enumerate(outcome.rungs):
            if texts[row]:
                places.setdefault(rung.model, []).append((row, place))
    seen = look(texts)
    chances: dict[tuple[int, int], float] = {}
    fits: dict[str, Foresight] = {}
    for model, asked in places.items():
        known = [(row, place) for row, place in asked if outcomes[row].rungs[place].correct is not None]
        if known:
            fits[model], held_out = learn(seen.take([row for row, _ in known]), _goal(outcomes, texts, known))
            chances |= zip(known, held_out, strict=True)
            chances |= {at: fits[model](texts[at[0]]) for at in set(asked).difference(known)}
    if not fits:
        raise InputError(
            "nothing can be foreseen: no outcome has both an input text and a rung known to be right or wrong",
            hint='a line needs "input": "the text" and, in a rung, "correct": true or false', code="no_texts",
        )  # fmt: skip

    def told(row: int, place: int, rung: RungOutcome) -> RungOutcome:
        return replace(rung, signals={**rung.signals, SIGNAL: chances.get((row, place))})

    return tuple(
        replace(outcome, rungs=tuple(told(row, place, rung) for place, rung in enumerate(outcome.rungs)))
        for row, outcome in enumerate(outcomes)
    ), fits


def add_foreseen(outcomes: Sequence[Outcome], models: Mapping[str, Foresight]) -> Sequence[Outcome]:
    """Return the outcomes with the signal `foreseen` wherever a model of theirs is foreseen and lacks it."""
    if not models:
        return outcomes

    def told(rung: RungOutcome, text: str) -> RungOutcome:
        model = models.get(rung.model)
        if model is None or not text or rung.signals.get(SIGNAL) is not None:
            return rung
        return replace(rung, signals={**rung.signals, SIGNAL: model(text)})

    texts = [text_of(outcome.input) for outcome in outcomes]
    return [
        replace(outcome, rungs=tuple(told(rung, text) for rung in outcome.rungs))
        for outcome, text in zip(outcomes, texts, strict=True)
    ]


def text_of(value: object) -> str:
    """Return the text of an input: a text itself, the texts of an object's fields, else JSON; "" for none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(filter(None, map(text_of, cast("Mapping[str, object]", value).values())))
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _goal(outcomes: Sequence[Outcome], texts: Sequence[str], known: Sequence[tuple[int, int]]) -> Goal:
    return goal_of(
        [texts[row] for row, _ in known],
        [float(outcomes[row].rungs[place].correct is True) for row, place in known],
        [1 / outcomes[row].propensity if place else 1.0 for row, place in known],
    )


def learn(seen: Seen, goal: Goal) -> tuple[Foresight, list[float]]:
    """Return the fit on all rows and, of each row, the chance by fits on the others."""
    import numpy as np

    offsets, spreads = seen.marks.mean(axis=0), np.maximum(seen.marks.std(axis=0), LEAST_SPREAD)
    sides = [ridge((seen.marks - offsets) / spreads, goal), ridge(seen.words, goal)]
    intercept, shares, held_out = weigh(sides, goal)
    plain = mixed = Mix(intercept=intercept, **dict(zip(SIDES, shares, strict=False)))
    if seen.vectors is not None:
        sides.append(ridge(seen.vectors, goal))
        intercept, shares, held_out = weigh(sides, goal)
        mixed = Mix(intercept=intercept, **dict(zip(SIDES, shares, strict=True)))
    step = float(np.abs(sides[1].weights).max()) / STEPS or 1.0
    edge = 0.5 / (float(goal.weights.sum()) + 1)
    pairs = zip((sides[0].weights / spreads).tolist(), offsets.tolist(), strict=True)
    foresight = Foresight(
        n=len(goal.right), edge=edge, marks=tuple(pairs), rarity=seen.rarity,
        words=np.rint(sides[1].weights / step).astype(np.int8).tobytes(), step=step,
        vector=tuple(float(f"{one:.{DIGITS}g}") for side in sides[2:] for one in side.weights.tolist()),
        mixed=mixed, plain=plain,
    )  # fmt: skip
    return foresight, (edge + (1 - 2 * edge) / (1 + np.exp(-held_out))).tolist()


def _list(value: object, key: str) -> list[object]:
    if not isinstance(value, list):
        raise bad(key, "is no list")
    return cast("list[object]", value)


def _numbers(value: object, key: str, length: int) -> tuple[float, ...]:
    items = _list(value, key)
    if len(items) != length:
        raise bad(key, f"has {len(items)} items, not {length}")
    return tuple(number(item, f"{key}[{at}]") for at, item in enumerate(items))


def _bytes(value: object, key: str) -> bytes:
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (ValueError, binascii.Error) as error:
        raise bad(key, "is no base64 text") from error
    if len(found) != BINS:
        raise bad(key, f"holds {len(found)} bytes in base64, not {BINS}")
    return found
