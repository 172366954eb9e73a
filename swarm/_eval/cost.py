"""What answers cost, in one unit for a whole cascade: the work a model does for the tokens it reads and writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from swarm.messages import Usage
from swarm.spec.catalogue import ModelRef

__all__ = ["Prices"]

SIZE = re.compile(r"(?<![\w.])[a-z]{0,2}(\d+(?:\.\d+)?)([bm])(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a token of each model costs.

    Attributes:
        weights: by model, in the order of the cascade; 0 for embedded models, which read no tokens.
        unit: what a cost of 1 is, in words.
    """

    weights: dict[str, float]
    unit: str

    @classmethod
    def of(cls, cascade: Sequence[ModelRef]) -> Prices:
        """Return the prices of a cascade's models.

        A token costs the billions of parameters it passes through, where the name of every model
        says how many (`qwen3:4b`, `gemma3:270m`); else every token costs 1.
        Source: a forward pass takes about two operations a parameter and token (Kaplan et al. 2020, 2.1).
        """
        served = [model for model in cascade if model.backend != "embedded"]
        sizes = {str(model): _billions(model.name) for model in served}
        told = {name: size for name, size in sizes.items() if size is not None}
        if len(told) == len(sizes) and told:
            return cls(weights=told, unit="tokens x billions of parameters")
        return cls(weights=dict.fromkeys(sizes, 1.0), unit="tokens")

    def __call__(self, model: str, usage: Usage) -> float:
        """Return what an answer of `model` cost."""
        return self.weights.get(model, 0.0) * (usage.input_tokens + usage.output_tokens)


def _billions(name: str) -> float | None:
    found = SIZE.findall(name.replace("-", " ").replace(":", " ").replace("_", " ").replace("/", " "))
    if not found:
        return None
    number, unit = found[-1]
    return float(number) * (1.0 if unit.lower() == "b" else 0.001)
