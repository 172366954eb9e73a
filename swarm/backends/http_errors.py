"""What a model server's error response means: whose turn it is, and whether asking again can help. Pure."""

from __future__ import annotations

import json
from typing import Any, cast

from swarm.errors import BackendError, ModelMissing

__all__ = ["REJECTED", "explain_status", "said_in"]

REJECTED = "rejected"  # code of an error: the server will not answer such a request
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
MAX_SAID = 300  # characters of what a server says that are repeated


def said_in(body: bytes) -> str:
    """Return the sentence in an error's body; servers nest it in JSON, sometimes twice, or send a page."""
    text = body.decode("utf-8", "replace").strip()
    for _ in range(3):
        try:
            value: Any = json.loads(text)
        except (ValueError, RecursionError):
            break
        inner = _inner(value)
        if inner is None:
            break
        text = inner
    text = " ".join(text.split())
    return text if len(text) <= MAX_SAID else f"{text[:MAX_SAID]} ..."


def explain_status(
    status: int, body: bytes, *, where: str, model: str, get_model: str, key_hint: str
) -> BackendError:
    """Return the error that a response with a bad status stands for.

    Args:
        model: `backend/name`. `get_model`: what to type when the server does not have it.
        key_hint: what to do when the server wants a key.
    """
    said = said_in(body) or "no explanation"
    what = f"HTTP {status}: {said}"
    lower = said.lower()
    if status == 404 and model and "model" in lower:
        return ModelMissing(
            f"the model {model!r} is not there: {said}", where=where, hint=get_model, model=model
        )
    if status in RETRYABLE:
        code = "busy" if status in (429, 503) else "server"
        hint = (
            "it is busy: try again later, or lower the concurrency" if code == "busy" else "look at its log"
        )
        return BackendError(what, where=where, hint=hint, model=model, code=code, retryable=True)
    if status in (401, 403):
        return BackendError(what, where=where, hint=key_hint, model=model, code="denied")
    if 300 <= status < 400:
        hint = "use the address that it redirects to"
        return BackendError(what, where=where, hint=hint, model=model, code="redirect")
    if status in (404, 405):
        hint = "is this the address of a model server?"
        return BackendError(what, where=where, hint=hint, model=model, code="not_found")
    return _rejected(what, lower, where, model)


def _rejected(what: str, lower: str, where: str, model: str) -> BackendError:
    if "context" in lower and ("exceed" in lower or "length" in lower or "size" in lower):
        hint = "raise `num_ctx` in the expert's options, or give it less text"
        return BackendError(what, where=where, hint=hint, model=model, code="context")
    if "does not support tools" in lower:
        hint = "use a model that can call tools, such as qwen3:4b"
        return BackendError(what, where=where, hint=hint, model=model, code="no_tools")
    return BackendError(what, where=where, hint="look at the expert's options", model=model, code=REJECTED)


def _inner(value: Any) -> str | None:
    """Return what an error object says: `{"error": "..."}`, `{"error": {"message": "..."}}`."""
    if not isinstance(value, dict):
        return None
    table = cast("dict[str, Any]", value)
    for key in ("error", "message", "detail"):
        found = table.get(key)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, dict):
            return _inner(cast("dict[str, Any]", found))
    return None
