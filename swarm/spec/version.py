"""What an expert is made of, as short hashes: a calibration fits the expert it was made for and no other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from swarm.spec.catalogue import ResolvedExpert

__all__ = ["parts_of", "stale", "version_of"]


def parts_of(expert: ResolvedExpert) -> dict[str, str]:
    """Return a hash of each part of an expert that its answers depend on, by the part's name."""
    parts: dict[str, Any] = {
        "kind": expert.kind,
        "prompt": expert.prompt,
        "labels": list(expert.labels.items()),
        "examples": [list(expert.examples), list(expert.rejects)],
        "documents": [(one.name, one.text) for one in expert.documents],
        "questions": [
            (name, one.type, one.instructions, list(one.options.items()))
            for name, one in expert.questions.items()
        ],
        "options": sorted(expert.options.items(), key=str),
        "tools": list(expert.tools),
        "cascade": [str(model) for model in expert.cascade],
    }
    return {name: _hash(value) for name, value in parts.items()}


def version_of(expert: ResolvedExpert) -> str:
    """Return one hash of all parts."""
    return _hash(parts_of(expert))


def stale(expert: ResolvedExpert) -> tuple[str, ...]:
    """Return why the expert's saved calibration does not fit it as it is now; () if it does, or has none.

    The weights of the models are not looked at: only a server knows them.
    """
    saved = expert.calibration
    if saved is None:
        return ()
    reasons: list[str] = []
    changed = _changed_parts(expert, saved)
    if changed:
        reasons.append(f"made before the {' and '.join(changed)} changed")
    policy = expert.confidence
    if policy is not None and policy.target_error is not None:
        asked, made = _promise(policy.target_error, policy.with_confidence), _saved_promise(saved)
        if asked != made:
            reasons.append(f"made for {made}, and {asked} is asked for")
    return tuple(reasons)


def _changed_parts(expert: ResolvedExpert, saved: Mapping[str, Any]) -> list[str]:
    fits = saved.get("fits")
    was = cast("Mapping[str, Any]", fits).get("parts") if isinstance(fits, Mapping) else None
    if not isinstance(was, Mapping):
        return []
    known = cast("Mapping[str, Any]", was)
    return [name for name, value in parts_of(expert).items() if known.get(name, value) != value]


def _saved_promise(saved: Mapping[str, Any]) -> str:
    return _promise(saved.get("target_error"), saved.get("with_confidence"))


def _promise(target_error: Any, with_confidence: Any) -> str:
    surely = "" if with_confidence is None else f", with_confidence: {with_confidence}"
    return f"target_error: {target_error}{surely}"


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:12]
