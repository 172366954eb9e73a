"""Collects what is wrong while a file is read part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from swarm.spec._reading.tree import MAX_FINDINGS
from swarm.spec._reading.wording import findings_of, wrong_value
from swarm.spec.findings import Finding
from swarm.spec.graph import NAME, RESERVED
from swarm.spec.source import Path, part_of

__all__ = ["Report"]

Model = TypeVar("Model", bound=BaseModel)
# An expression reads these as words of its own, so nothing that it names can be called so.
WORDS = ("and", "or", "not", "in", "true", "false", "null")


class Report:
    """The findings of one file, and the places whose content cannot be trusted.

    Args:
        bad: places that YAML already spoilt: nothing at or below them is reported again.
    """

    def __init__(self, bad: set[Path]) -> None:
        self.bad = set(bad)
        self.findings: list[Finding] = []
        self.broken: set[Path] = set()
        self._spoilt = {part_of(path) for path in bad}

    def add(self, finding: Finding, *, spoils: bool = True) -> None:
        """Note a finding, unless its place was refused already.

        Args:
            spoils: the part that it stands in cannot be trusted.
        """
        path = finding.path
        if not any(path[:size] in self.bad for size in range(len(path) + 1)):
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(finding)
            if spoils:
                self._spoilt.add(part_of(path))

    def refuse(self, finding: Finding) -> None:
        """Note a finding and report nothing more at or below its place."""
        self.add(finding)
        self.bad.add(finding.path)

    def is_spoilt(self, part: Path) -> bool:
        """Return whether anything is wrong in `part`, the parts inside it not counted (`part_of`)."""
        return part in self._spoilt

    def check(self, model: type[Model], data: Any, path: Path, subject: str) -> Model | None:
        """Return `data` as `model`, or None after noting what is wrong with it."""
        try:
            return model.model_validate(data, strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            found = findings_of(error, data, path, model, subject=subject)
            strangers = _strangers(error, found)
            for finding in found:
                self.add(finding, spoils=not strangers)
            if not strangers:
                return None
            known = {key: value for key, value in data.items() if key not in strangers}
            return model.model_validate(known, strict=True, by_alias=True, by_name=False)

    def mapping(
        self, value: Any, path: Path, expected: str = "a mapping", hint: str = ""
    ) -> dict[str, Any] | None:
        """Return `value` if it is a mapping, else None after noting that."""
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
        self.add(wrong_value(expected, value, path, hint=hint))
        return None

    def name(self, name: str, path: Path, *, at_key: bool = True) -> None:
        """Note a name that the language cannot have for a node, an expert, a model or an item."""
        if name in RESERVED:
            self._bad_name(f"{name!r} is a word of the language", path, "choose another name", at_key)
        else:
            self.field_name(name, path, at_key=at_key)

    def field_name(self, name: str, path: Path, *, at_key: bool = True) -> None:
        """Note a name that an expression could not write after a dot."""
        if NAME.match(name) and name not in WORDS:
            return
        plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).lower().strip("_")
        hint = f"write {plain!r}" if NAME.match(plain) and plain not in RESERVED else "such as 'order_status'"
        message = f"{name!r} is no name: small letters, digits and _, a letter first"
        self._bad_name(message, path, hint, at_key)

    def _bad_name(self, message: str, path: Path, hint: str, at_key: bool) -> None:
        self.add(Finding(code="SW015", message=message, path=path, at_key=at_key, hint=hint))


def _strangers(error: ValidationError, found: Sequence[Finding]) -> set[str]:
    """Return the unknown keys if they are all that is wrong, and none is a known one misspelt.

    Without them the rest can be read, so that its own mistakes are reported too. A misspelt key
    would leave a gap, and the gap would be reported a second time.
    """
    details = error.errors(include_url=False, include_context=False, include_input=False)
    plain = all(detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1 for detail in details)
    if not plain or any(finding.hint.startswith("did you mean") for finding in found):
        return set()
    return {str(detail["loc"][0]) for detail in details}
