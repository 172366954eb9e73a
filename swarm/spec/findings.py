"""What a check found, before it is known where in a file that is; and the list of all codes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from swarm.errors import Problem

__all__ = ["CODES", "Finding", "did_you_mean", "has_errors"]

Path = tuple[str | int, ...]

CODES = {
    "SW001": "the file is not valid YAML",
    "SW002": "a key is written twice",
    "SW003": "a YAML tag",
    "SW004": "a YAML anchor or alias",
    "SW005": "the file is too large or too deep",
    "SW006": "text that YAML cuts off at ' #'",
    "SW007": "text that YAML reads as a mapping or a list",
    "SW009": "the file cannot be read",
    "SW010": "unknown field",
    "SW011": "missing field",
    "SW012": "a value of the wrong type",
    "SW013": "two kinds on one node",
    "SW014": "a node without a kind",
    "SW015": "a name that is not allowed",
    "SW016": "a name that hides another",
    "SW017": "a type that cannot be understood",
    "SW019": "a path that leaves the folder",
    "SW020": "a file that is not there",
    "SW021": "nodes that wait for each other",
    "SW022": "a node that can never run",
    "SW023": "`on_error` that leads nowhere",
    "SW024": "`retry` on an unsafe tool",
    "SW025": "`timeout` on a tool that cannot be stopped",
    "SW030": "an expression that cannot be understood",
    "SW031": "an unknown name in an expression",
    "SW032": "an unknown field in an expression",
    "SW033": "a reference that may be missing",
    "SW034": "a label the expert can never answer",
    "SW035": "a condition that is not true or false",
    "SW036": "`not` of something that may be missing",
    "SW040": "unknown expert",
    "SW041": "unknown tool",
    "SW042": "unknown model",
    "SW043": "unknown node in `output` or `after`",
    "SW044": "an input that is not given",
    "SW045": "an input that does not exist",
    "SW046": "a type that cannot fit",
    "SW047": "a name in both `with` and `params`",
    "SW048": "an expert that does not fit together",
    "SW049": "an expert that cannot be routed to",
    "SW050": "a template that cannot be understood",
    "SW051": "an undefined template variable",
    "SW053": "a template that does what templates may not",
    "SW060": "a data file with a bad row",
    "SW061": "a calibration that cannot be read",
    "SW070": "an override that cannot be applied",
    "SW090": "an unused input",
    "SW091": "a threshold that is a guess",
    "SW092": "few examples or none",
    "SW093": "documents that match no file",
    "SW094": "an expert or a model that nothing uses",
    "SW095": "a calibration that no longer fits",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong or doubtful at a place in the structure.

    Attributes:
        path: keys and indices from the top, such as `("nodes", "triage", "when")`.
        offset, length: the part of the text value meant (columns from 0; length 0: all of it).
        at_key: the place is the key itself, not its value (an unknown field, a whole node).
    """

    code: str
    message: str
    path: Path
    offset: int = 0
    length: int = 0
    at_key: bool = False
    hint: str = ""
    severity: str = "error"

    def without_file(self) -> Problem:
        """Return the problem of a graph that was composed in Python."""
        return Problem(
            self.code,
            self.message,
            path=self.path,
            hint=self.hint,
            severity=self.severity,
            length=self.length,
        )


def has_errors(findings: Iterable[Finding]) -> bool:
    """Return whether one of them is an error."""
    return any(finding.severity == "error" for finding in findings)


def did_you_mean(name: str, choices: Iterable[str], *, what: str = "") -> str:
    """Return a hint: the nearest of `choices`, else all of them if they are few."""
    known = sorted(set(choices))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if not known:
        return f"there are no {what}" if what else ""
    if len(known) < 10:
        return f"one of {', '.join(known)}"
    return f"{len(known)} are known, such as {', '.join(known[:5])}"
