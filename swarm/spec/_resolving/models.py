"""What a model's name means: `backend/name`, or a logical name of the graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from swarm.spec.catalogue import ModelRef
from swarm.spec.findings import did_you_mean
from swarm.spec.graph import ModelSpec

__all__ = ["BACKENDS", "EMBEDDED", "ModelNameError", "Models", "parse_model"]

BACKENDS = ("ollama", "openai", "embedded", "scripted")
EMBEDDED = ("ngram", "moderator", "bm25", "textrank", "personal")


class ModelNameError(Exception):
    """A name that means no model; `.hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def parse_model(name: str, backends: Collection[str] = BACKENDS) -> ModelRef:
    """Return the model `backend/name`; split at the first slash.

    Args:
        backends: the words that may stand before the slash.

    Raises:
        ModelNameError: unknown backend, or unknown embedded model.
    """
    backend, slash, rest = name.partition("/")
    if not slash or not rest:
        hint = f"write 'ollama/{name}'" if not slash else f"write '{backend}/' and the model's name"
        raise ModelNameError(f"{name!r} names no backend", hint)
    if backend not in backends:
        hint = did_you_mean(backend, backends)
        if "." in backend:  # a registry's host: hf.co/user/model
            hint = f"write 'ollama/{name}'"
        raise ModelNameError(f"unknown backend {backend!r}", hint)
    if backend == "embedded" and rest not in EMBEDDED:
        raise ModelNameError(f"unknown embedded model {rest!r}", did_you_mean(rest, EMBEDDED))
    return ModelRef(backend=backend, name=rest)


class Models:
    """The logical names of a graph.

    Args:
        models: as written under `models:`. `broken`: names whose entry could not be read.
        backends: names of backends given in Python, beside the known ones.
    """

    def __init__(
        self,
        models: Mapping[str, str | ModelSpec],
        broken: Collection[str] = (),
        backends: Collection[str] = (),
    ) -> None:
        self._backends = tuple(dict.fromkeys((*BACKENDS, *backends)))
        self.errors: dict[str, ModelNameError] = {}
        self._refs: dict[str, ModelRef] = {}
        self._broken = frozenset(broken)
        for name, written in models.items():
            try:
                self._refs[name] = _model(written, self._backends)
            except ModelNameError as error:
                self.errors[name] = error

    def resolve(self, name: str) -> ModelRef | None:
        """Return the model that `name` means in a cascade; None if its entry is reported already.

        Raises:
            ModelNameError: it means nothing.
        """
        if "/" in name:
            return parse_model(name, self._backends)
        if name in self._refs:
            return self._refs[name]
        if name in self._broken or name in self.errors:
            return None
        hint = did_you_mean(name, {*self._refs, *self._broken, *self.errors})
        if not hint.startswith("did you mean"):
            hint = f"write 'ollama/{name}', or give it a line under `models:`"
        raise ModelNameError(f"unknown model {name!r}", hint)


def _model(written: str | ModelSpec, backends: Collection[str]) -> ModelRef:
    if isinstance(written, str):
        return parse_model(written, backends)
    ref = parse_model(written.model, backends)
    return ModelRef(
        backend=ref.backend,
        name=ref.name,
        url=written.url or "",
        key_env=(written.key or "").removeprefix("env:"),
        options=written.options,
        concurrency=written.concurrency or 0,
    )
