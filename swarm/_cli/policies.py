"""Policies as files: read by the letter, written so that a diff can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from swarm._cli.outputs import replace_text
from swarm.errors import InputError

if TYPE_CHECKING:
    from swarm.confidence.policy import Policy

__all__ = ["read_policy", "write_policy"]

HINT = "make one: swarm calibrate --outcomes FILE --target-error 0.05 --policy-out FILE"
MAX_BYTES = 16_000_000


def read_policy(path: Path) -> Policy:
    """Return the policy in a file.

    Raises:
        InputError: the file cannot be read, or is no policy; the key that is wrong is named.
    """
    from swarm.confidence.policy import Policy
    from swarm.spec.load import read_text_file
    from swarm.spec.plain import parse_json

    text, trouble = read_text_file(path, MAX_BYTES)
    if trouble is not None:
        raise InputError(trouble.message, where=str(path), hint=trouble.hint or HINT, code="invalid_policy")
    try:
        data = parse_json(text)
    except ValueError as error:
        raise InputError(
            f"this is no JSON: {error}", where=str(path), hint=HINT, code="invalid_policy"
        ) from error
    return Policy.from_json(data, where=str(path))


def write_policy(path: Path, policy: Policy) -> None:
    """Write a policy, in a folder that is made where it is not there.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(policy.to_json(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    replace_text(path, text)
