"""Make one expert of its layers: what `use` starts from, and what the graph puts over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from swarm.messages import Passage, Question
from swarm.spec._resolving.artefacts import read_calibration
from swarm.spec._resolving.consistency import misfits
from swarm.spec._resolving.datafiles import (
    HARMFUL,
    Base,
    DataError,
    Example,
    find,
    read_documents,
    read_examples,
    read_text,
    read_texts,
)
from swarm.spec._resolving.models import ModelNameError, Models
from swarm.spec._resolving.prompts import Flaw, flaws
from swarm.spec.catalogue import ModelRef, ResolvedExpert, output_type
from swarm.spec.expert import Expert, QuestionSpec
from swarm.spec.findings import Finding, has_errors
from swarm.spec.source import Path as Place
from swarm.spec.types import Type

__all__ = ["Layer", "Resolver", "resolve"]

DEFAULT_OPTIONS: Mapping[str, Any] = {"temperature": 0, "num_ctx": 4096}
DEFAULT_TOOL_CALLS = 8
DEFAULT_TIMEOUT_S = 120.0
LABELLED = ("classify", "moderate")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An expert as one file says it.

    Attributes:
        place: where its problems are reported. `own`: the place is this expert itself, so a
            problem of `prompt` is at `(*place, "prompt")`; otherwise it is a reference to another
            file, and the message names that file.
        base: what its paths are relative to; `base_of` says so where an option gave the path.
    """

    spec: Expert
    place: Place
    base: Base
    own: bool = True
    origin: str = "graph"
    file: str = ""
    base_of: Callable[[Place], Base | None] = lambda place: None

    def at(self, *parts: str | int) -> Place:
        """Return the place of a part of this expert, as exactly as it can be reported."""
        return (*self.place, *parts) if self.own else self.place

    def folder_of(self, key: str) -> Base:
        """Return what the paths under `key` are relative to."""
        return self.base_of(self.at(key)) or self.base


