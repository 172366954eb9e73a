"""Make a part of a graph from plain values; what does not fit is a `SpecError`, never pydantic's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from swarm.errors import Problem, SpecError
from swarm.spec.types import TypeSyntaxError

__all__ = ["checked", "refuse", "without_defaults"]

_CODES = {"extra_forbidden": "SW010", "missing": "SW011"}
_ModelT = TypeVar("_ModelT", bound=BaseModel)
Path = tuple[str | int, ...]


def refuse(code: str, message: str, path: Path, hint: str = "") -> SpecError:
    """Return the error for one mistake of a graph composed in Python."""
    return SpecError([Problem(code, message, path=path, hint=hint)])


def checked(model: type[_ModelT], values: Mapping[str, Any], path: Path = ()) -> _ModelT:
    """Return `values` as a `model`.

    Args:
        path: where in the graph this is; every problem's place begins with it.

    Raises:
        SpecError: with every value that does not fit.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems = [_problem(detail, path) for detail in error.errors(include_url=False)]
        raise SpecError(problems) from error


def without_defaults(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `values`, by the names of a file, that are not as they would be anyway."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return {
        key: value
        for key, value in values.items()
        if value != fields[key].get_default(call_default_factory=True)
    }


def _problem(detail: Any, path: Path) -> Problem:
    place = (*path, *detail["loc"])
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, TypeSyntaxError):
        return Problem("SW017", str(cause), path=(*place, *cause.path), hint=cause.hint)
    message = str(detail["msg"]).removeprefix("Value error, ")
    return Problem(_CODES.get(detail["type"], "SW012"), f"{place[-1]}: {message}", path=place)
