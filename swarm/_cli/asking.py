"""Ask a person at the terminal what a paused run wants to know."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from swarm._cli import console
from swarm._cli.session import Session
from swarm._engine.result import Ask, RunResult
from swarm.errors import InputError
from swarm.spec.types import Type, parse_type

__all__ = ["answer_all", "read_line"]

YES = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


def read_line(prompt: str) -> str:
    """Return a line of standard input without its end; the prompt goes to stderr.

    Raises:
        EOFError: there is no more input.
    """
    if sys.stdin.isatty():
        console.say(prompt, "bold", end="")
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


def answer_all(session: Session, result: RunResult, read: Callable[[str], str] = read_line) -> RunResult:
    """Ask until the run ends; return how it ended. Without more input it stays paused."""
    while result.ask is not None:
        try:
            answer = _ask(result.ask, read)
        except EOFError:
            return result
        try:
            result = session.resume(result, answer)
        except InputError as error:
            console.say(f"  {error.what}", "yellow")
    return result


def _ask(ask: Ask, read: Callable[[str], str]) -> dict[str, Any]:
    console.say(f"\n{ask.node} asks: {ask.text}", "bold")
    fields = {name: parse_type(raw) for name, raw in ask.answer.items()}
    alone = len(fields) == 1
    return {name: _field(name, kind, read, alone=alone) for name, kind in fields.items()}


def _field(name: str, kind: Type, read: Callable[[str], str], *, alone: bool) -> Any:
    label = "answer" if alone and name == "text" else name
    while True:
        raw = read(f"  {label}{_choices(kind)}: ").strip()
        if not raw and not kind.required:
            return None
        if not raw and kind.base != "string":
            continue
        value = _value(raw, kind)
        wrong = next(kind.misfits(value, name), "")
        if not wrong:
            return value
        console.say(f"  {wrong}", "yellow")


def _choices(kind: Type) -> str:
    if kind.base == "boolean":
        return " (y/n)"
    if kind.one_of:
        return f" ({', '.join(map(str, kind.one_of))})"
    return " (may be left empty)" if not kind.required else ""


def _value(raw: str, kind: Type) -> Any:
    if kind.base == "string":
        return raw
    if kind.base == "boolean":
        return YES.get(raw.lower(), raw)
    try:
        return json.loads(raw)
    except ValueError:
        return raw
