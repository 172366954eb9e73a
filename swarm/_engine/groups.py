"""Errors of task groups, reduced to the one that matters: the first."""

from __future__ import annotations

from typing import cast

__all__ = ["first_error"]


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in the group, however deep the groups nest."""
    inner = group.exceptions[0]
    if isinstance(inner, BaseExceptionGroup):
        return first_error(cast("BaseExceptionGroup[BaseException]", inner))
    return inner
