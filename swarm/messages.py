"""The values that travel between a graph, its experts and the models: plain, frozen, JSON-ready.

Nothing here knows where a model runs. Texts are `str`, probabilities are floats in [0, 1],
log-probabilities are natural logarithms, durations are milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Answer",
    "Completion",
    "CompletionRequest",
    "Confidence",
    "Decision",
    "DecisionRequest",
    "Message",
    "Passage",
    "Question",
    "Task",
    "TextDelta",
    "Timing",
    "TokenLogprob",
    "ToolCall",
    "ToolSignature",
    "Usage",
]

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model asks for a tool: its name and arguments by name. `id` correlates the result."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return `{role, content}`, the shape of an input of type `messages`."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an answer cost: tokens read and written, and calls made to models."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            model_calls=self.model_calls + other.model_calls,
        )

    def to_json(self) -> dict[str, int]:
        """Return plain data."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "model_calls": self.model_calls,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """One generated token; `top` holds (token, logprob) of the best alternatives, best first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where the time of an answer went, in milliseconds; 0 where the server does not say."""

    queued_ms: float = 0.0
    load_ms: float = 0.0
    prompt_ms: float = 0.0
    generate_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a document: the file's name and the text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One typed question of a decision.

    Attributes:
        type: `choice` (one of `options`), `yes_no`, or `score` (`options` are levels, lowest first).
        instructions: the question in words.
        options: option name -> description ("" when the name says it all). For `yes_no`
            the keys, where given, are `true` and `false`.
    """

    type: Literal["choice", "yes_no", "score"]
    instructions: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is asked of an expert, before any prompt: embedded models answer from this.

    Attributes:
        expert: the expert's name. `key`: identifies its examples and documents, so that an
            embedded model is fitted once per key and process.
        kind: the expert's kind.
        inputs: by field name; `text` is the main input rendered as text.
        labels: name -> description.
        examples: (text, label) pairs. `rejects`: examples of texts that fit none of the labels.
        documents: the whole documents, unsplit.
    """

    expert: str
    key: str
    kind: str
    inputs: Mapping[str, Any]
    text: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    examples: Sequence[tuple[str, str]] = ()
    rejects: Sequence[str] = ()
    documents: Sequence[Passage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSignature:
    """What a model, and the graph's checks, know of a tool.

    Attributes:
        parameters: JSON Schema of the arguments, an object. `returns`: of the result, or None
            when nothing is known.
        effect: `pure`, `idempotent` or `unsafe` (default: may not be repeated).
        sync: the function is not async, so it cannot be stopped by a timeout.
        takes_key: it has a parameter `idempotency_key`, filled by the engine.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    returns: Mapping[str, Any] | None = None
    effect: Literal["pure", "idempotent", "unsafe"] = "unsafe"
    sync: bool = False
    takes_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """Ask a model for text, or for tool calls.

    Attributes:
        model: the model's own name, without the backend (`qwen3:4b`).
        messages: the rendered prompt, oldest first; embedded models read `task` instead.
        format: a JSON Schema the text must satisfy, or None. Backends pass it on where the
            server can constrain the answer; the caller validates all the same.
        options: sampling and load options in Ollama's words (`temperature`, `num_ctx`, ...).
        logprobs: ask for token log-probabilities; `top_logprobs` alternatives each (0-20).
        timeout_s: deadline of the whole answer.
    """

    model: str
    messages: tuple[Message, ...]
    task: Task
    format: Mapping[str, Any] | None = None
    tools: tuple[ToolSignature, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    logprobs: bool = False
    top_logprobs: int = 0
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model answered.

    Attributes:
        finish: `stop`, `length` (cut: never a whole answer) or `tool_calls`.
        logprobs: one entry per generated token, thinking excluded; () when not asked or not given.
        signals: what the backend itself can measure of this answer, by name, each in [0, 1]
            (`grounding` of an extract, ...).
        sources: names of the documents the answer was taken from, best first.
        digest: identifies the exact weights where the server says so, else "".
    """

    text: str
    model: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Literal["stop", "length", "tool_calls"] = "stop"
    logprobs: tuple[TokenLogprob, ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict[str, float])
    sources: tuple[str, ...] = ()
    usage: Usage = Usage()
    timing: Timing = Timing()
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """A piece of a streamed answer, in order."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """Ask typed questions about a state; all are answered in one call."""

    model: str
    state: str
    questions: Mapping[str, Question]
    task: Task
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one question.

    Attributes:
        value: the option's name, a bool (`yes_no`), or a float (`score`: the expected level, from 0).
        probabilities: over the options; for `yes_no` over `true` and `false`. Sum 1, or less where some
            is left for none of the options. Empty when the model gave none (plain JSON).
    """

    value: str | bool | float
    probabilities: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answers to a decision request, and the way they were obtained.

    Attributes:
        way: `native` (the model answers decisions), `logprobs` (label tokens) or `json`.
        signals: by name, each in [0, 1]: `label_mass` (share of probability on the labels),
            `in_scope` (how likely the state belongs to any of the labels at all), `lead` (of the best
            label over the next, in the classifier's own scores).
    """

    answers: Mapping[str, Answer]
    model: str
    way: Literal["native", "logprobs", "json"]
    signals: Mapping[str, float] = field(default_factory=dict[str, float])
    usage: Usage = Usage()
    timing: Timing = Timing()
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How sure an answer is, and where that number came from.

    Attributes:
        value: in [0, 1].
        estimator: which estimator made it (`probability`, `label_mass`, `logprob`, ...).
        source: `raw` (a score as measured) or `calibrated` (a probability fitted on outcomes).
    """

    value: float
    estimator: str
    source: Literal["raw", "calibrated"] = "raw"
