"""Classify short texts: learned from examples in a second or less, answered in under a millisecond.

A kernel machine (`separator.py`) over n-grams and word vectors (`likeness.py`). Its confidence is measured, not
assumed: what the scores of texts it had not seen were worth decides what a score means (`calibration.py`).

numpy, scipy and the table of vectors are loaded only when something is fitted or predicted.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarm.backends.embedded.intent.calibration import Calibration, Scope, Seen
from swarm.backends.embedded.intent.likeness import Space
from swarm.backends.embedded.intent.separator import HeldOut, Separator, separate

__all__ = ["Judgement", "NgramClassifier"]

MAX_HELD_OUT = 1_500  # examples of a large set; enough for ten numbers, and it bounds the time
HELD_OUT, REJECTS_HELD_OUT = 0.2, 0.5  # shares; rejects are few, and what they score matters as much


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is thought of a text.

    Attributes:
        probabilities: of every label, highest first. They sum to 1, or with rejects to `in_scope`.
        in_scope: how likely the text belongs to any label at all, in [0, 1].
        lead: how far the first score leads the second, in [0, 1]; orders answers better than the
            highest probability.
    """

    probabilities: dict[str, float]
    in_scope: float
    lead: float


@dataclass(frozen=True, kw_only=True)
class NgramClassifier:
    """A fitted classifier: features, scores of labels, and what these are worth."""

    labels: tuple[str, ...]
    space: Space
    separator: Separator
    calibration: Calibration
    scope: Scope

    @classmethod
    def fit(
        cls,
        examples: Sequence[tuple[str, str]],
        *,
        descriptions: Mapping[str, str] | None = None,
        rejects: Sequence[str] = (),
        seed: int = 0,
    ) -> NgramClassifier:
        """Learn from `(text, label)` pairs, and from what the labels are called.

        Args:
            examples: none is allowed if there are descriptions; repeated pairs count once.
            descriptions: label -> what it means ("" if unknown). Labels may have no examples.
            rejects: texts that fit none of the labels.

        Raises:
            ValueError: no label at all.
        """
        found = [*(descriptions or {}), *(label for _, label in examples)]
        labels = tuple(dict.fromkeys(found))
        if not labels:
            raise ValueError("nothing to learn from: give examples, or descriptions of the labels")
        lessons = _Lessons.of(labels, examples, descriptions or {}, rejects)
        space, texts = Space.learn(lessons.texts)
        held = lessons.held_out(seed)
        separator, out = separate(texts, lessons.targets(), held, seed)
        calibration, scope = lessons.weigh(out, texts.known)
        return cls(labels=labels, space=space, separator=separator, calibration=calibration, scope=scope)

    def judge(self, text: str) -> Judgement:
        """Return the probability of every label, and how likely it is that any fits.

        A text with nothing known in it gets the same probability for every label.
        """
        import numpy as np

        columns, values, meaning, known = self.space.encode(text)
        scores, nearest = self.separator.score(columns, values, meaning)
        seen = _seen(scores[None, :], len(self.labels), np.array([nearest]), np.array([known]))
        in_scope = float(self.scope.probability(seen)[0])
        found: Any = self._label_shares(seen) * (in_scope if self.scope.rejects else 1.0)
        order: list[int] = np.argsort(-found, kind="stable").tolist()
        shares = {self.labels[index]: float(found[index]) for index in order}
        return Judgement(probabilities=shares, in_scope=in_scope, lead=float(seen.lead()[0]))

    def _label_shares(self, seen: Seen) -> Any:
        """Return the probabilities of the labels for one text that fits one of them, (labels,)."""
        import numpy as np

        if len(self.labels) == 1:
            return np.ones(1)
        return self.calibration.probabilities(seen.scores[0], float(seen.known[0]))

    def predict(self, text: str) -> dict[str, float]:
        """Return the probability of every label, highest first; see `Judgement`."""
        return self.judge(text).probabilities


@dataclass(frozen=True, kw_only=True)
class _Lessons:
    """What is learned from, in this order: examples, rejects, and what the labels' names say.

    Attributes:
        numbers: of each text's label, in order; rejects have the number after the last label.
        examples, rejects: how many of each there are.
    """

    labels: int
    texts: tuple[str, ...]
    numbers: tuple[int, ...]
    examples: int
    rejects: int

    @classmethod
    def of(
        cls,
        labels: Sequence[str],
        examples: Sequence[tuple[str, str]],
        descriptions: Mapping[str, str],
        rejects: Sequence[str],
    ) -> _Lessons:
        number = {label: index for index, label in enumerate(labels)}
        pairs = [(text, number[label]) for text, label in dict.fromkeys(examples)]
        strangers = [(text, len(labels)) for text in dict.fromkeys(rejects)]
        hints = [(text, number[label]) for text, label in _hints(labels, descriptions)]
        texts, numbers = zip(*pairs, *strangers, *hints, strict=True)
        return cls(
            labels=len(labels), texts=texts, numbers=numbers, examples=len(pairs), rejects=len(strangers)
        )

    def targets(self) -> Any:
        """Return 1 for a text's label and -1 for the others: float32, (texts, labels and perhaps rejects)."""
        import numpy as np

        targets = np.full((len(self.texts), self.labels + (self.rejects > 0)), -1.0, np.float32)
        targets[np.arange(len(self.texts)), list(self.numbers)] = 1.0
        return targets

    def held_out(self, seed: int) -> list[int]:
        """Choose the last examples of each label, and of the rejects.

        Rows that stand together often come from one writer; a random part would be near copies of the rest.
        """
        rng = random.Random(seed)
        share = min(HELD_OUT, MAX_HELD_OUT / max(self.examples, 1))
        by_label: dict[int, list[int]] = {}
        for index in range(self.examples + self.rejects):
            by_label.setdefault(self.numbers[index], []).append(index)
        held: list[int] = []
        for label, members in by_label.items():
            part = REJECTS_HELD_OUT if label == self.labels else share
            held += members[len(members) - int(part * len(members) + rng.random()) :]
        return held

    def weigh(self, out: HeldOut, known: Any) -> tuple[Calibration, Scope]:
        """Fit what scores are worth on the texts held out, the only ones of their label left aside."""
        import numpy as np

        numbers = np.array(self.numbers)
        counts = np.bincount(numbers[: self.examples + self.rejects], minlength=self.labels + 1)
        usable = (out.rows < self.examples + self.rejects) & (counts[numbers[out.rows]] > 1)
        rows = out.rows[usable]
        seen = _seen(out.scores[usable], self.labels, out.nearest[usable], known[rows])
        inside = numbers[rows] < self.labels
        scope = Scope.fit(seen, inside)
        if self.labels == 1:
            return Calibration(), scope
        return Calibration.fit(seen.only(inside), numbers[rows][inside]), scope


def _seen(scores: Any, labels: int, nearest: Any, known: Any) -> Seen:
    """Take the scores of the rejects apart from those of the labels."""
    import numpy as np

    reject = scores[:, labels] if scores.shape[1] > labels else np.full(len(scores), -1.0)
    return Seen(scores=scores[:, :labels].astype(np.float64), reject=reject, nearest=nearest, known=known)


def _hints(labels: Iterable[str], descriptions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what the labels' names and descriptions say, as if they were examples.

    Worth 17 points of accuracy with one example a label, 1.7 with ten, nothing from twenty (banking77).
    """
    for label in labels:
        yield label.replace("_", " ").replace("-", " "), label
        if descriptions.get(label):
            yield descriptions[label], label
