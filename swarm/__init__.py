"""Many small language models, one dependable system.

    from swarm import Swarm

    async with Swarm.load("support.swarm.yaml") as swarm:
        result = await swarm.run(message="Where is my parcel? Order 1042")
        print(result.text, result.confidence, result.path)

Names are loaded when they are first used, so `import swarm` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swarm._app.facade import Swarm
    from swarm._app.router import Router
    from swarm._engine.context import Limits
    from swarm._engine.result import NodeResult, RunPaused, RunResult
    from swarm.backends.base import ModelBackend
    from swarm.backends.scripted import ScriptedBackend
    from swarm.errors import (
        AnsweredError,
        BackendError,
        BackendTimeout,
        BackendUnavailable,
        InputError,
        InternalError,
        LimitExceededError,
        LowConfidenceError,
        ModelMissing,
        NodeError,
        Problem,
        SpecError,
        StoreError,
        SwarmError,
        ToolError,
    )
    from swarm.events import Event
    from swarm.messages import Message
    from swarm.routing.base import RouteDecision
    from swarm.spec.compose import Graph
    from swarm.spec.expert import Expert
    from swarm.spec.references import first
    from swarm.spec.registry import Registry
    from swarm.tools.function import tool

    __version__: str

__all__ = [
    "AnsweredError",
    "BackendError",
    "BackendTimeout",
    "BackendUnavailable",
    "Event",
    "Expert",
    "Graph",
    "InputError",
    "InternalError",
    "LimitExceededError",
    "Limits",
    "LowConfidenceError",
    "Message",
    "ModelBackend",
    "ModelMissing",
    "NodeError",
    "NodeResult",
    "Problem",
    "Registry",
    "RouteDecision",
    "Router",
    "RunPaused",
    "RunResult",
    "ScriptedBackend",
    "SpecError",
    "StoreError",
    "Swarm",
    "SwarmError",
    "ToolError",
    "__version__",
    "first",
    "tool",
]

_HOME = {
    "swarm._app.facade": ("Swarm",),
    "swarm._app.router": ("Router",),
    "swarm._engine.context": ("Limits",),
    "swarm._engine.result": ("NodeResult", "RunPaused", "RunResult"),
    "swarm.backends.base": ("ModelBackend",),
    "swarm.backends.scripted": ("ScriptedBackend",),
    "swarm.errors": (
        "AnsweredError", "BackendError", "BackendTimeout", "BackendUnavailable", "InputError", "InternalError",
        "LimitExceededError", "LowConfidenceError", "ModelMissing", "NodeError", "Problem", "SpecError",
        "StoreError", "SwarmError", "ToolError",
    ),
    "swarm.events": ("Event",),
    "swarm.messages": ("Message",),
    "swarm.routing.base": ("RouteDecision",),
    "swarm.spec.compose": ("Graph",),
    "swarm.spec.expert": ("Expert",),
    "swarm.spec.registry": ("Registry",),
    "swarm.spec.references": ("first",),
    "swarm.tools.function": ("tool",),
}  # fmt: skip
_MODULE = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("swarm-slm")
    elif name in _MODULE:
        from importlib import import_module

        value = getattr(import_module(_MODULE[name]), name)
    else:
        raise AttributeError(f"module 'swarm' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
