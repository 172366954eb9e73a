"""What a graph's names stand for, resolved: all that compiling needs, so that it reads no disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from swarm.messages import Passage, Question, ToolSignature
from swarm.spec.expert import ConfidenceSpec
from swarm.spec.types import Type, record

if TYPE_CHECKING:
    from swarm.spec.graph import GraphSpec

__all__ = ["Catalogue", "ModelRef", "ResolvedExpert", "Subgraph", "output_type"]

STRING = Type(base="string")
NUMBER = Type(base="number")
BOOLEAN = Type(base="boolean")
OBJECT = Type(base="object")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """A model as the backends know it: `backend/name`, its server, key and options."""

    backend: str
    name: str
    url: str = ""
    key_env: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    concurrency: int = 0  # calls at once; 0: as many as the limits say

    def __str__(self) -> str:
        return f"{self.backend}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedExpert:
    """An expert with `use` followed, files read and models resolved.

    Attributes:
        key: identifies its content (examples, labels, documents): embedded models are fitted once
            per key.
        origin: `graph`, `python`, `./experts` or `bundled`; `file`: where it is written ("" in Python).
        inputs: by name, the main one first. `output`: a record, the marks not included.
        examples: (text, label) pairs. `rejects`: texts that fit none of the labels.
        requests: what the router learns from.
        learn: keep what the rungs answered.
        witness: the model that is asked the same, to see whether it agrees.
        calibration: the policy that `swarm calibrate` saved for it, as JSON, or None;
            `calibration_file`: where that is, or would be, "" without a folder.
        weak: why an embedded classifier would be weak here ("" if it has examples).
    """

    name: str
    key: str
    kind: str
    description: str
    inputs: Mapping[str, Type]
    output: Type
    cascade: tuple[ModelRef, ...]
    origin: str = "graph"
    file: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    questions: Mapping[str, Question] = field(default_factory=dict[str, Question])
    confidence: ConfidenceSpec | None = None
    prompt: str = ""
    prompt_file: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    examples: tuple[tuple[str, str], ...] = ()
    rejects: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    documents: tuple[Passage, ...] = ()
    tools: tuple[str, ...] = ()
    approve: str = "unsafe"
    max_tool_calls: int = 8
    timeout_s: float = 120.0
    learn: bool = False
    witness: ModelRef | None = None
    calibration: Mapping[str, Any] | None = None
    calibration_file: str = ""

    @property
    def main_input(self) -> str:
        """Return the name of the first input."""
        return next(iter(self.inputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgraph:
    """Another graph that a `graph` node runs, with a catalogue of its own."""

    spec: GraphSpec
    catalogue: Catalogue
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The names of one graph.

    Attributes:
        experts: what `expert: x` in a node means; `routable`: what `route: all` may choose.
        tools: signatures by name; `tools_known`: False when a tool file could not be read, so
            that unknown tools are not reported twice.
        subgraphs: by the path written in the node.
    """

    experts: Mapping[str, ResolvedExpert] = field(default_factory=dict[str, ResolvedExpert])
    routable: tuple[str, ...] = ()
    tools: Mapping[str, ToolSignature] = field(default_factory=dict[str, ToolSignature])
    tools_known: bool = True
    subgraphs: Mapping[str, Subgraph] = field(default_factory=dict[str, Subgraph])
    broken: frozenset[str] = frozenset()


def output_type(
    kind: str,
    *,
    labels: Mapping[str, str],
    questions: Mapping[str, Question],
    output: Mapping[str, Type] | None = None,
) -> Type:
    """Return what an expert of `kind` answers, as a record (marks not included). Design §4.4."""
    label_set = tuple(labels)
    match kind:
        case "classify":
            label = Type(base="string", one_of=label_set)
            return record(
                {"label": label, "scores": record({name: NUMBER for name in labels}, open=not labels)}
            )
        case "moderate":
            category = Type(base="string", one_of=label_set, optional=True)
            scores = record({name: NUMBER for name in labels}, open=not labels)
            return record({"flagged": BOOLEAN, "category": category, "scores": scores})
        case "decide":
            fields = {name: _answer_type(question) for name, question in questions.items()}
            return record({**fields, "probabilities": OBJECT})
        case "code":
            return record({"code": STRING, "language": STRING})
        case "extract":
            return record(output or {}, open=not output)
        case "embed":
            return record({"vector": Type(base="list", item=NUMBER)})
        case _:
            return record({"text": STRING})


def _answer_type(question: Question) -> Type:
    match question.type:
        case "choice":
            return Type(base="string", one_of=tuple(question.options))
        case "yes_no":
            return BOOLEAN
        case _:
            return NUMBER
