"""Figures that an evaluation has to reach: `0.9` for the accuracy, `auroc=0.85` for another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from swarm._eval.scores import LOWER_IS_BETTER
from swarm.errors import InputError
from swarm.spec.findings import did_you_mean

__all__ = ["Bar", "missed", "parse_bars"]

HIGHER_IS_BETTER = (
    "accuracy", "accuracy_low", "accuracy_in_scope", "macro_f1", "auroc", "auroc_low", "auprc", "category_accuracy",
    "oos_auroc", "oos_recall", "oos_accuracy_in_scope", "rouge1", "rouge2", "rougeL", "must_include", "span_f1",
    "span_f1_typed", "span_f1_exact", "recall_at_10", "accepted.share", "coverage.0.01", "coverage.0.05",
    "coverage.0.10",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A figure, and what it may not be under."""

    key: str
    at_least: float


def parse_bars(texts: Iterable[str]) -> tuple[Bar, ...]:
    """Return what the options say.

    Raises:
        InputError: one names no figure, or no number.
    """
    return tuple(_bar(text) for text in texts)


def missed(bars: Sequence[Bar], figures: Mapping[str, Any]) -> list[str]:
    """Return a sentence for every figure that is under its bar, or was not measured."""
    found: list[str] = []
    for bar in bars:
        value = _value(figures, bar.key)
        if value is None:
            found.append(f"{bar.key} was not measured, and {bar.at_least:g} is asked for")
        elif value < bar.at_least:
            found.append(f"{bar.key} is {value:.4f}, under {bar.at_least:g}")
    return found


def _bar(text: str) -> Bar:
    key, sign, number = text.rpartition("=") if "=" in text else ("accuracy", "=", text)
    if key in LOWER_IS_BETTER:
        raise _unusable(
            text, f"the lower {key} the better", f"a figure such as {', '.join(HIGHER_IS_BETTER[:4])}"
        )
    if key not in HIGHER_IS_BETTER:
        raise _unusable(text, f"there is no figure {key!r}", did_you_mean(key, HIGHER_IS_BETTER))
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not (sign and math.isfinite(value)):
        raise _unusable(
            text, f"{number!r} is no number", "write --fail-under 0.9, or --fail-under auroc=0.85"
        )
    return Bar(key=key, at_least=value)


def _unusable(text: str, what: str, hint: str) -> InputError:
    return InputError(f"--fail-under {text!r}: {what}", hint=hint, code="usage")


def _value(figures: Mapping[str, Any], key: str) -> float | None:
    """Return a figure; what stands behind the first dot is a key inside it."""
    name, dot, inner = key.partition(".")
    value = figures[name]
    return cast("Mapping[str, float | None]", value)[inner] if dot else value
