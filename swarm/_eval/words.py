"""A policy in words: what it promises, whom it asks, and from when on it believes them."""

from __future__ import annotations

from collections.abc import Iterator

from swarm.confidence.policy import Policy, RungPolicy

__all__ = ["in_words", "percent", "promise"]

METHODS = {
    "prior": "a shrunken prior",
    "platt": "a logistic curve",
    "logistic": "a logistic curve",
    "isotonic": "an isotonic curve",
}


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as text: `4.1 %`; a dash where it is not known."""
    return "-" if share is None else f"{share * 100:.{digits}f} %"


def promise(policy: Policy) -> str:
    """Return what the policy promises, as a sentence without its full stop."""
    what = "are wrong"
    if policy.loss == "regret":
        what = "are wrong where the next rung would have been right"
    of = "of the accepted answers" if policy.of == "accepted" else "of all answers are accepted and"
    what = what if policy.of == "accepted" else what.removeprefix("are ")
    surely = (
        "on average"
        if policy.with_confidence is None
        else f"with {policy.with_confidence * 100:g} % confidence"
    )
    return f"at most {policy.target_error * 100:g} % {of} {what}, {surely}"


def in_words(policy: Policy) -> tuple[str, ...]:
    """Return the policy as sentences: its promise, each rung in turn, and the reason it gives."""
    return (*_sentences(policy), *([f"Why: {policy.reason}."] if policy.reason else []))


def _sentences(policy: Policy) -> Iterator[str]:
    chosen = policy.chosen_on
    date = f", {chosen.date}" if chosen.date else ""
    certified = f", certified on {chosen.certified_on:,} of them" if chosen.certified_on < chosen.n else ""
    source = f" (from {chosen.n:,} outcomes{certified}{date})" if chosen.n else ""
    kept = "Promised" if policy.feasible else "Asked for, and not to be promised"
    yield f"{kept}: {promise(policy)}{source}."
    *before, last = policy.rungs
    if not before:
        yield f"{last.model} {_rung(last)}; below that its answer is delivered as not confident."
        return
    for rung in before:
        yield f"{rung.model} {_rung(rung)}."
    asked = [rung for rung in before if rung.use]
    yield f"{last.model} answers {'the rest' if asked else 'everything'}."


def _rung(rung: RungPolicy) -> str:
    if not rung.use:
        return "is not asked"
    known = [at_least for at_least in rung.groups.values() if at_least is not None]
    groups = ""
    if rung.groups:
        groups = f"; {len(rung.groups)} labels have a threshold of their own"
        groups += f", from {min(known):.3f} to {max(known):.3f}" if known else ": none of them is accepted"
    if rung.at_least is None:
        return f"is asked, and nothing it says is accepted{groups}"
    return f"is accepted from a probability of {rung.at_least:.3f} on ({_measured(rung)}){groups}"


def _measured(rung: RungPolicy) -> str:
    calibrator = rung.calibrator
    if calibrator is None:
        return "nothing measures it"
    return f"read from {rung.estimator}, by {METHODS[calibrator.method]} through {calibrator.n:,} outcomes"
