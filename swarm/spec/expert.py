"""The format of an expert: `experts/<name>/expert.yaml`, or an entry under a graph's `experts:`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from swarm.spec.annotations import type_of
from swarm.spec.types import SCALARS, Type

__all__ = [
    "KINDS",
    "MARKS",
    "TYPE_SCHEMA",
    "ConfidenceSpec",
    "Duration",
    "Expert",
    "QuestionSpec",
    "Spec",
    "TypeField",
    "parse_duration",
]

KINDS = ("decide", "classify", "moderate", "summarize", "code", "write", "extract", "translate", "embed")
Kind = Literal[
    "decide", "classify", "moderate", "summarize", "code", "write", "extract", "translate", "embed"
]
MARKS = ("confidence", "confident", "model", "rung", "escalated")
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(raw: Any) -> float:
    """Return seconds from `300ms`, `10s`, `5m`, `2h`, `2d`, or from a number of seconds."""
    import re

    if isinstance(raw, int | float) and not isinstance(raw, bool):
        seconds = float(raw)
    else:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", str(raw).strip())
        if match is None:
            raise ValueError(f"{raw!r} is no duration: write 300ms, 10s, 5m, 2h or 2d")
        seconds = float(match[1]) * UNITS_S[match[2]]
    if not 0 < seconds <= 366 * 86400:
        raise ValueError(f"{raw!r} is no duration: more than 0, at most 366d")
    return seconds


def write_duration(seconds: float) -> str | float:
    """Return the shortest form that reads back as the same duration; seconds if no other does."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= UNITS_S[unit] and (seconds / UNITS_S[unit]).is_integer():
            return f"{int(seconds / UNITS_S[unit])}{unit}"
    text = f"{round(seconds * 1000, 6):g}ms" if seconds < 1 else f"{seconds:g}s"
    return text if "e" not in text and parse_duration(text) == seconds else seconds


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(write_duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)$", "examples": ["10s", "2d"]},
                {"type": "number", "exclusiveMinimum": 0},
            ],
            "description": "A duration: 300ms, 10s, 5m, 2h, 2d, or seconds.",
        }
    ),
]
TYPE_SCHEMA: dict[str, Any] = {
    "description": "A type: string, integer, number, boolean, object, any, messages; `?` = may be missing;"
    " [string] a list; {city: string} an object.",
    "anyOf": [
        {"type": "string", "examples": [word + mark for word in SCALARS for mark in ("", "?")]},
        {"type": "array", "minItems": 1, "maxItems": 1},
        {"type": "object"},
    ],
}
TypeField = Annotated[
    Any, BeforeValidator(lambda raw: raw if isinstance(raw, Type) else type_of(raw)),
    PlainSerializer(lambda kind: kind.render()), WithJsonSchema(TYPE_SCHEMA),
]  # fmt: skip


class Spec(BaseModel):
    """Base of everything read from YAML: closed, and unchangeable once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ConfidenceSpec(Spec):
    """When an answer is good enough; otherwise the next rung of the cascade is asked."""

    from_: Literal[
        "auto",
        "probability",
        "margin",
        "label_mass",
        "logprob",
        "logprob_min",
        "logprob_low",
        "grounding",
        "valid",
        "agreement",
        "witness",
    ] = Field(default="auto", alias="from", description="Which estimator measures the answer.")
    target_error: float | None = Field(
        default=None, gt=0, lt=1, description="Largest share of wrong answers among the accepted ones."
    )
    samples: int | None = Field(
        default=None,
        ge=2,
        le=20,
        description="Ask a model so many times, and measure how far its answers agree (`agreement`); fewer times"
        " where that is settled sooner.",
    )
    witness: str | None = Field(
        default=None, description="Another model, asked the same: how far it agrees is measured (`witness`)."
    )
    with_confidence: float | None = Field(
        default=None,
        ge=0.5,
        lt=1,
        description="How surely `target_error` holds; without it, it holds on average. `swarm calibrate` keeps it.",
    )
    at_least: float | None = Field(
        default=None, ge=0, le=1, description="A threshold chosen by hand: a guess, and `check` says so."
    )

    @property
    def threshold(self) -> float | None:
        """Return the raw score to reach: `at_least`, or 1 - `target_error` before calibration."""
        if self.at_least is not None:
            return self.at_least
        return None if self.target_error is None else 1 - self.target_error


class QuestionSpec(Spec):
    """One question of a `decide` expert; exactly one of the three keys."""

    choice: Mapping[str, str | None] | None = Field(default=None, description="Options: name -> description.")
    yes_no: str | None = Field(default=None, description="A question answered by yes or no.")
    score: list[str] | None = Field(
        default=None, description="Levels, lowest first.", min_length=2, max_length=10
    )
    ask: str = Field(default="", description="The question in words, for `choice` and `score`.")


class Expert(Spec):
    """A named specialist: what it does, in what it is asked, which models may answer.

    With `use`, it starts from a registered expert and the keys given here replace whole keys.
    """

    swarm: Literal[1] = Field(default=1, description="Version of the format.")
    name: str | None = Field(default=None, description="The expert's name (in a file of its own).")
    use: str | None = Field(default=None, description="The registered expert to start from.")
    kind: Kind | None = Field(default=None, description="What it does.")
    description: str | None = Field(
        default=None, description="What requests it serves; the router reads this."
    )
    input: Mapping[str, TypeField] | None = Field(
        default=None, description="Its inputs; the first is the main one."
    )
    output: Mapping[str, TypeField] | None = Field(
        default=None, description="The fields an `extract` expert answers."
    )
    labels: Mapping[str, str | None] | None = Field(default=None, description="Labels: name -> description.")
    questions: Mapping[str, QuestionSpec] | None = Field(
        default=None, description="The questions of a `decide`."
    )
    cascade: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=16,
        description="Models, cheapest first: `backend/name` or a logical name.",
    )
    confidence: ConfidenceSpec | None = Field(default=None, description="When an answer is accepted.")
    prompt: str | None = Field(
        default=None, description="A file (`prompt.md`), or the template itself on several lines."
    )
    options: Mapping[str, Any] | None = Field(
        default=None, description="Model options: temperature, num_ctx, ..."
    )
    examples: str | list[dict[str, Any]] | None = Field(
        default=None,
        description="JSON lines of {text, label}, or the rows themselves; label null: fits no label.",
    )
    evals: str | None = Field(
        default=None,
        description="JSON lines of evaluation cases, for measuring; `check` sees that the file is there.",
    )
    requests: str | None = Field(
        default=None, description="JSON lines of {text}: requests the router sends here."
    )
    documents: list[str] | None = Field(
        default=None, description="Files (globs) that answers are taken from."
    )
    tools: list[str] | None = Field(default=None, description="Tools that the model may call.")
    approve: Literal["unsafe", "never"] | None = Field(
        default=None, description="`never`: unsafe tools run without asking a person first."
    )
    max_tool_calls: int | None = Field(
        default=None, ge=1, le=100, description="Calls of tools in one answer (8)."
    )
    timeout: Duration | None = Field(default=None, description="Deadline of one model call (120s).")
    learn: bool | None = Field(
        default=None,
        description="Keep what each rung answered, for `swarm calibrate --from-runs`; now and then an accepted"
        " answer is compared with those of the dearer rungs.",
    )
