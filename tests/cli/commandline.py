"""Small graphs to try the command line with, and ways to run it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from swarm._cli.main import cli
from swarm.stores.sqlite import SqliteStore

__all__ = ["GRAPHS", "Ran", "command", "cut_off", "process", "runs_in_use", "swarm"]

PATIENCE_S = 30  # a deadline for what should happen at once

TOOLS = '''
import asyncio
import os
import time
from pathlib import Path

from swarm import tool


@tool(effect="pure")
def count(text: str) -> dict[str, int]:
    """Count words."""
    if text == "boom":
        raise ValueError("went wrong")
    return {"words": len(text.split())}


@tool
def hang(text: str) -> dict[str, str]:
    """Hang in a thread."""
    Path("at_work").touch()
    time.sleep(60)
    return {"text": text}


@tool
async def hang_elsewhere(text: str) -> dict[str, str]:
    """Hang in a thread of the loop's own."""
    Path("at_work").touch()
    await asyncio.to_thread(time.sleep, 60)
    return {"text": text}


def pass_the_gate(text: str) -> dict[str, str]:
    """Note the call; where a test keeps the gate, tell it, and hang until the process ends."""
    with open("calls.txt", "a") as calls:
        calls.write(text + "\\n")
    if os.path.exists("gate"):
        with open("gate", "w") as gate:
            gate.write("here")
        open("never").close()
    return {"text": text}


@tool(effect="pure")
async def gate(text: str) -> dict[str, str]:
    """Pass the gate."""
    return await asyncio.to_thread(pass_the_gate, text)


@tool(effect="unsafe")
def pay(text: str) -> dict[str, str]:
    """Pass the gate, with an effect that may happen once."""
    return pass_the_gate(text)


@tool
async def nap(text: str) -> dict[str, str]:
    """Sleep, asleep to the end."""
    Path("at_work").touch()
    await asyncio.sleep(60)
    return {"text": text}
'''
HELLO = """\
swarm: 1
name: hello
input:
  message: string
  times: integer?
  loud: {type: boolean, default: false}
tools: tools.py
nodes:
  rude:
    reply: "No."
    when: input.message == "rude"
    refusal: true
  words:
    tool: count
    with: {text: input.message}
    when: input.message != "rude"
  hello:
    reply: "Hello {{ input.message }}: {{ words.words }}"
    when: words != null
output: [rude, hello]
"""
ASK = """\
swarm: 1
name: refund
input: {message: string}
nodes:
  approve:
    ask: "Refund {{ input.message }}?"
    answer: {approved: boolean, note: string?}
  done: {reply: "approved: {{ approve.approved }} {{ approve.note }}"}
output: done
"""
WAIT = """\
swarm: 1
name: wait
input: {message: string}
tools: tools.py
nodes:
  wait: {tool: TOOL, with: {text: input.message}}
  said: {reply: "{{ wait.text }}"}
output: said
"""
MODEL = """\
swarm: 1
name: model
input:
  message: string
  history: {type: messages, optional: true}
experts:
  talker:
    kind: write
    description: Talks.
    input: {message: string, history: {type: messages, optional: true}}
    cascade: [ollama/qwen3:4b]
    prompt: |
      Answer: {{ message }}
nodes:
  answer: {expert: talker, with: {message: input.message, history: input.history}}
output: answer
"""
GATED = """\
swarm: 1
name: gated
input: {message: string}
tools: tools.py
nodes:
  before: {tool: count, with: {text: input.message}}
  gate: {tool: TOOL, with: {text: input.message}, after: before}
  said: {reply: "{{ gate.text }} in {{ before.words }}"}
output: said
"""
GRAPHS = {
    "gate.swarm.yaml": GATED.replace("TOOL", "gate"),
    "pay.swarm.yaml": GATED.replace("TOOL", "pay"),
    "tools.py": TOOLS,
    "hello.swarm.yaml": HELLO,
    "ask.swarm.yaml": ASK,
    "model.swarm.yaml": MODEL,
    **{f"{tool}.swarm.yaml": WAIT.replace("TOOL", tool) for tool in ("hang", "hang_elsewhere", "nap")},
}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return what it printed as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def swarm(*arguments: str | Path, input: str | None = None) -> Ran:
    """Run the command line in this process."""
    result = CliRunner().invoke(cli, [str(word) for word in arguments], input=input)
    return Ran(code=result.exit_code, out=result.stdout, err=result.stderr)


def command(*arguments: str | Path) -> list[str]:
    """Return the command line as a process of its own."""
    return [sys.executable, "-m", "swarm", *map(str, arguments)]


def process(
    arguments: Sequence[str | Path],
    *,
    input: str | None = None,
    timeout_s: float = 30,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run the command line in a process of its own.

    Args:
        environment: variables that are different there.
    """
    done = subprocess.run(
        command(*arguments), input=input, capture_output=True, text=True, timeout=timeout_s, check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


def cut_off(*arguments: str | Path, how: signal.Signals = signal.SIGKILL) -> Ran:
    """Run the command line until a tool of the run is at the gate, then end the process with a signal."""
    for name in ("gate", "never"):
        os.mkfifo(name)
    gate = os.open("gate", os.O_RDONLY | os.O_NONBLOCK)
    child = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ended = os.pidfd_open(child.pid)
    try:
        seen, _, _ = select.select([gate, ended], [], [], PATIENCE_S)
        child.send_signal(how)
        out, err = child.communicate(timeout=PATIENCE_S)
    finally:
        os.close(gate)
        os.close(ended)
        for name in ("gate", "never"):
            os.unlink(name)
    assert gate in seen, f"the run never came to the gate: {err}"
    return Ran(code=child.returncode, out=out, err=err)


@contextmanager
def runs_in_use(path: str = ".swarm/runs.db") -> Generator[None]:
    """Have the store of runs open meanwhile, as another command does."""
    store = SqliteStore(path)
    asyncio.run(store.open())
    try:
        yield
    finally:
        asyncio.run(store.aclose())