@dataclass(kw_only=True)
class Resolver:
    """Resolves the layers of one expert, and collects what is wrong.

    Attributes:
        layers: the graph's first, then what `use` leads to.
        homes: the folders whose `artefacts/` may hold its calibration, the nearest first.
    """

    name: str
    layers: Sequence[Layer]
    models: Models
    homes: Sequence[Path] = ()
    findings: list[Finding] = field(default_factory=list[Finding])

    def resolve(self) -> ResolvedExpert | None:
        """Return the expert, or None if anything about it but its prompt is wrong."""
        kind = self.value("kind")
        inputs: dict[str, Type] = self.value("input") or {}
        if kind is None:
            self.report("SW048", f"expert {self.name!r} has no kind", hint="add `kind:` or `use:`")
            return None
        rows = self.examples(kind, next(iter(inputs), "text"))
        none_of_them = kind == "classify"  # a moderator's "" is an answer of its own: harmless
        examples = tuple(row for row in rows if row[1]) if none_of_them else rows
        rejects = tuple(text for text, label in rows if not label) if none_of_them else ()
        labels = self.labels(kind, examples)
        cascade = self.cascade()
        self.check(kind, labels, cascade)
        expert = replace(
            self.plain(kind, inputs),
            examples=examples,
            rejects=rejects,
            labels=labels,
            cascade=cascade,
            witness=self.witness(),
            documents=self.documents(),
            requests=self.attempt("requests", read_texts, ()),
            output=output_type(kind, labels=labels, questions=self.questions(), output=self.value("output")),
        )
        self.attempt("evals", find, None)  # measuring reads it; a check sees that it is there
        expert = self.calibrated(expert)
        usable = not has_errors(self.findings)
        self.check_prompt(expert)
        return replace(expert, key=_key(expert)) if usable else None

    def calibrated(self, expert: ResolvedExpert) -> ResolvedExpert:
        """Return the expert with what `swarm calibrate` saved for it."""
        try:
            found, file = read_calibration(self.name, self.homes)
        except DataError as error:
            self.report(error.code, error.message, hint=error.hint)
            return expert
        return replace(expert, calibration=found, calibration_file=file)

    def plain(self, kind: str, inputs: Mapping[str, Type]) -> ResolvedExpert:
        """Return the expert with what needs no other part of it, and defaults filled in."""
        prompt, prompt_file = self.prompt()
        return ResolvedExpert(
            name=self.name,
            key="",
            kind=kind,
            description=self.value("description") or "",
            inputs=inputs,
            output=output_type(kind, labels={}, questions={}),
            cascade=(),
            origin=self.layers[0].origin,
            file=self.layers[0].file,
            questions=self.questions(),
            confidence=self.value("confidence"),
            prompt=prompt,
            prompt_file=prompt_file,
            options={**DEFAULT_OPTIONS, **(self.value("options") or {})},
            tools=tuple(self.value("tools") or ()),
            approve=self.value("approve") or "unsafe",
            max_tool_calls=self.value("max_tool_calls") or DEFAULT_TOOL_CALLS,
            timeout_s=self.value("timeout") or DEFAULT_TIMEOUT_S,
            learn=bool(self.value("learn")),
        )

    def giver(self, key: str) -> Layer | None:
        """Return the layer whose `key` counts: the first that has it."""
        return next((layer for layer in self.layers if getattr(layer.spec, key) is not None), None)

    def value(self, key: str) -> Any:
        """Return what the expert has for `key`, or None."""
        layer = self.giver(key)
        return None if layer is None else getattr(layer.spec, key)

    def report(
        self,
        code: str,
        message: str,
        *,
        key: str = "",
        at: tuple[str | int, ...] = (),
        hint: str = "",
        severity: str = "error",
    ) -> None:
        """Note a problem of the part `at` under `key`; without `key`, of the expert's name."""
        layer = (self.giver(key) if key else None) or self.layers[0]
        place = layer.at(*((key, *at) if key else ()))
        if not layer.own:
            message = f"{layer.file}: {message}" if layer.file else message
        named = layer.own and not key
        self.findings.append(
            Finding(code=code, message=message, path=place, at_key=named, hint=hint, severity=severity)
        )

    def attempt(self, key: str, read: Callable[[Any, Base], Result], otherwise: Result) -> Result:
        """Return what `read` makes of the value of `key`; note why it could not."""
        layer = self.giver(key)
        if layer is None:
            return otherwise
        try:
            return read(getattr(layer.spec, key), layer.folder_of(key))
        except DataError as error:
            self.report(error.code, error.message, key=key, hint=error.hint)
            return otherwise

    def prompt(self) -> tuple[str, str]:
        """Return the template and the file it is in, "" for one written on several lines."""
        written = self.value("prompt")
        if written is None or "\n" in written:
            return written or "", ""
        return self.attempt("prompt", _prompt, ("", ""))

    def examples(self, kind: str, main: str) -> tuple[Example, ...]:
        """Return the examples; inherited ones of labels that the expert does not have are dropped."""
        labels, given = self.value("labels"), self.giver("examples")
        newer = self.giver("labels")
        if labels is None or given is None or newer is None or kind not in LABELLED:
            allowed = None
        else:
            allowed = labels if self.layers.index(given) <= self.layers.index(newer) else None
        found = self.attempt(
            "examples",
            lambda source, base: read_examples(source, base, kind=kind, main=main, labels=allowed),
            (),
        )
        if labels is None or kind not in LABELLED:
            return found
        known = {*labels, "", *((HARMFUL,) if kind == "moderate" else ())}
        return tuple(example for example in found if example[1] in known)

    def labels(self, kind: str, examples: Sequence[Example]) -> dict[str, str]:
        """Return the labels written, else those of the examples, in the order they come."""
        written = self.value("labels")
        if written is not None:
            return {name: text or "" for name, text in written.items()}
        if kind not in LABELLED:
            return {}
        return {label: "" for label in dict.fromkeys(answer for _, answer in examples) if label}

    def questions(self) -> dict[str, Question]:
        """Return the questions of a `decide`."""
        asked: dict[str, QuestionSpec] = self.value("questions") or {}
        return {name: _question(spec) for name, spec in asked.items()}

    def documents(self) -> tuple[Passage, ...]:
        """Return the documents; a pattern without a match is a warning."""
        documents, empty = self.attempt("documents", read_documents, ((), ()))
        for index in empty:
            pattern = self.value("documents")[index]
            message = f"no file matches {pattern!r}"
            self.report("SW093", message, key="documents", at=(index,), severity="warning")
        return documents

    def cascade(self) -> tuple[ModelRef, ...]:
        """Return the models of the cascade."""
        refs: list[ModelRef] = []
        for index, name in enumerate(self.value("cascade") or ()):
            try:
                ref = self.models.resolve(name)
            except ModelNameError as error:
                self.report("SW042", error.message, key="cascade", at=(index,), hint=error.hint)
            else:
                refs += [] if ref is None else [ref]
        return tuple(refs)

    def witness(self) -> ModelRef | None:
        """Return the model that is asked whether it agrees."""
        policy = self.value("confidence")
        if policy is None or policy.witness is None:
            return None
        try:
            return self.models.resolve(policy.witness)
        except ModelNameError as error:
            self.report("SW042", error.message, key="confidence", at=("witness",), hint=error.hint)
            return None

    def check(self, kind: str, labels: Mapping[str, str], cascade: Sequence[ModelRef]) -> None:
        """Note where the parts of the expert contradict one another."""
        fields = {key: self.value(key) for key in Expert.model_fields}
        for misfit in misfits(self.name, kind, fields, labels=labels, cascade=cascade):
            self.report("SW048", misfit.message, key=misfit.key, at=misfit.at, hint=misfit.hint)

    def check_prompt(self, expert: ResolvedExpert) -> None:
        """Note what is wrong with the prompt; a name that new inputs took from it, at the inputs."""
        prompt, inputs = self.giver("prompt"), self.giver("input")
        if prompt is None or inputs is None:
            return
        renamed = self.layers.index(inputs) < self.layers.index(prompt)
        for flaw in flaws(expert):
            taken = renamed and bool(flaw.name) and flaw.name not in expert.inputs
            hint = "give it a prompt for these inputs: `prompt: |`" if taken else flaw.hint
            self.flaw(flaw, expert, inputs if taken else prompt, "input" if taken else "prompt", hint)

    def flaw(self, flaw: Flaw, expert: ResolvedExpert, layer: Layer, key: str, hint: str) -> None:
        """Note a flaw: inside the text where the layer itself writes it, else with its file and line."""
        row = expert.prompt.count("\n", 0, flaw.offset) + 1
        file = expert.prompt_file or ("" if layer.own else layer.file)
        where = f"{file}:{row}: " if expert.prompt_file else f"{file}: " if file else ""
        inside = layer.own and key == "prompt" and not expert.prompt_file
        self.findings.append(
            Finding(
                code=flaw.code,
                message=f"{where}{flaw.message}",
                path=layer.at(key),
                offset=flaw.offset if inside else 0,
                length=flaw.length if inside else 0,
                hint=hint,
            )
        )


