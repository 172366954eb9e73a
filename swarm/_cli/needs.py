"""Which models the experts of a graph may ask, and which of them are there."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm._app.detect import Ollama
from swarm._graph.plan import Plan
from swarm.spec.catalogue import ModelRef, ResolvedExpert

__all__ = ["Need", "experts_of", "has_embedded", "models_of", "needs_of", "who_answers", "without_model"]

FITTED = ("ngram", "moderator")  # the embedded models that are built on scikit-learn


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A model that experts may ask.

    Attributes:
        present: whether it is there; None where that cannot be seen from here (another server).
        fix: what brings it here, "" where nothing is known to.
    """

    model: ModelRef
    experts: tuple[str, ...]
    present: bool | None
    fix: str = ""


def has_embedded() -> bool:
    """Return whether what the embedded models need is installed; nothing is imported."""
    try:
        return importlib.util.find_spec("sklearn") is not None
    except ModuleNotFoundError:  # a finder that knows better
        return False


def experts_of(plan: Plan) -> tuple[ResolvedExpert, ...]:
    """Return every expert that a run of the plan may ask, those in bodies too."""
    found: dict[tuple[str, str], ResolvedExpert] = {}
    for node in plan.nodes:
        inner = experts_of(node.body) if node.body is not None else ()
        for expert in (*((node.expert,) if node.expert else ()), *node.choices, *inner):
            found.setdefault((expert.name, expert.key), expert)
    return tuple(found.values())


def models_of(experts: Iterable[ResolvedExpert]) -> tuple[ModelRef, ...]:
    """Return every model in the cascades, each once, in their order."""
    models: dict[tuple[str, str], ModelRef] = {}
    for expert in experts:
        for model in (*expert.cascade, *((expert.witness,) if expert.witness else ())):
            models.setdefault((str(model), model.url), model)
    return tuple(models.values())


def needs_of(experts: Sequence[ResolvedExpert], found: Ollama, *, embedded: bool) -> tuple[Need, ...]:
    """Return the models of the cascades, and whether each is there.

    Args:
        embedded: what the embedded models need is installed.
    """
    return tuple(
        Need(
            model=model,
            experts=tuple(dict.fromkeys(one.name for one in experts if model in (*one.cascade, one.witness))),
            present=(present := _present(model, found, embedded=embedded)),
            fix="" if present is not False else _fix(model),
        )
        for model in models_of(experts)
    )


def without_model(experts: Sequence[ResolvedExpert], needs: Sequence[Need]) -> tuple[str, ...]:
    """Return the experts that nobody would answer for: every model of theirs is missing."""
    missing = {(str(need.model), need.model.url) for need in needs if need.present is False}
    return tuple(
        one.name for one in experts if all((str(model), model.url) in missing for model in one.cascade)
    )


def who_answers(experts: Sequence[ResolvedExpert], found: Ollama | None) -> list[str]:
    """Return in a line or two which backend answers. `found`: None when Ollama is not in it."""
    backends = sorted({model.backend for model in models_of(experts)} - {"embedded"})
    if not backends:
        return ["backend: embedded models; no model server is needed"] if experts else []
    if found is None:
        return [f"backend: {', '.join(backends)}, and embedded models where a cascade has them"]
    if found.is_there:
        return [
            f"backend: Ollama {found.version} at {found.url}, and embedded models where a cascade has them"
        ]
    lines = [f"backend: embedded models; no Ollama at {found.url} ({found.reason})"]
    alone = [one.name for one in experts if all(model.backend == "ollama" for model in one.cascade)]
    if alone:
        lines.append(f"  without Ollama nobody answers for: {', '.join(alone)}")
    return lines


def _present(model: ModelRef, found: Ollama, *, embedded: bool) -> bool | None:
    if model.backend == "embedded":
        return embedded or model.name not in FITTED
    if model.backend != "ollama" or model.url:
        return None
    return found.is_there and found.has(model.name)


def _fix(model: ModelRef) -> str:
    if model.backend == "embedded":
        return "pip install 'swarm-slm[embedded]'"
    return f"ollama pull {model.name}"
