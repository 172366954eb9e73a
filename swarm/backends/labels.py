"""How likely a model found each label: read from the alternatives of the tokens it generated. Pure.

A label is often several tokens (`order` + `_status`), and labels may begin with the same one. So
the probability is followed along the path the model took: at each token, what it gave to the
beginnings of other labels is theirs; the label it went on to keeps the product, up to the token
that tells it from all others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from swarm.messages import TokenLogprob

__all__ = ["find_label", "fold", "forms_of", "label_masses", "tokens_from"]

SEPARATORS = frozenset(" _-")  # inside a label; anything else that is no letter or digit ends it


def fold(text: str) -> str:
    """Return the letters and digits alone, case folded: `" Order-Status"` is `orderstatus`."""
    return "".join(char for char in text.casefold() if char.isalnum())


def forms_of(labels: Iterable[str]) -> dict[str, str] | None:
    """Return folded form -> label; None when two labels would be the same, or one would be nothing."""
    names = list(labels)
    forms = {fold(name): name for name in names}
    return forms if len(forms) == len(names) and "" not in forms else None


def find_label(text: str, forms: Mapping[str, str]) -> str | None:
    """Return the label a text says: all of it, how it begins, or the only one in it."""
    said = fold(text)
    if said in forms:
        return forms[said]
    line = next((line for line in text.splitlines() if fold(line)), "")
    if fold(line) in forms:
        return forms[fold(line)]
    words = [fold(word) for word in text.split()]
    named = {forms[word] for word in words if word in forms}
    return named.pop() if len(named) == 1 else None


def label_masses(tokens: Sequence[TokenLogprob], forms: Mapping[str, str]) -> dict[str, float]:
    """Return the probability of each label, before renormalising; their sum is the label mass.

    Args:
        tokens: of an answer that begins with a label; quotes and spaces before it are skipped.
        forms: folded form -> label; several forms may stand for one label (`yes`, `true`).
    """
    walk = _Walk(tuple(forms))
    for token in tokens:
        if walk.step(token):
            break
    else:
        walk.end()
    masses = dict.fromkeys(forms.values(), 0.0)
    for form, mass in walk.masses.items():
        masses[forms[form]] += mass
    return masses


def tokens_from(tokens: Sequence[TokenLogprob], text: str, offset: int) -> Sequence[TokenLogprob]:
    """Return the tokens from the one at `offset` of `text` on; () when they do not spell the text."""
    if "".join(token.token for token in tokens) != text:
        return ()
    end = 0
    for index, token in enumerate(tokens):
        end += len(token.token)
        if end > offset:
            return tokens[index:]
    return ()


class _Walk:
    """One way through the tokens: what was said so far, which forms it may become, how likely it was."""

    def __init__(self, forms: tuple[str, ...]) -> None:
        self.masses = dict.fromkeys(forms, 0.0)
        self._live, self._said, self._path = forms, "", 1.0

    def step(self, token: TokenLogprob) -> bool:
        """Take one token into account; return whether the label is known, or cannot be one any more."""
        for text, logprob in token.top:
            if text != token.token:
                self._alternative(text, self._path * math.exp(logprob))
        self._path *= math.exp(token.logprob)
        folded = fold(token.token)
        if not folded:
            return bool(self._said) and not SEPARATORS.issuperset(token.token) and self.end()
        live = self._continued(folded)
        if not live:
            return self.end()
        self._live, self._said = live, self._said + folded
        if len(live) == 1:
            self.masses[live[0]] += self._path
        return len(live) == 1

    def end(self) -> bool:
        """Give the path to the label that was said in full, if one was."""
        if self._said in self.masses:
            self.masses[self._said] += self._path
        return True

    def _alternative(self, text: str, mass: float) -> None:
        folded = fold(text)
        if not folded and (not self._said or SEPARATORS.issuperset(text)):
            return  # a quote or a space: what would have followed is not known
        others = self._continued(folded) if folded else ()
        if not others and self._said in self.masses:
            others = (self._said,)  # the label would have ended here
        for form in others:
            self.masses[form] += mass / len(others)

    def _continued(self, folded: str) -> tuple[str, ...]:
        return tuple(form for form in self._live if form.startswith(self._said + folded))
