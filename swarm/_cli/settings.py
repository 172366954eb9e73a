"""The few settings there are: option > `SWARM_*` > `swarm.toml` > default.

# swarm.toml, in the working directory
timeout = 600            # seconds a run may take
concurrency = 8          # rows of a batch at once
save = true              # keep runs
keep_runs = 200          # the newest so many of those that ended
store = ".swarm/runs.db" # where: a file, "postgresql://...", or "env:NAME" for an address in a variable
ollama_url = "http://127.0.0.1:11434"
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from swarm.errors import SwarmError

__all__ = ["FILE", "RUNS", "STATE", "STORE", "Settings", "load_settings", "use_ollama_of"]

FILE = "swarm.toml"
STATE = Path(".swarm")
RUNS = STATE / "runs"  # plain records of runs, where no store can be had
STORE = STATE / "runs.db"
WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for one call of the command line.

    Attributes:
        timeout: seconds a run may take. concurrency: rows of a batch at once.
        save: keep runs; keep_runs: the newest so many of those that ended.
        store: where they are kept: a file, `postgresql://...`, or `env:NAME` for what a variable holds.
        ollama_url: where Ollama is, instead of `OLLAMA_HOST` or the default port; "" for those.
        given: names of those that an option of the command gave.
    """

    timeout: float = 600.0
    concurrency: int = 8
    save: bool = True
    keep_runs: int = 200
    store: str = str(STORE)
    ollama_url: str = ""
    given: frozenset[str] = frozenset()


def use_ollama_of(settings: Settings) -> None:
    """Make every part of this process look for Ollama where the settings say."""
    if settings.ollama_url:
        os.environ["OLLAMA_HOST"] = settings.ollama_url  # the variable that Ollama's own programs read


def load_settings(
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    **options: Any,
) -> Settings:
    """Return the settings; an option that is None was not given.

    Raises:
        SwarmError: code `usage`; an unknown or misfit setting, and where it stands.
    """
    environ = os.environ if environ is None else environ
    values = _from_file((folder or Path()) / FILE)
    for name in _READ:
        variable = f"SWARM_{name.upper()}"
        if environ.get(variable):
            values[name] = _READ[name](environ[variable], variable)
    for name, value in options.items():
        if value is not None:
            values[name] = _READ[name](value, f"--{name.replace('_', '-')}")
    given = frozenset(name for name, value in options.items() if value is not None)
    return Settings(**values, given=given)


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    import tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise _usage(f"cannot be read: {error}", str(path), "correct it, or delete it") from error
    for name in table:
        if name not in _READ:
            raise _usage(f"unknown setting {name!r}", str(path), f"one of {', '.join(_READ)}")
    return {name: _READ[name](value, f"{path}: {name}") for name, value in table.items()}


def _number(kind: Callable[[Any], Any], at_least: float) -> Callable[[Any, str], Any]:
    def read(raw: Any, where: str) -> Any:
        try:
            value = kind(raw) if not isinstance(raw, bool) else None
        except (TypeError, ValueError):
            value = None
        if value is None or not at_least <= value < float("inf"):
            raise _usage(f"{raw!r} is no number from {at_least:g}", where, "write a number")
        return value

    return read


def _flag(raw: Any, where: str) -> bool:
    value = raw if isinstance(raw, bool) else WORDS.get(str(raw).strip().lower())
    if value is None:
        raise _usage(f"{raw!r} is neither true nor false", where, "write true or false")
    return value


def _text(example: str) -> Callable[[Any, str], str]:
    def read(raw: Any, where: str) -> str:
        if not isinstance(raw, str):
            raise _usage(f"{raw!r} is no text", where, f'write "{example}"')
        return raw.strip()

    return read


def _store(raw: Any, where: str) -> str:
    return _text(str(STORE))(raw, where) or str(STORE)


def _usage(what: str, where: str, hint: str) -> SwarmError:
    return SwarmError(what, where=where, hint=hint, code="usage")


_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "timeout": _number(float, 0.001),
    "concurrency": _number(int, 1),
    "save": _flag,
    "keep_runs": _number(int, 1),
    "store": _store,
    "ollama_url": _text("http://127.0.0.1:11434"),
}
assert set(_READ) | {"given"} == {field.name for field in fields(Settings)}, "a setting that nobody reads"