def resolve(
    name: str, layers: Sequence[Layer], models: Models, homes: Sequence[Path] = ()
) -> tuple[ResolvedExpert | None, tuple[Finding, ...]]:
    """Return the expert that the layers make, and what is wrong with it.

    Args:
        homes: where its calibration may be; the folder of the first layer is always one.
    """
    own = layers[0].base.folder
    resolver = Resolver(
        name=name, layers=layers, models=models, homes=[*homes, *([] if own in homes else [own])]
    )
    expert = resolver.resolve()
    return expert, tuple(resolver.findings)


def _prompt(written: str, base: Base) -> tuple[str, str]:
    try:
        return read_text(written, base), str(base.folder / written)
    except DataError as error:
        if error.code == "SW020" and ("{{" in written or " " in written):
            hint = "a template of your own begins on the next line, after `prompt: |`"
            raise DataError("SW020", error.message, hint) from error
        raise


def _question(spec: QuestionSpec) -> Question:
    if spec.yes_no is not None:
        return Question(type="yes_no", instructions=spec.yes_no)
    if spec.score is not None:
        return Question(type="score", instructions=spec.ask, options=dict.fromkeys(spec.score, ""))
    options = {name: text or "" for name, text in (spec.choice or {}).items()}
    return Question(type="choice", instructions=spec.ask, options=options)


def _key(expert: ResolvedExpert) -> str:
    """Return what identifies the content that an embedded model is fitted on."""
    documents = [(passage.name, passage.text) for passage in expert.documents]
    content = [expert.kind, list(expert.labels.items()), expert.examples, expert.rejects, documents]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
