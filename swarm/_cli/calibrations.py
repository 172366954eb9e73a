"""What the thresholds of experts rest on: outcomes, a guess, or nothing yet; and what would change that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from swarm._app.detect import Ollama
from swarm.confidence.policy import Policy
from swarm.errors import InputError
from swarm.spec.catalogue import ResolvedExpert
from swarm.spec.version import stale

__all__ = ["Basis", "bases"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an expert's threshold rests on.

    Attributes:
        state: `calibrated`, `stale` (a calibration that no longer fits), `broken` (one that cannot be
            read), `guess` (`at_least`), `raw` (a target error without a calibration).
        said: the same in words. fix: what to type, "" where nothing is to be done.
    """

    expert: str
    state: Literal["calibrated", "stale", "broken", "guess", "raw"]
    said: str
    fix: str = ""


def bases(experts: Iterable[ResolvedExpert], found: Ollama, target: str = "") -> list[Basis]:
    """Return what each expert's threshold rests on; experts that accept everything are left out.

    Args:
        target: the graph they belong to, for what to type; "" for experts outside one.
    """
    return [basis for expert in experts for basis in _basis(expert, found, target)]


def _basis(expert: ResolvedExpert, found: Ollama, target: str) -> Iterator[Basis]:
    name, written = expert.name, expert.confidence
    subject = f"{target}:{name}" if target else name
    fix = f"swarm calibrate {subject} --data FILE.jsonl --target-error 0.05 --write"
    if expert.calibration is not None:
        yield _calibrated(expert, found, fix)
    elif written is not None and written.at_least is not None:
        said = f"`at_least: {written.at_least:g}` is a guess, not taken from data"
        yield Basis(expert=name, state="guess", said=said, fix=fix)
    elif written is not None and written.target_error is not None:
        raw = 1 - written.target_error
        said = f"not calibrated: `target_error: {written.target_error:g}` accepts a raw score of {raw:g}"
        yield Basis(expert=name, state="raw", said=said, fix=fix)


def _calibrated(expert: ResolvedExpert, found: Ollama, fix: str) -> Basis:
    assert expert.calibration is not None
    file = expert.calibration_file
    try:
        policy = Policy.from_json(expert.calibration, where=file)
    except InputError as error:
        return Basis(expert=expert.name, state="broken", said=f"{file}: {error.what}", fix=fix)
    reasons = [*stale(expert), *_other_weights(policy, found)]
    if reasons:
        return Basis(expert=expert.name, state="stale", said=f"{file} was {'; '.join(reasons)}", fix=fix)
    surely = "" if policy.with_confidence is None else f" with {policy.with_confidence:.0%} confidence"
    said = f"target_error {policy.target_error:g}{surely}, from {policy.chosen_on.n:,} outcomes ({file})"
    return Basis(expert=expert.name, state="calibrated", said=said)


def _other_weights(policy: Policy, found: Ollama) -> Iterator[str]:
    """Yield the models whose weights are not those that were calibrated."""
    digests = {f"ollama/{model}": digest for model, digest in (found.models or {}).items()}
    for name, wanted in policy.fits.digests.items():
        here = digests.get(name) or digests.get(f"{name}:latest")
        if wanted and here and here != wanted:
            yield f"made for other weights of {name}"
