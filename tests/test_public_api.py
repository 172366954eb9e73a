"""What `import swarm` promises: adding a name is a decision, removing one breaks somebody."""

from __future__ import annotations

import subprocess
import sys

import pytest

import swarm

PUBLIC = {
    "AnsweredError", "BackendError", "BackendTimeout", "BackendUnavailable", "Event", "Expert", "Graph", "InputError",
    "InternalError", "LimitExceededError", "Limits", "LowConfidenceError", "Message", "ModelBackend", "ModelMissing",
    "NodeError", "NodeResult", "Problem", "Registry", "RouteDecision", "Router", "RunPaused", "RunResult",
    "ScriptedBackend", "SpecError", "StoreError", "Swarm", "SwarmError", "ToolError", "__version__", "first", "tool",
}  # fmt: skip
HEAVY = ("pydantic", "networkx", "ollama", "sklearn", "numpy", "httpx", "jinja2", "ruamel", "rich", "click")


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after `code`."""
    program = f"{code}\nimport sys\nprint(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_public_names_are_exactly_these() -> None:
    assert set(swarm.__all__) == PUBLIC
    assert set(dir(swarm)) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_can_be_imported_and_says_what_it_is(name: str) -> None:
    value = getattr(swarm, name)
    assert value.__doc__, f"swarm.{name} has no docstring"


def test_importing_swarm_loads_nothing_heavy() -> None:
    loaded = modules_after("import swarm")
    assert not loaded & set(HEAVY), "make the import lazy"


def test_an_error_can_be_named_without_loading_the_engine() -> None:
    loaded = modules_after("from swarm import SwarmError, SpecError, BackendError")
    assert not loaded & set(HEAVY)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Agent'"):
        swarm.Agent  # type: ignore[attr-defined]


def test_every_error_descends_from_one() -> None:
    errors = [
        value for name in PUBLIC if name.endswith("Error") and isinstance(value := getattr(swarm, name), type)
    ]
    assert all(issubclass(error, swarm.SwarmError) for error in errors)
