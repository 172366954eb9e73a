"""The errors a user meets: codes of findings with an example of each, and the tree of exceptions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import swarm.errors
from generator.markdown import block, code, table
from swarm._app.check import check_file
from swarm.errors import Problem
from swarm.spec.findings import CODES

__all__ = ["codes", "exceptions"]

ROOT = Path(__file__).resolve().parent.parent.parent
BROKEN = ROOT / "tests" / "broken"
LONGEST = 110  # columns: a longer example is a worse one


def codes() -> str:
    """Return every code with its meaning and, where a file shows it, the message a reader gets."""
    found = _examples()
    index = table(("code", "what is wrong"), [(_link(key, found), text) for key, text in CODES.items()])
    parts = [index]
    for key, text in CODES.items():
        if key in found:
            parts += [f"### {key}", f"{text[0].upper()}{text[1:]}:", block(found[key])]
    return "\n\n".join(parts)


def exceptions() -> str:
    """Return the tree of exceptions and the code that each carries."""
    doc = inspect.getdoc(swarm.errors) or ""
    tree = doc[doc.index("SwarmError") :]
    named = [getattr(swarm.errors, name) for name in swarm.errors.__all__]
    classes = [one for one in named if isinstance(one, type) and issubclass(one, swarm.errors.SwarmError)]
    rows = [
        (code(cls.__name__), code(cls.code), (inspect.getdoc(cls) or "").split("\n")[0]) for cls in classes
    ]
    return "\n\n".join([block(tree), table(("exception", "its `code`", "when"), sorted(rows))])


def _link(key: str, found: Mapping[str, str]) -> str:
    return f"[{key}](#{key.lower()})" if key in found else key


def _examples() -> Mapping[str, str]:
    """Return for each code the shortest message that a broken file of the tests gets."""
    best: dict[str, str] = {}
    for problem in _problems():
        text = problem.render()
        lines = text.splitlines()
        if max(map(len, lines)) <= LONGEST and all(map(str.isprintable, lines)):
            best[problem.code] = min(text, best.get(problem.code, text), key=lambda one: (len(one), one))
    return best


def _problems() -> Iterator[Problem]:
    for path in sorted(BROKEN.rglob("*.swarm.yaml")):
        for problem in check_file(path):
            problem.file = re.sub(r".*/", "", problem.file)
            problem.message = problem.message.replace(f"{path.parent}/", "")
            yield problem
