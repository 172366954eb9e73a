"""What is composed in Python is checked as a file is: the same findings, raised at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

from swarm.errors import SpecError
from swarm.spec._reading.report import Report
from swarm.spec.findings import Finding
from swarm.spec.source import Path

__all__ = ["check_name", "checked", "raise_for", "refuse", "without_defaults"]

_ModelT = TypeVar("_ModelT", bound=BaseModel)


def raise_for(findings: Iterable[Finding]) -> None:
    """Raise what was found.

    Raises:
        SpecError: with every finding, if there is any.
    """
    problems = [finding.without_file() for finding in findings]
    if problems:
        raise SpecError(problems)


def refuse(code: str, message: str, path: Path, hint: str = "") -> SpecError:
    """Return the error for one mistake."""
    return SpecError([Finding(code=code, message=message, path=path, hint=hint).without_file()])


def check_name(name: str, path: Path) -> None:
    """Raise SpecError for a name that no node, expert or model can have."""
    report = Report(set())
    report.name(name, path)
    raise_for(report.findings)


def checked(model: type[_ModelT], values: Mapping[str, Any], path: Path, subject: str) -> _ModelT:
    """Return `values`, by the names of a file, as a `model`.

    Args:
        path: where in the graph this is; every problem's place begins with it.
        subject: what this is, for the messages.

    Raises:
        SpecError: with every value that does not fit.
    """
    report = Report(set())
    made = report.check(model, dict(values), path, subject)
    raise_for(report.findings)
    assert made is not None
    return made


def without_defaults(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `values`, by the names of a file, that are not as they would be anyway."""
    usual = _defaults(model)
    return {key: value for key, value in values.items() if value != usual[key]}


@cache
def _defaults(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return what each field is when it is left out, to compare with: nobody else gets to see these."""
    return {
        field.alias or name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
    }
